//! The way of a command into a plugin of each class and back, and what the built-in commands say of it.

mod support;

use jackfield_message::{Attachment, Command, Culprit, Plain};
use serde_json::json;
use support::{Latch, Setup, desk, desk_version};

const CLASSES: [&str; 3] = ["desk.inline", "desk.serial", "desk.concurrent"];

#[test]
fn every_class_echoes_and_answers_null_for_ok_without_a_reply() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in CLASSES {
        let params = json!({"a": [1, "ü", {"b": null}]});
        assert_eq!(bench.call(key, &params).json(), params, "{key}");
        assert_eq!(bench.call(key, &json!({"do": "null"})).json(), json!(null), "{key}");
    }
    assert!(bench.send("desk.inline", &json!({})).was_answered_at_once());
    assert!(!bench.send("desk.serial", &json!({})).was_answered_at_once());
}

#[test]
fn errors_come_with_the_plugins_own_text_code_and_details() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in CLASSES {
        let answer = bench.call(key, &json!({"do": "fail", "status": -3}));
        let failure = answer.failure();
        assert_eq!((failure.code.as_str(), failure.message.as_str()), ("INVALID_PARAMS", "no luck with 'a'"));
        assert_eq!((failure.plugin_code, &*failure.details), (42, "{\"why\":1}"));
        assert_eq!(failure.plugin.as_deref(), Some("desk"));
        for (status, code) in [
            (-2, "PLUGIN_FAILED"),
            (-5, "BUSY"),
            (-15, "PLUGIN_PANICKED"),
            (-20, "UNAVAILABLE"),
            (-16, "INTERNAL"),
            (-4711, "INTERNAL"),
        ] {
            let answer = bench.call(key, &json!({"do": "return", "status": status}));
            assert_eq!(answer.code(), code, "{key} {status}");
            assert_ne!(answer.failure().culprit, Culprit::Engine);
        }
    }
}

#[test]
fn a_pending_command_is_answered_from_another_thread() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in ["desk.serial", "desk.concurrent"] {
        let latch = Latch::new();
        let pending = bench.send(key, &json!({"do": "pend", "fd": latch.fd()}));
        bench.wire.wait_for("pending 1");
        assert_eq!(bench.version(), "1", "{key}: the thread is free meanwhile");
        latch.release();
        assert_eq!(pending.answer().json(), json!("1"));
        bench.wire.wait_for("answered 0");
    }
}

#[test]
fn pending_from_an_inline_command_is_the_plugins_fault() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let answer = bench.call("desk.inline", &json!({"do": "nothing"}));
    assert_eq!((answer.code(), answer.failure().culprit), ("INTERNAL", Culprit::Plugin));
}

#[test]
fn unknown_keys_are_named_and_a_catch_all_gets_what_it_is_sent() {
    let bench = Setup::new().with("desk.so", &desk(&["-DCATCH_ALL"])).start();
    let answer = bench.call("desk.none", &json!({}));
    assert_eq!(answer.code(), "UNKNOWN_KEY");
    assert!(answer.failure().message.contains("'desk.none'"));
    assert!(bench.engine.burst().catches_all() && bench.engine.burst().is_command("desk.serial"));
    assert!(!bench.engine.burst().is_command("") && !bench.engine.burst().is_command("desk.none"));
    assert_eq!(bench.call("", &json!({"desk.none": 1})).json(), json!({"desk.none": 1}));
}

#[test]
fn attachments_go_both_ways_and_acknowledgements_are_marked() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in CLASSES {
        let mut command = Command::new(key, r#"{"do":"attachments"}"#);
        let attachment = |name: &str, size| Attachment {
            name: name.into(),
            content_type: "image/png".into(),
            bytes: vec![7; size].into(),
        };
        command.attachments = vec![attachment("a", 3), attachment("", 0), attachment("c", 100_000)].into();
        let sent = command.attachments.clone();
        let success = bench.submit(command, None).answer().outcome.unwrap();
        assert_eq!(success.attachments, sent, "{key}");
        assert_eq!(success.plain, Plain::Result);
    }
    for behaviour in ["null", "version"] {
        let success = bench.call("desk.ack", &json!({"do": behaviour})).outcome.unwrap();
        assert_eq!(success.plain, Plain::Acknowledgement);
    }
}

#[test]
fn progress_is_thinned_out_and_comes_before_the_answer() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let answer = bench.call("desk.serial", &json!({"do": "progress"}));
    assert_eq!(answer.json(), json!(true));
    assert!((2..11).contains(&answer.progress.len()), "{:?}", answer.progress);
    let last = answer.progress.last().unwrap();
    assert_eq!((last.done, last.total, last.text.as_str()), (10, 10, "parts"));
}

#[test]
fn the_report_has_the_promised_shape() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    assert_eq!(bench.version(), "1");
    // The answer may be here before `handle` has returned.
    bench.until("desk.so", "idle", |plugin| plugin["generations"][0]["in_flight"] == 0);
    let report = bench.report();
    assert!(report["reload_budget"].as_u64().unwrap() > 100);
    let plugin = &report["plugins"][0];
    assert_eq!((&plugin["id"], &plugin["version"], &plugin["state"]), (&json!("desk"), &json!("1"), &json!("serving")));
    assert_eq!(plugin["file"], json!(bench.folder.join("desk.so").to_str()));
    assert_eq!(plugin["keys"][0], json!({"key": "desk.serial", "class": "SERIAL", "help": "does what it is told"}));
    let generation = &plugin["generations"][0];
    assert_eq!(generation["generation"], plugin["generation"]);
    assert_eq!(
        (&generation["state"], &generation["in_flight"], &generation["buffers"], &generation["mapped"]),
        (&json!("serving"), &json!(0), &json!(0), &json!(true))
    );
    assert!(generation["threads"].as_u64().unwrap() >= 2 && generation["why"].is_null());
    assert!(plugin.get("refused").is_none());
    let info = bench.call("jackfield.info", &json!({})).json();
    assert_eq!((&info["version"], &info["plugin_abi"], &info["plugins"]), (&json!("9.9.9"), &json!("1.0"), &json!(1)));
    assert_eq!(info["limits"]["plugin_queue"], 1024);
}

#[test]
fn serial_commands_exclude_each_other_and_concurrent_ones_meet() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let latch = Latch::new();
    let wait = |n| json!({"do": "wait", "n": n, "fd": latch.fd()});
    let both = [bench.send("desk.concurrent", &wait(1)), bench.send("desk.concurrent", &wait(2))];
    bench.wire.wait_for("begin 1 ");
    bench.wire.wait_for("begin 1 ");
    assert!(!bench.wire.has("end"), "both are inside at once");
    latch.release();
    latch.release();
    assert!(both.into_iter().all(|pending| pending.answer().code() == "OK"));

    let both = [bench.send("desk.serial", &wait(3)), bench.send("desk.serial", &wait(4))];
    bench.wire.wait_for("begin 1 3");
    // A concurrent command gets through, so the second serial one had its chance.
    assert_eq!(bench.call("desk.concurrent", &json!({"do": "version"})).json(), json!("1"));
    assert!(!bench.wire.has("begin 1 4"));
    latch.release();
    bench.wire.wait_for("end 1 3");
    bench.wire.wait_for("begin 1 4");
    latch.release();
    assert!(both.into_iter().all(|pending| pending.answer().code() == "OK"));
}

#[test]
fn an_inline_command_that_is_slow_again_and_again_leaves_the_thread_of_its_session_with_an_event() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let thread = || bench.call("desk.inline", &json!({"do": "thread"})).json();
    let own = thread();
    for _ in 0..4 {
        bench.call("desk.inline", &json!({"do": "burn"}));
    }
    let demoted = bench.step("demoted");
    assert!(demoted["reason"].as_str().unwrap().contains("'desk.inline'"), "{demoted}");
    assert_ne!(thread(), own);
    let keys = bench.plugin("desk.so")["keys"].clone();
    let inline = keys.as_array().unwrap().iter().find(|key| key["key"] == "desk.inline").unwrap();
    assert_eq!(inline["class"], "CONCURRENT");
}
