//! `jackfield.topics/1`: plugins publish, and hear the topics that their descriptor names. The subscription is the plugin's,
//! not a generation's: what is published during a swap is heard by the version that serves next, once.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::{Next, Subscription, WhenFull};
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{Bench, Latch, Setup, caller};

const TOPICS: &str = "-DTOPICS=JF_STR(\"t.*\")";

fn hearing(version: &str, more: &[&str]) -> PathBuf {
    caller("ear", version, &[&[TOPICS], more].concat())
}

fn exclusive(version: &str, more: &[&str]) -> PathBuf {
    hearing(version, &[&["-DFLAGS=JF_PLUGIN_EXCLUSIVE"], more].concat())
}

/// `a`, which publishes, and a plugin `ear` that hears.
fn setup(ear: &std::path::Path) -> Setup {
    let mut setup = Setup::new().with("a.so", &caller("a", "1", &[])).with("ear.so", ear);
    setup.configure("a", json!({}));
    setup.configure("ear", json!({}));
    setup
}

/// Publishes through `a`; gives the status.
fn publish(bench: &Bench, topic: &str, data: Value) -> Value {
    bench.call("a.inline", &json!({"do": "publish", "topic": topic, "with": data})).json()
}

fn heard(bench: &Bench) -> String {
    let line = bench.wire.wait_for("event ");
    bench.wire.wait_for("event-over");
    line
}

fn next(subscription: &Subscription) -> String {
    match subscription.next() {
        Next::Event(event, _) => format!("{} {}", event.topic(), event.data()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_plugin_publishes_reaches_subscribers_of_the_engine_from_any_thread() {
    let bench = setup(&hearing("1", &[])).start();
    let events = bench.engine.subscribe("t.**", WhenFull::Drop, || ());
    for key in ["a.inline", "a.serial", "a.concurrent"] {
        let params = json!({"do": "publish", "topic": "t.x", "with": {"by": key}});
        assert_eq!(bench.call(key, &params).json(), 0);
        assert_eq!(next(&events), format!("t.x {{\"by\":\"{key}\"}}"));
    }
}

#[test]
fn what_is_no_topic_or_no_json_is_refused() {
    let mut setup = setup(&hearing("1", &[]));
    setup.config.limits.topic_queue_bytes = 200;
    setup.config.limits.nesting = 3;
    let bench = setup.start();
    let events = bench.engine.subscribe("**", WhenFull::Drop, || ());
    for topic in ["", "t.", ".t", "t..x", "t.*", "**", "jackfield.plugins", "jackfield.x", &"t".repeat(257)] {
        assert_eq!(publish(&bench, topic, json!(1)), -1, "{topic:?}");
    }
    assert_eq!(publish(&bench, "t", json!([[[[1]]]])), -1);
    assert_eq!(publish(&bench, "t", json!("x".repeat(300))), -8);
    assert!(matches!(events.next(), Next::Empty));
    let malformed = jackfield_message::Command::new("a.serial", r#"{"do":"publish","topic":"t","with":{"a":}"#);
    assert_eq!(bench.submit(malformed, None).answer().json(), -1);
}

#[test]
fn a_plugin_hears_its_topics_in_order_on_its_control_thread() {
    let bench = setup(&hearing("1", &[])).start();
    for n in 0..100 {
        assert_eq!(publish(&bench, if n % 2 == 0 { "t.even" } else { "t.odd" }, json!(n)), 0);
        publish(&bench, "other", json!(n));
    }
    for n in 0..100 {
        let topic = if n % 2 == 0 { "t.even" } else { "t.odd" };
        assert_eq!(heard(&bench), format!("event 1 {topic} {n} 0"));
    }
    assert!(!bench.wire.has("event "));
}

#[test]
fn a_plugin_that_does_not_keep_up_loses_its_oldest_events_and_is_told() {
    let latch = Latch::new();
    let mut setup = setup(&hearing("1", &[]));
    setup.config.limits.topic_queue = 3;
    setup.configure("ear", json!({"event_fd": latch.fd()}));
    let bench = setup.start();
    publish(&bench, "t.x", json!(0));
    bench.wire.wait_for("event 1 t.x 0 0");
    (1..10).for_each(|n| drop(publish(&bench, "t.x", json!(n))));
    (0..4).for_each(|_| latch.release());
    for line in ["event 1 t.x 7 6", "event 1 t.x 8 0", "event 1 t.x 9 0"] {
        assert_eq!(bench.wire.wait_for("event 1"), line);
    }
}

#[test]
fn events_of_a_plain_swap_are_heard_once_by_old_or_new() {
    let bench = setup(&hearing("1", &[])).start();
    let mut sent = 0;
    for version in 2..8 {
        let version = version.to_string();
        bench.put("ear.so", &hearing(&version, &[]));
        while bench.call("ear.serial", &json!({"do": "version"})).json() != version.as_str() {
            publish(&bench, "t.x", json!(sent));
            sent += 1;
        }
    }
    let number = |line: String| line.split(' ').nth(3).unwrap().parse().unwrap();
    let mut numbers: Vec<i64> = (0..sent).map(|_| number(bench.wire.wait_for("event "))).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..sent).collect::<Vec<i64>>());
}

#[test]
fn events_wait_while_an_exclusive_plugin_is_stopped_and_the_new_version_hears_them() {
    let latch = Latch::new();
    let mut setup = setup(&exclusive("1", &[]));
    setup.configure("ear", json!({"start_fd": latch.fd()}));
    latch.release();
    let bench = setup.start();
    publish(&bench, "t.x", json!("before"));
    assert_eq!(heard(&bench), "event 1 t.x \"before\" 0");
    bench.put("ear.so", &exclusive("2", &[]));
    bench.wire.wait_for("start 2");
    (0..3).for_each(|n| drop(publish(&bench, "t.x", json!(n))));
    // Neither a stopped generation hears anything, nor one whose `start` has not returned.
    assert!(!bench.wire.has("event "));
    latch.release();
    for n in 0..3 {
        assert_eq!(heard(&bench), format!("event 2 t.x {n} 0"));
    }
    bench.wire.wait_for("destroy 1");
    assert!(!bench.wire.has("event "));
}

#[test]
fn after_a_refused_swap_the_old_version_hears_what_waited() {
    let latch = Latch::new();
    let mut setup = setup(&exclusive("1", &[]));
    setup.configure("ear", json!({"start_fd": latch.fd()}));
    latch.release();
    let bench = setup.start();
    bench.put("ear.so", &exclusive("2", &["-DSTART_FAILS"]));
    bench.wire.wait_for("start 2");
    publish(&bench, "t.x", json!(1));
    latch.release();
    latch.release();
    assert_eq!(heard(&bench), "event 1 t.x 1 0");
    assert_eq!(bench.refused("ear.so").0, "started");
}

#[test]
fn a_version_with_other_patterns_loses_nothing_of_those_that_stay() {
    let latch = Latch::new();
    let flags = |topics: &str, version: &str| {
        caller("ear", version, &["-DFLAGS=JF_PLUGIN_EXCLUSIVE", &format!("-DTOPICS={topics}")])
    };
    let mut setup = setup(&flags(r#"JF_STR("t.stays"),JF_STR("t.goes")"#, "1"));
    setup.configure("ear", json!({"start_fd": latch.fd()}));
    latch.release();
    let bench = setup.start();
    bench.put("ear.so", &flags(r#"JF_STR("t.comes"),JF_STR("t.stays")"#, "2"));
    bench.wire.wait_for("start 2");
    for topic in ["t.stays", "t.goes", "t.comes", "t.stays"] {
        publish(&bench, topic, json!("during"));
    }
    latch.release();
    bench.step("swapped");
    for topic in ["t.goes", "t.comes"] {
        publish(&bench, topic, json!("after"));
    }
    for line in ["t.stays \"during\"", "t.stays \"during\"", "t.comes \"after\""] {
        assert_eq!(heard(&bench), format!("event 2 {line} 0"));
    }
}

#[test]
fn an_unloaded_plugin_hears_nothing_and_one_without_topics_neither() {
    let bench = setup(&hearing("1", &[])).start();
    bench.put("ear.so", &caller("ear", "2", &[]));
    bench.step("swapped");
    publish(&bench, "t.x", json!(1));
    bench.put("ear.so", &hearing("3", &[]));
    bench.step("swapped");
    publish(&bench, "t.x", json!(2));
    assert_eq!(heard(&bench), "event 3 t.x 2 0");
    bench.call("jackfield.plugins.unload", &json!({"plugin": "ear"}));
    publish(&bench, "t.x", json!(3));
    bench.wire.wait_for("destroy 3");
    assert!(!bench.wire.has("event "));
}

#[test]
fn a_flood_of_events_holds_up_nothing_else_on_the_control_thread_but_for_a_batch() {
    let latch = Latch::new();
    let mut setup = setup(&hearing("1", &[]));
    setup.configure("ear", json!({"event_fd": latch.fd()}));
    let bench = setup.start();
    (0..100).for_each(|n| drop(publish(&bench, "t.x", json!(n))));
    bench.wire.wait_for("event 1 t.x 0 0");
    // As `stop` would, this waits for its turn on the control thread.
    let fire = json!({"do": "fire", "key": "jackfield.info", "with": {}});
    assert_eq!(bench.call("ear.serial", &fire).json(), "1");
    (0..16).for_each(|_| latch.release());
    bench.wire.wait_for("done 1 0");
    (16..100).for_each(|_| latch.release());
    bench.wire.wait_for("event 1 t.x 99 0");
}

#[test]
fn a_replaced_version_hears_nothing_more_when_its_event_is_over() {
    let latch = Latch::new();
    let mut setup = setup(&hearing("1", &[]));
    setup.configure("ear", json!({"event_fd": latch.fd()}));
    let bench = setup.start();
    (0..10).for_each(|n| drop(publish(&bench, "t.x", json!(n))));
    bench.wire.wait_for("event 1 t.x 0 0");
    bench.put("ear.so", &hearing("2", &[]));
    bench.wire.wait_for("event 2 t.x 1 0");
    (0..10).for_each(|_| latch.release());
    for n in 2..10 {
        bench.wire.wait_for(&format!("event 2 t.x {n} 0"));
    }
    bench.wire.wait_for("stop 1");
}

#[test]
fn an_event_that_never_ends_costs_the_plugin_its_stop_and_nobody_else_anything() {
    let latch = Latch::new();
    let mut setup = setup(&hearing("1", &[]));
    setup.config.limits.lifecycle_s = 0.3;
    setup.configure("ear", json!({"event_fd": latch.fd()}));
    let bench = setup.start();
    publish(&bench, "t.x", json!(1));
    bench.wire.wait_for("event 1");
    assert_eq!(bench.call("ear.serial", &json!({"do": "version"})).json(), "1");
    bench.call("jackfield.plugins.unload", &json!({"plugin": "ear"}));
    let retired = bench.step("retired");
    assert!(retired["reason"].as_str().unwrap().contains("stop did not return"), "{retired}");
    assert!(!bench.wire.has("stop 1"));
    latch.release();
    bench.wire.wait_for("stop 1");
}

#[test]
fn topics_without_the_extension_or_with_bad_patterns_are_refused_at_load() {
    let many = format!("-DTOPICS={}", ["JF_STR(\"t\")"; 65].join(","));
    for (flags, why) in [
        (&[TOPICS, "-DNO_EXTENSION"][..], "subscribes to topics and has no extension jackfield.topics/1"),
        (&[TOPICS, "-DNULL_EVENT"], "`event` is null"),
        (&["-DTOPICS=JF_STR(\"t..x\")"], "\"t..x\" is a name with an empty part"),
        (&["-DTOPICS=JF_STR(\"t*\")"], "not a whole part"),
        (&[&many], "65 topic patterns, more than 64"),
    ] {
        let bench = setup(&caller("ear", "1", flags)).start();
        let (step, reason) = bench.refused("ear.so");
        assert!(step == "loaded" && reason.contains(why), "{step}: {reason}");
    }
}
