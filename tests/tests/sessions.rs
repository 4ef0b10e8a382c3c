//! Sessions over WebSocket: order, commands that take long, ends, and what the listeners' parameters change.

#![cfg(unix)]

use jackfield_tests::client::tungstenite::protocol::frame::Frame;
use jackfield_tests::client::tungstenite::protocol::frame::coding::{Data, OpCode};
use jackfield_tests::client::{Message, Ws, connect, is_refused};
use jackfield_tests::gate::{self, Gate};
use jackfield_tests::script::{self, Script};
use jackfield_tests::server::{Server, Setup};
use jackfield_tests::{dist, repo_file};
use std::io::{Read, Write};
use std::net::TcpListener;

const MALFORMED: &str = "Error: Malformed JSON message.";

#[test]
fn what_was_asked_before_a_close_or_a_ping_is_answered_before_it() {
    let server = Setup::new().plugin("echo").start();
    for count in [1, 2, 5, 16, 17, 100, 300] {
        let mut client = Ws::to(&server);
        for number in 0..count {
            client.0.write(Message::text(format!("{{\"echo\":{number}}}"))).expect("an open WebSocket takes messages");
        }
        client.0.write(Message::Ping("p".into())).expect("an open WebSocket takes messages");
        for number in count..2 * count {
            client.0.write(Message::text(format!("{{\"echo\":{number}}}"))).expect("an open WebSocket takes messages");
        }
        client.0.close(None).expect("an open WebSocket can be closed");
        for number in 0..count {
            assert_eq!(client.receive(), number.to_string(), "of {count} before a ping");
        }
        // A pong may come as soon as the next answer does.
        let mut pongs = 0;
        for number in count..2 * count {
            let mut message = client.message();
            if message == Message::Pong("p".into()) {
                pongs += 1;
                message = client.message();
            }
            assert_eq!(message, Message::text(number.to_string()), "of {count} before a close");
        }
        assert_eq!(pongs, 1, "of {count}");
    }
}

#[test]
fn the_readme_conversation_goes_as_it_is_printed_there() {
    let server = Setup::new().plugin("echo").plugin("elements").listen("ws://localhost:0").start();
    let port = server.address("ws").rsplit(':').next().unwrap_or_default().to_owned();
    let url = format!("ws://localhost:{port}/");
    let mut client = Script::start(script::python().args(["-m", "websockets", &url]));
    let points = repo_file("tests/fixtures/gxml/cut_points.gxml").display().to_string();
    let elements = format!(r#"{{"elements": {{"file": "{points}", "import_mode": "clipboard"}}}}"#);
    let conversation =
        [(r#"{"echo": {"n": 1}}"#, r#"{"n": 1}"#), (&*elements, "Ok"), ("{", MALFORMED), ("quit", "bye")];
    for (line, answer) in conversation {
        client.type_line(line);
        client.expect(|line| line.ends_with(&format!("< {answer}")));
    }
    client.expect(|line| line.contains("Connection closed: 1000 (OK)"));
    assert_eq!(server.wait().0.code, Some(0));
}

#[test]
fn replies_come_in_the_order_of_requests_whatever_their_class() {
    let setup = gate::setup();
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut client = Ws::to(&server);
    client.send(&[
        &gate.message(),
        r#"{"gate.inline": 1}"#,
        r#"{"gate.serial": 2}"#,
        "{",
        r#"{"gate.concurrent": 3}"#,
        r#"{"gate.serial": 4}"#,
        r#"{"nobody": 5}"#,
        r#"{"jackfield.plugins.reload": {"plugin": "none"}}"#,
        r#"{"gate.inline": 6}"#,
    ]);
    drop(gate.entered());
    for expected in ["\"released\"", "1", "2", MALFORMED, "3", "4", "Error: Unknown request:\n{\"nobody\": 5}"] {
        assert_eq!(client.receive(), expected);
    }
    assert!(client.receive().starts_with("Error: "));
    assert_eq!(client.receive(), "6");
}

#[test]
fn pings_are_answered_and_other_sessions_served_while_a_command_runs() {
    let setup = gate::setup();
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let (mut client, mut other) = (Ws::to(&server), Ws::to(&server));
    client.send(&[&gate.message(), r#"{"gate.inline": 1}"#]);
    let held = gate.entered();
    client.all_read();
    assert_eq!(other.ask(r#"{"gate.inline": 2}"#), "2");
    assert_eq!(other.ask(r#"{"gate.concurrent": 3}"#), "3");
    drop(held);
    assert_eq!([client.receive(), client.receive()], ["\"released\"", "1"]);
}

#[test]
fn the_keepalive_of_a_client_library_survives_a_long_command() {
    let setup = gate::setup();
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut command = script::of(&repo_file("tests/python/keepalive.py"));
    let mut client = Script::start(command.args([server.url("ws"), &gate.message()]));
    let held = gate.entered();
    assert_eq!(client.line(), "alive");
    drop(held);
    assert_eq!(client.line(), "\"released\"");
}

#[test]
fn a_client_may_close_while_its_command_runs() {
    let setup = gate::setup();
    let (gate, next) = (Gate::new(setup.home(), "gate"), Gate::new(setup.home(), "next"));
    let server = setup.start();
    let mut client = Ws::to(&server);
    client.send(&[&gate.message(), r#"{"gate.serial": 1}"#]);
    let held = gate.entered();
    client.close();
    // The command goes on: the next one of its instance waits for it.
    let mut other = Ws::to(&server);
    other.send(&[&next.message()]);
    drop(held);
    drop(next.entered());
    assert_eq!(other.receive(), "\"released\"");
}

#[test]
fn a_client_may_vanish_while_its_command_runs() {
    let setup = gate::setup();
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut client = Ws::to(&server);
    client.send(&[&gate.message()]);
    let held = gate.entered();
    drop(client);
    drop(held);
    assert_eq!(Ws::to(&server).ask(r#"{"gate.serial": 1}"#), "1");
}

#[test]
fn a_quit_waits_for_the_commands_before_it_and_nothing_behind_it_runs() {
    let setup = gate::setup();
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let address = server.address("ws").to_owned();
    let mut client = Ws::to(&server);
    client.send(&[&gate.message(), "quit", r#"{"gate.inline": 1}"#]);
    let held = gate.entered();
    assert_eq!(Ws::to(&server).ask(r#"{"gate.inline": 2}"#), "2");
    drop(held);
    assert_eq!([client.receive(), client.receive()], ["\"released\"", "bye"]);
    assert_eq!(client.closed(), (1000, "Closing connection.".into()));
    assert_eq!(server.wait().0.code, Some(0));
    assert!(is_refused(&address));
}

#[test]
fn text_that_is_not_utf_8_closes_that_connection_with_1007_after_the_answers_before_it() {
    let server = Server::with(&["echo"]);
    let (mut client, mut other) = (Ws::to(&server), Ws::to(&server));
    client.send(&[r#"{"echo": 1}"#]);
    let broken = Frame::message(&b"{\"echo\": \"\xff\"}"[..], OpCode::Data(Data::Text), true);
    client.0.send(Message::Frame(broken)).unwrap();
    assert_eq!(client.receive(), "1");
    assert_eq!(client.closed().0, 1007);
    assert_eq!(other.ask(r#"{"echo": 2}"#), "2");
}

#[test]
fn a_binary_message_is_told_that_it_is_not_text_and_the_connection_stays() {
    let server = Server::with(&["echo"]);
    let mut client = Ws::to(&server);
    client.0.send(Message::binary(&b"quit"[..])).unwrap();
    assert_eq!(client.receive(), "Error: The message is not text (JSON in UTF-8).");
    assert_eq!(client.ask(r#"{"echo": 1}"#), "1");
}

#[test]
fn localhost_is_both_loopback_addresses_at_one_port() {
    let server = Setup::new().plugin("echo").listen("ws://localhost:0?ok=x").start();
    let port = server.address("ws").rsplit(':').next().unwrap_or_default();
    let mut expected = vec![format!("ws://127.0.0.1:{port}?ok=x")];
    if TcpListener::bind("[::1]:0").is_ok() {
        expected.push(format!("ws://[::1]:{port}?ok=x"));
    }
    assert_eq!(server.urls(), expected);
    for url in server.urls() {
        assert_eq!(Ws::at(url).ask(r#"{"echo": 1}"#), "1");
    }
}

#[test]
fn the_acknowledgement_is_the_listeners() {
    let setup = Setup::new().plugin_file(&dist::example("plugin-catch-all"));
    let server = setup.listen("ws://127.0.0.1:0").listen("ws://127.0.0.1:0?ok=Fertig%21").start();
    for (url, ack) in server.urls().iter().zip(["Ok", "Fertig!"]) {
        assert_eq!(Ws::at(url).ask(r#"{"anything": 1}"#), ack);
    }
}

#[test]
fn a_listener_with_a_path_serves_no_other_one() {
    let server = Setup::new().plugin("echo").listen("ws://127.0.0.1:0/tool").start();
    let request = |path: &str| http(&server, path, &[("Host", "localhost")]);
    assert!(request("/tool").starts_with("HTTP/1.1 101 "));
    assert!(request("/").starts_with("HTTP/1.1 404 "));
}

#[test]
fn dialect_echo_returns_the_longest_messages_unchanged() {
    let server = Setup::new().listen("ws://127.0.0.1:0?dialect=echo").start();
    let mut client = Ws::to(&server);
    let text = Message::text("ä".repeat(8 << 20));
    let bytes: Vec<u8> = (0..16 << 20).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
    for message in [text, Message::binary(bytes), Message::text(""), Message::text("quit")] {
        client.0.send(message.clone()).unwrap();
        assert!(client.message() == message, "{} bytes came back changed", message.len());
    }
}

#[test]
fn web_pages_and_rebound_names_do_not_come_in() {
    let config = "[http]\norigins = [\"https://tool.test\"]\n";
    let server = Setup::new().plugin("echo").config(config).start();
    let own = server.address("ws");
    for (host, origin, status) in [
        ("localhost", None, 101),
        (own, Some(format!("http://{own}")), 101),
        (own, Some("https://tool.test".into()), 101),
        (own, Some("https://evil.test".into()), 403),
        (own, Some("null".into()), 403),
        (own, Some("http://localhost".into()), 403),
        ("evil.test", None, 403),
        ("evil.test", Some("http://evil.test".into()), 403),
    ] {
        let mut headers = vec![("Host", host)];
        headers.extend(origin.as_deref().map(|origin| ("Origin", origin)));
        let answer = http(&server, "/", &headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers:?}: {answer}");
    }
}

#[test]
fn a_plain_request_is_told_what_this_port_speaks() {
    let server = Server::with(&[]);
    let mut stream = connect(server.address("ws"));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 ") && answer.contains("upgrade: websocket"), "{answer}");
}

/// What an upgrade with these headers is answered: the first read.
fn http(server: &Server, path: &str, headers: &[(&str, &str)]) -> String {
    let mut stream = connect(server.address("ws"));
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    write!(stream, "GET {path} HTTP/1.1\r\n{headers}{upgrade}\r\n").expect("the server takes bytes");
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).expect("an answer comes");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
