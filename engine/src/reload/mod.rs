//! Reload: from a change in a plugin folder to code that answers. Start-up is a reload from nothing.
//!
//! - [`manager`]: the one thread that decides; settles, proves, swaps
//! - [`look`]: looking at the folders
//! - [`wishes`]: what operators ask it for
//! - [`swap`]: the transaction for one file
//! - [`files`], [`watch`], [`proof`], [`copies`]: what is there, that something happened, that it is whole, our own copy
//! - [`registry`]: what everybody can ask for
//! - [`step`]: the names of the steps

mod copies;
mod files;
mod look;
mod manager;
mod proof;
mod registry;
mod step;
mod swap;
mod watch;
mod wishes;

pub(crate) use manager::{Manager, Request};
pub(crate) use registry::Registry;
pub use step::Step;
pub use watch::Watch;
pub(crate) use wishes::Wish;
