//! A version that panics soon after it began, or took the process with it, is replaced by the last good one, and is not
//! tried again until it changes.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::LastEnd;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{Bench, Setup, counter};

const PANIC: i32 = -15;

fn version(version: &str, more: &[&str]) -> PathBuf {
    counter(&[&[&*format!("-DVERSION=\"{version}\""), "-DFLAGS=0"], more].concat())
}

fn stateful(version: &str, more: &[&str]) -> PathBuf {
    counter(&[&[&*format!("-DVERSION=\"{version}\"")], more].concat())
}

fn setup(library: &std::path::Path) -> Setup {
    let mut setup = Setup::new().with("count.so", library);
    setup.configure("count", json!({}));
    setup.config.limits.rollback_s = 3600.0;
    setup
}

fn get(bench: &Bench) -> Value {
    bench.call("count.get", &json!({})).json()
}

fn panics(bench: &Bench) {
    assert_eq!(bench.call("count.status", &json!(PANIC)).code(), "PLUGIN_PANICKED");
}

fn crash(bench: &Bench) -> LastEnd {
    let generation = bench.plugin("count.so")["generation"].as_u64().unwrap();
    LastEnd::Crash { thread: format!("jf-{generation}-worker-0"), what: "SIGSEGV".to_owned() }
}

#[test]
fn a_version_that_panics_on_trial_is_replaced_by_the_one_before_until_it_changes() {
    let bench = setup(&version("1", &[])).start();
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    panics(&bench);
    let back = bench.step("rolled-back");
    assert!(back["reason"].as_str().unwrap().contains("panicked within 3600 s"), "{back}");
    assert_eq!(get(&bench)["version"], "1");
    let (step, reason) = bench.refused("count.so");
    assert!(step == "rolled-back" && reason.contains("panicked"), "{step}: {reason}");
    // The same content again is no news, by whatever name; another one is.
    bench.steps_so_far();
    bench.put("count.so", &version("2", &[]));
    bench.step("settled");
    assert_eq!(get(&bench)["version"], "1");
    bench.put("count.so", &version("3", &[]));
    bench.step("swapped");
    assert_eq!(get(&bench)["version"], "3");
    assert_eq!(bench.plugin("count.so")["refused"], Value::Null);
    // After a restart too.
    panics(&bench);
    bench.step("rolled-back");
    let bench = bench.stop().start();
    assert_eq!(get(&bench)["version"], "1");
    assert_eq!(bench.refused("count.so").0, "rolled-back");
    // An operator can insist.
    bench.call("jackfield.plugins.load", &json!({"file": "count.so"})).json();
    assert_eq!(get(&bench)["version"], "3");
}

#[test]
fn a_panic_after_the_trial_or_where_the_operator_says_so_changes_nothing() {
    let mut over = setup(&version("1", &[]));
    over.config.limits.rollback_s = 0.05;
    let bench = over.start();
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    let list = bench.keep().join("good/trials.json");
    let on_trial = || std::fs::read_to_string(&list).unwrap().contains("on_trial\":[");
    while on_trial() {
        get(&bench);
    }
    panics(&bench);
    assert_eq!(get(&bench)["version"], "2");
    drop(bench);

    let mut off = setup(&version("1", &[]));
    off.configure("count", json!({})).rollback = false;
    let bench = off.start();
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    panics(&bench);
    assert_eq!(get(&bench)["version"], "2");
    assert_eq!(bench.call("jackfield.plugins.reload", &json!({"plugin": "count"})).json()["version"], "2");
}

#[test]
fn with_nothing_to_go_back_to_a_version_that_panics_goes_on() {
    let bench = setup(&version("1", &[])).start();
    panics(&bench);
    assert_eq!(get(&bench)["version"], "1");
    // And it is nothing to go back to either.
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    panics(&bench);
    assert_eq!(get(&bench)["version"], "2");
    assert!(!bench.steps_so_far().contains(&"rolled-back".to_owned()));
}

#[test]
fn going_back_hands_the_state_back_or_else_the_one_that_was_saved_before() {
    for (old, count, reason) in
        [(stateful("1", &["-DRESTORE_REFUSES_ABOVE=2"]), 7, None), (stateful("1", &[]), 4, Some("lost"))]
    {
        let bench = setup(&old).start();
        for _ in 0..4 {
            bench.call("count.add", &json!({})).json();
        }
        bench.put("count.so", &stateful("2", &["-DSCHEMA=2"]));
        bench.step("swapped");
        for _ in 0..3 {
            bench.call("count.add", &json!({})).json();
        }
        bench.steps_so_far();
        panics(&bench);
        let restored = bench.step("restored");
        assert_eq!(restored["reason"].as_str().and_then(|text| text.contains("lost").then_some("lost")), reason);
        bench.step("rolled-back");
        assert_eq!(get(&bench), json!({"count": count, "version": "1"}));
    }
}

#[test]
fn content_that_crashed_the_process_on_trial_is_refused_at_the_next_start_and_the_good_one_serves() {
    let bench = setup(&version("1", &[])).start();
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    let end = crash(&bench);
    let bench = bench.crash(end).start();
    assert_eq!(get(&bench)["version"], "1");
    let (step, reason) = bench.refused("count.so");
    assert!(step == "rolled-back" && reason.contains("SIGSEGV") && reason.contains("worker"), "{step}: {reason}");
    assert_eq!(bench.plugin("count.so")["state"], "serving");
    // Not at the start after that either, until it changes.
    let bench = bench.stop().start();
    assert_eq!(get(&bench)["version"], "1");
    bench.put("count.so", &version("3", &[]));
    bench.step("swapped");
    assert_eq!(get(&bench)["version"], "3");
    // A process that was killed blames nobody, nor does the crash of another generation.
    let bench = bench.crash(LastEnd::NoCrash).start();
    assert_eq!(get(&bench)["version"], "3");
    let other = LastEnd::Crash { thread: "jf-99-serial".to_owned(), what: "SIGSEGV".to_owned() };
    let bench = bench.crash(other).start();
    assert_eq!(get(&bench)["version"], "3");
}

#[test]
fn without_a_good_one_content_that_crashed_the_process_is_refused_until_an_operator_loads_it() {
    let bench = setup(&version("1", &[])).start();
    let end = crash(&bench);
    let bench = bench.crash(end).start();
    let (step, reason) = bench.refused("count.so");
    assert!(step == "rolled-back" && reason.contains("loaded by command"), "{step}: {reason}");
    assert_eq!(bench.call("count.get", &json!({})).code(), "UNKNOWN_KEY");
    bench.call("jackfield.plugins.load", &json!({"file": "count.so"})).json();
    assert_eq!(get(&bench)["version"], "1");
}

#[test]
fn at_a_start_the_good_version_serves_in_the_place_of_a_file_that_is_refused() {
    let bench = setup(&version("1", &[])).start();
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    let setup = bench.stop();
    let file = setup.folder.join("count.so");
    for (bad, step) in
        [(version("3", &["-DSTART_FAILS"]), "started"), (version("4", &["-DTHREADS", "-DENTER_FAILS"]), "created")]
    {
        support::install(&bad, &file);
        let bench = setup.again().start();
        assert_eq!(get(&bench)["version"], "1");
        let (at, reason) = bench.refused("count.so");
        assert!(at == step && reason.contains("the last good version serves"), "{at}: {reason}");
        // Mended, it is a swap like any other.
        bench.put("count.so", &version("2", &[]));
        bench.step("swapped");
        drop(bench);
    }
}

#[test]
fn a_folder_of_copies_that_was_removed_is_made_again() {
    let bench = setup(&version("1", &[])).start();
    std::fs::remove_dir_all(&bench.copies).unwrap();
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    assert_eq!(get(&bench)["version"], "2");
}
