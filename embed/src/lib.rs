//! libjackfield: the command server inside a host application, through a C header.
//!
//! - [`api`]: the exported functions and their structs, one file a section of `include/jackfield/engine.h`
//! - `version`: the version of the library

#![allow(non_camel_case_types)]
// The one purpose of this crate is a C interface.
#![allow(unsafe_code)]

pub mod api;
mod version;
