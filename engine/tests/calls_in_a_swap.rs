//! What a swap means for the calls of plugins: they are never behind a hold, they wait like all others while a generation is
//! closed, and each is answered once, to the generation that made it, before that is destroyed.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::Limits;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{Bench, Latch, Setup, caller};

const EXCLUSIVE: &str = "-DFLAGS=JF_PLUGIN_EXCLUSIVE";

fn exclusive(id: &str, version: &str, more: &[&str]) -> PathBuf {
    caller(id, version, &[&[EXCLUSIVE], more].concat())
}

/// Plugins `a` and `b`; `a` is EXCLUSIVE.
fn two() -> Setup {
    let mut setup = Setup::new().with("a.so", &exclusive("a", "1", &[])).with("b.so", &caller("b", "1", &[]));
    setup.configure("a", json!({}));
    setup.configure("b", json!({}));
    setup
}

fn version() -> Value {
    json!({"do": "version"})
}

/// A command that waits for `latch` before it calls `key`.
fn calls_later(latch: &Latch, key: &str, with: Value) -> Value {
    json!({"do": "call", "key": key, "wait_fd": latch.fd(), "with": with})
}

fn answer_of(bench: &Bench, key: &str) -> Value {
    bench.call(key, &version()).json()
}

#[test]
fn a_held_generation_is_entered_by_calls_that_its_drain_waits_for() {
    let bench = two().start();
    let latch = Latch::new();
    // Inside: one that will call its own plugin, one that will come back by way of another.
    let own = bench.send("a.serial", &calls_later(&latch, "a.concurrent", version()));
    bench.wire.wait_for("calls 1");
    let around = json!({"do": "call", "key": "a.inline", "with": version()});
    let back = bench.send("a.concurrent", &calls_later(&latch, "b.serial", around));
    bench.wire.wait_for("calls 1");
    bench.put("a.so", &exclusive("a", "2", &[]));
    bench.step("held");
    // Before these in the line of the workers.
    let outside = ["a.concurrent", "a.inline", "a.serial"].map(|key| bench.send(key, &version()));
    latch.release();
    latch.release();
    assert_eq!(own.answer().json(), "1");
    assert_eq!(back.answer().json(), "1");
    assert!(outside.into_iter().all(|pending| pending.answer().json() == "2"));
    bench.step("closed");
}

#[test]
fn a_call_to_a_serial_key_of_a_held_generation_goes_before_commands_from_outside() {
    let bench = two().start();
    let latch = Latch::new();
    let inside = bench.send("a.concurrent", &calls_later(&latch, "a.serial", version()));
    bench.wire.wait_for("calls 1");
    bench.put("a.so", &exclusive("a", "2", &[]));
    bench.step("held");
    let outside = [1, 2, 3].map(|_| bench.send("a.serial", &version()));
    latch.release();
    assert_eq!(inside.answer().json(), "1");
    assert!(outside.into_iter().all(|pending| pending.answer().json() == "2"));
}

#[test]
fn a_call_to_a_closed_generation_waits_with_the_others_and_nothing_drains_on_it() {
    let latch = Latch::new();
    let mut setup = two();
    // The old version stays closed for as long as this start takes.
    setup.configure("a", json!({"start_fd": latch.fd()}));
    latch.release();
    let bench = setup.start();
    bench.put("a.so", &exclusive("a", "2", &[]));
    bench.step("stopped");
    bench.wire.wait_for("start 2");
    let busy = bench.send("b.serial", &json!({"do": "block", "key": "a.serial", "with": version()}));
    bench.wire.wait_for("blocked 1");
    let outside = bench.send("a.serial", &version());
    assert!(!bench.wire.has("done"));
    latch.release();
    assert_eq!(busy.answer().json(), "1", "the caller stays busy until the other is back");
    assert_eq!(outside.answer().json(), "2");
    assert!(bench.wire.wait_for("done 1 0").ends_with("\"2\""));
}

#[test]
fn a_refused_swap_leaves_calls_to_the_old_version() {
    let bench = two().start();
    let latch = Latch::new();
    let inside = bench.send("a.serial", &calls_later(&latch, "b.serial", version()));
    bench.wire.wait_for("calls 1");
    bench.put("a.so", &exclusive("a", "2", &["-DSTART_FAILS"]));
    bench.step("held");
    latch.release();
    assert_eq!(inside.answer().json(), "1");
    assert_eq!(bench.refused("a.so").0, "started");
    // Stopped and started again: it calls as before.
    let again = bench.call("a.serial", &json!({"do": "call", "key": "b.serial", "with": version()}));
    assert_eq!(again.json(), "1");
}

#[test]
fn a_plain_plugin_that_is_replaced_gets_its_replies_before_it_is_destroyed() {
    let bench = two().start();
    let (first, second) = (Latch::new(), Latch::new());
    let wait = |latch: &Latch| json!({"do": "wait", "fd": latch.fd()});
    // One that is waited for by its command, and one that nobody inside waits for.
    let passed_on = bench.send("b.serial", &json!({"do": "call", "key": "a.serial", "with": wait(&first)}));
    bench.wire.wait_for("begin 1");
    let fire = json!({"do": "fire", "key": "a.concurrent", "with": wait(&second)});
    assert_eq!(bench.call("b.serial", &fire).json(), "1");
    bench.wire.wait_for("begin 1");
    bench.put("b.so", &caller("b", "2", &[]));
    bench.step("draining");
    assert_eq!(answer_of(&bench, "b.serial"), "2");
    first.release();
    bench.wire.wait_for("done 1 0");
    assert_eq!(passed_on.answer().json(), "1");
    // Nothing is inside any more, and still it is not stopped: it would be told that nobody knows.
    second.release();
    bench.wire.wait_for("done 1 0");
    bench.wire.wait_for("destroy 1");
    bench.step("closed");
}

#[test]
fn a_plugin_may_ask_for_its_own_reload_from_within_a_command() {
    let bench = two().start();
    let reload = |key: &str, id: &str| {
        bench.call(key, &json!({"do": "call", "key": "jackfield.plugins.reload", "with": {"plugin": id}}))
    };
    // Plain: the new generation is in place, and the old one, still alive, passes the reply on.
    assert_eq!(reload("b.serial", "b").json()["plugin"], "b");
    bench.wire.wait_for("done 1 0");
    bench.wire.wait_for("destroy 1");
    bench.step("closed");
    // EXCLUSIVE: the swap waits for the command that asks for it, up to `hold_ms`, and says so.
    let mut setup = two();
    setup.config.limits.hold_ms = 50;
    let bench = setup.start();
    let ask = json!({"do": "call", "key": "jackfield.plugins.reload", "with": {"plugin": "a"}});
    let refused = bench.call("a.serial", &ask);
    assert!(refused.failure().message.contains("hold_ms"), "{}", refused.failure().message);
    // What stood in the way was the command alone.
    assert_eq!(answer_of(&bench, "a.serial"), "1");
    assert_eq!(bench.call("jackfield.plugins.reload", &json!({"plugin": "a"})).json()["plugin"], "a");
}

#[test]
fn an_exclusive_plugin_may_ask_for_its_own_reload_and_not_wait_for_it() {
    let bench = two().start();
    let ask = json!({"do": "fire", "key": "jackfield.plugins.reload", "with": {"plugin": "a"}});
    assert_eq!(bench.call("a.serial", &ask).json(), "1");
    bench.step("swapped");
    // From `stop` on nothing comes any more, so the old one is told before that nobody knows.
    assert!(bench.wire.wait_for("done 1 -21").contains("nobody knows"));
    bench.wire.wait_for("stop 1");
    bench.wire.wait_for("destroy 1");
}

#[test]
fn a_reload_that_another_swap_holds_up_is_a_deadline_like_any_call() {
    let bench = two().start();
    let latch = Latch::new();
    let busy = bench.send("a.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.put("a.so", &exclusive("a", "2", &[]));
    bench.step("held");
    let reload = json!({"do": "call", "key": "jackfield.plugins.reload", "timeout_ms": 20, "with": {"plugin": "b"}});
    assert_eq!(bench.call("b.serial", &reload).code(), "DEADLINE");
    latch.release();
    assert_eq!(busy.answer().json(), "1");
    bench.step("swapped");
}

#[test]
fn a_call_that_is_out_when_the_drain_gives_up_is_told_and_never_again() {
    let mut setup = two();
    setup.config.limits.drain_s = 0.05;
    let bench = setup.start();
    let latch = Latch::new();
    let wait = json!({"do": "wait", "fd": latch.fd()});
    assert_eq!(bench.call("b.serial", &json!({"do": "fire", "key": "a.serial", "with": wait})).json(), "1");
    bench.wire.wait_for("begin 1");
    bench.call("jackfield.plugins.unload", &json!({"plugin": "b"}));
    bench.wire.wait_for("done 1 -21");
    let retired = bench.step("retired");
    assert!(retired["reason"].as_str().unwrap().contains("1 calls"), "{retired}");
    latch.release();
    assert_eq!(answer_of(&bench, "a.serial"), "1");
    assert!(!bench.wire.has("done 1"), "told twice");
}

#[test]
fn an_unload_drains_the_calls_on_behalf_of_commands_and_takes_no_others() {
    let bench = two().start();
    let latch = Latch::new();
    let later = bench.send("b.serial", &calls_later(&latch, "a.serial", version()));
    bench.wire.wait_for("calls 1");
    let mut orphan = calls_later(&latch, "a.serial", version());
    orphan["do"] = "orphan-later".into();
    let orphan = bench.send("b.concurrent", &orphan);
    bench.wire.wait_for("calls 1");
    bench.call("jackfield.plugins.unload", &json!({"plugin": "b"}));
    bench.step("draining");
    latch.release();
    latch.release();
    assert_eq!(later.answer().json(), "1");
    assert_eq!(orphan.answer().failure().plugin_code, -10);
    bench.wire.wait_for("destroy 1");
}

#[test]
fn a_target_that_is_unloaded_answers_the_calls_that_wait_for_it() {
    let bench = two().start();
    let latch = Latch::new();
    let running = bench.send("a.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let caught = bench.send("b.serial", &json!({"do": "call", "key": "a.serial", "with": version()}));
    bench.wire.wait_for("calls 1");
    bench.until("b.so", "busy", |plugin| plugin["generations"][0]["in_flight"] == 1);
    bench.call("jackfield.plugins.unload", &json!({"plugin": "a"}));
    let code = caught.answer().code();
    assert!(["PLUGIN_GONE", "PLUGIN_FAILED"].contains(&code), "{code}");
    latch.release();
    assert_eq!(running.answer().json(), "1");
}

#[test]
fn an_orderly_stop_lets_running_commands_make_the_calls_that_they_need() {
    let bench = two().start();
    let latch = Latch::new();
    // Many steps, so that some of them come when the stop has begun.
    let mut steps = version();
    for step in 0..16 {
        let key = if step % 2 == 0 { "b.concurrent" } else { "a.concurrent" };
        steps = json!({"do": "call", "key": key, "with": steps});
    }
    let running = bench.send("a.serial", &calls_later(&latch, "b.serial", steps));
    bench.wire.wait_for("calls 1");
    bench.engine.stop_accepting();
    assert_eq!(bench.call("b.serial", &version()).code(), "SHUTTING_DOWN");
    latch.release();
    bench.engine.shutdown(None);
    assert_eq!(running.answer().json(), "1");
    bench.wire.wait_for("destroy 1");
    bench.wire.wait_for("destroy 1");
}

#[test]
fn a_stop_over_its_limit_answers_for_what_is_out() {
    let mut setup = two();
    setup.config.limits = Limits { shutdown_s: 0.1, ..setup.config.limits };
    let bench = setup.start();
    let latch = Latch::new();
    let wait = json!({"do": "wait", "fd": latch.fd()});
    let running = bench.send("b.serial", &json!({"do": "call", "key": "a.serial", "with": wait}));
    bench.wire.wait_for("begin 1");
    bench.engine.shutdown(None);
    assert_eq!(running.answer().code(), "OUTCOME_UNKNOWN");
    bench.wire.wait_for("done 1 -21");
    latch.release();
}

#[test]
fn a_call_made_in_a_start_that_fails_is_told_before_the_instance_is_destroyed() {
    let latch = Latch::new();
    let mut setup = two();
    setup.configure("c", json!({"in_start": "b.serial"}));
    let bench = setup.start();
    let busy = bench.send("b.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.put("c.so", &caller("c", "9", &["-DSTART_FAILS"]));
    bench.wire.wait_for("called in start 0");
    // It was not begun, so it is known that it had no effect.
    bench.wire.wait_for("done 9 -6");
    bench.wire.wait_for("destroy 9");
    latch.release();
    assert_eq!(busy.answer().json(), "1");
}

#[test]
fn of_many_calls_across_many_swaps_each_is_answered_once() {
    let bench = two().start();
    // So many may wait: more would fill a queue on a machine that takes its time to swap.
    const WINDOW: usize = 128;
    let (mut sent, mut count) = (std::collections::VecDeque::new(), 0);
    for round in 2..12 {
        let version = round.to_string();
        let flags: &[&str] = if round % 2 == 0 { &[EXCLUSIVE] } else { &[] };
        bench.put("a.so", &caller("a", &version, flags));
        bench.put("b.so", &caller("b", &version, flags));
        while answer_of(&bench, "a.inline") != *version || answer_of(&bench, "b.inline") != *version {
            for key in ["b.serial", "b.concurrent", "b.inline"] {
                let there = json!({"do": "call", "key": key, "with": version_of_a()});
                sent.push_back(bench.send("a.concurrent", &there));
                sent.push_back(bench.send("a.serial", &json!({"do": "call", "key": key, "with": {"do": "version"}})));
                count += 2;
            }
            while sent.len() > WINDOW {
                assert_eq!(sent.pop_front().unwrap().answer().code(), "OK");
            }
        }
    }
    for pending in sent {
        assert_eq!(pending.answer().code(), "OK");
    }
    // Those with two steps have two replies.
    (0..count / 2 * 3).for_each(|_| drop(bench.wire.wait_for("done over")));
    assert!(!bench.wire.has("done over"), "a reply came twice");
}

/// There and back again.
fn version_of_a() -> Value {
    json!({"do": "call", "key": "a.concurrent", "with": {"do": "version"}})
}
