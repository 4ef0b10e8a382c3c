//! `jackfield config check`

use super::output::{done_json, failed_json, to_stderr, to_stdout};
use crate::config::{self, Config, Flags, Sources, World};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration, and print every effective value with its origin
    Check {
        /// The config file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Print one JSON value
        #[arg(long)]
        json: bool,
    },
}

/// Prints the configuration, or what is wrong with it.
pub fn run(args: ConfigArgs, world: World) -> ExitCode {
    let ConfigCommand::Check { config, json } = args.command;
    let flags = Flags { config, ..Flags::default() };
    let report = Config::load(Sources { flags, world }).and_then(|config| {
        if json { Ok(done_json(&config::report_json(&config)?.to_string())) } else { config::report(&config) }
    });
    match report {
        Ok(report) if to_stdout(&report) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            if json {
                to_stdout(&failed_json(&why.to_string()));
            } else {
                to_stderr(&format!("error: {why}"));
            }
            ExitCode::from(2)
        }
    }
}
