//! What a probe says of a candidate decides before anything of it is in this process.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::services::{Probe, ProbeError};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use support::{LONG, Setup, desk, desk_version};

/// Answers as it is told, and counts.
#[derive(Default)]
struct Fake {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    answers: Vec<Result<(), ProbeError>>,
    asked: usize,
    at_once: usize,
    /// So many must be asked at once before any is answered.
    together: usize,
}

impl Probe for Fake {
    fn probe(&self, library: &Path, limit: Duration) -> Result<(), ProbeError> {
        assert!(library.is_file() && limit == Duration::from_secs(5));
        let mut state = self.state.lock().unwrap();
        state.asked += 1;
        state.at_once += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_timeout_while(state, LONG, |state| state.at_once < state.together).unwrap().0;
        state.answers.pop().unwrap_or(Ok(()))
    }
}

impl Fake {
    fn say(&self, answer: Result<(), ProbeError>) {
        self.state.lock().unwrap().answers.push(answer);
    }

    fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }
}

fn setup(fake: &Arc<Fake>) -> Setup {
    let mut setup = Setup::new();
    setup.config.probe = Some(fake.clone());
    setup
}

#[test]
fn a_candidate_that_does_harm_is_refused_and_the_old_version_serves() {
    let fake = Arc::<Fake>::default();
    let bench = setup(&fake).with("desk.so", &desk_version("1")).start();
    assert_eq!((bench.version().as_str(), fake.asked()), ("1", 1));
    fake.say(Err(ProbeError::Refused("it crashed (SIGSEGV)".to_owned())));
    bench.put("desk.so", &desk_version("2"));
    bench.step("refused");
    assert_eq!(bench.refused("desk.so"), ("probed".to_owned(), "it crashed (SIGSEGV)".to_owned()));
    assert_eq!(bench.version(), "1");
    assert!(!bench.wire.has("create 2"));
    assert_eq!(std::fs::read_dir(&bench.copies).unwrap().count(), 1, "its copy is gone");
    // Found sound once, by its content, it is not probed again; not even at the next start.
    bench.put("desk.so", &desk_version("3"));
    bench.step("swapped");
    assert_eq!(fake.asked(), 3);
    bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"})).json();
    assert_eq!(fake.asked(), 3);
    let bench = bench.stop().start();
    assert_eq!((bench.version().as_str(), fake.asked()), ("3", 3));
}

#[test]
fn a_probe_that_cannot_be_made_is_told_and_holds_up_nothing() {
    let fake = Arc::<Fake>::default();
    fake.say(Err(ProbeError::Unavailable("no process".to_owned())));
    let bench = setup(&fake).with("desk.so", &desk_version("1")).start_and_keep_steps();
    let probed = bench.step("probed");
    assert!(probed["reason"].as_str().unwrap().contains("no process"), "{probed}");
    assert_eq!(bench.version(), "1");
    bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"})).json();
    assert_eq!(fake.asked(), 2, "that was no verdict");
}

#[test]
fn at_the_start_files_are_probed_side_by_side() {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        eprintln!("NOT RUN: one core probes one file after the other");
        return;
    }
    let fake = Arc::<Fake>::default();
    fake.state.lock().unwrap().together = 2;
    let bench = setup(&fake)
        .with("a.so", &desk(&["-DID=\"a\""]))
        .with("b.so", &desk(&["-DID=\"b\""]))
        .with("c.so", &desk(&["-DID=\"c\""]))
        .start();
    assert_eq!(fake.asked(), 3);
    for id in ["a", "b", "c"] {
        assert_eq!(bench.call(&format!("{id}.serial"), &json!({"do": "version"})).json(), "1");
    }
}
