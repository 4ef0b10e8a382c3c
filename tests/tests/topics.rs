//! Topics for many: those that read get every event, those that do not cost a bounded queue and are told what they lost.

#![cfg(target_os = "linux")]

use jackfield_tests::client::{Ws, connect};
use jackfield_tests::rpc::Rpc;
use jackfield_tests::server::{Server, Setup};
use serde_json::{Value, json};
use std::sync::mpsc;
use std::thread;

const READERS: usize = 180;
const SILENT: usize = 20;
const EVENTS: u64 = 400;
/// So many events are published before all readers have them: fewer than `topic_queue`.
const WINDOW: u64 = 50;
const QUEUE: u64 = 100;

fn subscriber(server: &Server, when_full: &str) -> Rpc {
    let authority = server.address("ws");
    let stream = connect(authority);
    // So that what is not read soon waits in the server.
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 64 << 10).expect("an option of an open socket");
    let mut client = Rpc(Ws::try_over(stream, authority).expect("a WebSocket"));
    client.call("jackfield.subscribe", &json!({"topics": ["load.**"], "when_full": when_full}));
    client
}

/// The params of the next event.
fn event(client: &mut Rpc) -> Value {
    let mut event = client.receive();
    assert_eq!(event["method"], "jackfield.event", "{event}");
    event["params"].take()
}

#[test]
fn subscribers_that_never_read_cost_the_others_nothing() {
    let server = Setup::new().config(&format!("[limits]\ntopic_queue = {QUEUE}\n")).start();
    let mut silent: Vec<Rpc> = (0..SILENT).map(|_| subscriber(&server, "drop")).collect();
    let mut closed = subscriber(&server, "close");
    let readers: Vec<Rpc> = (0..READERS).map(|_| subscriber(&server, "drop")).collect();
    let (before, _) = server.memory();

    let (told, hears) = mpsc::channel();
    let readers: Vec<_> = readers
        .into_iter()
        .map(|mut client| {
            let told = told.clone();
            thread::spawn(move || {
                for number in 0..EVENTS {
                    let event = event(&mut client);
                    assert_eq!((&event["data"]["n"], event.get("dropped")), (&json!(number), None));
                    if number % WINDOW == WINDOW - 1 {
                        told.send(()).expect("the test goes on");
                    }
                }
            })
        })
        .collect();
    drop(told);
    let mut publisher = Rpc(Ws::to(&server));
    let fill = "x".repeat(30_000);
    for number in 0..EVENTS {
        publisher.call("jackfield.publish", &json!({"topic": "load.a", "data": {"n": number, "fill": fill}}));
        if number % WINDOW == WINDOW - 1 {
            for _ in 0..READERS {
                hears.recv_timeout(jackfield_tests::PATIENCE).expect("a reader does not get its events");
            }
        }
    }
    readers.into_iter().for_each(|reader| reader.join().expect("a reader misses nothing"));
    let grown = server.memory().0.saturating_sub(before);
    println!("{READERS} readers of {EVENTS} events beside {SILENT} that never read: {} KiB more memory", grown / 1024);
    assert!(grown < 64 << 20, "{grown} bytes of memory for those that do not read");

    publisher.call("jackfield.publish", &json!({"topic": "load.a", "data": {"n": EVENTS}}));
    for client in &mut silent {
        let (mut received, mut dropped, mut last) = (0, 0, None);
        while last != Some(EVENTS) {
            let event = event(client);
            dropped += event.get("dropped").map_or(0, |dropped| dropped.as_u64().expect("a number"));
            received += 1;
            let number = event["data"]["n"].as_u64();
            assert!(number > last, "an event comes twice, or too late");
            last = number;
        }
        assert!(dropped > 0, "the queue has no end");
        assert_eq!(received + dropped, EVENTS + 1, "not every event that was dropped is told");
    }
    loop {
        let event = event(&mut closed);
        if event["closed"] == true {
            assert_eq!(event["subscription"], 1);
            break;
        }
    }
    assert_eq!(closed.call("jackfield.unsubscribe", &json!([1])), json!({"unsubscribed": false}));
}
