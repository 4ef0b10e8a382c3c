//! `jackfield probe`: what the server starts to try a plugin file. Not for people: `jackfield plugins check` is.

use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The file: proved complete, and written by nobody any more
    file: PathBuf,
    /// End with the process group when stdin ends
    #[arg(long)]
    watched: bool,
}

/// Prints the descriptor as one line of JSON and ends with 0, or the reason why it is no plugin, and ends with 1.
#[cfg(unix)]
pub fn run(args: &ProbeArgs) -> ExitCode {
    use crate::config::{Format, Level, Log};
    use crate::sys::apart;
    use crate::telemetry;

    let answer = match apart::begin(args.watched) {
        Ok(answer) => answer,
        Err(error) => {
            super::output::to_stderr(&format!("error: the probe process cannot set itself apart: {error}"));
            return ExitCode::FAILURE;
        }
    };
    telemetry::init(&Log { level: Level::Warn, format: Format::Text });
    match jackfield_engine::inspect(&args.file) {
        Ok(descriptor) => apart::end(answer, &descriptor, 0),
        Err(reason) => apart::end(answer, &telemetry::escaped(&reason), 1),
    }
}

/// There is no probe on this system.
#[cfg(not(unix))]
pub fn run(_: &ProbeArgs) -> ExitCode {
    super::output::to_stderr("error: there are no probe processes on this system");
    ExitCode::FAILURE
}
