//! A plugin file is replaced while the engine runs: by every means that people use, under load, and too often.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::Order;
use jackfield_message::Command;
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Bench, Latch, Setup, desk, desk_version, mapped_from};

/// Waits until version `version` serves and what was before it is closed, out of memory and off the disk.
fn is_swapped(bench: &Bench, version: &str) {
    let only_one = |plugin: &Value| {
        let generations = plugin["generations"].as_array().unwrap();
        plugin["version"] == version && generations[1..].iter().all(|generation| generation["state"] == "closed")
    };
    let plugin = bench.until("desk.so", "swapped and closed", only_one);
    assert_eq!(bench.version(), version);
    assert_ne!(plugin["generations"][1]["mapped"], true);
    let copies: Vec<_> = std::fs::read_dir(&bench.copies).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [copy] = copies.as_slice() else { panic!("one copy is left: {copies:?}") };
    let mapped = mapped_from(&bench.copies);
    assert!(!mapped.is_empty() && mapped.iter().all(|line| line.ends_with(copy.to_str().unwrap())), "{mapped:?}");
    assert!(mapped_from(&bench.folder).is_empty(), "the file itself is never mapped");
}

#[test]
fn every_way_to_replace_a_file_is_a_swap() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let file = bench.folder.join("desk.so");
    is_swapped(&bench, "1");
    bench.put("desk.so", &desk_version("2"));
    is_swapped(&bench, "2");
    // cp over it, in place.
    std::fs::copy(desk_version("3"), &file).unwrap();
    is_swapped(&bench, "3");
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(desk_version("4"), &file).unwrap();
    is_swapped(&bench, "4");
    let other = bench.folder.join("linked");
    std::fs::copy(desk_version("5"), &other).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::hard_link(&other, &file).unwrap();
    is_swapped(&bench, "5");
    // Through the other name of the hard link.
    std::fs::copy(desk_version("6"), &other).unwrap();
    is_swapped(&bench, "6");
    let installed = std::process::Command::new("install").arg(desk_version("7")).arg(&file).status().unwrap();
    assert!(installed.success());
    is_swapped(&bench, "7");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(desk_version("8"), &file).unwrap();
    is_swapped(&bench, "8");
}

#[test]
fn the_same_content_is_no_swap() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    bench.steps_so_far();
    let before = bench.plugin("desk.so")["generation"].clone();
    let file = std::fs::File::options().write(true).open(bench.folder.join("desk.so")).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    bench.step("settled");
    bench.put("desk.so", &desk_version("1"));
    bench.step("settled");
    // A real one, behind the others.
    bench.put("desk.so", &desk_version("2"));
    bench.step("swapped");
    let plugin = bench.plugin("desk.so");
    assert!(plugin["generations"].as_array().unwrap().iter().any(|generation| generation["generation"] == before));
    assert_eq!(plugin["generations"].as_array().unwrap().len(), 2);
}

#[test]
fn what_waits_during_a_swap_is_answered_once_by_the_new_version_and_what_runs_by_the_old() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting: Vec<_> = (0..20).map(|_| bench.send("desk.serial", &json!({"do": "version"}))).collect();
    bench.put("desk.so", &desk_version("2"));
    for pending in waiting {
        assert_eq!(pending.answer().json(), json!("2"));
    }
    let draining = bench.until("desk.so", "draining", |plugin| plugin["generations"][1]["state"] == "draining");
    assert_eq!(draining["generations"][1]["in_flight"], 1);
    assert_eq!(bench.version(), "2");
    latch.release();
    assert_eq!(running.answer().json(), json!("1"));
    is_swapped(&bench, "2");
}

#[test]
fn no_command_is_lost_or_answered_twice_while_versions_change_under_load() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for version in ["2", "3", "4", "5"] {
        bench.put("desk.so", &desk_version(version));
        loop {
            let keys = ["desk.serial", "desk.concurrent", "desk.inline"];
            let sent: Vec<_> =
                keys.iter().cycle().take(60).map(|key| bench.send(key, &json!({"do": "version"}))).collect();
            // Each of them is answered by a version that was there.
            let answers: Vec<_> = sent.into_iter().map(|pending| pending.answer().json()).collect();
            if answers.iter().all(|answer| answer == version) {
                break;
            }
        }
        is_swapped(&bench, version);
    }
}

#[test]
fn an_in_order_session_does_not_overtake_itself_into_the_new_version() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let (latch, order) = (Latch::new(), Arc::new(Order::default()));
    let ordered = |params: Value| bench.submit(Command::new("desk.serial", &params.to_string()), Some(&order));
    let first = ordered(json!({"do": "wait", "n": 1, "fd": latch.fd()}));
    bench.wire.wait_for("begin 1 1");
    let second = ordered(json!({"do": "wait", "n": 2, "fd": latch.fd()}));
    let third = ordered(json!({"do": "wait", "n": 3, "fd": latch.fd()}));
    bench.put("desk.so", &desk_version("2"));
    bench.step("swapped");
    // Another session's command, which came later, is answered meanwhile.
    assert_eq!(bench.version(), "2");
    assert!(!bench.wire.has("begin 2"), "the second waits for the first");
    latch.release();
    bench.wire.wait_for("end 1 1");
    bench.wire.wait_for("begin 2 2");
    assert!(!bench.wire.has("begin 2 3"));
    latch.release();
    bench.wire.wait_for("end 2 2");
    bench.wire.wait_for("begin 2 3");
    latch.release();
    assert_eq!([first, second, third].map(|pending| pending.answer().json()), ["1", "2", "2"].map(Value::from));
}

#[test]
fn at_most_three_generations_live_and_further_changes_become_one() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let latch = Latch::new();
    let mut running = Vec::new();
    for version in ["1", "2", "3"] {
        bench.until("desk.so", "serving", |plugin| plugin["version"] == version);
        running.push(bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()})));
        bench.wire.wait_for(&format!("begin {version}"));
        let next: u32 = version.parse::<u32>().unwrap() + 1;
        bench.steps_so_far();
        bench.put("desk.so", &desk_version(&next.to_string()));
    }
    bench.step("seen");
    bench.put("desk.so", &desk_version("5"));
    assert_eq!(bench.call("desk.concurrent", &json!({"do": "version"})).json(), json!("3"));
    let busy = bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"}));
    assert_eq!(busy.code(), "BUSY");
    assert!(busy.failure().message.contains("3 generations"));
    for _ in 0..3 {
        latch.release();
    }
    let answers: Vec<_> = running.into_iter().map(|pending| pending.answer().json()).collect();
    assert_eq!(answers, ["1", "2", "3"]);
    is_swapped(&bench, "5");
    assert!(!bench.wire.has("create 4"), "an in-between version was loaded");
}

#[test]
fn a_key_that_the_new_version_does_not_have_is_gone_for_those_who_wait() {
    let bench = Setup::new().with("desk.so", &desk(&["-DEXTRA=\"extra\""])).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting = bench.send("extra", &json!({}));
    bench.put("desk.so", &desk_version("2"));
    let answer = waiting.answer();
    assert_eq!(answer.code(), "PLUGIN_GONE");
    assert!(answer.failure().message.contains("'extra'"));
    assert_eq!(bench.call("extra", &json!({})).code(), "UNKNOWN_KEY");
    latch.release();
    assert_eq!(running.answer().code(), "OK");
}

#[test]
fn inline_c_without_thread_locals_closes_and_with_them_is_retired_with_its_reason() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    assert_eq!(bench.call("desk.inline", &json!({})).code(), "OK");
    bench.put("desk.so", &desk(&["-DVERSION=\"2\"", "-DTHREAD_LOCAL"]));
    is_swapped(&bench, "2");
    bench.put("desk.so", &desk_version("3"));
    let retired = bench.step("retired");
    assert!(retired["reason"].as_str().unwrap().contains("thread-locals"), "{retired}");
    let plugin = bench.until("desk.so", "retired", |plugin| plugin["generations"][1]["state"] == "retired");
    assert_eq!(plugin["generations"][1]["mapped"], true);
    bench.wire.wait_for("destroy 2");
    // The same without INLINE commands closes.
    let without = ["-DVERSION=\"4\"", "-DTHREAD_LOCAL", "-DNO_INLINE"];
    bench.put("desk.so", &desk(&without));
    assert_eq!(bench.step("closed")["version"], "3");
    bench.put("desk.so", &desk_version("5"));
    assert_eq!(bench.step("closed")["version"], "4");
}
