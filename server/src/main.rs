//! The program: reads the command line and does what it says.

use clap::Parser;
use jackfield::cli::{self, Cli};
use jackfield::config::World;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(Cli::parse(), World::of_process())
}
