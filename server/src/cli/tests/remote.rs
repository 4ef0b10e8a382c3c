//! The plain form against small servers that do one thing each.

use super::*;
use crate::cli::client::ask;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Serves one connection; gives the address and what `serve` makes of it.
pub async fn server<T, F>(serve: impl FnOnce(TcpStream) -> F + Send + 'static) -> (SocketAddr, JoinHandle<T>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await }))
}

pub async fn received(socket: &mut WebSocketStream<TcpStream>) -> String {
    socket.next().await.unwrap().unwrap().into_text().unwrap().as_str().to_owned()
}

/// A WebSocket server that gives one answer to one message; the task gives the message.
async fn answering(answer: &'static str) -> (String, JoinHandle<String>) {
    let (address, task) = server(move |stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        socket.send(Message::Ping("before".into())).await.unwrap();
        let message = received(&mut socket).await;
        socket.send(Message::text(answer)).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
        message
    })
    .await;
    (format!("ws://{address}/"), task)
}

/// Runs a command line against an answering server: what is printed, and what the server was sent.
async fn run(command: &[&str], answer: &'static str) -> (Printed, String) {
    let (url, task) = answering(answer).await;
    let cli = Cli::try_parse_from([&["jackfield"], command, &["--url", &url]].concat()).unwrap();
    let printed = match cli.command {
        Command::Call(args) => render(args.remote.json, call::run(&args, mpsc::unbounded_channel().1).await),
        Command::Plugins(PluginsArgs { command: PluginsCommand::Remote(command) }) => {
            render(command.remote().json, plugins::run(&command).await)
        }
        other => panic!("{other:?}"),
    };
    (printed, task.await.unwrap())
}

#[tokio::test]
async fn a_message_is_sent_as_it_is_and_its_answer_printed() {
    let (out, sent) = run(&["call", " {\"a\":1} "], "Ok").await;
    assert_eq!((out, &*sent), (printed("Ok", "", 0), " {\"a\":1} "));
}

#[tokio::test]
async fn a_key_and_params_that_json_rpc_does_not_have_become_one_object() {
    let (out, sent) = run(&["call", "a\"b", " 1e999", "--json"], "{\"b\": 2}").await;
    assert_eq!(sent, "{\"a\\\"b\":  1e999}");
    assert_eq!(out, printed("{\"ok\":true,\"result\":{\"b\": 2}}", "", 0));
    let (_, sent) = run(&["call", "key", "-1"], "Ok").await;
    assert_eq!(sent, "{\"key\": -1}");
}

#[tokio::test]
async fn a_message_that_is_json_rpc_itself_is_sent_as_it_is_and_its_answer_printed_as_it_comes() {
    let result = r#"{"jsonrpc":"2.0","id":7,"result":  1}"#;
    let (out, sent) = run(&["call", r#"{"jsonrpc":"2.0","id":7,"method":"a"}"#], result).await;
    assert_eq!((out, &*sent), (printed(result, "", 0), r#"{"jsonrpc":"2.0","id":7,"method":"a"}"#));
}

#[tokio::test]
async fn on_tcp_a_key_and_params_become_one_object_and_nothing_goes_along() {
    let (address, task) = server(|mut stream| async move {
        let mut request = String::new();
        stream.read_to_string(&mut request).await.unwrap();
        stream.write_all(b"O.k.\r\n").await.unwrap();
        request
    })
    .await;
    let url = format!("tcp://{address}");
    let call = async |options: &[&str]| {
        let line = [&["jackfield", "call", "--url", &url], options, &["key", "{\"a\": 1}"]].concat();
        let Command::Call(args) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        render(false, call::run(&args, mpsc::unbounded_channel().1).await)
    };
    for option in ["--attach", "--output"] {
        let out = call(&[option, "f"]).await;
        assert!(out.code == 2 && out.stderr.contains("ws://HOST:PORT"), "{}", out.stderr);
    }
    assert_eq!(call(&[]).await, printed("O.k.", "", 0));
    assert_eq!(task.await.unwrap(), "{\"key\": {\"a\": 1}}\u{4}");
}

#[tokio::test]
async fn without_an_answer_in_time_the_plain_form_is_given_up() {
    let (address, _) =
        server(|mut stream| async move { while stream.read(&mut [0; 64]).await.is_ok_and(|n| n > 0) {} }).await;
    let cli = parse(&format!("call {{}} --timeout 0.02 --url ws://{address}/")).unwrap();
    let Command::Call(args) = cli.command else { panic!() };
    let out = render(false, call::run(&args, mpsc::unbounded_channel().1).await);
    assert_eq!(out, printed("", "error: no answer within 0.02 s; the command may go on", 1));
}

#[tokio::test]
async fn params_that_are_not_json_are_bad_usage_and_nothing_is_sent() {
    let cli = parse("call key {a} --url ws://127.0.0.1:1").unwrap();
    let Command::Call(args) = cli.command else { panic!() };
    let out = render(false, call::run(&args, mpsc::unbounded_channel().1).await);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("PARAMS") && out.stderr.contains("at byte 1"), "{}", out.stderr);
}

#[tokio::test]
async fn an_error_answer_goes_to_stderr_and_is_a_failure() {
    let (out, _) = run(&["call", "{}"], "Error: Unknown request:\n{}").await;
    assert_eq!(out, printed("", "Error: Unknown request:\n{}", 1));
}

#[track_caller]
fn disconnected(outcome: Outcome, parts: &[&str]) {
    match outcome {
        Outcome::Disconnected(why) => parts.iter().for_each(|part| assert!(why.contains(part), "no {part:?}: {why}")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_connection_is_told_with_url_and_reason() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for url in [format!("ws://{free}/"), format!("tcp://{free}")] {
        disconnected(ask(&url, "{}").await, &["no connection to", &url, "refused"]);
    }
    let (address, task) = server(|mut stream| async move {
        let head = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\ntoo many\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        head
    })
    .await;
    disconnected(ask(&format!("ws://{address}/"), "{}").await, &["no connection", "503 Service Unavailable"]);
    assert!(task.await.unwrap() > 0);
    let (address, task) = server(|stream| async move { drop(stream) }).await;
    disconnected(ask(&format!("ws://{address}/"), "{}").await, &["no connection to"]);
    task.await.unwrap();
}

#[tokio::test]
async fn a_connection_lost_before_the_answer_is_told_with_the_reason() {
    let (address, _) = server(|stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        received(&mut socket).await;
        let frame = CloseFrame { code: 1001.into(), reason: "shutting down".into() };
        socket.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let url = format!("ws://{address}/");
    disconnected(ask(&url, "{}").await, &["lost the connection", &url, "1001 shutting down"]);

    let (address, _) = server(|stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        received(&mut socket).await;
    })
    .await;
    disconnected(ask(&format!("ws://{address}/"), "{}").await, &["lost the connection"]);

    let (address, _) = server(|stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        received(&mut socket).await;
        socket.send(Message::binary("x")).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    disconnected(ask(&format!("ws://{address}/"), "{}").await, &["binary"]);
}

#[tokio::test]
async fn a_server_that_refuses_a_long_message_while_it_is_sent_is_understood() {
    let (address, _) = server(|mut stream| async move {
        let mut socket = tokio_tungstenite::accept_async(&mut stream).await.unwrap();
        let frame = CloseFrame { code: 1009.into(), reason: "too large".into() };
        socket.close(Some(frame)).await.unwrap();
        drop(socket);
        // Takes what comes, so that the refusal is not overtaken by a reset.
        let mut sink = vec![0; 1 << 16];
        while stream.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    disconnected(ask(&format!("ws://{address}/"), &"x".repeat(20 << 20)).await, &["1009 too large"]);
}

#[tokio::test]
async fn urls_that_cannot_be_right_are_bad_usage() {
    for url in [
        "",
        "ws://",
        "127.0.0.1:1",
        "ws://127.0.0.1/",
        "ws://127.0.0.1:99999/",
        "wss://127.0.0.1:1/",
        "http://127.0.0.1:1",
        "unix:///x",
        "ws://a b:1/",
        "/path",
    ] {
        match ask(url, "{}").await {
            Outcome::Usage(why) => assert!(why.contains("ws://HOST:PORT") && why.contains(url), "{why}"),
            other => panic!("{url}: {other:?}"),
        }
    }
    assert!(matches!(ask("tcp://127.0.0.1:1", "a\u{4}b").await, Outcome::Usage(why) if why.contains("0x04")));
}

#[tokio::test]
async fn tcp_sends_the_end_byte_and_a_half_close_and_takes_any_line_end_off_the_answer() {
    for (answer, shown) in [
        ("O.k.\r\n", "O.k."),
        ("O.k.\n", "O.k."),
        ("O.k.", "O.k."),
        ("O.k.\u{4}", "O.k."),
        ("a\nb\r\n\r\n", "a\nb\r\n"),
    ] {
        let (address, task) = server(move |mut stream| async move {
            let mut request = Vec::new();
            stream.read_to_end(&mut request).await.unwrap();
            for byte in answer.as_bytes().chunks(1) {
                stream.write_all(byte).await.unwrap();
            }
            request
        })
        .await;
        assert_eq!(ask(&format!("tcp://{address}"), "{\"é\":1}").await, done(shown));
        assert_eq!(task.await.unwrap(), "{\"é\":1}\u{4}".as_bytes());
    }
}

#[tokio::test]
async fn tcp_without_an_answer_or_with_no_text_is_a_lost_connection() {
    for (answer, part) in [(&b""[..], "without an answer"), (b"\r\n", "without an answer"), (b"\xFF\r\n", "not UTF-8")]
    {
        let (address, task) = server(move |mut stream| async move {
            stream.read_to_end(&mut Vec::new()).await.unwrap();
            stream.write_all(answer).await.unwrap();
        })
        .await;
        disconnected(ask(&format!("tcp://{address}"), "{}").await, &[part]);
        task.await.unwrap();
    }
}

const LIST: &str = r#"{"plugins": [
    {"id": "echo", "version": "1.0.0", "file": "/p/echo.so", "state": "serving", "generation": 12,
     "keys": [{"key": "echo"}, {"key": "mirror"}], "generations": []},
    {"id": null, "version": null, "file": "/p/\u001b[2Jbad.so", "state": "refused", "generation": null, "keys": [],
     "refused": {"step": "proved", "reason": "cut\noff", "at": 1}}
], "reload_budget": 900}"#;

#[tokio::test]
async fn plugins_list_prints_a_table_that_no_name_can_forge() {
    let (out, sent) = run(&["plugins", "list"], LIST).await;
    assert_eq!(sent, r#"{"jackfield.plugins":{}}"#);
    let expected = "\
ID    VERSION  STATE    GENERATION  KEYS         FILE
echo  1.0.0    serving  12          echo mirror  /p/echo.so
-     -        refused  -                        /p/\\u{1b}[2Jbad.so
  refused: proved: cut\\noff
";
    assert_eq!(out, printed(expected, "", 0));
    let (out, _) = run(&["plugins", "list", "--json"], LIST).await;
    let json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!(json["result"]["plugins"][0]["generation"], 12);
    let (out, _) = run(&["plugins", "list"], "Ok").await;
    assert_eq!((out.code, out.stdout.as_str()), (1, ""));
}

#[tokio::test]
async fn the_other_plugin_commands_name_their_plugin_or_file() {
    let (out, sent) = run(&["plugins", "reload", "a\"b"], "{}").await;
    assert_eq!((out, &*sent), (printed("{}", "", 0), r#"{"jackfield.plugins.reload":{"plugin":"a\"b"}}"#));
    let (_, sent) = run(&["plugins", "unload", "echo"], "Ok").await;
    assert_eq!(sent, r#"{"jackfield.plugins.unload":{"plugin":"echo"}}"#);
    let (out, sent) = run(&["plugins", "load", "some/echo.so"], "Error: no").await;
    let file = std::env::current_dir().unwrap().join("some/echo.so");
    assert_eq!(sent, serde_json::json!({"jackfield.plugins.load": {"file": file}}).to_string());
    assert_eq!(out.code, 1);
}

const DOCUMENT: &str = r##"{"openrpc": "1.3.2", "methods": [
    {"name": "image", "summary": "Imports\u001b[2J", "x-class": "SERIAL", "x-flags": ["ack_only"],
     "x-plugin": {"id": "image", "version": "1.0.0"},
     "params": [
        {"name": "file", "required": false, "description": "A file",
         "schema": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"$attachment": {}}}]}},
        {"name": "length", "required": true, "schema": {"$ref": "#/components/schemas/a"}},
        {"name": "mode", "required": false, "schema": {"enum": ["a", null], "default": "a"}}],
     "examples": [{"name": "1", "params": [{"name": "file", "value": "it's"}, {"name": "length", "value": 1}]}],
     "errors": [{"code": -32602, "message": "INVALID_PARAMS"}]},
    {"name": "jackfield.info", "params": [], "x-params-schema": {"type": "object"}}
], "components": {"schemas": {"a": {"type": ["number", "string"], "description": "In mm"}}}}"##;

#[tokio::test]
async fn help_of_a_key_tells_what_the_server_says_of_it() {
    let (out, sent) = run(&["call", "--help", "image"], DOCUMENT).await;
    assert_eq!(sent, r#"{"rpc.discover":{}}"#);
    let expected = "\
image: Imports\\u{1b}[2J
  plugin image 1.0.0, SERIAL, ack_only

params:
  file    string | attachment  optional     A file
  length  number | string      required     In mm
  mode    \"a\" | null           default \"a\"

examples:
  jackfield call image '{\"file\": \"it'\\''s\", \"length\": 1}'

errors:
  -32602  INVALID_PARAMS
";
    assert_eq!(out, printed(expected, "", 0));
    // The same where the key comes first.
    assert_eq!(run(&["call", "image", "--help"], DOCUMENT).await.0, printed(expected, "", 0));
    let (out, _) = run(&["call", "-h", "jackfield.info", "--json"], DOCUMENT).await;
    let json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!((out.code, &json["result"]["name"]), (0, &"jackfield.info".into()));
    let (out, _) = run(&["call", "--help", "jackfield.info"], DOCUMENT).await;
    assert!(out.stdout.contains("built in") && out.stdout.contains("none (object)"), "{}", out.stdout);
}

#[tokio::test]
async fn help_of_a_key_that_is_not_there_fails_and_offers_near_ones() {
    let (out, _) = run(&["call", "--help", "imag"], DOCUMENT).await;
    assert_eq!(out, printed("", "error: the server has no command imag; near it: image", 1));
    let (out, _) = run(&["call", "--help", "x"], "Ok").await;
    assert_eq!((out.code, out.stdout.as_str()), (1, ""));
    let (out, _) = run(&["call", "--help", "x"], "Error: Unknown request:\n{}").await;
    assert_eq!(out.code, 1);
}

#[tokio::test]
async fn help_without_a_key_is_the_usage_and_asks_nobody() {
    for line in ["call --help", "call -h", "call --url ws://127.0.0.1:1/ --help"] {
        let Command::Call(args) = parse(line).unwrap().command else { panic!() };
        let out = render(args.remote.json, call::run(&args, mpsc::unbounded_channel().1).await);
        assert_eq!((out.code, out.stderr.as_str()), (0, ""));
        assert!(
            out.stdout.contains("Usage: jackfield call [OPTIONS]") && out.stdout.contains("--url <URL>"),
            "{}",
            out.stdout
        );
    }
}

#[tokio::test]
async fn an_error_of_json_rpc_is_an_error_answer() {
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;
    assert_eq!(run(&["call", "{}"], error).await.0, printed("", &format!("error: {error}"), 1));
    for fine in [r#"{"jsonrpc":"2.0","id":1,"result":{"error":1}}"#, r#"{"error":1}"#] {
        assert_eq!(run(&["call", "{}"], fine).await.0, printed(fine, "", 0));
    }
}

#[tokio::test]
async fn a_url_is_taken_as_a_server_prints_it() {
    let (url, task) = answering("1").await;
    let url = url.trim_end_matches('/').to_owned() + "?order=1";
    let Command::Call(args) = parse(&format!("call --url {url} {{}}")).unwrap().command else { panic!() };
    assert_eq!(render(false, call::run(&args, mpsc::unbounded_channel().1).await), printed("1", "", 0));
    assert_eq!(task.await.unwrap(), "{}");
}
