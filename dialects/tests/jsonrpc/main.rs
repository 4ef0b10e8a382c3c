//! JSON-RPC 2.0, as its specification shows it, and what Jackfield has beyond it.

mod attachments;
mod auto;

use jackfield_dialects::{Action, Auto, Dialect, Frame, JsonRpc, JsonRpcOptions, Keys, Request, Wishes, ZeissOptions};
use jackfield_message::{Attachment, ByteString, Bytes, Command, ErrorCode, Event, Progress, Reply, Success};
use proptest::prelude::*;
use serde_json::{Value, json};

struct Declared;

impl Keys for Declared {
    fn is_command(&self, key: &str) -> bool {
        ["echo", "subtract", "image"].contains(&key)
    }

    fn catches_all(&self) -> bool {
        false
    }

    fn param_order(&self, key: &str) -> Vec<ByteString> {
        if key == "subtract" { vec!["minuend".into(), "subtrahend".into()] } else { Vec::new() }
    }
}

fn jsonrpc() -> JsonRpc {
    JsonRpc::new(JsonRpcOptions { attachment_bytes: 100, batch: 8, ..JsonRpcOptions::default() })
}

fn text(text: &str) -> Frame {
    Frame::Text(text.into())
}

fn actions(dialect: &mut dyn Dialect, message: Frame) -> Vec<Action> {
    let mut actions = Vec::new();
    dialect.on_message(message, &Declared, &mut actions);
    actions
}

/// The server of the specification's examples.
fn answer(command: &Command) -> Reply {
    let params: Value = serde_json::from_str(command.params()).expect("params are JSON");
    let result = match command.key() {
        "subtract" => json!(number(&params["minuend"]) - number(&params["subtrahend"])),
        "sum" => json!(params.as_array().map_or(0, |numbers| numbers.iter().map(number).sum::<i64>())),
        "get_data" => json!(["hello", 5]),
        "update" | "notify_hello" | "notify_sum" => json!(null),
        "echo" => return Reply::ok(command.params()),
        key => return Reply::error(ErrorCode::UnknownKey, format!("Unknown command '{key}'.")),
    };
    Reply::ok(result.to_string())
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// All that is sent for a message.
fn sent(dialect: &mut dyn Dialect, message: Frame) -> Vec<Frame> {
    let mut frames = Vec::new();
    for action in actions(dialect, message) {
        match action {
            Action::Call { request, command, .. } => dialect.on_reply(request, answer(&command), &mut frames),
            Action::Answer { in_turn: false, frame } => frames.push(frame),
            Action::Cancel { request, target } => {
                let reply = Reply::ok(json!({ "cancelled": target.is_some() }).to_string());
                dialect.on_reply(request, reply, &mut frames);
            }
            Action::Attachments { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    frames
}

fn one(dialect: &mut dyn Dialect, message: &str) -> Value {
    let frames = sent(dialect, text(message));
    let [Frame::Text(answer)] = frames.as_slice() else { panic!("{message}: {frames:?}") };
    serde_json::from_str(answer).expect("answers are JSON")
}

/// Without what the specification leaves open: the words of an error, and its data.
fn bare(mut answer: Value) -> Value {
    let strip = |answer: &mut Value| {
        if let Some(error) = answer.get_mut("error") {
            assert!(error["message"].is_string() && error["data"]["culprit"].is_string(), "{error}");
            *error = json!({ "code": error["code"] });
        }
    };
    match &mut answer {
        Value::Array(answers) => answers.iter_mut().for_each(strip),
        answer => strip(answer),
    }
    answer
}

#[test]
fn the_examples_of_the_specification() {
    let failed = |code: i32, id: Value| json!({"jsonrpc": "2.0", "error": {"code": code}, "id": id});
    let invalid = || failed(-32600, Value::Null);
    for (request, response) in [
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
            json!({"jsonrpc": "2.0", "result": 19, "id": 1}),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
            json!({"jsonrpc": "2.0", "result": -19, "id": 2}),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
            json!({"jsonrpc": "2.0", "result": 19, "id": 3}),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
            json!({"jsonrpc": "2.0", "result": 19, "id": 4}),
        ),
        (r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#, failed(-32601, json!("1"))),
        (r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#, failed(-32700, Value::Null)),
        (r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#, invalid()),
        (
            r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]"#,
            failed(-32700, Value::Null),
        ),
        ("[]", invalid()),
        ("[1]", json!([invalid()])),
        ("[1,2,3]", json!([invalid(), invalid(), invalid()])),
    ] {
        assert_eq!(bare(one(&mut jsonrpc(), request)), response, "{request}");
    }
    for notification in [
        r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#,
        r#"{"jsonrpc": "2.0", "method": "foobar"}"#,
        r#"[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
            {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]"#,
    ] {
        assert_eq!(sent(&mut jsonrpc(), text(notification)), [], "{notification}");
    }
    let batch = r#"[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]"#;
    let Value::Array(mut answers) = bare(one(&mut jsonrpc(), batch)) else { panic!("not a batch") };
    let mut expected = [
        json!({"jsonrpc": "2.0", "result": 7, "id": "1"}),
        json!({"jsonrpc": "2.0", "result": 19, "id": "2"}),
        invalid(),
        failed(-32601, json!("5")),
        json!({"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}),
    ];
    // "in any order within the Array".
    answers.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(answers, expected);
}

#[test]
fn ids_come_back_byte_for_byte() {
    for id in ["1", "-0", "1.50", "1e3", "123456789012345678901234567890", "null", "\"\"", "\"\\u00e4\\/\"", "\"1\""] {
        let message =
            format!("{{\"jsonrpc\":\"2.0\",\"id\": {id} ,\"method\":\"echo\",\"params\":[ 1e3,\"\\u00e4\" ]}}");
        let frames = sent(&mut jsonrpc(), text(&message));
        let expected = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":[ 1e3,\"\\u00e4\" ]}}");
        assert_eq!(frames, [text(&expected)], "the params are not the bytes that were sent");
    }
    for id in ["true", "[1]", "{}"] {
        let message = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"echo\"}}");
        let answer = one(&mut jsonrpc(), &message);
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &Value::Null));
    }
}

#[test]
fn what_is_no_request_is_told_with_its_id() {
    for bad in [
        r#"{"id":7,"method":"echo"}"#,
        r#"{"jsonrpc":"1.0","id":7,"method":"echo"}"#,
        r#"{"jsonrpc":2.0,"id":7,"method":"echo"}"#,
        r#"{"jsonrpc":"2.0","id":7}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":null}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"echo","params":1}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"echo","progress":{}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"echo","attachments":-1}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"echo","attachments":"1"}"#,
    ] {
        let answer = one(&mut jsonrpc(), bad);
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &json!(7)), "{bad}");
    }
    // An escaped name, params that are null, and the last of several members.
    let odd = r#"{"id":1,"jsonrpc":"2.0","method":"ec\u0068o","params":null,"id":2}"#;
    assert_eq!(one(&mut jsonrpc(), odd), json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
}

#[test]
fn positions_have_the_names_that_are_declared() {
    let call = |params: &str| {
        one(&mut jsonrpc(), &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"subtract","params":{params}}}"#))
    };
    assert_eq!(call("[5, 3]")["result"], 2);
    let error = &call("[5, 3, 1]")["error"];
    assert_eq!(error["code"], -32602);
    assert_eq!(error["message"], "'subtract' takes at most 2 params ('minuend', 'subtrahend'); 3 were given.");
}

#[test]
fn a_batch_is_answered_when_its_last_request_is() {
    let mut dialect = jsonrpc();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","id":3,"method":"c"}]"#;
    let requests: Vec<Request> = actions(&mut dialect, text(batch))
        .into_iter()
        .map(|action| match action {
            Action::Call { request, wishes: Wishes { patience: true, .. }, .. } => request,
            other => panic!("{other:?}"),
        })
        .collect();
    let mut frames = Vec::new();
    dialect.on_reply(requests[2], Reply::ok("3"), &mut frames);
    dialect.on_reply(requests[0], Reply::ok("1"), &mut frames);
    assert_eq!(frames, []);
    dialect.on_reply(requests[1], Reply::ok("2"), &mut frames);
    let expected = r#"[{"jsonrpc":"2.0","id":3,"result":3},{"jsonrpc":"2.0","id":1,"result":1}]"#;
    assert_eq!(frames, [text(expected)]);
    let many = format!("[{}]", [r#"{"jsonrpc":"2.0","method":"a"}"#; 9].join(","));
    let error = &one(&mut jsonrpc(), &many)["error"];
    assert_eq!(error["message"], "Invalid Request: a batch of 9 requests, more than 8 (limit batch).");
}

#[test]
fn progress_carries_the_mark_of_its_request() {
    let mut dialect = jsonrpc();
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"elements","params":{},"progress":"p\u0031"}"#;
    let action = actions(&mut dialect, text(message)).pop().unwrap();
    let Action::Call { request: Request::Numbered(number), wishes, .. } = action else { panic!("{action:?}") };
    assert!(wishes.progress);
    let (progress, mut frames) = (Progress { done: 4096, total: 138_971, text: "points \"x\"".to_owned() }, Vec::new());
    dialect.on_progress(number, &progress, &mut frames);
    let expected = r#"{"jsonrpc":"2.0","method":"jackfield.progress","params":{"progress":"p\u0031","done":4096,"total":138971,"text":"points \"x\""}}"#;
    assert_eq!(frames, [text(expected)]);
    dialect.on_reply(Request::Numbered(number), Reply::ok("1"), &mut frames);
    dialect.on_progress(number, &progress, &mut frames);
    assert_eq!(frames.len(), 2, "progress after the answer");
}

#[test]
fn a_cancel_names_the_request_by_its_id() {
    let mut dialect = jsonrpc();
    let call = actions(&mut dialect, text(r#"{"jsonrpc":"2.0","id":"a","method":"elements"}"#)).pop().unwrap();
    let Action::Call { request: Request::Numbered(number), .. } = call else { panic!("{call:?}") };
    for (params, expected) in [(r#"{"id":"a"}"#, Some(number)), (r#"["a"]"#, Some(number)), (r#"{"id":"b"}"#, None)] {
        let message = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"jackfield.cancel","params":{params}}}"#);
        let action = actions(&mut dialect, text(&message)).pop().unwrap();
        let Action::Cancel { request, target } = action else { panic!("{action:?}") };
        assert_eq!(target, expected, "{params}");
        let mut frames = Vec::new();
        dialect.on_reply(request, Reply::ok(r#"{"cancelled":true}"#), &mut frames);
        assert_eq!(frames, [text(r#"{"jsonrpc":"2.0","id":2,"result":{"cancelled":true}}"#)]);
    }
    for params in ["{}", r#"{"id":[1]}"#, "[{}]", "[1,2]"] {
        let message = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"jackfield.cancel","params":{params}}}"#);
        assert_eq!(one(&mut dialect, &message)["error"]["code"], -32602, "{params}");
    }
}

#[test]
fn events_are_notifications_and_tell_what_was_dropped() {
    let (mut dialect, event) = (jsonrpc(), Event::new("project.images", "{\"id\": 1}"));
    let mut frames = Vec::new();
    dialect.on_event(7, &event, 0, &mut frames);
    dialect.on_event(7, &event, 3, &mut frames);
    dialect.on_closed(7, &mut frames);
    let event = |params: &str| text(&format!(r#"{{"jsonrpc":"2.0","method":"jackfield.event","params":{params}}}"#));
    assert_eq!(
        frames,
        [
            event(r#"{"subscription":7,"topic":"project.images","data":{"id": 1}}"#),
            event(r#"{"subscription":7,"topic":"project.images","data":{"id": 1},"dropped":3}"#),
            event(r#"{"subscription":7,"closed":true,"reason":"Events were not taken in time (limit topic_queue)."}"#),
        ]
    );
}

fn near_requests() -> impl Strategy<Value = String> {
    let member = r#"("jsonrpc":"2.0"|"id":(1|"a"|null|\{\})|"method":"(echo|subtract|jackfield.cancel)"|"params":(\[1?\]|\{"id":1\}|1|\{"\$base64":"A"\})|"attachments":[0-3]|"progress":1),?"#;
    let pattern = format!(r#"\[?(\{{({member}){{0,6}}\}},?){{0,3}}\]?"#);
    proptest::string::string_regex(&pattern).expect("a valid pattern")
}

proptest! {
    /// Whatever comes in whatever order, each request with an id is answered once, and nothing is left.
    #[test]
    fn every_request_is_answered_once(messages in prop::collection::vec(
        prop_oneof![near_requests().prop_map(Some), "\\PC{0,20}".prop_map(Some), Just(None)], 0..12)
    ) {
        let mut dialect = jsonrpc();
        for message in messages {
            let frame = message.as_ref().map_or_else(|| Frame::Binary("x".into()), |message| text(message));
            for answer in sent(&mut dialect, frame) {
                let Frame::Text(answer) = answer else { continue };
                let answer: Value = serde_json::from_str(&answer).unwrap();
                let answers = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
                for answer in answers {
                    prop_assert!(answer["result"].is_null() != answer["error"].is_null() || answer.get("result").is_some());
                    prop_assert!(answer.get("id").is_some());
                }
            }
        }
    }
}
