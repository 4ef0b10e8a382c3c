//! The plugin ABI of Jackfield, version 1.
//!
//! - [`types`]: the small value types and the status numbers, shared by every C header of the project (`types.h`)
//! - [`command`]: a command, what is said of it, and its reply; for plugins and host applications alike (`command.h`)
//! - [`plugin`]: entry, host table, plugin table, descriptor (`plugin.h`)
//! - [`ext`]: optional abilities, looked up by id, in both directions (`plugin.h`)
//! - [`statuses`]: the names of the status numbers
//! - [`layout`]: the frozen sizes and offsets, checked here and by a C compiler
//!
//! The C headers are generated from these files by `cargo xtask header`; the names are the C names, and the comments are
//! the header's comments. Nothing here has behaviour.

#![allow(non_camel_case_types)]
// The one purpose of this crate is to describe raw C structs.
#![allow(unsafe_code)]
// cbindgen makes an opaque struct of `Option<Alias>`: every function type is written in place.
#![allow(clippy::type_complexity)]

pub mod command;
pub mod ext;
pub mod layout;
pub mod plugin;
pub mod statuses;
pub mod types;

pub use command::*;
pub use ext::*;
pub use plugin::*;
pub use statuses::STATUSES;
pub use types::*;
