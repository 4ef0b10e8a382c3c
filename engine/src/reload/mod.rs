//! Reload: from a change in a plugin folder to code that answers. Start-up is a reload from nothing.
//!
//! - [`manager`]: the one thread that decides; settles, proves, swaps
//! - [`look`]: looking at the folders
//! - [`wishes`]: what operators ask it for
//! - [`settings`]: what the operator says of single plugins, changed
//! - [`swap`]: the transaction for one file
//! - [`files`], [`watch`], [`way`]: what is there, that something happened, where a path leads
//! - [`proof`], [`copies`]: that it is whole, our own copy
//! - [`registry`]: what everybody can ask for
//! - [`step`]: the names of the steps

mod copies;
mod files;
mod look;
mod manager;
mod proof;
mod registry;
mod settings;
mod step;
mod swap;
mod watch;
mod way;
mod wishes;

pub(crate) use manager::{Manager, Request};
pub(crate) use registry::Registry;
pub use step::Step;
pub use watch::Watch;
pub(crate) use wishes::Wish;
