//! The C face of a plugin: all raw pointers and all unsafe code of this crate.
//!
//! - `tables`: reading structs and texts of the other side
//! - `buffer`: owned bytes that cross the ABI, in both directions
//! - `guard`: stops panics
//! - `host`, `store`, `calls`: the host's tables as safe methods
//! - `command`, `reply`: a command and its answer
//! - `descriptor`, `entry`: what the plugin offers
//! - `state`, `thread`, `events`: its abilities beyond commands
//! - `macros`: the entry symbol
//! - `bench`, `bench_calls`, `bench_state`, `bench_store`: a host for tests
//!
//! An extension of the plugin becomes one more file here and one more line in
//! `entry::get_extension`.

#![allow(unsafe_code)]

pub(crate) mod bench;
pub(crate) mod bench_calls;
pub(crate) mod bench_state;
pub(crate) mod bench_store;
pub(crate) mod buffer;
pub(crate) mod calls;
pub(crate) mod command;
pub(crate) mod descriptor;
pub(crate) mod entry;
pub(crate) mod events;
pub(crate) mod guard;
pub(crate) mod host;
mod macros;
pub(crate) mod reply;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod tables;
pub(crate) mod thread;

#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;
