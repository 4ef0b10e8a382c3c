//! What `engine.h` declares, in its order. The comments here are the header's.

pub mod library;
