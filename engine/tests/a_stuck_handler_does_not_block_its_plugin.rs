//! A SERIAL handler that does not return: its caller is answered at the deadline, and a fresh generation of the same content
//! takes what waits.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_message::Command;
use serde_json::json;
use std::time::{Duration, Instant};
use support::{Bench, Latch, Pending, Setup, desk, desk_version};

/// A handler that waits for the latch, with a deadline that it will miss.
fn hang(bench: &Bench, key: &str, latch: &Latch) -> Pending {
    let mut command = Command::new(key, &json!({"do": "wait", "tell": "tell", "fd": latch.fd()}).to_string());
    command.deadline = Some(Instant::now() + Duration::from_millis(30));
    bench.submit(command, None)
}

fn setup(library: &std::path::Path) -> Setup {
    let mut setup = Setup::new().with("desk.so", library);
    setup.config.limits.cancel_grace_s = 0.05;
    setup.config.limits.drain_s = 0.3;
    setup
}

#[test]
fn a_fresh_generation_takes_the_waiting_commands_and_the_stuck_one_is_retired() {
    let bench = setup(&desk_version("1")).start();
    let latch = Latch::new();
    let stuck = hang(&bench, "desk.serial", &latch);
    bench.wire.wait_for("begin 1");
    let waiting: Vec<_> = (0..20).map(|n| bench.send("desk.serial", &json!({"n": n}))).collect();
    assert_eq!(stuck.answer().code(), "DEADLINE");
    let swapped = bench.step("swapped");
    assert_eq!(swapped["version"], "1");
    for (n, pending) in waiting.into_iter().enumerate() {
        assert_eq!(pending.answer().json(), json!({"n": n}));
    }
    let retired = bench.step("retired");
    assert!(retired["reason"].as_str().unwrap().contains("1 commands"), "{retired}");
    let plugin = bench.plugin("desk.so");
    assert_eq!(
        (&plugin["generations"][1]["state"], &plugin["generations"][1]["in_flight"]),
        (&json!("retired"), &json!(1))
    );
    // Its late end is harmless.
    latch.release();
    assert_eq!(bench.wire.wait_for("answered"), "answered 0");
    assert_eq!(bench.version(), "1");
}

#[test]
fn a_cancelled_handler_that_does_not_return_is_replaced_too_and_a_concurrent_one_is_not() {
    let bench = setup(&desk_version("1")).start();
    let latch = Latch::new();
    // Others run beside a CONCURRENT one.
    let concurrent = hang(&bench, "desk.concurrent", &latch);
    bench.wire.wait_for("begin 1");
    assert_eq!(concurrent.answer().code(), "DEADLINE");
    let serial = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.cancel(&serial);
    assert_eq!(serial.answer().code(), "OUTCOME_UNKNOWN");
    let steps = bench.step("swapped");
    assert_eq!(steps["generation"], 2, "one fresh generation, for the serial one: {steps}");
    latch.release();
    latch.release();
}

#[test]
fn what_is_exclusive_cannot_be_replaced_while_it_is_stuck() {
    let bench = setup(&desk(&["-DFLAGS=JF_PLUGIN_EXCLUSIVE"])).start();
    let latch = Latch::new();
    let stuck = hang(&bench, "desk.serial", &latch);
    bench.wire.wait_for("begin 1");
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    assert_eq!(stuck.answer().code(), "DEADLINE");
    // Another class goes on; the queue goes on when the handler has returned.
    assert_eq!(bench.call("desk.concurrent", &json!({"do": "version"})).json(), "1");
    latch.release();
    assert_eq!(waiting.answer().json(), "1");
    assert_eq!(bench.plugin("desk.so")["generation"], 1);
}

#[test]
fn no_more_fresh_generations_than_may_live_and_the_next_when_one_has_ended() {
    let mut setup = setup(&desk_version("1"));
    setup.config.live_generations = 2;
    setup.config.limits.drain_s = 0.6;
    let bench = setup.start();
    let latch = Latch::new();
    let first = hang(&bench, "desk.serial", &latch);
    bench.wire.wait_for("begin 1");
    assert_eq!(first.answer().code(), "DEADLINE");
    bench.step("swapped");
    let second = hang(&bench, "desk.serial", &latch);
    bench.wire.wait_for("begin 1");
    assert_eq!(second.answer().code(), "DEADLINE");
    // The second one has to wait until the first is retired.
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    assert_eq!(waiting.answer().json(), "1");
    let generations = bench.plugin("desk.so")["generations"].clone();
    assert!(generations.as_array().unwrap().iter().any(|old| old["state"] == "retired"), "{generations}");
    latch.release();
    latch.release();
}

#[test]
fn not_more_than_eight_stuck_generations_are_kept_for_a_plugin() {
    let mut setup = setup(&desk_version("1"));
    setup.config.limits.drain_s = 0.02;
    let bench = setup.start();
    let latch = Latch::new();
    for _ in 0..8 {
        let stuck = hang(&bench, "desk.serial", &latch);
        bench.wire.wait_for("begin 1");
        assert_eq!(stuck.answer().code(), "DEADLINE");
        bench.step("swapped");
    }
    let ninth = hang(&bench, "desk.serial", &latch);
    bench.wire.wait_for("begin 1");
    assert_eq!(ninth.answer().code(), "DEADLINE");
    // From now on its queue waits for the handler, as others that are not SERIAL need not.
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    assert_eq!(bench.call("desk.concurrent", &json!({"do": "version"})).json(), "1");
    for _ in 0..9 {
        latch.release();
    }
    assert_eq!(waiting.answer().json(), "1");
    assert!(!bench.steps_so_far().contains(&"swapped".to_owned()));
}
