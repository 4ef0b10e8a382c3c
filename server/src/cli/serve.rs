//! `jackfield serve`

use super::output::to_stderr;
use crate::app::AppError;
use crate::config::{Config, Flags, Format, Level, Sources, World};
use crate::standalone::{self, Process};
use crate::telemetry;
use clap::{ArgAction, Args};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Listen there, and only where these say: SCHEME://HOST:PORT[/PATH][?PARAM=VALUE&...]; may be repeated
    #[arg(long, value_name = "URL")]
    pub listen: Vec<String>,
    /// Look for plugins there, and only where these say; may be repeated
    #[arg(long, value_name = "DIR")]
    pub plugins: Vec<PathBuf>,
    /// Keep the data there
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How log lines are written
    #[arg(long, value_name = "FORMAT")]
    pub log: Option<Format>,
    /// Tell more; twice: everything
    #[arg(short, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Tell errors only
    #[arg(short)]
    pub quiet: bool,
}

impl From<ServeArgs> for Flags {
    fn from(args: ServeArgs) -> Self {
        let level = match (args.quiet, args.verbose) {
            (true, _) => Some(("-q", Level::Error)),
            (_, 0) => None,
            (_, 1) => Some(("-v", Level::Debug)),
            _ => Some(("-vv", Level::Trace)),
        };
        let ServeArgs { config, listen, plugins, data, log, .. } = args;
        Self { config, listen, plugins, data, log, level }
    }
}

/// Reads the configuration, starts the log, and hands over to the app.
pub fn run(args: ServeArgs, world: World, process: Process) -> ExitCode {
    let program = world.program.clone();
    let config = match Config::load(Sources { flags: args.into(), world }) {
        Ok(config) => config,
        Err(why) => {
            to_stderr(&format!("error: {why}"));
            return ExitCode::from(2);
        }
    };
    telemetry::init(&config.log);
    standalone::run(config, program, process).unwrap_or_else(|why| {
        let flag = matches!(&why, AppError::Store(why) if why.wants_another_folder());
        to_stderr(&format!("error: {why}{}", if flag { ", with --data" } else { "" }));
        why.exit_code()
    })
}
