//! Reload: from a change in a plugin folder to code that answers. Start-up is a reload from nothing.
//!
//! - [`manager`]: the one thread that decides what is looked into, and when
//! - [`look`]: looking at the folders
//! - [`prepare`]: a file read, proved, copied and probed, before anything of it is in this process
//! - [`swap`]: the transaction for one file; [`hand_over`]: where the old one stops first; [`place`]: what serves
//! - [`trial`]: new content that fails soon, and the way back; [`stuck`]: handlers that do not return
//! - [`wishes`]: what operators ask for
//! - [`settings`]: what the operator says of single plugins, changed
//! - [`check`]: what would be said of a file
//! - [`files`], [`watch`], [`way`]: what is there, that something happened, where a path leads
//! - [`proof`], [`copies`]: that it is whole, our own copy
//! - [`registry`]: what everybody can ask for
//! - [`step`], [`told`]: the names of the steps, and how they are told

mod check;
mod copies;
mod files;
mod hand_over;
mod look;
mod manager;
mod place;
mod prepare;
mod proof;
mod registry;
mod settings;
mod step;
mod stuck;
mod swap;
mod told;
mod trial;
mod watch;
mod way;
mod wishes;

pub use check::check_file;
pub(crate) use manager::{Manager, Request};
pub(crate) use registry::Registry;
pub use step::Step;
pub(crate) use told::Name;
pub use watch::Watch;
pub(crate) use wishes::Wish;
