//! libjackfield: the command server inside a host application, through a C header.
//!
//! - [`api`]: the exported functions and their structs, one file a section of `include/jackfield/engine.h`
//! - `edge`: panics, errors and texts between C and Rust; `handle`: what a `jf_engine *` stands for; `read`: growing structs
//! - `instance`: one engine: what was said of it, and whether it runs; `run`: one run of it; `owner`: whose it is
//! - `handler`, `calls`, `subscription`: callbacks of the application; `release`: the last of them; `left`: commands that outlive
//!   their engine
//! - `log`, `threads`, `doorbell`, `program`: what the process gives and gets
//! - [`layout`]: the frozen sizes and offsets
//! - `version`: the version of the library

#![allow(non_camel_case_types)]
// The one purpose of this crate is a C interface.
#![allow(unsafe_code)]
// What the C functions ask of their callers stands in their comments, which are the header's.
#![allow(clippy::missing_safety_doc)]
// cbindgen makes an opaque struct of `Option<Alias>`: every function type is written in place.
#![allow(clippy::type_complexity)]

pub mod api;
mod calls;
mod doorbell;
mod edge;
mod handle;
mod handler;
mod instance;
pub mod layout;
mod left;
mod log;
mod owner;
mod program;
mod read;
mod release;
mod run;
mod subscription;
mod threads;
mod version;
