//! `jackfield.call/1`: a plugin calls commands as clients do, asynchronously, on behalf of the command that it works on.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_message::{Attachment, Command, Sender, SessionId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Bench, Latch, Setup, caller};

/// Two plugins, `a` and `b`, that tell what happens to them.
fn two() -> Setup {
    let mut setup = Setup::new().with("a.so", &caller("a", "1", &[])).with("b.so", &caller("b", "1", &[]));
    setup.configure("a", json!({}));
    setup.configure("b", json!({}));
    setup
}

/// Params for a command that calls `key` with `params` and passes the reply on.
fn calls(key: &str, params: Value) -> Value {
    json!({"do": "call", "key": key, "with": params})
}

fn refusal(bench: &Bench, key: &str, params: &Value) -> i64 {
    bench.call(key, params).failure().plugin_code
}

#[test]
fn the_reply_comes_back_on_the_control_thread_of_the_caller() {
    let bench = two().start();
    for key in ["b.serial", "b.concurrent", "b.inline"] {
        let answer = bench.call("a.serial", &calls(key, json!({"do": "thread"})));
        let control: Vec<_> = bench.wire.wait_for("done 1 0").split(' ').map(str::to_owned).collect();
        assert_eq!(control[4], answer.json().to_string(), "the reply reaches `done` as it was made");
        assert_ne!(control[3], control[4], "{key} ran on the caller's control thread");
        // Whatever its class, what is called runs on a thread of its own generation.
        assert_ne!(answer.json(), bench.call("a.inline", &json!({"do": "thread"})).json(), "{key} ran inline");
    }
}

#[test]
fn the_engines_own_commands_can_be_called_too() {
    let bench = two().start();
    assert_eq!(bench.call("a.concurrent", &calls("jackfield.info", json!({}))).json()["version"], "9.9.9");
    let failed = bench.call("a.concurrent", &calls("jackfield.plugins.reload", json!({"plugin": "none"})));
    assert_eq!(failed.code(), "INVALID_PARAMS");
}

#[test]
fn session_principal_dialect_trace_and_deadline_are_those_of_the_parent() {
    let bench = two().start();
    let mut command = Command::new("a.serial", &calls("b.serial", json!({"do": "from"})).to_string());
    command.session = SessionId(41);
    command.sender = Some(Box::new(Sender { principal: "ada".into(), trace_id: "0af7".into() }));
    command.dialect = "zeiss";
    assert_eq!(bench.submit(command, None).answer().json(), json!([41, "ada", "zeiss", "0af7", 1]));
}

#[test]
fn attachments_are_copied_there_and_back() {
    let bench = two().start();
    let mut command = Command::new("a.serial", &calls("b.serial", json!({"do": "attachments"})).to_string());
    let bytes = vec![7; 100_000];
    command.attachments =
        vec![Attachment { name: "n".into(), bytes: bytes.clone().into(), ..Attachment::default() }].into();
    let success = bench.submit(command, None).answer().outcome.unwrap();
    assert_eq!((&*success.attachments[0].name, &success.attachments[0].bytes[..]), ("n", &bytes[..]));
}

#[test]
fn a_failure_comes_back_with_status_and_text() {
    let bench = two().start();
    let answer = bench.call("a.serial", &calls("b.serial", json!({"do": "fail"})));
    assert_eq!(answer.code(), "INVALID_PARAMS");
    assert!(answer.failure().message.contains("plugin 'b'"), "{}", answer.failure().message);
}

#[test]
fn what_cannot_be_called_is_refused_at_once_and_nothing_comes() {
    let bench = two().start();
    bench.call("a.serial", &json!({"do": "misuse"}));
    for (what, status) in [
        ("no host", -1),
        ("no done", -1),
        ("unknown", -4),
        ("empty key", -4),
        ("bad json", -1),
        ("bad text", -1),
        ("bad attachment", -1),
        ("null list", -1),
        ("foreign parent", -9),
        ("late parent", -9),
    ] {
        assert_eq!(bench.wire.wait_for(what), format!("{what} {status}"));
    }
    assert_eq!(refusal(&bench, "a.inline", &json!({"do": "fire", "key": "b.serial"})), -11, "an INLINE parent");
    bench.call("jackfield.plugins.unload", &json!({"plugin": "a"}));
    bench.wire.wait_for("destroy 1");
    assert!(!bench.wire.has("done"), "`done` came for a call that was refused");
}

#[test]
fn an_inline_command_may_call_on_behalf_of_nobody() {
    let bench = two().start();
    let fire = json!({"do": "fire", "key": "b.serial", "orphan": true, "with": {"do": "version"}});
    assert_eq!(bench.call("a.inline", &fire).json(), "1");
    bench.wire.wait_for("done 1 0");
}

#[test]
fn services_work_from_start_until_stop() {
    let mut setup = two();
    setup.configure("a", json!({"services": true, "in_start": "jackfield.info"}));
    let bench = setup.start();
    let in_start = bench.wire.wait_for("called in start 0 ");
    assert_eq!(bench.wire.wait_for("done 1 0").split(' ').nth(3), in_start.split(' ').nth(4), "not the control thread");
    bench.call("jackfield.plugins.unload", &json!({"plugin": "a"}));
    for when in ["create", "stop", "destroy"] {
        assert_eq!(bench.wire.wait_for(&format!("{when} publish")), format!("{when} publish -10 call -10"));
    }
}

#[test]
fn a_chain_that_would_wait_for_a_serial_instance_that_waits_for_it_fails_at_once() {
    let bench = two().start();
    // a.serial -> a.serial
    assert_eq!(refusal(&bench, "a.serial", &calls("a.serial", json!({"do": "version"}))), -19);
    // a.serial -> b.serial -> a.serial, whether a's thread is held or its answer is pending
    for how in ["call", "block"] {
        let back = calls("a.serial", json!({"do": "version"}));
        let answer = bench.call("a.serial", &json!({"do": how, "key": "b.serial", "with": back}));
        assert_eq!(answer.code(), "PLUGIN_FAILED", "{how}");
    }
    // a.concurrent -> a.serial, a.serial -> b -> a.concurrent and a.serial -> b -> b.concurrent wait for nobody.
    for (from, params) in [
        ("a.concurrent", calls("a.serial", json!({"do": "version"}))),
        ("a.serial", calls("a.concurrent", json!({"do": "version"}))),
        ("a.serial", calls("a.inline", json!({"do": "version"}))),
        ("a.serial", calls("b.serial", calls("a.concurrent", json!({"do": "version"})))),
        ("a.serial", calls("b.serial", calls("b.concurrent", json!({"do": "version"})))),
    ] {
        assert_eq!(bench.call(from, &params).json(), "1", "{params}");
    }
    // With the chain over, its instances are free.
    assert_eq!(bench.call("a.serial", &json!({"do": "version"})).json(), "1");
}

#[test]
fn a_handler_may_hold_its_thread_until_the_reply_has_come() {
    let bench = two().start();
    let waits = json!({"do": "block", "key": "b.serial", "with": {"do": "version"}});
    assert_eq!(bench.call("a.serial", &waits).json(), "1");
}

#[test]
fn a_chain_without_an_end_is_cut() {
    let bench = two().start();
    let answer = bench.call("a.concurrent", &json!({"do": "again"}));
    assert_eq!(answer.failure().plugin_code, -19);
    // The lines may come later than the answer: the first ones are waited for.
    (0..10).for_each(|_| drop(bench.wire.wait_for("calls 1")));
    let more = std::iter::from_fn(|| bench.wire.has("calls 1").then(|| bench.wire.wait_for("calls 1"))).count();
    assert!(more < 1000, "{more} more calls");
}

#[test]
fn a_call_that_is_not_answered_in_its_time_is_a_deadline() {
    let mut setup = two();
    setup.config.limits.call_s = 0.05;
    let bench = setup.start();
    let latch = Latch::new();
    let waits = json!({"do": "wait", "fd": latch.fd()});
    // The limit `call_s`, and then a time of its own.
    assert_eq!(bench.call("a.serial", &calls("b.serial", waits.clone())).code(), "DEADLINE");
    let in_time = json!({"do": "call", "key": "b.concurrent", "timeout_ms": 20, "with": waits});
    let begun = Instant::now();
    assert_eq!(bench.call("a.serial", &in_time).code(), "DEADLINE");
    assert!(begun.elapsed() < Duration::from_secs(5));
    latch.release();
    latch.release();
}

#[test]
fn the_parents_deadline_holds_for_its_calls() {
    let bench = two().start();
    let mut command = Command::new("a.serial", &calls("b.serial", json!({"do": "until-cancelled"})).to_string());
    command.deadline = Some(Instant::now() + Duration::from_millis(60));
    let pending = bench.submit(command, None);
    bench.wire.wait_for("begin 1");
    assert_eq!(pending.answer().code(), "DEADLINE");
    bench.wire.wait_for("cancelled 1");
    bench.wire.wait_for("done 1 -7");
}

#[test]
fn a_cancelled_command_takes_its_calls_with_it_down_the_chain() {
    let bench = two().start();
    let end = calls("b.serial", json!({"do": "until-cancelled"}));
    let pending = bench.send("a.serial", &calls("b.concurrent", end));
    bench.wire.wait_for("begin 1");
    assert!(bench.cancel(&pending));
    bench.wire.wait_for("cancelled 1");
    bench.wire.wait_for("done 1 -6");
    assert_eq!(pending.answer().code(), "CANCELLED");
}

#[test]
fn a_cancelled_command_makes_no_more_calls() {
    let bench = two().start();
    let latch = Latch::new();
    let params = json!({"do": "call", "key": "b.serial", "wait_fd": latch.fd(), "with": {"do": "version"}});
    let pending = bench.send("a.serial", &params);
    bench.wire.wait_for("calls 1");
    assert!(bench.cancel(&pending));
    latch.release();
    assert_eq!(pending.answer().failure().plugin_code, -6);
    assert!(!bench.wire.has("done"));
}

#[test]
fn a_full_queue_of_the_target_is_busy() {
    let mut setup = two();
    setup.config.limits.plugin_queue = 2;
    let bench = setup.start();
    let latch = Latch::new();
    let running = bench.send("b.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting = [1, 2].map(|_| bench.send("b.serial", &json!({"do": "version"})));
    assert_eq!(refusal(&bench, "a.serial", &calls("b.serial", json!({"do": "version"}))), -5);
    latch.release();
    assert!(waiting.into_iter().chain([running]).all(|pending| pending.answer().code() == "OK"));
    assert_eq!(bench.call("a.serial", &calls("b.serial", json!({"do": "version"}))).json(), "1");
}

#[test]
fn a_generation_has_no_more_calls_out_than_may_wait_for_a_plugin() {
    let mut setup = two();
    setup.config.limits.plugin_queue = 3;
    let bench = setup.start();
    let latch = Latch::new();
    let fire = |n: i32| json!({"do": "fire", "key": "b.concurrent", "n": n, "with": {"do": "wait", "fd": latch.fd()}});
    for n in 0..3 {
        assert_eq!(bench.call("a.serial", &fire(n)).code(), "OK");
        bench.wire.wait_for("begin 1");
    }
    assert_eq!(refusal(&bench, "a.serial", &fire(3)), -5);
    (0..3).for_each(|_| latch.release());
    (0..3).for_each(|_| drop(bench.wire.wait_for("done over 1")));
    assert_eq!(bench.call("a.serial", &calls("b.serial", json!({"do": "version"}))).json(), "1");
}
