//! JSON-RPC and the plain form on one connection.

use super::attachments::announcing;
use super::*;

fn auto() -> Auto {
    let zeiss = ZeissOptions { ack: "Ok".into(), quit_word: true, one_line: false, nesting: 128 };
    Auto::new(zeiss, JsonRpcOptions::default())
}

#[test]
fn each_message_says_which_of_the_two_it_is() {
    let numbered = |message: &str| {
        let action = actions(&mut auto(), text(message)).pop().unwrap();
        match action {
            Action::Call { request, command, .. } => {
                assert_eq!(command.dialect, if request == Request::InTurn { "zeiss" } else { "jsonrpc" });
                request != Request::InTurn
            }
            Action::Answer { in_turn, .. } => !in_turn,
            Action::Quit { .. } => false,
            other => panic!("{other:?}"),
        }
    };
    for jsonrpc in [
        r#"{"jsonrpc":"2.0","id":1,"method":"echo"}"#,
        r#" { "id": 1, "method": "echo", "jsonrpc" : "2.0" }"#,
        r#"{"jsonrpc":null,"echo":1}"#,
        r#"{"json\u0072pc":"2.0","id":1,"method":"echo"}"#,
        "[]",
        " [1]",
    ] {
        assert!(numbered(jsonrpc), "{jsonrpc}");
    }
    for plain in [r#"{"echo":{"jsonrpc":"2.0"}}"#, r#"{"x":"\"jsonrpc\""}"#, "{", "[", "1", "quit", ""] {
        assert!(!numbered(plain), "{plain}");
    }
}

#[test]
fn what_says_nothing_of_itself_is_answered_like_the_message_before() {
    let mut dialect = auto();
    assert_eq!(sent_in_turn(&mut dialect, text("{")), "Error: Malformed JSON message.");
    one(&mut dialect, r#"{"jsonrpc":"2.0","id":1,"method":"echo"}"#);
    assert_eq!(one(&mut dialect, "{")["error"]["code"], -32700);
    let binary = sent(&mut dialect, Frame::Binary(Bytes::new()));
    assert!(matches!(&binary[..], [Frame::Text(text)] if text.contains("-32600")), "{binary:?}");
    sent_in_turn(&mut dialect, text("{}"));
    assert_eq!(sent_in_turn(&mut dialect, text("{")), "Error: Malformed JSON message.");
    let binary = sent_in_turn(&mut dialect, Frame::Binary(Bytes::new()));
    assert_eq!(binary, "Error: The message is not text (JSON in UTF-8).");
}

fn sent_in_turn(dialect: &mut dyn Dialect, message: Frame) -> String {
    match actions(dialect, message).pop() {
        Some(Action::Answer { in_turn: true, frame: Frame::Text(text) }) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plain_message_between_a_request_and_its_attachments_is_answered_too() {
    let mut dialect = auto();
    assert_eq!(sent(&mut dialect, announcing(1, 1)), []);
    let both = actions(&mut dialect, text(r#"{"echo":1}"#));
    assert!(
        matches!(
            both[..],
            [
                Action::Answer { in_turn: false, .. },
                Action::Attachments { expected: false },
                Action::Call { request: Request::InTurn, .. }
            ]
        ),
        "{both:?}"
    );
}
