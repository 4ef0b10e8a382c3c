//! `jackfield man`: what the build runs for the man pages that are installed. Not for people: `man jackfield` is.

use super::Cli;
use super::output::to_stderr;
use clap::{Args, CommandFactory};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where to: `jackfield.1` and one for each subcommand
    folder: PathBuf,
}

/// Writes the pages.
pub fn run(args: &ManArgs) -> ExitCode {
    match fs::create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(Cli::command(), &args.folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            to_stderr(&format!("error: cannot write man pages into {}: {why}", args.folder.display()));
            ExitCode::FAILURE
        }
    }
}
