//! How long a new version takes from the end of its being written to its first answer, with the default settling time.
//!
//! Counted from the return of the last system call of the way it is put in place: `rename`, or the `chmod` that a linker does
//! right after `close`. The steps are where the server's own log lines stand in time; one client asks without pause.

use super::answer::Answer;
use super::subject::Subject;
use super::table::{quantile, table};
use super::target::Target;
use super::watch::Watch;
use crate::client::Ws;
use crate::put::Way;
use crate::server::Setup;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// Times that a new version is put in place, in each way.
const ROUNDS: usize = 200;

/// The steps that lie between.
const STEPS: [&str; 9] = ["seen", "settled", "proved", "copied", "probed", "loaded", "created", "started", "swapped"];

/// Measures; the tables.
pub fn run(optimised: bool) -> Result<String, String> {
    let setup = Setup::new().arg("-v").arg("--log").arg("json");
    let mut targets = Target::all(&[Subject::of("c-plain")], setup.home(), optimised);
    let server = setup.start();
    let watch = Watch::start(server.log(), Target::files(&targets));
    let mut socket = Ws::to(&server);
    let target = &mut targets[0];
    let message = format!(r#"{{"{}.concurrent":[0,0,0]}}"#, target.subject.id);
    let mut text = String::new();
    for way in [Way::Linker, Way::Rename] {
        let mut phases: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for _ in 0..ROUNDS {
            target.settled(&watch)?;
            target.put(way)?;
            let begun = now();
            let answered = loop {
                let answer = socket.ask(&message);
                let answer = Answer::parse(&answer).ok_or_else(|| format!("{message} is answered with {answer}"))?;
                if answer.version == target.version() {
                    break now();
                }
            };
            let seen = target.swapped(&watch)?;
            let mut last = begun;
            for step in STEPS {
                // A file that settles again is settled the last time.
                let Some(at) = seen.steps.iter().rfind(|done| done.name == step).map(|done| done.at) else { continue };
                phases.entry(step).or_default().push(at.saturating_sub(last));
                last = last.max(at);
            }
            phases.entry("first answer").or_default().push(answered.saturating_sub(last));
            phases.entry("all").or_default().push(answered.saturating_sub(begun));
        }
        let row = |step: &str| {
            let mut us = phases.get(step)?.clone();
            us.sort_unstable();
            let figure = |share| quantile(&us, share).to_string();
            Some(vec![step.to_owned(), figure(0.5), figure(0.99), figure(1.0)])
        };
        let rows: Vec<_> = STEPS.into_iter().chain(["first answer", "all"]).filter_map(row).collect();
        text += &format!("{way:?}: {ROUNDS} rounds, from the end of writing to the first answer\n");
        text += &table(&["until", "p50 us", "p99 us", "max us"], &rows);
        text += "\n";
    }
    Ok(text)
}

/// Microseconds since midnight UTC, as the log's timestamps are read.
fn now() -> u64 {
    const DAY: u128 = 24 * 60 * 60 * 1_000_000;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    u64::try_from(since % DAY).unwrap_or_default()
}
