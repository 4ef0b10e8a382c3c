//! `cargo xtask COMMAND`.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Build, run and test Jackfield.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make include/jackfield/*.h from plugin-api/src
    Header {
        /// Write nothing; fail where a file differs
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Header { check } => xtask::header::run(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
