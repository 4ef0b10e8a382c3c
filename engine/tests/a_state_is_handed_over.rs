//! STATEFUL: what a version knows goes to the next one, to the disk at an orderly end, and back from there. Whatever goes
//! wrong on the way, the old version serves on with what it knows.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::LastEnd;
use serde_json::{Value, json};
use support::{Bench, Latch, Setup, counter};

fn version(version: &str, more: &[&str]) -> std::path::PathBuf {
    counter(&[&[&*format!("-DVERSION=\"{version}\"")], more].concat())
}

fn add(bench: &Bench) -> Value {
    bench.call("count.add", &json!({})).json()
}

fn get(bench: &Bench) -> Value {
    bench.call("count.get", &json!({})).json()
}

fn setup(library: &std::path::Path) -> Setup {
    let mut setup = Setup::new().with("count.so", library);
    setup.configure("count", json!({}));
    setup
}

#[test]
fn the_count_goes_on_over_swaps_and_a_change_of_schema() {
    let bench = setup(&version("1", &[])).start();
    assert!(!bench.wire.has("restore"), "there was nothing to restore");
    for _ in 0..12 {
        add(&bench);
    }
    bench.put("count.so", &version("2", &["-DSCHEMA=7"]));
    let steps: Vec<_> = ["held", "drained", "stopped", "saved", "restored", "started", "swapped"]
        .map(|step| bench.step(step)["version"].clone())
        .into();
    assert_eq!(steps, ["1", "1", "1", "1", "2", "2", "2"]);
    assert_eq!(bench.wire.wait_for("restore"), "restore 2 from 1 schema 1: 12");
    assert_eq!(add(&bench), json!({"count": 13, "version": "2"}));
    bench.put("count.so", &version("3", &["-DSCHEMA=7"]));
    bench.step("swapped");
    assert_eq!(bench.wire.wait_for("restore"), "restore 3 from 2 schema 7: 13");
    assert_eq!(get(&bench), json!({"count": 13, "version": "3"}));
    for line in ["stop 1", "save 1", "start 2", "destroy 1", "stop 2", "save 2"] {
        bench.wire.wait_for(line);
    }
    assert!(!bench.wire.has("save 1") && !bench.wire.has("save 2"), "saved twice");
}

#[test]
fn commands_that_wait_for_the_hand_over_count_once() {
    let bench = setup(&version("1", &[])).start();
    let latch = Latch::new();
    let running = bench.send("count.wait", &json!(latch.fd()));
    bench.wire.wait_for("wait 1");
    bench.put("count.so", &version("2", &[]));
    bench.step("held");
    let waiting: Vec<_> = (0..50).map(|_| bench.send("count.add", &json!({}))).collect();
    latch.release();
    assert_eq!(running.answer().code(), "OK");
    for (index, pending) in waiting.into_iter().enumerate() {
        assert_eq!(pending.answer().json(), json!({"count": index + 1, "version": "2"}));
    }
}

#[test]
fn a_save_that_does_not_return_costs_what_came_after_the_last_one_and_no_more() {
    let latch = Latch::new();
    let mut setup = setup(&version("1", &[]));
    setup.configure("count", json!({"save_waits": latch.fd()}));
    setup.config.limits.hold_ms = 200;
    setup.config.limits.lifecycle_s = 0.4;
    let bench = setup.start();
    add(&bench);
    bench.put("count.so", &version("2", &["-DSAVE_WAITS"]));
    bench.step("swapped");
    add(&bench);
    bench.put("count.so", &version("3", &[]));
    let unloaded = bench.step("unloaded");
    assert!(unloaded["reason"].as_str().unwrap().contains("did not start again"), "{unloaded}");
    let refused = bench.step("refused");
    assert!(refused["reason"].as_str().unwrap().contains("saved: the old version's save did not return"), "{refused}");
    let retired = bench.step("retired");
    assert_eq!(retired["version"], "2");
    let restored = bench.step("restored");
    assert!(restored["reason"].as_str().unwrap().contains("lost"), "{restored}");
    bench.step("swapped");
    assert_eq!(get(&bench), json!({"count": 1, "version": "3"}));
    latch.release();
}

#[test]
fn whatever_fails_in_a_hand_over_the_old_version_goes_on_with_what_it_knows() {
    let mut first = setup(&version("1", &["-DSCHEMA=3"]));
    first.config.limits.state_mib = 1;
    let bench = first.start();
    add(&bench);
    for (flags, step, words) in [
        (&["-DRESTORE_REFUSES_ABOVE=2"][..], "restored", "that schema is news to me (state of version 1, schema 3)"),
        (&["-DSTART_FAILS", "-DRESTORE_REFUSES_ABOVE=3"], "started", "port taken"),
    ] {
        bench.put("count.so", &version("2", flags));
        let refused = bench.step("refused");
        assert!(refused["reason"].as_str().unwrap().contains(words), "{refused}");
        assert_eq!(bench.refused("count.so").0, step);
        bench.wire.wait_for("destroy 2");
        assert_eq!(add(&bench)["version"], "1");
    }
    assert_eq!(get(&bench), json!({"count": 3, "version": "1"}));
    drop(bench);

    for (flags, step, words) in [
        (&["-DSAVE_FAILS"][..], "saved", "save answered -20"),
        (&["-DSAVE_BYTES=(3 << 20)"], "saved", "save wrote more than 1 MiB (limit state_mib)"),
    ] {
        let mut setup = setup(&version("1", flags));
        setup.config.limits.state_mib = 1;
        let bench = setup.start();
        add(&bench);
        bench.put("count.so", &version("2", &[]));
        let refused = bench.step("refused");
        assert!(refused["reason"].as_str().unwrap().contains(words), "{refused}");
        assert_eq!(bench.refused("count.so").0, step);
        assert_eq!(add(&bench), json!({"count": 2, "version": "1"}), "{flags:?}");
    }
}

#[test]
fn a_large_state_is_handed_over_whole() {
    let bench = setup(&version("1", &["-DSAVE_BYTES=(100 << 20)"])).start();
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    bench.wire.wait_for("restore 2 from 1 schema 1: ");
    assert!(std::fs::metadata(bench.keep().join("state/count.state")).unwrap().len() > 100 << 20);
}

#[test]
fn the_count_survives_an_orderly_restart_and_an_unload() {
    let bench = setup(&version("1", &[])).start();
    add(&bench);
    let bench = bench.stop().start();
    assert_eq!(bench.wire.wait_for("restore"), "restore 1 from 1 schema 1: 1");
    assert_eq!(add(&bench)["count"], 2);
    bench.call("jackfield.plugins.unload", &json!({"plugin": "count"})).json();
    assert_eq!(bench.step("saved")["reason"], Value::Null);
    bench.step("closed");
    bench.call("jackfield.plugins.load", &json!({"file": "count.so"})).json();
    assert_eq!(add(&bench)["count"], 3);
    // Also where the version after the restart is another one.
    let setup = bench.stop().with("count.so", &version("9", &[]));
    assert_eq!(add(&setup.start()), json!({"count": 4, "version": "9"}));
}

#[test]
fn after_a_crash_the_last_saved_state_is_used_and_the_event_says_so() {
    let bench = setup(&version("1", &[])).start();
    for _ in 0..5 {
        add(&bench);
    }
    bench.put("count.so", &version("2", &[]));
    bench.step("swapped");
    for _ in 0..3 {
        add(&bench);
    }
    let bench = bench.crash(LastEnd::NoCrash).start_and_keep_steps();
    let restored = bench.step("restored");
    let reason = restored["reason"].as_str().unwrap();
    assert!(reason.contains("version 1 saved") && reason.contains("lost"), "{reason}");
    assert_eq!(get(&bench), json!({"count": 5, "version": "2"}));
    let bench = bench.stop().start_and_keep_steps();
    assert!(!bench.step("restored")["reason"].as_str().unwrap().contains("lost"));
}

#[test]
fn a_damaged_state_is_not_taken_for_none() {
    let bench = setup(&version("1", &[])).start();
    add(&bench);
    let state = bench.keep().join("state/count.state");
    let setup = bench.stop();
    let good = std::fs::read(&state).unwrap();
    std::fs::write(&state, &good[..good.len() - 1]).unwrap();
    let bench = setup.start();
    let (step, reason) = bench.refused("count.so");
    assert_eq!(step, "restored");
    assert!(reason.contains("count.state") && reason.contains("damaged") && reason.contains("remove it"), "{reason}");
    // Mended, and loaded by command.
    std::fs::write(&state, &good).unwrap();
    bench.call("jackfield.plugins.load", &json!({"file": "count.so"})).json();
    assert_eq!(add(&bench)["count"], 2);
}
