//! Write Jackfield plugins in safe Rust.
//!
//! A plugin is a type that implements [`Plugin`], in a crate with `crate-type = ["cdylib"]` that ends with
//! [`export!`]`(ThatType);`. Nothing in that crate needs `unsafe`: `#![forbid(unsafe_code)]` holds there.
//!
//! ```
//! use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin};
//!
//! struct Greeter;
//!
//! impl Plugin for Greeter {
//!     type Config = NoConfig;
//!     const INFO: Info = Info::new("greeter", "Greeter", env!("CARGO_PKG_VERSION"));
//!
//!     fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
//!         Ok(Self)
//!     }
//!
//!     fn commands(commands: &mut Commands<Self>) {
//!         commands.add("greet", Self::greet).help("Greets somebody").example(r#""Ada""#);
//!     }
//! }
//!
//! impl Greeter {
//!     fn greet(&self, _call: &Call, name: String) -> Result<String, Failure> {
//!         Ok(format!("Hello, {name}"))
//!     }
//! }
//!
//! let bench = jackfield_plugin::testing::Bench::<Greeter>::new("{}").unwrap();
//! assert_eq!(bench.call("greet", r#""Ada""#).json, r#""Hello, Ada""#);
//! ```
//!
//! - [`Plugin`], [`Info`], [`Commands`]: who the plugin is and what it takes
//! - [`Call`], [`Pending`], [`Failure`]: one command and its answer, now or later
//! - [`Host`], [`Store`], [`Outgoing`]: what the server offers: log, documents, events, other commands
//! - [`Stateful`], [`State`]: what a plugin knows outlives it, in a swap and a restart
//! - [`ThreadHooks`]: for runtimes that want to know their threads
//! - [`files`]: opens what a client names
//! - [`testing`]: runs the plugin without a server
//!
//! A panic in any callback is stopped at the edge of the plugin and becomes an error; that needs unwinding. A plugin must
//! not leave threads behind after [`Plugin::stop`], nor set the panic hook, environment or locale: these belong to the
//! whole process.

#[cfg(panic = "abort")]
compile_error!("a plugin must be built with panic = \"unwind\": with \"abort\" any panic would end the server with it");

mod abilities;
mod call;
mod commands;
mod dispatch;
pub(crate) mod export;
mod failure;
pub mod files;
mod host;
mod outgoing;
mod pending;
mod plugin;
mod state;
mod status;
mod store;
pub mod testing;

pub use abilities::{Abilities, ThreadHooks};
pub use call::{Attachment, Call, Command, Token};
pub use commands::{Commands, Registration};
pub use export::buffer::{Buffer, Text};
pub use failure::Failure;
pub use host::{Host, Level};
pub use outgoing::{Outgoing, Reply};
pub use pending::Pending;
pub use plugin::{Error, Info, NoConfig, Plugin};
pub use state::{Saved, Saver, State, Stateful, Written};
pub use status::Status;
pub use store::{Batch, BlobReader, BlobWriter, Store, StoreError};

/// What [`export!`] expands to needs. Not for authors.
#[doc(hidden)]
pub mod __export {
    pub use crate::export::descriptor::Slot;
    pub use crate::export::entry::entry;
    pub use jackfield_plugin_api::{jf_host, jf_plugin, jf_status};
}
