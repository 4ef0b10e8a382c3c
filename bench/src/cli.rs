//! The command line.

use clap::{Parser, Subcommand};
use jackfield_bench::{Outcome, by_hand};
use std::process::ExitCode;

/// What a command costs beside an echo.
#[derive(Parser)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put load on any server
    Load(by_hand::Order),
}

/// Does what the command line says.
pub fn run() -> Outcome<ExitCode> {
    match Cli::parse().command {
        Command::Load(order) => by_hand::run(&order)?,
    }
    Ok(ExitCode::SUCCESS)
}
