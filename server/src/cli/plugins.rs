//! `jackfield plugins`

use super::output::Outcome;
use super::plugins_check::CheckArgs;
use super::{Remote, client};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of `plugins`.
#[derive(Debug, Args)]
pub struct PluginsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: PluginsCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PluginsCommand {
    #[command(flatten)]
    Remote(RemoteCommand),
    /// Say what a server would say of a plugin file, without a server
    Check(CheckArgs),
}

/// What a running server is asked for.
#[derive(Debug, Subcommand)]
pub(super) enum RemoteCommand {
    /// Show every plugin file, loaded or refused
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Load a plugin's file again, changed or not
    Reload {
        /// The plugin's id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Load a file from one of the server's plugin folders
    Load {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// Unload a plugin, until it is loaded again or its file changes
    Unload {
        /// The plugin's id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

impl RemoteCommand {
    /// Server and output.
    pub fn remote(&self) -> &Remote {
        match self {
            Self::List { remote }
            | Self::Reload { remote, .. }
            | Self::Load { remote, .. }
            | Self::Unload { remote, .. } => remote,
        }
    }
}

/// Asks the server to do it.
pub async fn run(command: &RemoteCommand) -> Outcome {
    let message = match command {
        RemoteCommand::List { .. } => json!({ "jackfield.plugins": {} }),
        RemoteCommand::Reload { id, .. } => json!({ "jackfield.plugins.reload": { "plugin": id } }),
        RemoteCommand::Unload { id, .. } => json!({ "jackfield.plugins.unload": { "plugin": id } }),
        RemoteCommand::Load { file, .. } => {
            let absolute = match std::path::absolute(file) {
                Ok(path) => path,
                Err(why) => return Outcome::Usage(format!("the file {}: {why}", file.display())),
            };
            let Some(path) = absolute.to_str() else {
                return Outcome::Usage(format!("the path {} is not UTF-8", absolute.display()));
            };
            json!({ "jackfield.plugins.load": { "file": path } })
        }
    };
    let outcome = client::ask(&command.remote().url, &message.to_string()).await;
    match (command, outcome) {
        (RemoteCommand::List { .. }, Outcome::Done { answer, .. }) => match table(&answer) {
            Some(shown) => Outcome::Done { answer, shown: Some(shown) },
            None => Outcome::Failed(format!("the server's answer is no list of plugins: {answer}")),
        },
        (_, outcome) => outcome,
    }
}

/// What is left of older generations: how many, and the last reason.
fn others(generations: &Value) -> Vec<String> {
    let all = generations.as_array().map_or(&[][..], Vec::as_slice);
    let in_state = |state: &str| all.iter().filter(|generation| generation["state"] == state).collect::<Vec<_>>();
    let (draining, retired) = (in_state("draining"), in_state("retired"));
    let mut lines = Vec::new();
    if let Some(first) = draining.first() {
        lines.push(format!("draining: {} older, {} commands in the last", draining.len(), cell(&first["in_flight"])));
    }
    if let Some(first) = retired.first() {
        lines.push(format!("retired: {} older, the last because {}", retired.len(), cell(&first["why"])));
    }
    lines
}

/// The answer to `jackfield.plugins` for people. None where it is something else.
fn table(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let mut rows = vec![["ID", "VERSION", "STATE", "GENERATION", "KEYS", "FILE"].map(str::to_owned)];
    let mut reasons = vec![Vec::new()];
    for plugin in answer.get("plugins")?.as_array()? {
        let keys = plugin["keys"].as_array().into_iter().flatten().map(|key| cell(&key["key"]));
        rows.push([
            cell(&plugin["id"]),
            cell(&plugin["version"]),
            cell(&plugin["state"]),
            cell(&plugin["generation"]),
            keys.collect::<Vec<_>>().join(" "),
            cell(&plugin["file"]),
        ]);
        let refused = &plugin["refused"];
        let refused =
            refused.is_object().then(|| format!("refused: {}: {}", cell(&refused["step"]), cell(&refused["reason"])));
        reasons.push(refused.into_iter().chain(others(&plugin["generations"])).collect::<Vec<_>>());
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for (row, reason) in rows.iter().zip(reasons) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a String does not fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
        for line in reason {
            let _ = writeln!(text, "  {line}");
        }
    }
    Some(text)
}

/// A value in one cell: plugins and files have the names that others gave them, so control characters are escaped.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => crate::telemetry::escaped(text).into_owned(),
        other => other.to_string(),
    }
}
