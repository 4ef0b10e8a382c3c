//! The harness of the product tests: the built and installed tree, foreign programs, a C compiler, a server to talk to, and clients.
//!
//! Everything here panics with the reason and the cure when it cannot do its work: a test that cannot run has failed.

#[cfg(unix)]
pub mod browser;
pub mod cc;
#[cfg(target_os = "linux")]
pub mod census;
pub mod client;
pub mod control;
pub mod dist;
#[cfg(unix)]
pub mod gate;
#[cfg(unix)]
pub mod hosted;
#[cfg(target_os = "linux")]
pub mod install;
pub mod log;
#[cfg(unix)]
pub mod put;
pub mod rpc;
pub mod rust;
#[cfg(unix)]
pub mod script;
pub mod server;
#[cfg(target_os = "linux")]
pub mod soak;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a test waits for anything before it fails: long enough for a busy machine, never the expected time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).expect("tests/ lies in the root")
}

/// A file of the repository, by its path from the root; panics where it is missing.
pub fn repo_file(path: &str) -> PathBuf {
    let file = root().join(path);
    assert!(file.is_file(), "{} is missing", file.display());
    file
}
