//! What `engine.h` declares, in its order. The comments here are the header's.

pub mod client;
pub mod commands;
pub mod engine;
pub mod library;
