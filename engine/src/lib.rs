//! The engine of Jackfield: routes commands to plugins that can be replaced while it runs. No sockets, no environment, no
//! globals; two engines live in one process. It needs no async runtime: answers come through a [`ReplySink`].
//!
//! The way of a command, top to bottom: [`Burst::submit`] → `router` (one table) → `dispatch` (limits, deadline) → `queue`
//! (waiting belongs to the slot) → `generation` (rule 1: the `gate`) → `host` (the ABI) → the plugin → `host` → the sink.
//! The way of a file: `reload`.

mod application;
mod builtins;
mod burst;
mod call;
mod control;
mod core;
mod discover;
mod dispatch;
mod engine;
mod flights;
mod gate;
mod generation;
mod host;
mod inbox;
mod keep;
mod limits;
mod names;
mod nested;
mod plugin;
mod queue;
mod reload;
mod router;
mod schema;
pub mod services;
mod spawn;
mod sync;
mod timer;
mod topics;

pub use application::{Callback, Job, Polled, RegisterError, Signal, Unanswered, must_not_wait};
pub use burst::Burst;
pub use call::{Caller, Order, ReplySink};
pub use dispatch::{CallHandle, Submitted};
pub use engine::{Engine, EngineConfig, EngineError, LastEnd};
pub use host::{CommandFrame, CommandInfo, inline_generation, inspect, raw};
pub use jackfield_message::Progress;
pub use limits::Limits;
pub use plugin::PluginConfig;
pub use reload::{Step, Watch, check_file};
pub use router::{Class, Overlap};
pub use spawn::OnThreadStart;
pub use topics::{Next, Subscriber, Subscription, Told, WhenFull};
