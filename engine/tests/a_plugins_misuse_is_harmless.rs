//! What a plugin does wrong with the host's functions costs it an error number and a line in the log, nothing more.

mod support;

use jackfield_message::Culprit;
use serde_json::json;
use std::collections::HashSet;
use support::{Latch, Setup, desk, desk_version};

#[test]
fn a_second_reply_is_stale_and_the_first_one_stands() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in ["desk.serial", "desk.concurrent", "desk.inline"] {
        for more in ["", "then-error"] {
            assert_eq!(bench.call(key, &json!({"do": "misuse", "how": "twice", "more": more})).json(), json!(1));
            assert_eq!(bench.wire.wait_for("twice"), "twice 0 -9");
        }
    }
}

#[test]
fn old_foreign_and_made_up_tokens_are_stale_and_touch_nobody() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let latch = Latch::new();
    let other = bench.send("desk.concurrent", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    for key in ["desk.serial", "desk.inline"] {
        bench.call(key, &json!({}));
        assert_eq!(bench.call(key, &json!({"do": "misuse", "how": "old-token"})).json(), json!(null), "{key}");
        for (line, status) in
            [("old", -9), ("foreign", -9), ("near", -9), ("zero", -9), ("null", -9), ("progress", -9), ("cancelled", 1)]
        {
            assert_eq!(bench.wire.wait_for(line), format!("{line} {status}"), "{key}");
        }
    }
    latch.release();
    assert_eq!(other.answer().json(), json!("1"));
}

#[test]
fn an_unusable_reply_becomes_an_error_that_names_the_plugin_and_its_buffers_are_given_back() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in ["desk.serial", "desk.concurrent", "desk.inline"] {
        for how in ["bad-json", "bad-utf8", "null-length", "bad-and-owned", "tiny"] {
            let answer = bench.call(key, &json!({"do": "misuse", "how": how}));
            let failure = answer.failure();
            assert_eq!((failure.code.as_str(), failure.culprit), ("INTERNAL", Culprit::Plugin), "{key} {how}");
            assert_eq!(failure.plugin.as_deref(), Some("desk"));
            let line = if how == "tiny" { "tiny" } else { "bad" };
            assert_eq!(bench.wire.wait_for(line), format!("{line} -1"), "{how}");
        }
        bench.wire.wait_for("released 10 ");
        assert_eq!(bench.call(key, &json!({"do": "misuse", "how": "late-owned"})).json(), json!(1));
        assert_eq!(bench.wire.wait_for("late"), "late -9");
        bench.wire.wait_for("released 6 ");
        assert!(!bench.wire.has("released"), "each is released once");
    }
}

#[test]
fn a_reply_that_is_too_large_is_told_so_with_the_plugin_to_blame() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in ["desk.serial", "desk.concurrent", "desk.inline"] {
        let answer = bench.call(key, &json!({"do": "misuse", "how": "gibibyte"}));
        let failure = answer.failure();
        assert_eq!((failure.code.as_str(), failure.culprit), ("TOO_LARGE", Culprit::Plugin), "{key}");
        assert!(
            failure.message.contains("1073741824 bytes, more than 268435456 (limit attachment_bytes)"),
            "{failure}"
        );
        assert_eq!(bench.wire.wait_for("bad"), "bad -1");
        bench.wire.wait_for("released 10 ");
    }
}

#[test]
fn a_reply_of_an_older_header_has_what_lies_inside_it() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in ["desk.serial", "desk.inline"] {
        assert_eq!(bench.call(key, &json!({"do": "misuse", "how": "small"})).json(), json!("small"));
        assert_eq!(bench.wire.wait_for("small"), "small 0");
    }
}

#[test]
fn replies_from_create_and_destroy_are_in_the_wrong_state() {
    let bench = Setup::new().with("desk.so", &desk(&["-DREPLY_IN_CREATE"])).start();
    assert_eq!(bench.wire.wait_for("reply"), "reply -10");
    bench.wire.wait_for("released 1 ");
    assert_eq!(bench.version(), "1");
    bench.put("desk.so", &desk_version("2"));
    assert_eq!(bench.wire.wait_for("reply"), "reply -10");
    bench.wire.wait_for("destroy 1");
}

#[test]
fn owned_buffers_reach_the_client_uncopied_and_are_released_once_on_the_control_thread() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let control = bench.wire.wait_for("create 1").split(' ').next_back().unwrap().to_owned();
    for key in ["desk.serial", "desk.concurrent", "desk.inline"] {
        let success = bench.call(key, &json!({"do": "owned"})).outcome.unwrap();
        assert_eq!((&*success.json, &*success.attachments[0].bytes), ("\"owned\"", &b"attachment"[..]));
        assert_eq!((&*success.attachments[0].name, &*success.attachments[0].content_type), ("n", "text/plain"));
        assert_eq!(bench.plugin("desk.so")["generations"][0]["buffers"], 2);
        assert!(!bench.wire.has("released"), "the client still reads them");
        // They keep their version in the process, whatever replaces it.
        drop(success);
        for size in [7, 10] {
            let line = bench.wire.wait_for(&format!("released {size} "));
            assert_eq!(line.split(' ').next_back(), Some(control.as_str()));
        }
        bench.until("desk.so", "without buffers", |plugin| plugin["generations"][0]["buffers"] == 0);
        assert!(!bench.wire.has("released"));
    }
    let held = bench.call("desk.serial", &json!({"do": "owned"})).outcome.unwrap();
    bench.put("desk.so", &desk_version("2"));
    let draining = bench.until("desk.so", "draining", |plugin| plugin["generations"][1]["state"] == "draining");
    assert_eq!(
        (&draining["generations"][1]["buffers"], &draining["generations"][1]["in_flight"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(&*held.json, "\"owned\"");
    drop(held);
    bench.step("closed");
    bench.wire.wait_for("destroy 1");
}

#[test]
fn plugin_code_runs_only_on_threads_of_its_generation_but_for_inline() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let mut threads = HashSet::new();
    threads.insert(bench.wire.wait_for("create 1").split(' ').next_back().unwrap().parse::<u64>().unwrap());
    let thread = |key: &str| bench.call(key, &json!({"do": "thread"})).json().as_u64().unwrap();
    let serial = thread("desk.serial");
    assert!((0..5).all(|_| thread("desk.serial") == serial));
    threads.insert(serial);
    threads.insert(thread("desk.concurrent"));
    threads.insert(thread("desk.inline"));
    assert_eq!(threads.len(), 4);
    let name = |thread: u64| std::fs::read_to_string(format!("/proc/self/task/{thread}/comm")).unwrap();
    assert!(name(serial).ends_with("-serial\n"));
    assert!(!name(thread("desk.inline")).starts_with("jf-"), "the caller's own thread");
}
