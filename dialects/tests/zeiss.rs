//! The rules of the zeiss dialect, one by one.

mod common;

use common::{Known, one, text, zeiss};
use jackfield_dialects::{Action, Close, Dialect, Frame, Request, Zeiss, ZeissOptions};
use jackfield_message::{Attachment, ByteString, Bytes, ErrorCode, Failure, Plain, Reply};
use proptest::prelude::*;

const SHIPPED: Known = Known(&["image", "elements", "echo"], false);

fn answer(message: &str) -> String {
    match one(&mut zeiss("Ok", true), text(message), &SHIPPED) {
        Action::Answer { frame: Frame::Text(text), .. } => text.to_string(),
        other => panic!("{message:?} gave {other:?}"),
    }
}

fn call(message: &str, keys: &Known) -> (String, String) {
    match one(&mut zeiss("Ok", true), text(message), keys) {
        Action::Call { command, .. } => (command.key().to_owned(), command.params().to_owned()),
        other => panic!("{message:?} gave {other:?}"),
    }
}

fn pair(key: &str, params: &str) -> (String, String) {
    (key.to_owned(), params.to_owned())
}

#[test]
fn a_registered_key_routes_with_its_value_as_written() {
    assert_eq!(call(" {\"echo\" : [1,  {\"a\":2}] }\n", &SHIPPED), pair("echo", "[1,  {\"a\":2}]"));
    assert_eq!(call("{\"x\": 1, \"echo\": null, \"y\": {}}", &SHIPPED), pair("echo", "null"));
    assert_eq!(call("{\"\\u0065cho\": 1}", &SHIPPED), pair("echo", "1"));
}

#[test]
fn key_and_params_are_slices_of_the_message() {
    let message = ByteString::from("{\"echo\": {\"a\": 1}}");
    let range = message.as_bytes().as_ptr_range();
    let Action::Call { command, .. } = one(&mut zeiss("Ok", true), Frame::Text(message.clone()), &SHIPPED) else {
        panic!("not routed")
    };
    assert_eq!(command.dialect, "zeiss");
    assert!(range.contains(&command.key().as_ptr()) && range.contains(&command.params().as_ptr()));
}

#[test]
fn of_duplicates_the_last_one_counts_however_it_is_spelled() {
    assert_eq!(call("{\"echo\": 1, \"x\": 0, \"echo\": 2}", &SHIPPED), pair("echo", "2"));
    assert_eq!(call("{\"echo\": 1, \"ech\\u006f\": 2}", &SHIPPED), pair("echo", "2"));
    assert_eq!(call("{\"image\": 1, \"elements\": 2, \"image\": 3}", &SHIPPED), pair("image", "3"));
}

#[test]
fn several_registered_keys_are_an_error_that_names_them_but_image_wins_over_elements() {
    assert_eq!(
        answer("{\"echo\": 1, \"image\": 2}"),
        "Error: Several commands in one request: 'echo', 'image'. Send one at a time."
    );
    assert_eq!(
        answer("{\"image\": 1, \"echo\": 2, \"elements\": 2, \"echo\": 3}"),
        "Error: Several commands in one request: 'image', 'echo', 'elements'. Send one at a time."
    );
    assert_eq!(call("{\"image\": 1, \"elements\": 2}", &SHIPPED), pair("image", "1"));
    assert_eq!(call("{\"elements\": 2, \"image\": 1}", &SHIPPED), pair("image", "1"));
    assert_eq!(call("{\"elements\": 2, \"image\": 1}", &Known(&["elements"], false)), pair("elements", "2"));
}

#[test]
fn what_no_key_claims_goes_whole_to_the_catch_all_or_is_unknown() {
    for message in ["{}", "{\"quit\": 1}", "\"quit\"", "[\"image\"]", "42", "null", "\"image\"", "{\"\": 1}"] {
        assert_eq!(call(&format!("\r\n {message}\t"), &Known(&["image"], true)), pair("", message));
        assert_eq!(answer(&format!(" {message}\n")), format!("Error: Unknown request:\n{message}"));
    }
    assert_eq!(call("{\"image\": 1}", &Known(&["image"], true)), pair("image", "1"));
}

#[test]
fn the_empty_key_is_never_a_command() {
    assert_eq!(call("{\"\": 1}", &Known(&[""], true)), pair("", "{\"\": 1}"));
}

#[test]
fn an_unknown_request_is_cut_after_900_bytes_between_characters() {
    let cut = |message: &str| answer(message).strip_prefix("Error: Unknown request:\n").unwrap().to_owned();
    let exact = format!("\"{}\"", "a".repeat(898));
    assert_eq!(cut(&exact), exact);
    assert_eq!(cut(&format!("\"{}\"", "a".repeat(899))), format!("\"{}", "a".repeat(899)));
    assert_eq!(cut(&format!("\"{}\"", "ä".repeat(500))), format!("\"{}", "ä".repeat(449)));
}

#[test]
fn what_is_no_strict_json_is_malformed() {
    let deep = "[".repeat(129) + &"]".repeat(129);
    for message in ["", " ", "{", "{\"echo\": 1} x", "{\"echo\": 1,}", "{\"echo\": NaN}", "{\"a\": \"\\ud800\"}", &deep]
    {
        assert_eq!(answer(message), "Error: Malformed JSON message.", "{message:?}");
    }
    let mut shallow = Zeiss::new(ZeissOptions { ack: "Ok".into(), quit_word: false, one_line: false, nesting: 2 });
    assert!(matches!(one(&mut shallow, text("{\"echo\":[1]}"), &SHIPPED), Action::Call { .. }));
    assert!(matches!(one(&mut shallow, text("{\"echo\":[[]]}"), &SHIPPED), Action::Answer { .. }));
}

#[test]
fn a_binary_message_is_told_that_it_is_not_text() {
    for bytes in [&b"quit"[..], b"{\"echo\": 1}", b"\xff\xfe"] {
        let action = one(&mut zeiss("Ok", true), Frame::Binary(Bytes::from_static(bytes)), &SHIPPED);
        let Action::Answer { frame, .. } = action else { panic!("{action:?}") };
        assert_eq!(frame, text("Error: The message is not text (JSON in UTF-8)."));
    }
}

#[test]
fn the_quit_word_is_a_prefix_of_the_raw_text_and_only_where_it_is_switched_on() {
    for message in ["quit", "quit\n", "quitter"] {
        let action = one(&mut zeiss("Ok", true), text(message), &SHIPPED);
        let Action::Quit { granted, refused, close, .. } = action else { panic!("{action:?}") };
        assert_eq!(granted, text("bye"));
        assert_eq!(refused, text(&format!("Error: Unknown request:\n{}", message.trim())));
        assert_eq!(close, Close { code: 1000, reason: "Closing connection." });
        let action = one(&mut zeiss("O.k.", false), text(message), &SHIPPED);
        let Action::Answer { frame, .. } = action else { panic!("{action:?}") };
        assert_eq!(frame, text("Error: Malformed JSON message."));
    }
    for message in [" quit", "Quit", "qui"] {
        assert_eq!(answer(message), "Error: Malformed JSON message.");
    }
}

#[test]
fn every_request_takes_its_turn() {
    let mut dialect = zeiss("Ok", true);
    let mut actions = Vec::new();
    for message in [text("{\"echo\":1}"), text("{"), Frame::Binary(Bytes::new()), text("{\"jsonrpc\":\"2.0\"}")] {
        dialect.on_message(message, &SHIPPED, &mut actions);
    }
    assert_eq!(actions.len(), 4);
    for action in actions {
        let in_turn =
            matches!(action, Action::Call { request: Request::InTurn, .. } | Action::Answer { in_turn: true, .. });
        assert!(in_turn, "{action:?}");
    }
}

#[test]
fn replies_are_the_acknowledgement_the_result_or_the_error_text() {
    let reply = |reply: Reply| {
        let mut frames = Vec::new();
        zeiss("O.k.", false).on_reply(Request::InTurn, reply, &mut frames);
        frames
    };
    let mut acknowledged = Reply::ok("{\"stored\":1}");
    acknowledged.outcome.as_mut().unwrap().plain = Plain::Acknowledgement;
    assert_eq!(reply(acknowledged), [text("O.k.")]);
    assert_eq!(reply(Reply::ok("{\"a\": 1}")), [text("{\"a\": 1}")]);
    let mut attached = Reply::ok("1");
    attached.outcome.as_mut().unwrap().attachments = [Attachment::default()].into();
    assert_eq!(reply(attached), [text("1")]);
    assert_eq!(
        reply(Reply::error(ErrorCode::PluginFailed, "Image file a\0\n could not be read.")),
        [text("Error: Image file a\0\n could not be read.")]
    );
}

#[test]
fn a_refusal_outside_any_request_has_a_text() {
    let failure = Failure::new(ErrorCode::TooLarge, "The message is longer than 16777216 bytes.");
    assert_eq!(zeiss("Ok", true).on_refusal(&failure), Some(text("Error: The message is longer than 16777216 bytes.")));
}

fn near_json() -> impl Strategy<Value = String> {
    r#"([\[\]{},: ]|"(image|elements|echo|[a-z\\u0d89]{0,6})"?|-?[0-9]{1,3}|true|"echo":|"image":|quit){0,12}"#
}

proptest! {
    /// No text makes it panic, and each gives exactly one action, whose params are JSON if it is a call.
    #[test]
    fn every_text_gives_one_action(message in prop_oneof![near_json(), "\\PC{0,60}"], catch_all: bool) {
        let keys = Known(&["image", "elements", "echo"], catch_all);
        match one(&mut zeiss("Ok", true), text(&message), &keys) {
            Action::Call { command, .. } => {
                let json = serde_json::from_str::<&serde_json::value::RawValue>(command.params());
                prop_assert!(json.is_ok(), "{command:?}");
                prop_assert!(command.key().is_empty() != keys.0.contains(&command.key()));
            }
            Action::Answer { frame: Frame::Text(text), .. } => prop_assert!(text.starts_with("Error: ")),
            Action::Answer { frame, .. } => prop_assert!(false, "{frame:?}"),
            Action::Quit { .. } => prop_assert!(message.starts_with("quit")),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// Neither do bytes.
    #[test]
    fn any_bytes_give_one_action(bytes: Vec<u8>) {
        one(&mut zeiss("Ok", true), Frame::Binary(bytes.clone().into()), &SHIPPED);
        if let Ok(message) = String::from_utf8(bytes) {
            one(&mut zeiss("Ok", false), text(&message), &SHIPPED);
        }
    }
}

#[test]
fn a_result_is_one_line_where_a_line_end_may_end_an_answer() {
    for (one_line, expected) in [(true, "{\"a\":  [1,  \"\\n\"]}"), (false, "{\"a\":\r\n[1,\n \"\\n\"]}")] {
        let mut zeiss = Zeiss::new(ZeissOptions { ack: "Ok".into(), quit_word: false, one_line, nesting: 128 });
        let mut frames = Vec::new();
        zeiss.on_reply(Request::InTurn, Reply::ok("{\"a\":\r\n[1,\n \"\\n\"]}"), &mut frames);
        assert_eq!(frames, [text(expected)]);
    }
}
