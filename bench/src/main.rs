//! The program `bench`: `cargo xtask bench` runs it; `bench load` is the generator by hand.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod cli;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("error: the bench reads /proc and uses epoll: it runs on Linux alone");
    ExitCode::FAILURE
}
