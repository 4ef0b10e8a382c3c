//! What happens at the limits of sessions and queues, and on both sides of them.

#![cfg(unix)]

use jackfield_tests::client::{Tcp, Ws, connect};
use jackfield_tests::gate::{self, Gate};
use jackfield_tests::repo_file;
use jackfield_tests::server::{Server, Setup};
use serde_json::json;
use std::io::{Read, Write};
use std::path::Path;

fn server(limits: &str) -> Server {
    let setup = Setup::new().plugin("echo").config(&format!("[limits]\n{limits}\n"));
    setup.listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0").start()
}

/// A command `echo` of exactly this many bytes, and its answer.
fn echo(bytes: usize) -> (String, String) {
    let answer = format!("\"{}\"", "x".repeat(bytes - r#"{"echo":""}"#.len()));
    (format!("{{\"echo\":{answer}}}"), answer)
}

#[test]
fn the_limits_of_imports_reach_the_plugins_that_keep_them() {
    let photo = repo_file("tests/fixtures/images/photo.jpg");
    let import = |limits: &str, file: &Path, command: &str| {
        let setup = Setup::new().plugin("image").plugin("elements").config(&format!("[limits]\n{limits}\n"));
        let server = setup.start();
        let elements = json!({"elements": {"file": file, "import_mode": "clipboard"}});
        let image = json!({"image": {"file": file, "name": "n", "focal_length": 50}});
        Ws::to(&server).ask(&if command == "image" { image } else { elements }.to_string())
    };
    // The photo has 64 x 48 pixels.
    assert_eq!(import("image_pixels = 3072", &photo, "image"), "Ok");
    let refused = import("image_pixels = 3071", &photo, "image");
    assert!(refused.starts_with("Error: Image could not be imported"), "{refused}");
    // White space behind the document makes it larger than 1 MiB.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let large = folder.path().join("large.gxml");
    let points = std::fs::read_to_string(repo_file("tests/fixtures/gxml/cut_points.gxml")).expect("a fixture");
    std::fs::write(&large, points + &" ".repeat(1 << 20)).expect("room for a file");
    assert_eq!(import("import_mib = 2", &large, "elements"), "Ok");
    let refused = import("import_mib = 1", &large, "elements");
    assert!(refused.starts_with("Error: Elements could not be imported"), "{refused}");
}

#[test]
fn a_websocket_message_over_message_bytes_closes_with_1009() {
    let server = server("message_bytes = 1000");
    let mut client = Ws::to(&server);
    let (message, answer) = echo(1000);
    assert_eq!(client.ask(&message), answer);
    client.send(&[r#"{"echo": 1}"#, &echo(1001).0]);
    assert_eq!(client.receive(), "1");
    assert_eq!(client.closed().0, 1009);
    assert_eq!(Ws::to(&server).ask(r#"{"echo": 2}"#), "2");
}

#[test]
fn a_tcp_message_over_message_bytes_is_told_behind_the_answers_before_it() {
    let setup = gate::setup().config("[limits]\nmessage_bytes = 1000\n").listen("tcp://127.0.0.1:0");
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut client = Tcp::to(&server);
    let text = "x".repeat(980);
    client.request(&format!("{{\"gate.inline\":\"{text}\"}}"));
    assert_eq!(client.receive(), format!("\"{text}\"\r\n"));
    client.request(&gate.message());
    client.request(&" ".repeat(1001));
    client.request(r#"{"gate.inline": 1}"#);
    drop(gate.entered());
    assert_eq!(
        client.rest(),
        "\"released\"\r\nError: A message is longer than the limit of 1000 bytes (message_bytes).\r\n"
    );
}

#[test]
fn json_deeper_than_nesting_is_malformed() {
    let server = server("nesting = 5");
    let mut client = Ws::to(&server);
    assert_eq!(client.ask(r#"{"echo":[[[[1]]]]}"#), "[[[[1]]]]");
    assert_eq!(client.ask(r#"{"echo":[[[[[1]]]]]}"#), "Error: Malformed JSON message.");
}

#[test]
fn one_connection_too_many_is_told_so_and_gets_in_after_another_has_left() {
    let server = server("connections = 2");
    let address = server.address("ws");
    let (first, mut second) = (Ws::to(&server), Ws::to(&server));
    let mut third = connect(address);
    write!(third, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    third.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("(limit connections)"), "{answer}");
    assert_eq!(Tcp::to(&server).rest(), "Error: Too many connections (limit connections = 2). Try again later.\r\n");
    assert_eq!(second.ask(r#"{"echo": 1}"#), "1");
    first.close();
    // The place is free a moment after the connection has ended; each refusal until then is an answer.
    let mut third = loop {
        match Ws::try_over(connect(address), address) {
            Ok(third) => break third,
            Err(refusal) => assert!(refusal.contains("503"), "{refusal}"),
        }
    };
    assert_eq!(third.ask(r#"{"echo": 2}"#), "2");
}

#[test]
fn a_command_over_plugin_queue_is_told_that_the_plugin_is_busy() {
    let setup = gate::setup().config("[limits]\nplugin_queue = 1\n");
    let (gate, next) = (Gate::new(setup.home(), "gate"), Gate::new(setup.home(), "next"));
    let server = setup.start();
    let mut client = Ws::to(&server);
    client.send(&[&gate.message()]);
    let held = gate.entered();
    client.send(&[&next.message(), r#"{"gate.serial": 1}"#]);
    client.all_read();
    let busy = "Error: Plugin 'gate' has 1 commands waiting (limit plugin_queue).";
    let mut other = Ws::to(&server);
    assert_eq!(other.ask(r#"{"gate.serial": 2}"#), busy);
    drop(held);
    drop(next.entered());
    assert_eq!([client.receive(), client.receive(), client.receive()], ["\"released\"", "\"released\"", busy]);
    assert_eq!(other.ask(r#"{"gate.serial": 3}"#), "3");
}

#[test]
fn no_more_than_session_in_flight_commands_of_a_session_wait_in_a_plugin() {
    let setup = gate::setup().config("[limits]\nsession_in_flight = 3\nplugin_queue = 3\n");
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut client = Ws::to(&server);
    // One runs and two wait: there is a place left in the queue for others.
    let serial = r#"{"gate.serial": 1}"#;
    client.send(&[&gate.message(), serial, serial, serial, serial]);
    let held = gate.entered();
    client.all_read();
    assert_eq!(Ws::to(&server).ask(r#"{"gate.concurrent": 2}"#), "2");
    drop(held);
    assert_eq!(client.receive(), "\"released\"");
    assert!((0..4).all(|_| client.receive() == "1"));
}

/// Many small commands: the look-ahead holds them up.
#[cfg(target_os = "linux")]
#[test]
fn a_client_that_sends_without_reading_is_held_up_and_costs_little_memory() {
    let pad = "x".repeat(4000);
    is_held_up(10_000, &|n| format!("{{\"gate.serial\": [{n}, \"{pad}\"]}}"));
}

/// Few large messages, though with small params: their bytes hold them up.
#[cfg(target_os = "linux")]
#[test]
fn large_messages_that_wait_are_bounded_by_their_bytes() {
    let pad = "x".repeat(1 << 20);
    is_held_up(60, &|n| format!("{{\"gate.serial\": [{n}, 0], \"pad\": \"{pad}\"}}"));
}

/// Sends this many commands, of 40 MB or more, behind one that runs, and reads nothing: the server takes a few, the client has
/// to wait, and in the end every command is answered in its turn.
#[cfg(target_os = "linux")]
fn is_held_up(count: usize, command: &(dyn Fn(usize) -> String + Sync)) {
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;
    use std::time::Duration;

    let setup = gate::setup().config("[limits]\nmessage_bytes = 2000000\n");
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let before = peak_kib(&server);
    let mut client = Ws::to(&server);
    let mut stream = client.0.get_ref().try_clone().expect("a socket can be shared");
    client.send(&[&gate.message()]);
    let held = gate.entered();
    let (progress, sent) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..count {
                stream.write_all(&frame(&command(n))).expect("the server takes bytes, in the end");
                // Nobody counts the last ones.
                let _ = progress.send(());
            }
        });
        let until_quiet = || loop {
            match sent.recv_timeout(Duration::from_millis(300)) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("the server took everything without answering"),
            }
        };
        until_quiet();
        drop(held);
        assert_eq!(client.receive(), "\"released\"");
        for n in 0..count {
            assert!(client.receive().starts_with(&format!("[{n}, ")), "answer {n} is not in its place");
        }
    });
    let grown = peak_kib(&server) - before;
    assert!(grown < 16 << 10, "the server grew by {grown} KiB");
}

/// A masked text frame of more than 125 bytes (RFC 6455 section 5.2); the mask is zero.
#[cfg(target_os = "linux")]
fn frame(text: &str) -> Vec<u8> {
    let (short, long) = (u16::try_from(text.len()), (text.len() as u64).to_be_bytes());
    let length =
        short.map_or([&[0x80 | 127], &long[..]].concat(), |short| [&[0x80 | 126], &short.to_be_bytes()[..]].concat());
    [&[0x81], &length[..], &[0; 4], text.as_bytes()].concat()
}

/// The most memory that the server has ever held.
#[cfg(target_os = "linux")]
fn peak_kib(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a file of Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of that file");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}
