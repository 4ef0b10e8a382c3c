//! The server: transports, sessions, configuration, store and command line. Everything that touches the world is here.

pub mod app;
pub mod cli;
pub mod config;
pub mod store;
pub mod telemetry;
//! jackfield

pub mod transport;
