//! Deadlines, cancels, full queues, drains and the end: each wait has a limit and a named outcome.

mod support;

use jackfield_message::Command;
use serde_json::json;
use std::time::{Duration, Instant};
use support::{Latch, Setup, desk_version};

fn with_deadline(key: &str, params: &serde_json::Value, ms: u64) -> Command {
    let mut command = Command::new(key, &params.to_string());
    command.deadline = Some(Instant::now() + Duration::from_millis(ms));
    command
}

#[test]
fn a_running_command_past_its_deadline_is_answered_and_asked_to_stop_and_its_late_reply_is_harmless() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let params = json!({"do": "until-cancelled"});
    let answer = bench.submit(with_deadline("desk.serial", &params, 30), None).answer();
    assert_eq!(answer.code(), "DEADLINE");
    assert!(answer.failure().message.contains("may still take effect"));
    assert_eq!(bench.wire.wait_for("cancelled"), "cancelled 1");

    let latch = Latch::new();
    let late = json!({"do": "wait", "tell": 1, "x": "tell", "fd": latch.fd()});
    assert_eq!(bench.submit(with_deadline("desk.serial", &late, 30), None).answer().code(), "DEADLINE");
    bench.wire.wait_for("cancel 1");
    latch.release();
    assert_eq!(bench.wire.wait_for("answered"), "answered 0");
    assert_eq!(bench.version(), "1");
}

#[test]
fn a_waiting_command_past_its_deadline_is_never_begun() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.configure("desk", json!({})).deadlines.insert("desk.ack".to_owned(), Duration::from_millis(30));
    let bench = setup.start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "n": 1, "fd": latch.fd()}));
    bench.wire.wait_for("begin 1 1");
    // One deadline is the caller's, one the operator's.
    let late = json!({"do": "wait", "n": 2});
    for late in [bench.submit(with_deadline("desk.serial", &late, 30), None), bench.send("desk.ack", &late)] {
        let answer = late.answer();
        assert_eq!(answer.code(), "DEADLINE");
        assert!(answer.failure().message.contains("was not begun"));
    }
    latch.release();
    assert_eq!(running.answer().code(), "OK");
    assert_eq!(bench.version(), "1");
    assert!(!bench.wire.has("begin 1 2"));
}

#[test]
fn a_cancelled_command_is_answered_at_once_if_it_waits_and_by_the_plugin_if_it_runs() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let running = bench.send("desk.serial", &json!({"do": "until-cancelled"}));
    bench.wire.wait_for("begin 1");
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    assert!(bench.cancel(&waiting));
    let answer = waiting.answer();
    assert_eq!(answer.code(), "CANCELLED");
    assert!(answer.failure().message.contains("before it began"));
    assert!(bench.cancel(&running));
    assert_eq!(running.answer().code(), "CANCELLED");
    let done = bench.send("desk.serial", &json!({"do": "version"}));
    let handle = done.handle.clone().unwrap();
    assert_eq!(done.answer().code(), "OK");
    assert!(!bench.engine.cancel(&handle), "nothing to cancel any more");
}

#[test]
fn the_end_of_a_session_cancels_only_the_keys_that_say_so() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let params = json!({"do": "until-cancelled"});
    let flagged = bench.send("desk.ack", &params);
    bench.wire.wait_for("begin 1");
    let other = bench.send("desk.serial", &json!({"do": "version"}));
    bench.engine.disconnect(other.handle.as_ref().unwrap());
    bench.engine.disconnect(flagged.handle.as_ref().unwrap());
    assert_eq!(flagged.answer().code(), "CANCELLED");
    assert_eq!(other.answer().code(), "OK");
}

#[test]
fn a_plugin_that_ignores_a_cancel_is_answered_for_after_the_grace_time() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.config.limits.cancel_grace_s = 0.2;
    let bench = setup.start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "tell": "tell", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    assert!(bench.cancel(&running));
    assert!(bench.cancel(&running), "asked for again, it is still under way");
    bench.wire.wait_for("cancel 1");
    let answer = running.answer();
    assert_eq!(answer.code(), "OUTCOME_UNKNOWN");
    assert!(answer.failure().message.contains("cancel_grace_s"));
    latch.release();
    assert_eq!(bench.wire.wait_for("answered"), "answered 0");
}

#[test]
fn a_full_queue_answers_busy_and_takes_commands_again_when_it_is_not() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.config.limits.plugin_queue = 3;
    let bench = setup.start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting = [(); 3].map(|()| bench.send("desk.serial", &json!({"do": "version"})));
    let busy = bench.call("desk.serial", &json!({"do": "version"}));
    assert_eq!(busy.code(), "BUSY");
    assert!(busy.failure().message.contains("plugin_queue"));
    assert_eq!(bench.call("desk.inline", &json!({"do": "version"})).code(), "OK", "what need not wait is served");
    assert!(bench.cancel(&waiting[1]));
    let one_more = bench.send("desk.serial", &json!({"do": "version"}));
    assert!(!one_more.was_answered_at_once());
    latch.release();
    assert_eq!(running.answer().code(), "OK");
    let codes: Vec<_> = waiting.into_iter().map(|pending| pending.answer().code()).collect();
    assert_eq!(codes, ["OK", "CANCELLED", "OK"]);
    assert_eq!(one_more.answer().code(), "OK");
}

#[test]
fn what_does_not_drain_is_answered_for_and_retired_and_the_engine_goes_on() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.config.limits.drain_s = 0.05;
    let bench = setup.start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "tell": "tell", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.put("desk.so", &desk_version("2"));
    let answer = running.answer();
    assert_eq!(answer.code(), "OUTCOME_UNKNOWN");
    assert!(answer.failure().message.contains("drain_s"), "{}", answer.failure().message);
    let retired = bench.step("retired");
    assert!(retired["reason"].as_str().unwrap().contains("1 commands"), "{retired}");
    assert_eq!(bench.version(), "2");
    bench.put("desk.so", &desk_version("3"));
    assert_eq!(bench.step("closed")["version"], "2");
    latch.release();
    assert_eq!(bench.wire.wait_for("answered"), "answered 0");
    assert_eq!(bench.version(), "3");
    assert!(!bench.wire.has("destroy 1"));
}
