//! The one place in the engine with raw pointers. Everything that comes from a plugin is copied and checked here; the rest
//! of the engine sees values.
//!
//! - `read`: text, buffers and growing structs out of a plugin's memory
//! - `library`: open, entry, close, and whether it is really gone
//! - `descriptor`: what a plugin says of itself
//! - `extensions`: what a plugin can do beyond its table
//! - `loaded`: what a load brings into the process beside the library itself
//! - `instance`: calls from the host into the plugin
//! - `frame`: a command as the plugin sees it
//! - `table`: calls from the plugin into the host
//! - `reply`: a plugin's reply, checked
//! - `state`: how a state comes out of one generation and into the next
//! - `store`, `topics`, `call`: the C faces of the services; `topics` also calls a plugin with an event
//! - `application`: the same structs in the hands of a host application
//! - `lend`: bytes that go out as a buffer
//! - `keys`: how many thread-local keys the process has left

#![allow(unsafe_code)]

mod application;
mod call;
mod descriptor;
mod extensions;
mod frame;
mod instance;
mod keys;
mod lend;
mod library;
mod loaded;
mod read;
mod reply;
mod state;
mod store;
mod table;
mod topics;

pub(crate) use application::application_failure;
pub use application::{attachments, command_info, reply};
pub use call::with_raw_reply;
pub use frame::CommandFrame;
pub(crate) use instance::{Instance, PluginTable};
pub(crate) use keys::free_thread_keys;
pub use lend::lend;
use library::table_error;
pub(crate) use library::{Library, LoadError};
pub(crate) use loaded::Loaded;
pub use read::{Copyable, Unusable, elements, read_struct, text};
pub(crate) use reply::failure;
pub use reply::status_of;
pub(crate) use table::HostTable;
