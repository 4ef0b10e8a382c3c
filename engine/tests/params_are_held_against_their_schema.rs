//! Params that do not fit the schema of their command are answered without the plugin.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_message::{Command, Culprit};
use serde_json::{Value, json};
use support::{Answer, Bench, Latch, Setup, caller, desk};

/// `n`, if there is one, is a whole number of at least 0.
const SCHEMA: &str =
    r#"-DSCHEMA="{\"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\", \"minimum\": 0}}}""#;

fn checked(more: &[&str]) -> std::path::PathBuf {
    desk(&[&[SCHEMA], more].concat())
}

fn call_as(bench: &Bench, dialect: &'static str, key: &str, params: &Value) -> Answer {
    let mut command = Command::new(key, &params.to_string());
    command.dialect = dialect;
    bench.submit(command, None).answer()
}

#[track_caller]
fn is_refused(answer: &Answer, plugin: &str, generation: &Value) {
    let failure = answer.failure();
    assert_eq!((answer.code(), failure.culprit), ("INVALID_PARAMS", Culprit::Caller));
    let mut data = failure.data();
    data.as_object_mut().unwrap().remove("details");
    let expected = json!({"minimum": 0});
    let whole = json!({
        "culprit": "caller", "plugin": plugin, "generation": generation, "path": "/n", "expected": expected, "value": -1
    });
    assert_eq!(data, whole);
}

#[test]
fn params_that_do_not_fit_never_reach_the_plugin_whatever_the_class() {
    let bench = Setup::new().with("desk.so", &checked(&[])).start();
    let generation = bench.plugin("desk.so")["generation"].clone();
    for key in ["desk.serial", "desk.concurrent", "desk.inline"] {
        let answer = bench.call(key, &json!({"do": "wait", "fd": -1, "n": -1}));
        is_refused(&answer, "desk", &generation);
        assert_eq!(answer.failure().message, format!("Parameter '/n' of '{key}' is -1, expected {{\"minimum\":0}}."));
        assert!(!bench.wire.has("begin"), "{key}: the plugin got it");
        assert_eq!(bench.call(key, &json!({"n": 1})).json(), json!({"n": 1}));
    }
    bench.until("desk.so", "empty", |plugin| plugin["generations"][0]["in_flight"] == 0);
}

#[test]
fn params_that_are_too_long_to_be_checked_are_refused_by_the_limit() {
    let mut setup = Setup::new().with("desk.so", &checked(&[]));
    setup.config.limits.checked_bytes = 100;
    let bench = setup.start();
    for key in ["desk.serial", "desk.concurrent", "desk.inline"] {
        let fits = json!({"n": 1, "x": "x".repeat(100 - r#"{"n":1,"x":""}"#.len())});
        assert_eq!(bench.call(key, &fits).json(), fits);
        let answer = bench.call(key, &json!({"n": 1, "x": "x".repeat(87)}));
        assert_eq!(answer.code(), "TOO_LARGE");
        assert!(answer.failure().message.contains("101 bytes") && answer.failure().message.contains("checked_bytes"));
        assert!(!bench.wire.has("begin"), "{key}: the plugin got it");
    }
}

#[test]
fn commands_of_the_plain_dialect_are_the_plugins_own_to_check() {
    let bench = Setup::new().with("desk.so", &checked(&[])).start();
    for key in ["desk.serial", "desk.concurrent", "desk.inline"] {
        assert_eq!(call_as(&bench, "zeiss", key, &json!({"n": -1})).json(), json!({"n": -1}));
        assert_eq!(call_as(&bench, "jsonrpc", key, &json!({"n": -1})).code(), "INVALID_PARAMS");
    }
}

#[test]
fn what_plugins_call_is_checked_whoever_they_do_it_for() {
    let mut setup = Setup::new().with("a.so", &caller("a", "1", &[])).with("b.so", &caller("b", "1", &[SCHEMA]));
    setup.configure("a", json!({}));
    setup.configure("b", json!({}));
    let bench = setup.start();
    for dialect in ["zeiss", "jsonrpc"] {
        for key in ["b.serial", "b.concurrent", "b.inline"] {
            let calls = |n: i64| json!({"do": "call", "key": key, "with": {"do": "thread", "n": n}});
            let refused = call_as(&bench, dialect, "a.serial", &calls(-1));
            assert_eq!(refused.code(), "INVALID_PARAMS", "{dialect} {key}");
            // What the caller's `done` gets beside the message.
            assert!(bench.wire.wait_for("done 1 -").contains(r#""path":"/n""#));
            assert_eq!(call_as(&bench, dialect, "a.serial", &calls(1)).code(), "OK");
        }
    }
}

#[test]
fn the_operator_can_turn_it_off_and_on_by_a_swap() {
    let mut setup = Setup::new();
    setup.configure("desk", json!({})).schema_check = false;
    let mut settings = setup.config.plugins.clone();
    let bench = setup.with("desk.so", &checked(&[])).start();
    let code = || ["desk.serial", "desk.inline"].map(|key| bench.call(key, &json!({"n": -1})).code());
    assert_eq!(code(), ["OK"; 2]);
    settings.get_mut("desk").unwrap().schema_check = true;
    bench.engine.configure(settings.clone());
    bench.step("swapped");
    assert_eq!(code(), ["INVALID_PARAMS"; 2]);
    settings.get_mut("desk").unwrap().schema_check = false;
    bench.engine.configure(settings);
    bench.step("swapped");
    assert_eq!(code(), ["OK"; 2]);
}

#[test]
fn the_generation_that_takes_a_command_checks_it() {
    // The first has no schema, and the command waits behind one that it works on.
    let bench = Setup::new().with("desk.so", &desk(&["-DFLAGS=JF_PLUGIN_EXCLUSIVE"])).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting = [-1, 1].map(|n| bench.send("desk.serial", &json!({"n": n})));
    bench.put("desk.so", &checked(&["-DFLAGS=JF_PLUGIN_EXCLUSIVE", "-DVERSION=\"2\""]));
    bench.step("held");
    latch.release();
    assert_eq!(running.answer().json(), "1");
    bench.step("swapped");
    let [bad, good] = waiting.map(|pending| pending.answer());
    is_refused(&bad, "desk", &bench.plugin("desk.so")["generation"]);
    assert_eq!(good.json(), json!({"n": 1}));
    // Nothing is left inside, so that the next swap drains at once.
    bench.put("desk.so", &checked(&["-DFLAGS=JF_PLUGIN_EXCLUSIVE", "-DVERSION=\"3\""]));
    bench.step("swapped");
    bench.step("closed");
}

#[test]
fn many_refusals_beside_swaps_are_each_answered_once_and_leave_nothing_inside() {
    let bench = Setup::new().with("desk.so", &checked(&[])).start();
    for version in 2..6 {
        let sent: Vec<_> = (0..200)
            .map(|n| {
                let key = ["desk.serial", "desk.concurrent", "desk.inline"][n % 3];
                (n % 2, bench.send(key, &json!({"n": if n % 2 == 0 { -1 } else { 1 }})))
            })
            .collect();
        bench.put("desk.so", &checked(&[&format!("-DVERSION=\"{version}\"")]));
        for (even, pending) in sent {
            assert_eq!(pending.answer().code(), if even == 0 { "INVALID_PARAMS" } else { "OK" });
        }
        bench.step("swapped");
        bench.step("closed");
    }
    bench.until("desk.so", "empty", |plugin| plugin["generations"][0]["in_flight"] == 0);
}

#[test]
fn a_schema_that_cannot_be_used_refuses_the_plugin_by_name_and_reason() {
    let bench = Setup::new().with("desk.so", &checked(&[])).start();
    for (schema, reason) in [
        (r#"{\"type\": \"nubmer\"}"#, "cannot be used as a schema: at /type: "),
        (r#"{\"$ref\": \"https://example.test/s.json\"}"#, "https://example.test/s.json"),
        (r#"{\"$ref\": \"file:///etc/hostname\"}"#, "file:///etc/hostname"),
    ] {
        bench.put("desk.so", &desk(&[&format!("-DSCHEMA=\"{schema}\"")]));
        let event = bench.step("refused");
        let told = event["reason"].as_str().unwrap();
        assert!(told.contains("params_schema of the command \"desk.serial\"") && told.contains(reason), "{told}");
    }
    assert_eq!(bench.call("desk.serial", &json!({"n": 1})).json(), json!({"n": 1}));
}
