//! `cargo xtask COMMAND`.

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use xtask::bench;
use xtask::build::Profile;
use xtask::soak::Measure;

/// Build, run and test Jackfield.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile the program, the shipped plugins and libjackfield into target/dist
    Build {
        /// Optimised
        #[arg(long)]
        release: bool,
    },
    /// Compile all that is installed into a folder, optimised and without debug information
    Dist {
        /// The folder: bin, lib, include and share below it
        #[arg(long, value_name = "DIR")]
        prefix: PathBuf,
        /// Quickly compiled, and with debug information
        #[arg(long)]
        dev: bool,
    },
    /// Pack all that is installed into target/deb, as three Debian packages
    #[cfg(unix)]
    Deb {
        /// Quickly compiled and packed
        #[arg(long)]
        dev: bool,
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
        /// First get what is missing: with apt-get, rustup, pip into target/venv, npm into target/node
        #[arg(long)]
        install: bool,
    },
    /// Swap plugins under load and look at what that does to clients and to the process
    Soak {
        #[command(subcommand)]
        part: Option<Part>,
        /// How many swaps
        #[arg(long, default_value_t = 10_000)]
        swaps: u64,
        /// No new swap after so many seconds
        #[arg(long)]
        seconds: Option<u64>,
        /// Not optimised
        #[arg(long, global = true)]
        debug: bool,
    },
    /// What a command costs beside an echo: ratios to reference servers in the same run
    Bench {
        /// Few and short rounds
        #[arg(long, conflicts_with = "instructions")]
        quick: bool,
        /// This row alone, by name; may stand several times
        #[arg(long, value_name = "CASE", conflicts_with = "instructions")]
        only: Vec<String>,
        /// Fail where a must is missed
        #[arg(long, conflicts_with = "instructions")]
        check: bool,
        /// Instructions of a command, counted by valgrind, in place of times
        #[arg(long)]
        instructions: bool,
        /// Write the results into bench/
        #[arg(long)]
        record: bool,
    },
}

#[derive(Clone, Copy, Subcommand)]
enum Part {
    /// From the end of writing a new version to its first answer
    Latency,
    /// Another plugin's commands while one is swapped without pause
    Neighbour,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Build { release } => {
            xtask::build::run(Profile::new(release)).map(|dist| println!("{}", dist.display()))
        }
        Command::Dist { prefix, dev } => {
            xtask::build::into(Profile::shipped(dev), &prefix).map(|prefix| println!("{}", prefix.display()))
        }
        #[cfg(unix)]
        Command::Deb { dev } => {
            xtask::deb::run(dev).map(|debs| debs.iter().for_each(|deb| println!("{}", deb.display())))
        }
        Command::Run { release, args } => match xtask::run::run(release, &args) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Header { check } => xtask::header::run(check),
        Command::Tidy => xtask::tidy::run(),
        Command::Test { install } => xtask::test::run(install),
        Command::Soak { part, swaps, seconds, debug } => {
            let measure = match part {
                None => Measure::Swaps(swaps, seconds),
                Some(Part::Latency) => Measure::Latency,
                Some(Part::Neighbour) => Measure::Neighbour,
            };
            xtask::soak::run(!debug, &measure)
        }
        Command::Bench { quick, only, check, instructions, record } => match instructions {
            true => bench::instructions(record),
            false => bench::run(&bench::Order { quick, only, check, record }),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
