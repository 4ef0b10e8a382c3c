//! The one build language of the repository, as a library so that tests can hold the same rules.

pub mod bench;
pub mod build;
#[cfg(unix)]
pub mod deb;
pub mod header;
mod layout;
mod library;
mod notices;
pub mod run;
pub mod soak;
pub mod test;
pub mod tidy;
pub mod tools;

use std::path::Path;
use std::process::Command;

/// What a command comes to: done, or a text for the person who gave it.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the root")
}

/// The cargo that runs this, in the root.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command, its output shown.
fn succeed(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|e| format!("cannot run {command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}
