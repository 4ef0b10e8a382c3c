//! `jackfield plugins check`

use super::output::Outcome;
use super::plugins::cell;
use crate::config::World;
use clap::Args;
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `plugins check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The file
    file: PathBuf,
    /// Print one JSON value: {"ok": true, "result": DESCRIPTOR} or {"ok": false, "error": "..."}
    #[arg(long)]
    pub json: bool,
}

/// Takes a file as far as a server does before `create`: name, writers, completeness, probe, descriptor.
pub fn run(args: &CheckArgs, world: World) -> Outcome {
    let file = cell(&args.file.display().to_string().into());
    match describe(&args.file, world) {
        Ok(answer) => match shown(&file, &answer) {
            Some(text) => Outcome::Done { answer, shown: Some(text) },
            None => Outcome::Failed(format!("{file}: probed: the probe process gave no descriptor: {answer}")),
        },
        Err((step, reason)) => Outcome::Failed(format!("{file}: {step}: {reason}")),
    }
}

/// The descriptor as JSON, or the step at which a server would refuse it, and why.
fn describe(file: &Path, world: World) -> Result<String, (&'static str, String)> {
    let bytes = jackfield_engine::check_file(file).map_err(|(step, reason)| (step.as_str(), reason))?;
    // A server loads a copy of the bytes that were proved, so this does too.
    let copied = |error: std::io::Error| ("copied", format!("its private copy cannot be written: {error}"));
    let folder = tempfile::tempdir().map_err(copied)?;
    let copy = folder.path().join(file.file_name().unwrap_or_default());
    std::fs::write(&copy, bytes).map_err(copied)?;
    probe(&copy, world).map_err(|reason| ("probed", reason))
}

#[cfg(unix)]
fn probe(copy: &Path, world: World) -> Result<String, String> {
    use crate::sys::probe::ProbeProcess;
    use jackfield_engine::Limits;
    let program = world.program.ok_or("this program does not know its own file")?;
    let limit = Limits::seconds(Limits::default().probe_s);
    ProbeProcess::new(program).describe(copy, limit).map_err(|error| error.to_string())
}

/// There are no probe processes on this system: it is loaded here.
#[cfg(not(unix))]
fn probe(copy: &Path, _: World) -> Result<String, String> {
    jackfield_engine::inspect(copy)
}

/// The descriptor for people. None where it is something else.
fn shown(file: &str, answer: &str) -> Option<String> {
    let descriptor: Value = serde_json::from_str(answer).ok()?;
    let mut text = format!("{file}: sound; a server loads it where its id and keys are free\n");
    for name in ["id", "name", "version", "license", "build", "abi"] {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:8} {}", cell(descriptor.get(name)?));
    }
    let flags: Vec<String> = descriptor["flags"].as_array()?.iter().map(cell).collect();
    if !flags.is_empty() {
        let _ = writeln!(text, "{:8} {}", "flags", flags.join(" "));
    }
    let keys = descriptor["keys"].as_array()?;
    let width = keys.iter().map(|key| cell(&key["key"]).chars().count()).max().unwrap_or(0);
    for key in keys {
        let line = format!("  {:width$}  {:10}  {}", cell(&key["key"]), cell(&key["class"]), cell(&key["help"]));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    Some(text)
}
