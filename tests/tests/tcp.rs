//! Sessions over tcp: framing of requests, what ends answers, and how connections end.

#![cfg(unix)]

use jackfield_tests::client::{Tcp, Ws};
use jackfield_tests::dist;
use jackfield_tests::gate::{self, Gate};
use jackfield_tests::server::{Server, Setup};

const MALFORMED: &str = "Error: Malformed JSON message.\r\n";

fn server(url: &str) -> Server {
    Setup::new().plugin("echo").listen(url).listen("ws://127.0.0.1:0").start()
}

#[test]
fn the_original_clients_exchange_works() {
    let server = server("tcp://127.0.0.1:0");
    let mut client = Tcp::to(&server);
    client.request(r#"{"echo": 1}"#);
    client.half_close();
    assert_eq!(client.rest(), "1\r\n");
}

#[test]
fn a_half_close_ends_a_request_and_the_connection_after_its_answer() {
    let setup = gate::setup().listen("tcp://127.0.0.1:0");
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut client = Tcp::to(&server);
    client.send(gate.message());
    client.half_close();
    drop(gate.entered());
    assert_eq!(client.rest(), "\"released\"\r\n");
}

#[test]
fn several_requests_are_answered_in_order_on_one_connection() {
    let server = server("tcp://127.0.0.1:0");
    let mut client = Tcp::to(&server);
    for n in 0..3 {
        client.request(&format!("{{\"echo\": {n}}}"));
        assert_eq!(client.receive(), format!("{n}\r\n"));
    }
    client.send("{\"echo\": 3}\x04{\x04\r\n{\"echo\": 4}\n\x04{\"echo\": 5}");
    client.half_close();
    assert_eq!(client.rest(), format!("3\r\n{MALFORMED}4\r\n5\r\n"));
}

#[test]
fn an_answer_comes_in_one_piece() {
    let server = server("tcp://127.0.0.1:0");
    let mut client = Tcp::to(&server);
    // Clients of the original read once, 1,024 bytes at most.
    let text = "x".repeat(1000);
    for message in [format!("{{\"echo\": \"{text}\"}}"), format!("{{\"unknown\": \"{text}\"}}"), "{".into()] {
        client.request(&message);
        let answer = client.receive();
        assert!(answer.ends_with("\r\n") && answer.len() <= 1024, "{answer:?}");
    }
}

#[test]
fn once_takes_one_request_and_closes() {
    let server = server("tcp://127.0.0.1:0?once=1");
    let mut client = Tcp::to(&server);
    client.request(r#"{"echo": 1}"#);
    client.request(r#"{"echo": 2}"#);
    assert_eq!(client.rest(), "1\r\n");
}

#[test]
fn what_ends_an_answer_and_what_acknowledges_is_the_listeners() {
    for (params, answer) in [
        ("", "O.k.\r\n"),
        ("?eol=crlf", "O.k.\r\n"),
        ("?eol=lf&ok=yes", "yes\n"),
        ("?eol=none", "O.k."),
        ("?eol=eot", "O.k.\x04"),
    ] {
        let setup = Setup::new().plugin_file(&dist::example("plugin-catch-all"));
        let server = setup.listen(&format!("tcp://127.0.0.1:0{params}")).start();
        let mut client = Tcp::to(&server);
        client.request(r#"{"anything": 1}"#);
        client.half_close();
        assert_eq!(client.rest(), answer, "{params}");
    }
}

#[test]
fn ctrl_z_ends_the_connection_and_not_the_server() {
    let server = server("tcp://127.0.0.1:0");
    let mut client = Tcp::to(&server);
    client.send("\x1a");
    assert_eq!(client.rest(), "");
    let mut client = Tcp::to(&server);
    client.send("{\"echo\": 1}\x04\x1a");
    assert_eq!(client.rest(), "1\r\n");
    let mut client = Tcp::to(&server);
    client.request("quit");
    assert_eq!(client.receive(), MALFORMED);
    client.request("{\"echo\": \"\x1a\"}");
    assert_eq!(client.receive(), MALFORMED);
}

#[test]
fn a_character_may_come_in_two_pieces() {
    let server = server("tcp://127.0.0.1:0");
    let mut client = Tcp::to(&server);
    for byte in "{\"echo\": \"ä€😀\"}\x04".bytes() {
        client.send([byte]);
    }
    assert_eq!(client.receive(), "\"ä€😀\"\r\n");
}

#[test]
fn bytes_that_are_not_utf_8_are_told_so_and_the_connection_stays() {
    let server = server("tcp://127.0.0.1:0");
    let mut client = Tcp::to(&server);
    client.send(b"{\"echo\": \"\xff\"}\x04");
    assert_eq!(client.receive(), "Error: The message is not text (JSON in UTF-8).\r\n");
    client.request(r#"{"echo": 1}"#);
    assert_eq!(client.receive(), "1\r\n");
}

#[test]
fn nothing_in_an_http_request_or_a_tls_hello_is_a_command() {
    let server = server("tcp://127.0.0.1:0");
    let post = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n\x04{\"echo\": 1}\x04";
    for greeting in [post.as_bytes(), b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut client = Tcp::to(&server);
        client.send(greeting);
        assert_eq!(client.rest(), "");
    }
    assert_eq!(Ws::to(&server).ask(r#"{"echo": 1}"#), "1");
}

#[test]
fn dialect_echo_returns_16_mib_unchanged() {
    let server = Setup::new().listen("tcp://127.0.0.1:0?dialect=echo&eol=eot&buffer=1048576").start();
    let mut client = Tcp::to(&server);
    let mut sender = Tcp(client.0.try_clone().unwrap());
    let message = "ä".repeat(8 << 20);
    std::thread::scope(|scope| {
        scope.spawn(|| sender.request(&message));
        assert!(client.receive_exactly(message.len()) == message, "it came back changed");
    });
    assert_eq!(client.receive_exactly(1), "\x04");
}
