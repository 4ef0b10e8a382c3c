//! The only words that cross the layers of Jackfield: what a dialect makes of bytes, what the engine routes, what a
//! plugin's answer becomes. Values only: no I/O, no threads, no clock.
//!
//! - [`Command`], [`Attachment`]: a request, routed by its key, with params that stay raw JSON
//! - [`Reply`], [`Success`], [`Failure`]: its answer
//! - [`ErrorCode`], [`Culprit`]: every failure has a frozen number and names whose fault it is
//! - [`Progress`]: a word on the way to it
//! - [`Event`]: something published on a topic
//! - [`json`]: the one check that all JSON from outside passes, once

mod command;
mod error;
mod event;
pub mod json;
mod progress;
mod reply;

pub use bytes::Bytes;
pub use bytestring::ByteString;
pub use command::{Attachment, Attachments, Command, Places, Sender, SessionId};
pub use error::{Culprit, ErrorCode, Failure, Misfit};
pub use event::Event;
pub use progress::Progress;
pub use reply::{Plain, Reply, Success};
