//! The server: transports, sessions, configuration, store and command line. Everything that touches the world is here.
//!
//! - [`app`]: the parts list, and the order of start and stop; [`standalone`]: the same as a program of its own
//! - `accept`: from a listener to sessions, and how many
//! - [`session`]: one connection: transport, dialect, engine, and the back pressure between them
//! - [`transport`]: frames on sockets: WebSocket and TCP
//! - [`config`], [`cli`], [`telemetry`]: what the operator says and is told
//! - [`store`]: documents and blobs on disk
//! - [`stop`]: the stop that everything hears
//! - [`sys`]: processes and signals

mod accept;
pub mod app;
pub mod cli;
pub mod config;
pub mod session;
pub mod standalone;
pub mod stop;
pub mod store;
pub mod sys;
pub mod telemetry;
pub mod transport;
