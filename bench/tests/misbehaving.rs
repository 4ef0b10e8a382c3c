//! The generator against a server that loses, doubles and changes replies, closes, or answers late: it counts each of them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_bench::load::{Faults, Load, Pace, Target};
use jackfield_bench::wire::{Answer, Message, Speech, Wire};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

/// Ends a message.
const EOT: u8 = 0x04;
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server does with the reply to a message, told by the message's place on its connection.
type Manner = fn(usize) -> Does;

#[derive(Clone, Copy, PartialEq)]
enum Does {
    Answers,
    Loses,
    Doubles,
    Changes,
    Closes,
    Waits,
}

/// Serves one connection and tells in the end how often it did each wrong thing.
fn serve(manner: Manner) -> (Target, JoinHandle<Faults>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        connection(&stream, manner)
    });
    (Target { address, path: "/".into() }, thread)
}

fn connection(mut stream: &TcpStream, manner: Manner) -> Faults {
    let mut done = Faults::default();
    let mut input = BufReader::new(stream);
    for place in 0.. {
        let mut message = Vec::new();
        if input.read_until(EOT, &mut message).unwrap_or(0) == 0 {
            break;
        }
        let mut reply = message.clone();
        match manner(place) {
            Does::Answers => {}
            Does::Loses => {
                done.lost += 1;
                continue;
            }
            Does::Doubles => {
                done.doubled += 1;
                reply.extend(message);
            }
            Does::Changes => {
                done.wrong += 1;
                reply[0] = b'[';
            }
            Does::Closes => {
                done.closed += 1;
                break;
            }
            Does::Waits => pause(),
        }
        if stream.write_all(&reply).is_err() {
            break;
        }
    }
    done
}

/// Waits for what is never sent.
fn pause() {
    let (_sender, receiver) = channel::<()>();
    assert!(receiver.recv_timeout(Duration::from_millis(100)).is_err());
}

fn wire() -> Wire {
    Message { key: "echo", size: 64 }.wire(Speech::Tcp, Answer::Whole).unwrap()
}

/// What the generator finds, and what the server did.
fn faults(pace: Pace, manner: Manner) -> (Faults, Faults) {
    let (target, thread) = serve(manner);
    let mut load = Load::connect(&target, wire(), 1, pace).unwrap();
    load.window(Duration::from_millis(200), |_| Ok(())).unwrap();
    let found = load.finish(PATIENCE).unwrap();
    (found, thread.join().unwrap())
}

#[test]
fn an_honest_server_has_no_faults() {
    let (found, done) = faults(Pace::Closed(4), |_| Does::Answers);
    assert_eq!((found, done), (Faults::default(), Faults::default()));
}

#[test]
fn each_lost_doubled_and_changed_reply_is_counted() {
    // Only in the beginning, so that an answer follows on each of them.
    let (found, done) = faults(Pace::Closed(4), |place| match place {
        10 | 11 | 50 => Does::Loses,
        20 | 60 => Does::Doubles,
        30 => Does::Changes,
        _ => Does::Answers,
    });
    assert_eq!(done, Faults { lost: 3, doubled: 2, wrong: 1, closed: 0 });
    assert_eq!(found, done);
}

#[test]
fn a_close_loses_what_is_in_flight() {
    let (found, done) = faults(Pace::Closed(4), |place| if place < 100 { Does::Answers } else { Does::Closes });
    assert_eq!(done.closed, 1);
    assert_eq!(found.closed, 1);
    assert!((1..=4).contains(&found.lost), "{found}");
}

#[test]
fn latency_counts_from_when_a_message_was_due() {
    let (target, thread) = serve(|place| if place == 20 { Does::Waits } else { Does::Answers });
    let mut load = Load::connect(&target, wire(), 1, Pace::Open(1000.0)).unwrap();
    let window = load.window(Duration::from_millis(500), |_| Ok(())).unwrap();
    assert_eq!(load.finish(PATIENCE).unwrap(), Faults::default());
    thread.join().unwrap();
    // A pause of 100 ms meets some hundred messages, not one.
    assert!(window.times.quantile(0.9) > 20_000_000, "{} ns", window.times.quantile(0.9));
    assert!(window.times.most() >= 100_000_000);
}

#[test]
fn a_server_that_is_none_is_named() {
    let ws = Message { key: "echo", size: 64 }.wire(Speech::Ws, Answer::Whole).unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error =
        Load::connect(&Target { address: closed, path: "/".into() }, ws, 1, Pace::Closed(1)).err().unwrap().to_string();
    assert!(error.contains(&closed.to_string()), "{error}");
}
