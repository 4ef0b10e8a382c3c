//! What the tests of reloads share.

pub mod census;
pub mod load;
pub mod variants;
