//! `cargo xtask test`: all that CI runs, in order.

use crate::build::Profile;
use crate::{Outcome, bench, build, cargo, header, root, succeed, tidy, tools};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// How a step ended.
enum End {
    Passed,
    Failed,
    /// What it needs is not there, because an earlier step failed.
    Skipped,
}

/// The steps so far.
#[derive(Default)]
struct Steps(Vec<(&'static str, End, Duration)>);

/// Runs every step, also after one has failed, so that one run tells everything. With `install`, gets missing tools first;
/// without them nothing is begun.
pub fn run(install: bool) -> Outcome {
    let tools = tools::find(install)?;
    let mut steps = Steps::default();
    steps.run("format", || {
        succeed(cargo().args(["fmt", "--all", "--check"]))?;
        succeed(cargo().args(["fmt", "--manifest-path", bench::PEERS, "--check"]))
    });
    steps.run("lints", || {
        succeed(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny=warnings"]))
    });
    steps.run("C headers", || header::run(true));
    steps.run("house rules", tidy::run);
    let dist = steps.run("build", || build::run(Profile::Dev));
    steps.run("C examples", make_examples);
    match dist {
        None => steps.0.push(("tests", End::Skipped, Duration::ZERO)),
        Some(dist) => {
            let environment: [(&str, PathBuf); 4] = [
                ("JACKFIELD_DIST", dist),
                ("JACKFIELD_PYTHON", tools.python),
                ("JACKFIELD_NODE_MODULES", tools.node_modules),
                ("JACKFIELD_CHROMIUM", tools.chromium),
            ];
            steps.run("tests", || succeed(cargo().args(["test", "--workspace", "--no-fail-fast"]).envs(environment)));
        }
    }
    steps.run("instructions", bench::guard);
    steps.summary()
}

impl Steps {
    /// Runs one step under a headline; `None` if it failed, with the reason told.
    fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Outcome<T>) -> Option<T> {
        println!("\n==> {name}");
        let begin = Instant::now();
        let result = step();
        let (value, end) = match result {
            Ok(value) => (Some(value), End::Passed),
            Err(error) => {
                println!("{error}");
                (None, End::Failed)
            }
        };
        self.0.push((name, end, begin.elapsed()));
        value
    }

    fn summary(&self) -> Outcome {
        println!("\n==> steps");
        for (name, end, time) in &self.0 {
            let end = match end {
                End::Passed => "passed",
                End::Failed => "FAILED",
                End::Skipped => "skipped: the build failed",
            };
            println!("{name:12} {:8.1} s  {end}", time.as_secs_f64());
        }
        let bad: Vec<&str> =
            self.0.iter().filter(|(_, end, _)| !matches!(end, End::Passed)).map(|(name, ..)| *name).collect();
        if bad.is_empty() { Ok(()) } else { Err(format!("not passed: {}", bad.join(", ")).into()) }
    }
}

/// Each example of a plugin with a Makefile builds as its reader would build it. Those of hosts need what is installed:
/// `tests/tests/hosts.rs`.
fn make_examples() -> Outcome {
    let folder = root().join("examples");
    let mut examples: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    examples.sort();
    examples.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("plugin-")));
    for example in examples.iter().filter(|path| path.join("Makefile").is_file()) {
        succeed(Command::new("make").arg("-C").arg(example))?;
    }
    Ok(())
}
