//! `cargo xtask run`: builds, then serves in the foreground.

use crate::Outcome;
use crate::build::{self, Profile};
use std::process::{Command, ExitCode};

/// Ends with the exit code of the server.
pub fn run(release: bool, args: &[String]) -> Outcome<ExitCode> {
    let program =
        build::run(Profile::new(release))?.join("bin").join(format!("jackfield{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(&program);
    command.arg("serve").args(args);
    let (code, error) = hand_over(command);
    match error {
        None => Ok(code),
        Some(error) => Err(format!("cannot run {}: {error}", program.display()).into()),
    }
}

/// Becomes the program, so that signals reach it and nothing stands between.
#[cfg(unix)]
fn hand_over(mut command: Command) -> (ExitCode, Option<std::io::Error>) {
    use std::os::unix::process::CommandExt;
    (ExitCode::FAILURE, Some(command.exec()))
}

#[cfg(not(unix))]
fn hand_over(mut command: Command) -> (ExitCode, Option<std::io::Error>) {
    match command.status() {
        Ok(status) => (ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)), None),
        Err(error) => (ExitCode::FAILURE, Some(error)),
    }
}
