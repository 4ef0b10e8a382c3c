//! What a command costs beside an echo: a load generator, reference servers, the goals and whether they are met.

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

pub mod by_hand;
pub mod load;
pub mod proc;
pub mod wire;

/// What a step comes to: done, or a text for the person who asked for it.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
