//! The plugins' side of the engine: the safe face of a loaded library, and what plugins can call.
//!
//! - [`Ledger`]: what is kept on one generation while it can call in: phase, gate, commands in flight, buffers
//! - [`calls`]: the nested calls that it has out
//! - [`Library`], [`Instance`], [`CommandFrame`]: calls from the host into the plugin (`ffi`)
//! - [`inline`]: the command that an I/O thread is running right now
//! - [`Descriptor`]: what the plugin said of itself, copied and checked
//! - [`inspect`]: who a plugin is, without serving it
//! - `threads`: what a plugin has left running

mod calls;
mod descriptor;
mod ffi;
pub(crate) mod inline;
mod inspect;
mod ledger;
mod threads;

pub(crate) use calls::Done;
pub use descriptor::CommandInfo;
pub(crate) use descriptor::Descriptor;
pub use ffi::{CommandFrame, status_of};
pub(crate) use ffi::{
    HostTable, Instance, Library, LoadError, Loaded, PluginTable, application_failure, failure, free_thread_keys,
};
pub use inline::inline_generation;
pub use inspect::inspect;
pub(crate) use ledger::{Ledger, Phase};
pub(crate) use threads::left_running;

/// For a library around the engine that has a C face of its own: C's view of commands and replies. Pointers are the
/// caller's promise.
pub mod raw {
    pub use super::ffi::{
        CommandFrame, Copyable, Unusable, attachments, command_info, elements, lend, read_struct, reply, status_of,
        text, with_raw_reply,
    };
}

/// A state as a plugin saved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedState {
    /// The plugin's number for the shape of `bytes`.
    pub schema: u32,
    /// Version text of the plugin that saved it.
    pub version: String,
    pub bytes: Vec<u8>,
}
