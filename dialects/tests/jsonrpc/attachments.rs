//! Binary data beside requests and answers.

use super::*;

#[test]
fn attachments_follow_their_request_and_their_answer() {
    let mut dialect = jsonrpc();
    let message = r#"{"jsonrpc":"2.0","id":4,"method":"image","params":{"file":{"$attachment":0}},"attachments":2,
        "attachment_info":[{"name":"a.jpg","content_type":"image/jpeg"}]}"#;
    let first = actions(&mut dialect, text(message));
    assert!(matches!(first[..], [Action::Attachments { expected: true }]), "{first:?}");
    assert!(actions(&mut dialect, Frame::Binary("one".into())).is_empty());
    let mut last = actions(&mut dialect, Frame::Binary(Bytes::new()));
    let (ended, call) = (last.pop().unwrap(), last.pop().unwrap());
    assert!(matches!(ended, Action::Attachments { expected: false }));
    let Action::Call { request, command, .. } = call else { panic!("{call:?}") };
    let named = Attachment { name: "a.jpg".into(), content_type: "image/jpeg".into(), bytes: "one".into() };
    assert_eq!(*command.attachments, [named.clone(), Attachment::default()]);
    assert_eq!(command.params(), r#"{"file":{"$attachment":0}}"#);

    let success =
        Success { json: r#"{"blob":{"$attachment":0}}"#.into(), attachments: [named].into(), ..Success::default() };
    let mut frames = Vec::new();
    dialect.on_reply(request, Reply { outcome: Ok(success) }, &mut frames);
    let expected = r#"{"jsonrpc":"2.0","id":4,"result":{"blob":{"$attachment":0}},"attachments":1,"attachment_info":[{"content_type":"image/jpeg","name":"a.jpg"}]}"#;
    assert_eq!(frames, [text(expected), Frame::Binary("one".into())]);
}

/// Announces so many attachments.
pub fn announcing(id: u32, count: u32) -> Frame {
    text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"echo","params":[],"attachments":{count}}}"#))
}

#[test]
fn attachments_that_are_too_many_or_too_large_are_passed_over() {
    let code = |frames: &[Frame]| {
        let [Frame::Text(answer)] = frames else { panic!("{frames:?}") };
        let answer: Value = serde_json::from_str(answer).unwrap();
        (answer["id"].clone(), answer["error"]["code"].clone())
    };
    let mut dialect = jsonrpc();
    assert_eq!(code(&sent(&mut dialect, announcing(1, 17))), (json!(1), json!(-32006)));
    for _ in 0..17 {
        assert_eq!(sent(&mut dialect, Frame::Binary("x".into())), []);
    }
    assert_eq!(sent(&mut dialect, announcing(2, 3)), []);
    assert_eq!(sent(&mut dialect, Frame::Binary(vec![0; 60].into())), []);
    assert_eq!(code(&sent(&mut dialect, Frame::Binary(vec![0; 41].into()))), (json!(2), json!(-32006)));
    assert_eq!(sent(&mut dialect, Frame::Binary("x".into())), []);
    // All are gone: this one belongs to nobody.
    assert_eq!(code(&sent(&mut dialect, Frame::Binary("x".into()))), (Value::Null, json!(-32600)));
    let inside = r#"[{"jsonrpc":"2.0","id":1,"method":"echo","attachments":1}]"#;
    let Value::Array(answers) = one(&mut dialect, inside) else { panic!("no batch") };
    assert_eq!(answers[0]["error"]["code"], -32600);
    assert_eq!(sent(&mut dialect, Frame::Binary("x".into())), []);
    for useless in [
        r#"{"jsonrpc":"2.0","id":1,"method":5,"attachments":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"jackfield.cancel","params":{"id":2},"attachments":1}"#,
    ] {
        one(&mut dialect, useless);
        assert_eq!(sent(&mut dialect, Frame::Binary("x".into())), [], "{useless}");
    }
}

#[test]
fn a_notification_is_never_answered() {
    let mut dialect = jsonrpc();
    for wrong in [
        r#"{"jsonrpc":"2.0","method":"subtract","params":[1,2,3]}"#,
        r#"{"jsonrpc":"2.0","method":"jackfield.cancel","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"echo","params":{"a":{"$base64":"A"}}}"#,
        r#"[{"jsonrpc":"2.0","method":"subtract","params":[1,2,3]}]"#,
    ] {
        assert_eq!(sent(&mut dialect, text(wrong)), [], "{wrong}");
    }
    let announcing = r#"{"jsonrpc":"2.0","method":"echo","params":[],"attachments":2}"#;
    assert_eq!(sent(&mut dialect, text(announcing)), []);
    for _ in 0..2 {
        assert_eq!(sent(&mut dialect, Frame::Binary(vec![0; 101].into())), []);
    }
}

#[test]
fn another_message_between_a_request_and_its_attachments_ends_the_request() {
    let mut dialect = jsonrpc();
    assert_eq!(sent(&mut dialect, announcing(1, 2)), []);
    assert_eq!(sent(&mut dialect, Frame::Binary("x".into())), []);
    let frames = sent(&mut dialect, text(r#"{"jsonrpc":"2.0","id":2,"method":"echo","params":[1]}"#));
    let [Frame::Text(interrupted), answer] = frames.as_slice() else { panic!("{frames:?}") };
    let interrupted: Value = serde_json::from_str(interrupted).unwrap();
    assert_eq!((&interrupted["id"], &interrupted["error"]["code"]), (&json!(1), &json!(-32600)));
    assert_eq!(*answer, text(r#"{"jsonrpc":"2.0","id":2,"result":[1]}"#));
}

#[test]
fn base64_stands_for_an_attachment() {
    let mut dialect = jsonrpc();
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"image","params":{"a":[{"$base64":"AAE="}],"file":{"$base64":""},"text":"$base64"}}"#;
    let action = actions(&mut dialect, text(message)).pop().unwrap();
    let Action::Call { command, .. } = action else { panic!("{action:?}") };
    let params: Value = serde_json::from_str(command.params()).unwrap();
    assert_eq!(params, json!({"a": [{"$attachment": 0}], "file": {"$attachment": 1}, "text": "$base64"}));
    assert_eq!(command.attachments.iter().map(|part| &part.bytes[..]).collect::<Vec<_>>(), [&[0u8, 1][..], &[]]);
    let error = |value: &str| {
        let message =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"image","params":{{"file":{{"$base64":"{value}"}}}}}}"#);
        one(&mut jsonrpc(), &message)["error"]["code"].clone()
    };
    assert_eq!((error("A"), error(&"A".repeat(200))), (json!(-32602), json!(-32006)));
    let mixed = r#"{"jsonrpc":"2.0","id":1,"method":"image","params":{"a":{"$attachment":0},"b":{"$base64":"AAE="}}}"#;
    assert_eq!(one(&mut jsonrpc(), mixed)["error"]["code"], -32600);
}

#[test]
fn without_binary_messages_attachments_stand_in_the_answer() {
    let mut dialect = JsonRpc::new(JsonRpcOptions { binary: false, one_line: true, ..JsonRpcOptions::default() });
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"image"}"#;
    let Some(Action::Call { request, .. }) = actions(&mut dialect, text(message)).pop() else { panic!() };
    let attachments = [Attachment { bytes: Bytes::from_static(&[0, 1]), ..Attachment::default() }].into();
    let success = Success { json: "{\n\"a\":\r1}".into(), attachments, ..Success::default() };
    let mut frames = Vec::new();
    dialect.on_reply(request, Reply { outcome: Ok(success) }, &mut frames);
    let expected = r#"{"jsonrpc":"2.0","id":1,"result":{ "a": 1},"attachments":[{"$base64":"AAE="}]}"#;
    assert_eq!(frames, [text(expected)]);
    let Frame::Text(answer) = sent(&mut dialect, announcing(1, 1)).pop().unwrap() else { panic!() };
    assert!(answer.contains("-32600") && answer.contains("$base64"), "{answer}");
    let Frame::Text(answer) = sent(&mut dialect, Frame::Binary("\u{e4}".into())).pop().unwrap() else { panic!() };
    assert!(answer.contains("-32700") && answer.contains("not UTF-8"), "{answer}");
}
