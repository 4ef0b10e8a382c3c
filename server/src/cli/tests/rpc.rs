//! `call KEY PARAMS` and `watch` against small servers that do one thing each.

use super::remote::{received, server};
use super::*;
use crate::cli::rpc::Event;
use crate::cli::watch::tell;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Socket = WebSocketStream<TcpStream>;

/// Runs a command line against a server that does what `script` says; a send on its channel is a Ctrl-C.
async fn run<F>(line: &[&str], script: impl FnOnce(Socket, UnboundedSender<()>) -> F + Send + 'static) -> Outcome
where
    F: Future<Output = ()> + Send,
{
    let (press, stop) = mpsc::unbounded_channel();
    let (address, task) = server(move |stream| async move {
        let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        script(socket, press).await;
    })
    .await;
    let url = format!("ws://{address}/");
    let cli = Cli::try_parse_from([&["jackfield"], line, &["--url", &url]].concat()).unwrap();
    let outcome = match cli.command {
        Command::Call(args) => call::run(&args, stop).await,
        Command::Watch(args) => watch::run(&args, stop).await,
        other => panic!("{other:?}"),
    };
    task.await.unwrap();
    outcome
}

async fn say(socket: &mut Socket, texts: &[&str]) {
    for text in texts {
        socket.send(Message::text(*text)).await.unwrap();
    }
}

/// `call key {}` with an answer.
async fn answered(answer: &'static str) -> Outcome {
    run(&["call", "key", "{}"], move |mut socket, _| async move {
        received(&mut socket).await;
        say(&mut socket, &[answer]).await;
    })
    .await
}

#[tokio::test]
async fn a_key_and_params_become_a_request_and_its_result_is_printed_as_it_came() {
    let outcome = run(&["call", "a\"b", " [1e999, \"é\"]"], |mut socket, _| async move {
        let request = received(&mut socket).await;
        assert_eq!(request, r#"{"jsonrpc":"2.0","id":1,"method":"a\"b","params": [1e999, "é"]}"#);
        say(
            &mut socket,
            &[
                r#"{"jsonrpc":"2.0","method":"jackfield.progress","params":{"progress":1,"done":1,"total":0,"text":""}}"#,
                r#"{"jsonrpc":"2.0","method":"what.is.new","params":[]}"#,
                r#"{"jsonrpc":"2.0","id":9,"result":"another's"}"#,
                r#"{"jsonrpc":"2.0","id":1,"result":{"n": 1e999}}"#,
            ],
        )
        .await;
        assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))), "it ends in order");
    })
    .await;
    assert_eq!(outcome, done(r#"{"n": 1e999}"#));
    for result in ["null", "[]", "\"Error: no\""] {
        let answer: &str = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#).leak();
        assert_eq!(answered(answer).await, done(result));
    }
}

#[tokio::test]
async fn an_error_is_told_with_its_number_and_data() {
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"no \"way\"","data":{"n": 1e999}}}"#;
    assert_eq!(answered(error).await, refused(Some("{\"n\": 1e999}")));
    // Where the server could not read the id.
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"no \"way\""}}"#;
    assert_eq!(answered(error).await, refused(None));
}

#[tokio::test]
async fn a_server_that_does_not_speak_json_rpc_is_understood() {
    for answer in ["Ok", "Error: Unknown request:\n{}", "{}", r#"{"jsonrpc":"2.0","id":1,"method":"key","params":{}}"#]
    {
        match answered(answer).await {
            Outcome::Failed(why) => assert!(why.contains("no JSON-RPC") && why.ends_with(answer), "{why}"),
            other => panic!("{answer}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn attachments_go_behind_the_request_and_come_behind_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, kept] = ["first", "second", "kept"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&first, b"\0one").unwrap();
    std::fs::write(&second, b"two").unwrap();
    let line = ["call", "--attach", &first, "--attach", &second, "--output", &kept, "key", "{}"];
    let outcome = run(&line, |mut socket, _| async move {
        let request: serde_json::Value = serde_json::from_str(&received(&mut socket).await).unwrap();
        assert_eq!((&request["attachments"], &request["method"]), (&json!(2), &json!("key")));
        assert_eq!(request["attachment_info"], json!([{"name": "first"}, {"name": "second"}]));
        for bytes in ["\0one", "two"] {
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(bytes));
        }
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"blob":{"$attachment":0}},"attachments":2}"#;
        say(&mut socket, &[answer]).await;
        for bytes in ["\0x", "y"] {
            socket.send(Message::binary(bytes)).await.unwrap();
        }
    })
    .await;
    assert_eq!(outcome, done(r#"{"blob":{"$attachment":0}}"#));
    assert_eq!(std::fs::read(&kept).unwrap(), b"\0x");
}

#[tokio::test]
async fn what_cannot_be_attached_or_kept_is_named() {
    let line = "call --attach /nothing/there key {} --url ws://127.0.0.1:1/";
    let Command::Call(args) = parse(line).unwrap().command else { panic!() };
    let outcome = call::run(&args, mpsc::unbounded_channel().1).await;
    assert!(matches!(&outcome, Outcome::Usage(why) if why.contains("/nothing/there")), "{outcome:?}");
    let outcome = run(&["call", "--output", "/nothing/there", "key", "{}"], |mut socket, _| async move {
        received(&mut socket).await;
        say(&mut socket, &[r#"{"jsonrpc":"2.0","id":1,"result":null,"attachments":1}"#]).await;
        socket.send(Message::binary("x")).await.unwrap();
    })
    .await;
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("/nothing/there")), "{outcome:?}");
    let outcome = run(&["call", "--output", "kept", "key", "{}"], |mut socket, _| async move {
        received(&mut socket).await;
        say(&mut socket, &[r#"{"jsonrpc":"2.0","id":1,"result":null}"#]).await;
    })
    .await;
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("no attachment")), "{outcome:?}");
}

#[tokio::test]
async fn messages_that_are_out_of_place_end_it() {
    let begun = r#"{"jsonrpc":"2.0","id":1,"result":null,"attachments":1}"#;
    for messages in [&[Message::binary("x")][..], &[Message::text(begun), Message::text(begun)]] {
        let messages = messages.to_vec();
        let outcome = run(&["call", "key", "{}"], |mut socket, _| async move {
            received(&mut socket).await;
            for message in messages {
                socket.send(message).await.unwrap();
            }
        })
        .await;
        assert!(matches!(&outcome, Outcome::Disconnected(why) if why.contains("message came instead")), "{outcome:?}");
    }
}

/// What Ctrl-C comes to where the command then answers `answer`.
async fn interrupted(answer: &'static str) -> Outcome {
    run(&["call", "key", "{}"], move |mut socket, press| async move {
        received(&mut socket).await;
        press.send(()).unwrap();
        let cancel = received(&mut socket).await;
        assert_eq!(cancel, r#"{"jsonrpc":"2.0","id":2,"method":"jackfield.cancel","params":{"id":1}}"#);
        say(&mut socket, &[r#"{"jsonrpc":"2.0","id":2,"result":{"cancelled":true}}"#, answer]).await;
    })
    .await
}

#[tokio::test]
async fn ctrl_c_cancels_the_command_and_waits_for_its_answer() {
    let cancelled_text = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"The command was cancelled."}}"#;
    assert_eq!(interrupted(cancelled_text).await, cancelled());
    // Nobody has cancelled it here.
    assert!(matches!(answered(cancelled_text).await, Outcome::Refused(_)));
    assert_eq!(interrupted(r#"{"jsonrpc":"2.0","id":1,"result":5}"#).await, done("5"));
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"no \"way\""}}"#;
    assert_eq!(interrupted(error).await, refused(None));
}

#[tokio::test]
async fn a_second_ctrl_c_ends_it_at_once() {
    let outcome = run(&["call", "key", "{}"], |mut socket, press| async move {
        received(&mut socket).await;
        press.send(()).unwrap();
        received(&mut socket).await;
        press.send(()).unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    assert!(matches!(&outcome, Outcome::Cancelled(text) if text.contains("not known")), "{outcome:?}");
}

#[tokio::test]
async fn a_command_that_takes_longer_than_the_timeout_is_cancelled() {
    let outcome = run(&["call", "--timeout", "0.02", "key", "{}"], |mut socket, _| async move {
        received(&mut socket).await;
        assert!(received(&mut socket).await.contains("jackfield.cancel"));
        say(&mut socket, &[r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":""}}"#]).await;
    })
    .await;
    assert_eq!(outcome, Outcome::Failed("no answer within 0.02 s: cancelled".to_owned()));
}

#[tokio::test]
async fn a_connection_that_is_lost_is_told() {
    for line in [&["call", "key", "{}"][..], &["watch", "*"]] {
        let outcome = run(line, |mut socket, _| async move { drop(received(&mut socket).await) }).await;
        assert!(matches!(&outcome, Outcome::Disconnected(why) if why.contains("lost the connection")), "{outcome:?}");
    }
}

#[tokio::test]
async fn watch_subscribes_and_says_why_it_may_not() {
    let outcome = run(&["watch", "--last", "a.*", "b"], |mut socket, press| async move {
        let request: serde_json::Value = serde_json::from_str(&received(&mut socket).await).unwrap();
        assert_eq!(request["method"], "jackfield.subscribe");
        assert_eq!(request["params"], json!({"topics": ["a.*", "b"], "last": true, "when_full": "drop"}));
        say(&mut socket, &[r#"{"jsonrpc":"2.0","id":1,"result":{"subscription":7}}"#]).await;
        press.send(()).unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    assert_eq!(outcome, Outcome::Said(130));
    let Command::Watch(args) = parse("watch * --url tcp://127.0.0.1:1").unwrap().command else { panic!() };
    let outcome = watch::run(&args, mpsc::unbounded_channel().1).await;
    assert!(matches!(&outcome, Outcome::Usage(why) if why.contains("ws://HOST:PORT")), "{outcome:?}");
    let outcome = run(&["watch", ".."], |mut socket, _| async move {
        received(&mut socket).await;
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"no \"way\""}}"#;
        say(&mut socket, &[error]).await;
    })
    .await;
    assert_eq!(outcome, refused(None));
}

#[test]
fn each_event_is_one_line_that_no_name_can_forge() {
    let line = |event: &str, json| {
        let event: Event = serde_json::from_str(event).unwrap();
        let mut out = Vec::new();
        tell(&mut out, &event, json).unwrap();
        String::from_utf8(out).unwrap()
    };
    let event = "{\"subscription\":1,\"topic\":\"a.b\",\"data\":{\"n\":\n1e999}}";
    assert_eq!(line(event, false), "a.b {\"n\": 1e999}\n");
    assert_eq!(line(event, true), "{\"topic\":\"a.b\",\"data\":{\"n\": 1e999}}\n");
    let event = r#"{"subscription":1,"topic":"a\nb","data":null,"dropped":3}"#;
    assert_eq!(line(event, false), "a\\nb null\n");
    assert_eq!(line(event, true), "{\"topic\":\"a\\nb\",\"data\":null,\"dropped\":3}\n");
}
