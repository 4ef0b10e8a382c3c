//! The server: transports, sessions, configuration, store and command line. Everything that touches the world is here.

pub mod config;
pub mod store;
