//! How a server starts, refuses to start, and stops.

#![cfg(unix)]

use jackfield_tests::client::{Message, Tcp, Ws, connect, is_refused};
use jackfield_tests::dist;
use jackfield_tests::gate::{self, Gate};
use jackfield_tests::server::{Ended, Server, Setup};
use rustix::process::Signal;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const STOPPING: &str = "Error: The server is stopping.";

/// `jackfield serve` with these arguments alone, for starts that are refused.
fn refused(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    Command::new(dist::program())
        .arg("serve")
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .expect("the program can be started")
}

fn assert_refused(ended: &Ended, code: i32, texts: &[&str]) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{}", ended.stderr);
    assert!(texts.iter().all(|text| ended.stderr.contains(text)), "{}", ended.stderr);
}

#[test]
fn stdout_is_a_line_for_each_listener_and_ready() {
    let server = Setup::new().listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0?once=1").start();
    let [ws, tcp] = server.urls() else { panic!("{:?}", server.urls()) };
    let expected = format!("listening {ws}\nlistening {tcp}\nready");
    server.terminate();
    let (ended, _home) = server.wait();
    assert_eq!((ended.code, ended.stdout), (Some(0), expected));
}

#[test]
fn sigterm_and_sigint_let_commands_finish_and_refuse_new_ones() {
    for signal in [Signal::TERM, Signal::INT] {
        let setup = gate::setup().listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0");
        let gate = Gate::new(setup.home(), "gate");
        let server = setup.start();
        let address = server.address("ws").to_owned();
        let (mut busy, mut idle, mut tcp) = (Ws::to(&server), Ws::to(&server), Tcp::to(&server));
        // So that both are sessions already.
        assert_eq!(idle.ask(r#"{"gate.serial": 1}"#), "1");
        tcp.request(r#"{"gate.serial": 1}"#);
        assert_eq!(tcp.receive(), "1\r\n");
        busy.send(&[&gate.message()]);
        let held = gate.entered();
        server.signal(signal);
        server.expect_log("stopping");
        assert_eq!(idle.closed(), (1001, "The server is stopping.".into()));
        assert_eq!(tcp.rest(), "");
        assert!(is_refused(&address), "{signal:?}: it still takes connections");
        busy.send(&[r#"{"gate.serial": 2}"#, r#"{"gate.inline": 3}"#, r#"{"jackfield.info": {}}"#]);
        busy.all_read();
        drop(held);
        assert_eq!(busy.receive(), "\"released\"");
        assert_eq!([busy.receive(), busy.receive(), busy.receive()], [STOPPING; 3]);
        assert_eq!(busy.closed().0, 1001);
        assert_eq!(server.wait().0.code, Some(0));
    }
}

#[test]
fn a_command_that_waits_for_its_turn_at_a_stop_is_done() {
    let setup = gate::setup();
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut client = Ws::to(&server);
    client.send(&[&gate.message(), r#"{"gate.serial": 1}"#]);
    let held = gate.entered();
    client.all_read();
    server.terminate();
    server.expect_log("stopping");
    drop(held);
    assert_eq!([client.receive(), client.receive()], ["\"released\"", "1"]);
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().0.code, Some(0));
}

#[test]
fn a_second_signal_ends_at_once_with_1() {
    let setup = gate::setup();
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let mut client = Ws::to(&server);
    client.send(&[&gate.message()]);
    let _held = gate.entered();
    server.terminate();
    server.expect_log("stopping");
    server.signal(Signal::INT);
    assert_eq!(server.wait().0.code, Some(1));
}

#[test]
fn what_is_not_done_within_shutdown_s_is_told_that_its_outcome_is_unknown() {
    let setup = gate::setup().config("[limits]\nshutdown_s = 0.2\n");
    let gate = Gate::new(setup.home(), "gate");
    let server = setup.start();
    let (mut client, mut next) = (Ws::to(&server), Ws::to(&server));
    client.send(&[&gate.message()]);
    let _held = gate.entered();
    next.send(&[r#"{"gate.serial": 1}"#]);
    next.all_read();
    server.terminate();
    let answer = client.receive();
    assert!(
        answer.starts_with("Error: ") && answer.contains("had not done the command when the server stopped"),
        "{answer}"
    );
    assert_eq!(client.closed().0, 1001);
    // This one never began, and is told so.
    assert_eq!(next.receive(), STOPPING);
    assert_eq!(next.closed().0, 1001);
    assert_eq!(server.wait().0.code, Some(0));
}

#[test]
fn a_client_in_the_middle_of_its_handshake_does_not_hold_up_a_stop() {
    let server = Server::with(&[]);
    let mut slow = Tcp(connect(server.address("ws")));
    slow.send("GET / HTTP/1.1\r\n");
    // Accepted before this one.
    Ws::to(&server).close();
    server.terminate();
    let (ended, _home) = server.wait();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.stderr.contains("did not take their last answers"), "{}", ended.stderr);
}

#[test]
fn a_client_that_never_stops_sending_does_not_hold_up_a_stop() {
    let server = Server::with(&["echo"]);
    let mut client = Ws::to(&server);
    let mut stream = client.0.get_ref().try_clone().unwrap();
    let closed = &AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(move || {
            // Masked text frames `{"echo":1}`; the mask is zero.
            let frames = b"\x81\x8a\0\0\0\0{\"echo\":1}".repeat(1000);
            while !closed.load(Ordering::Relaxed) {
                stream.write_all(&frames).expect("the server reads until it is answered");
            }
        });
        assert_eq!(client.receive(), "1");
        server.terminate();
        let close = loop {
            match client.message() {
                Message::Text(text) => assert!(text == "1" || text == STOPPING, "{text}"),
                other => break other,
            }
        };
        closed.store(true, Ordering::Relaxed);
        assert!(matches!(&close, Message::Close(Some(frame)) if u16::from(frame.code) == 1001), "{close:?}");
        drop(client);
    });
    let (ended, _home) = server.wait();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.stderr.contains("did not take their last answers"), "{}", ended.stderr);
}

#[test]
fn a_quit_closes_the_other_clients_with_1001() {
    let server = Server::with(&["echo"]);
    let (mut other, mut client) = (Ws::to(&server), Ws::to(&server));
    assert_eq!(other.ask(r#"{"echo": 1}"#), "1");
    assert_eq!(client.ask("quit\n"), "bye");
    assert_eq!(client.closed(), (1000, "Closing connection.".into()));
    assert_eq!(other.closed().0, 1001);
    assert_eq!(server.wait().0.code, Some(0));
}

#[test]
fn a_quit_that_is_not_allowed_is_an_unknown_request() {
    let server = Setup::new().config("[http]\nquit = \"never\"\n").start();
    let mut client = Ws::to(&server);
    assert_eq!(client.ask("quit\n"), "Error: Unknown request:\nquit");
    assert!(client.ask(r#"{"jackfield.info": {}}"#).contains("\"version\""));
}

#[test]
fn sighup_reads_the_configuration_again_and_ends_nothing() {
    let setup = Setup::new().plugin("echo").config("[limits]\nnesting = 5\n");
    let file = setup.home().path().join("jackfield.toml");
    let server = setup.start();
    let mut client = Ws::to(&server);
    server.signal(Signal::HUP);
    server.expect_log("nothing has changed");
    std::fs::write(&file, "[limits]\nnesting = 6\n").unwrap();
    server.signal(Signal::HUP);
    assert!(server.expect_log("take effect at the next start").contains("limits.nesting"));
    std::fs::write(&file, "[limits]\nnesting = 0\n").unwrap();
    server.signal(Signal::HUP);
    server.expect_log("limits.nesting = 0");
    assert_eq!(client.ask(r#"{"echo": 1}"#), "1");
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    for scheme in ["ws", "tcp"] {
        let ended = Setup::new().listen(&format!("{scheme}://{address}")).run_to_end();
        assert_refused(&ended, 1, &[&address, "taken"]);
    }
}

#[test]
fn a_listener_that_others_can_reach_needs_identity() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        for scheme in ["ws", "tcp"] {
            let ended = Setup::new().listen(&format!("{scheme}://{address}")).run_to_end();
            assert_refused(&ended, 2, &["identity", "loopback", &address[..address.len() - 2]]);
        }
    }
}

#[test]
fn a_wrong_configuration_or_listener_ends_with_2() {
    assert_refused(&Setup::new().config("[limits]\nnesing = 1\n").run_to_end(), 2, &["nesing", "nesting"]);
    assert_refused(&Setup::new().config("listen = 1\n").run_to_end(), 2, &["listen"]);
    assert_refused(&Setup::new().config("[").run_to_end(), 2, &["jackfield.toml"]);
    for url in ["ws://127.0.0.1", "http://127.0.0.1:0", "ws://127.0.0.1:0?color=red", "ws://127.0.0.1:0?dialect=clu"] {
        assert_refused(&Setup::new().listen(url).run_to_end(), 2, &[url]);
    }
    assert_eq!(refused(&["--no-such-option"]).status.code(), Some(2));
    let missing = refused(&["--config", "missing.toml", "--listen", "ws://127.0.0.1:0"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("missing.toml"));
}

#[test]
fn a_second_server_on_the_same_data_is_refused_by_name() {
    let server = Server::with(&["echo"]);
    let data = server.home().data().display().to_string();
    let second = refused(&["--data", &data, "--listen", "ws://127.0.0.1:0"]);
    let stderr = String::from_utf8_lossy(&second.stderr);
    assert_eq!((second.status.code(), second.stdout.as_slice()), (Some(1), &b""[..]), "{stderr}");
    assert!(stderr.contains(&data) && stderr.contains(&server.pid().to_string()), "{stderr}");
    assert_eq!(Ws::to(&server).ask(r#"{"echo": 1}"#), "1");
    // The folder is free again once its server has gone, however it went.
    let home = server.kill();
    assert_eq!(Ws::to(&Setup::in_home(home).start()).ask(r#"{"echo": 2}"#), "2");
}
