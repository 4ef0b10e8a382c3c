//! What a command costs beside an echo: a load generator, reference servers, the goals and whether they are met.

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

pub mod by_hand;
pub mod callgrind;
pub mod cells;
pub mod chart;
pub mod fleet;
pub mod goals;
pub mod gxml;
pub mod idle;
pub mod instructions;
pub mod load;
pub mod machine;
pub mod proc;
pub mod report;
pub mod rounds;
pub mod server;
pub mod start;
pub mod suite;
pub mod swap;
pub mod tree;
pub mod wire;

/// What a step comes to: done, or a text for the person who asked for it.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
