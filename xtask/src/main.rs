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
    /// Compile the program and the shipped plugins into target/dist
    Build {
        /// Optimised
        #[arg(long)]
        release: bool,
    },
    /// Build, then serve in the foreground
    Run {
        /// Optimised
        #[arg(long)]
        release: bool,
        /// Arguments for `jackfield serve`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Make include/jackfield/*.h from plugin-api/src
    Header {
        /// Write nothing; fail where a file differs
        #[arg(long)]
        check: bool,
    },
    /// Hold the house rules: imports, unsafe code, files
    Tidy,
    /// All that CI runs
    Test {
        /// First get what is missing: with apt-get, rustup, and pip into target/venv
        #[arg(long)]
        install: bool,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Build { release } => xtask::build::run(release).map(|dist| println!("{}", dist.display())),
        Command::Run { release, args } => match xtask::run::run(release, &args) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Header { check } => xtask::header::run(check),
        Command::Tidy => xtask::tidy::run(),
        Command::Test { install } => xtask::test::run(install),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
