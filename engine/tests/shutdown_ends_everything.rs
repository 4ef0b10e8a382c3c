//! The orderly end. Alone in its process: it counts the process's threads.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use serde_json::json;
use std::time::Duration;
use support::{LONG, Latch, Setup, desk_version, mapped_from};

/// Names of the engine's threads.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("jf-")).collect()
}

#[test]
fn it_waits_for_what_runs_answers_the_rest_and_leaves_no_thread_behind() {
    assert_eq!(threads(), [""; 0]);
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let latch = Latch::new();
    // One generation drains, one serves; both are busy, and one more command waits.
    let draining = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    bench.put("desk.so", &desk_version("2"));
    bench.step("swapped");
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 2");
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    assert!(!threads().is_empty());
    std::thread::scope(|scope| {
        let shutdown = scope.spawn(|| bench.engine.shutdown(None));
        while bench.call("desk.inline", &json!({})).code() != "SHUTTING_DOWN" {}
        assert_eq!(bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"})).code(), "SHUTTING_DOWN");
        assert!(!shutdown.is_finished());
        latch.release();
        latch.release();
        shutdown.join().unwrap();
    });
    assert_eq!([draining, running, waiting].map(|pending| pending.answer().json()), ["1", "2", "2"].map(|v| json!(v)));
    for line in ["stop 1", "destroy 1", "stop 2", "destroy 2"] {
        bench.wire.wait_for(line);
    }
    assert_eq!(mapped_from(&bench.copies), [""; 0]);
    bench.engine.shutdown(None);
    assert_eq!(bench.call("desk.serial", &json!({})).code(), "SHUTTING_DOWN");

    // And one that does not end in time.
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.config.limits.shutdown_s = 0.1;
    let bench = setup.start();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    bench.engine.shutdown(None);
    assert_eq!((running.answer().code(), waiting.answer().code()), ("OUTCOME_UNKNOWN", "SHUTTING_DOWN"));
    latch.release();
    bench.wire.wait_for("end 1");
    drop(bench);
    // Its serial thread ends by itself; joined threads may be listed a moment longer.
    let until = std::time::Instant::now() + LONG;
    while !threads().is_empty() {
        assert!(std::time::Instant::now() < until, "left: {:?}", threads());
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
