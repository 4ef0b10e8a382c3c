//! The command line.

use clap::{Parser, Subcommand};
use jackfield_bench::{Outcome, by_hand, instructions, suite};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
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
    /// All rows; `cargo xtask bench` gives the places
    Suite(suite::Order),
    /// Instructions of a command, by valgrind
    Instructions(instructions::Order),
}

/// Does what the command line says.
pub fn run() -> Outcome<ExitCode> {
    // Thousands of connections here, and in the servers, which inherit it.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    let good = match Cli::parse().command {
        Command::Load(order) => by_hand::run(&order).map(|()| true)?,
        Command::Suite(order) => suite::run(&order)?,
        Command::Instructions(order) => instructions::run(&order)?,
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
