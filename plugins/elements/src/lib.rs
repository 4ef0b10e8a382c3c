//! `elements`: imports GOM Inspection Exchange files (GXML) into the project.
//!
//! A model for authors of long commands: the file is read as a stream, in bounded memory; progress is told and a cancel
//! obeyed with every piece that is read; all is written in one batch, so that a failed import leaves nothing.
//! What is written, and where: `plugins/README.md`.

#![forbid(unsafe_code)]

mod plugin;
#[cfg(test)]
mod tests;

jackfield_plugin::export!(plugin::Elements);
