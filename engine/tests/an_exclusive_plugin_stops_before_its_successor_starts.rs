//! EXCLUSIVE: one camera, one port. The old version has stopped before the new one starts; nobody notices but by waiting.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use serde_json::json;
use std::path::PathBuf;
use support::{Latch, Setup, caller, desk};

fn exclusive(version: &str, more: &[&str]) -> PathBuf {
    let version = format!("-DVERSION=\"{version}\"");
    desk(&[&["-DFLAGS=JF_PLUGIN_EXCLUSIVE", &version], more].concat())
}

#[test]
fn commands_wait_while_old_stops_and_new_starts_and_none_is_lost() {
    let bench = Setup::new().with("desk.so", &exclusive("1", &[])).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.put("desk.so", &exclusive("2", &[]));
    bench.step("held");
    assert_eq!(bench.plugin("desk.so")["generations"][0]["state"], "held");
    let keys = ["desk.serial", "desk.concurrent", "desk.inline", "desk.serial"];
    let waiting = keys.map(|key| bench.send(key, &json!({"do": "version"})));
    assert!(waiting.iter().all(|pending| !pending.was_answered_at_once()));
    assert!(!bench.wire.has("stop 1") && !bench.wire.has("start 2"));
    latch.release();
    assert_eq!(running.answer().json(), json!("1"));
    for pending in waiting {
        assert_eq!(pending.answer().json(), json!("2"));
    }
    bench.wire.wait_for("stop 1");
    assert!(!bench.wire.has("destroy 1") || bench.wire.has("start 2"));
    bench.wire.wait_for("start 2");
    bench.wire.wait_for("destroy 1");
    assert!(!bench.wire.has("stop 1"), "stopped twice");
    bench.step("closed");
}

#[test]
fn inline_commands_that_were_held_run_in_a_version_without_workers() {
    let bench = Setup::new().with("desk.so", &exclusive("1", &["-DONLY_INLINE"])).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.put("desk.so", &exclusive("2", &["-DONLY_INLINE"]));
    bench.step("held");
    let held = bench.send("desk.inline", &json!({"do": "version"}));
    latch.release();
    assert_eq!(running.answer().json(), json!("1"));
    assert_eq!(held.answer().json(), json!("2"));
}

#[test]
fn commands_of_every_class_wait_while_no_version_is_started() {
    let latch = Latch::new();
    let mut setup = Setup::new().with("a.so", &caller("a", "1", &["-DFLAGS=JF_PLUGIN_EXCLUSIVE"]));
    setup.configure("a", json!({"start_fd": latch.fd()}));
    latch.release();
    let bench = setup.start();
    bench.put("a.so", &caller("a", "2", &["-DFLAGS=JF_PLUGIN_EXCLUSIVE"]));
    bench.wire.wait_for("start 2");
    let waiting = ["a.inline", "a.serial", "a.concurrent"].map(|key| bench.send(key, &json!({"do": "version"})));
    assert!(waiting.iter().all(|pending| !pending.was_answered_at_once()));
    latch.release();
    assert!(waiting.into_iter().all(|pending| pending.answer().json() == "2"));
}

#[test]
fn a_new_version_that_does_not_start_leaves_the_old_one_serving_with_its_queue() {
    let bench = Setup::new().with("desk.so", &exclusive("1", &[])).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("start 1");
    bench.wire.wait_for("begin 1");
    bench.put("desk.so", &exclusive("2", &["-DSTART_FAILS"]));
    bench.step("held");
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    let waiting_inline = bench.send("desk.inline", &json!({"do": "version"}));
    latch.release();
    assert_eq!(running.answer().code(), "OK");
    assert_eq!((waiting.answer().json(), waiting_inline.answer().json()), (json!("1"), json!("1")));
    let (step, reason) = bench.refused("desk.so");
    assert_eq!(step, "started");
    assert!(reason.contains("port taken"), "{reason}");
    bench.wire.wait_for("start 2");
    assert!(!bench.wire.has("stop 2"), "what did not start is not stopped");
    bench.wire.wait_for("destroy 2");
    bench.wire.wait_for("start 1");
    assert_eq!(bench.version(), "1");
}

#[test]
fn a_version_that_is_not_drained_in_time_goes_on_and_the_new_one_is_refused() {
    let mut setup = Setup::new().with("desk.so", &exclusive("1", &[]));
    setup.config.limits.hold_ms = 60;
    let bench = setup.start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.put("desk.so", &exclusive("2", &[]));
    bench.step("held");
    let waiting = bench.send("desk.concurrent", &json!({"do": "version"}));
    let (step, reason) = bench.refused("desk.so");
    assert_eq!(step, "drained");
    assert!(reason.contains("1 commands") && reason.contains("hold_ms"), "{reason}");
    assert_eq!(waiting.answer().json(), json!("1"));
    bench.wire.wait_for("destroy 2");
    assert!(!bench.wire.has("stop 1") && !bench.wire.has("start 2"));
    // Once nothing stands in the way, it comes in without another word.
    latch.release();
    assert_eq!(running.answer().json(), json!("1"));
    bench.step("swapped");
    assert_eq!(bench.version(), "2");
}

#[test]
fn a_version_that_was_unloaded_and_still_runs_is_waited_for() {
    let bench = Setup::new().with("desk.so", &exclusive("1", &[])).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    assert_eq!(bench.call("jackfield.plugins.unload", &json!({"plugin": "desk"})).json()["state"], "unloaded");
    let refused = bench.call("jackfield.plugins.load", &json!({"file": "desk.so"}));
    assert_eq!(refused.code(), "UNAVAILABLE");
    assert!(refused.failure().message.contains("has not stopped yet"), "{}", refused.failure().message);
    // Neither does the same plugin come in by another file.
    bench.put("other.so", &exclusive("2", &[]));
    assert!(bench.refused("other.so").1.contains("has not stopped yet"));
    assert!(!bench.wire.has("stop 1"));
    latch.release();
    assert_eq!(running.answer().json(), json!("1"));
    // The load that was asked for is done now, without another word.
    bench.step("swapped");
    assert_eq!(bench.version(), "1");
}
