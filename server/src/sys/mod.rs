//! Where the server touches the system below the standard library: processes, signals; and its other unsafe code.
//!
//! - [`crash`]: a note for the next start of how this process ended
//! - [`probe`]: plugin files tried in a process of their own, seen from outside; [`apart`]: seen from inside
//! - `signals`: their names
//! - `text`: texts that need no second check

#![allow(unsafe_code)]

#[cfg(unix)]
pub mod apart;
pub mod crash;
#[cfg(unix)]
mod outlet;
#[cfg(unix)]
pub mod probe;
#[cfg(unix)]
mod signals;
pub(crate) mod text;
