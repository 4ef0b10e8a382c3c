//! What the original servers answered, as far as the dialect decides it alone: malformed, unknown, quit, which key routes.
//! Where an original died, or answered what the rules of this one forbid, that is said here, case by case.

mod common;

use common::{Known, one, text, zeiss};
use jackfield_dialects::{Action, Close, Frame};
use jackfield_message::Bytes;
use serde_json::Value;

const MALFORMED: &str = "Error: Malformed JSON message.";
const UNKNOWN: &str = "Error: Unknown request:\n";

/// Accepted by Python's JSON; strict JSON has no NaN and no lone surrogates.
const NOT_STRICT: [&str; 4] = ["NaN", "{\"a\": NaN, \"b\": -Infinity}", "{\"a\": \"\\ud800\"}", "\"\\ud800\""];

/// What this dialect has to do with one recorded message.
#[derive(Debug, PartialEq)]
enum Expected {
    Answer(String),
    Quit,
    Call(String, Value),
}

fn expected(case: &Value, message: &str, keys: &Known) -> Expected {
    let recorded = case["expect"].as_str().map(|text| text.trim_end_matches("\r\n"));
    if case["frame"] == "binary" {
        return Expected::Answer("Error: The message is not text (JSON in UTF-8).".to_owned());
    }
    if recorded == Some(MALFORMED) || NOT_STRICT.contains(&message) {
        return Expected::Answer(MALFORMED.to_owned());
    }
    if recorded == Some("bye")
        && case["then"].as_str().is_some_and(|then| then.starts_with("close 1000 Closing connection."))
    {
        return Expected::Quit;
    }
    let value: Value = serde_json::from_str(message).unwrap_or(Value::Null);
    if let Some(key) = ["image", "elements"].into_iter().find(|key| keys.0.contains(key) && value.get(key).is_some()) {
        return Expected::Call(key.to_owned(), value[key].clone());
    }
    if keys.1 {
        assert_eq!(recorded, Some("Ok"), "{case}");
        return Expected::Call(String::new(), value);
    }
    // Here the original gives a Python rendering of the value, or `bye` to a JSON quit, or dies of a wrong type.
    assert!(recorded.is_none_or(|text| text.starts_with(UNKNOWN) || text == "bye"), "{case}");
    Expected::Answer(format!("{UNKNOWN}{}", message.trim()))
}

fn done(action: Action) -> Expected {
    match action {
        Action::Answer { frame: Frame::Text(text), .. } => Expected::Answer(text.to_string()),
        Action::Quit { granted, close, .. } => {
            assert_eq!(granted, text("bye"));
            assert_eq!(close, Close { code: 1000, reason: "Closing connection." });
            Expected::Quit
        }
        // 1e999 is a number without a value: compared as null.
        Action::Call { command, .. } => {
            Expected::Call(command.key().to_owned(), serde_json::from_str(command.params()).unwrap_or(Value::Null))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn recorded_requests_are_decided_as_by_the_original_servers() {
    let transcript = include_str!("../../tests/fixtures/zeiss/conformance.jsonl");
    let mut count = 0;
    for line in transcript.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let server = case["server"].as_str().unwrap();
        let Some(sent) = case["send"].as_str() else {
            assert_eq!(case["send_hex"], "fffe04");
            let action =
                one(&mut zeiss("O.k.", false), Frame::Binary(Bytes::from_static(b"\xff\xfe")), &Known(&[], false));
            assert!(matches!(done(action), Expected::Answer(text) if text.starts_with("Error: ")));
            count += 1;
            continue;
        };
        // The framing of tcp is the transport's: the end byte, what stands behind it, and Ctrl-Z.
        let message = sent.split('\u{4}').next().unwrap_or_default();
        if server == "tcp" && message == "\u{1a}" {
            continue;
        }
        let (mut dialect, keys) = match server {
            "ws_basics" => (zeiss("Ok", true), Known(&[], true)),
            "ws_example" => (zeiss("O.k.", true), Known(&["image", "elements"], false)),
            "tcp" => (zeiss("O.k.", false), Known(&["image", "elements"], false)),
            other => panic!("unknown server {other}"),
        };
        let frame = match case["frame"].as_str() {
            Some("binary") => Frame::Binary(Bytes::copy_from_slice(message.as_bytes())),
            _ => text(message),
        };
        assert_eq!(done(one(&mut dialect, frame, &keys)), expected(&case, message, &keys), "{line}");
        count += 1;
    }
    assert_eq!(count, 225, "of 226 recorded cases all but Ctrl-Z are the dialect's");
}
