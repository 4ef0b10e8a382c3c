//! The atomics of `gate.rs`, named apart so that the model test can put loom's in their place.
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
