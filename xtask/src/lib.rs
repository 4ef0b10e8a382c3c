//! The one build language of the repository, as a library so that tests can hold the same rules.

pub mod header;

use std::path::Path;

/// What a command comes to: done, or a text for the person who gave it.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the root")
}
