//! `jackfield completions`

use super::Cli;
use super::output::to_stdout;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use std::process::ExitCode;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints a script for the shell.
pub fn run(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown(), "jackfield", &mut script);
    if to_stdout(&String::from_utf8_lossy(&script)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The command line without what is hidden, which the scripts would offer.
fn shown() -> Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("jackfield").version(env!("CARGO_PKG_VERSION")).propagate_version(true).subcommands(shown)
}
