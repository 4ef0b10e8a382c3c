//! The program: reads the command line and does what it says.

#[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
mod keys;

use clap::Parser;
use jackfield::cli::{self, Cli};
use jackfield::config::World;
use jackfield::standalone::Process;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
    let thread_keys = Some(keys::thread_keys());
    #[cfg(not(all(target_os = "linux", any(target_env = "gnu", target_env = "musl"))))]
    let thread_keys = None;
    cli::run(Cli::parse(), World::of_process(), Process { thread_keys })
}
