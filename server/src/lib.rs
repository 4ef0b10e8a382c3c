//! The server: transports, sessions, configuration, store and command line. Everything that touches the world is here.
//!
//! - [`app`]: the parts list, and the order of start and stop
//! - [`session`]: one connection: transport, dialect, engine, and the back pressure between them
//! - [`transport`]: frames on sockets: WebSocket and TCP
//! - [`config`], [`cli`], [`telemetry`]: what the operator says and is told
//! - [`store`]: documents and blobs on disk

pub mod app;
pub mod cli;
pub mod config;
pub mod store;
pub mod telemetry;
pub mod transport;
