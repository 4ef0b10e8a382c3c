//! example-plugin-catch-all
