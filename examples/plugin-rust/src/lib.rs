//! example-plugin-rust
