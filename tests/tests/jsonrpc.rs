//! JSON-RPC 2.0 beside the plain form, on the wire: several commands under way, limits, cancel, events, attachments.

#![cfg(target_os = "linux")]

use jackfield_tests::client::tungstenite::protocol::WebSocketConfig;
use jackfield_tests::client::{Message, Tcp, Ws, connect, tungstenite};
use jackfield_tests::gate::{self, Gate};
use jackfield_tests::repo_file;
use jackfield_tests::rpc::Rpc;
use jackfield_tests::server::{Server, Setup};
use serde_json::{Value, json};

fn rpc(server: &Server) -> Rpc {
    Rpc(Ws::to(server))
}

/// The path that a gate's command takes.
fn path(gate: &Gate) -> Value {
    serde_json::from_str::<Value>(&gate.message()).expect("a message is JSON")["gate.wait"].take()
}

/// Params by position, since a text alone is none.
fn wait(gate: &Gate) -> Value {
    json!([path(gate)])
}

#[test]
fn a_long_command_holds_up_neither_others_nor_pings() {
    let server = gate::setup().start();
    let gate = Gate::new(server.home(), "long");
    let mut client = rpc(&server);
    client.send("long", "gate.wait", &wait(&gate));
    let held = gate.entered();
    const COUNT: usize = 10_000;
    for number in 0..COUNT {
        client.send(number, "gate.inline", &json!([number]));
        if number % 1000 == 0 {
            client.0.0.send(Message::Ping("p".into())).expect("an open WebSocket takes messages");
            let pong = |message: &Message| matches!(message, Message::Pong(_));
            let (first, second) = (client.0.message(), client.0.message());
            assert!(pong(&first) != pong(&second), "{first:?} {second:?}");
        } else {
            let answer = client.receive();
            assert_eq!((&answer["id"], &answer["result"]), (&json!(number), &json!([number])));
        }
    }
    drop(held);
    assert_eq!(client.receive(), json!({"jsonrpc": "2.0", "id": "long", "result": "released"}));
}

#[test]
fn at_session_in_flight_a_request_is_refused_and_a_batch_waits() {
    let server = gate::setup().config("[limits]\nsession_in_flight = 2\n").start();
    let gate = Gate::new(server.home(), "g");
    let mut client = rpc(&server);
    client.send(1, "gate.wait", &wait(&gate));
    let held = gate.entered();
    client.send(2, "gate.serial", &json!([2]));
    let refused = client.ask("gate.serial", &json!([3]));
    assert_eq!(refused["error"]["code"], -32003, "{refused}");
    assert_eq!(refused["error"]["message"], "This connection has 2 commands under way (limit session_in_flight).");
    // What runs inline needs no place.
    assert_eq!(client.call("gate.inline", &json!([4])), json!([4]));
    let request = |id: usize| json!({"jsonrpc": "2.0", "id": id, "method": "gate.serial", "params": [id]});
    client.0.send(&[&Value::from((10..20).map(request).collect::<Vec<_>>()).to_string()]);
    // One of those that wait is taken back.
    assert_eq!(client.call("jackfield.cancel", &json!({"id": 15})), json!({"cancelled": true}));
    drop(held);
    assert_eq!(client.receive()["id"], 1);
    assert_eq!(client.receive()["id"], 2);
    let answers = client.receive();
    let answers = answers.as_array().expect("a batch is answered by an array");
    assert_eq!(answers.len(), 10);
    for answer in answers {
        let id = &answer["id"];
        match id.as_u64() {
            Some(15) => assert_eq!(answer["error"]["code"], -32004),
            _ => assert_eq!(answer["result"], json!([id])),
        }
    }
}

#[test]
fn what_waits_of_batches_is_bounded_in_bytes_too() {
    let server = gate::setup().config("[limits]\nsession_in_flight = 1\nmessage_bytes = 1000\n").start();
    let gate = Gate::new(server.home(), "g");
    let mut client = rpc(&server);
    client.send(1, "gate.wait", &wait(&gate));
    let held = gate.entered();
    let request =
        |id: usize| json!([{"jsonrpc": "2.0", "id": id, "method": "gate.serial", "params": ["x".repeat(600)]}]);
    client.0.send(&[&request(2).to_string(), &request(3).to_string()]);
    let refused = client.receive();
    assert_eq!((&refused[0]["id"], &refused[0]["error"]["code"]), (&json!(3), &json!(-32003)), "{refused}");
    drop(held);
    assert_eq!((client.receive()["id"].take(), client.receive()[0]["id"].take()), (json!(1), json!(2)));
}

#[test]
fn a_cancel_reaches_commands_that_wait_and_commands_that_run() {
    let server = gate::setup().config("[limits]\ncancel_grace_s = 0.05\n").start();
    let gate = Gate::new(server.home(), "g");
    let mut client = rpc(&server);
    client.send("runs", "gate.wait", &wait(&gate));
    let held = gate.entered();
    client.send("waits", "gate.serial", &json!([1]));
    client.send(1, "jackfield.cancel", &json!({"id": "waits"}));
    let (one, two) = (client.receive(), client.receive());
    let (answer, cancel) = if one["id"] == 1 { (two, one) } else { (one, two) };
    assert_eq!((&cancel["result"], &answer["error"]["code"]), (&json!({"cancelled": true}), &json!(-32004)));
    assert_eq!(client.call("jackfield.cancel", &json!({"id": "waits"})), json!({"cancelled": false}));
    // This plugin does not hear of it: after the grace time the engine answers.
    assert_eq!(client.call("jackfield.cancel", &json!(["runs"])), json!({"cancelled": true}));
    let answer = client.receive();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("runs"), &json!(-32014)), "{answer}");
    assert_eq!(answer["error"]["data"]["culprit"], "plugin");
    drop(held);
    let plain = Ws::to(&server).ask(r#"{"jackfield.cancel": {"id": 1}}"#);
    assert_eq!(plain, "Error: The command 'jackfield.cancel' needs a dialect whose requests have ids.");
}

#[test]
fn both_forms_share_a_connection_and_the_plain_one_keeps_its_order() {
    let server = gate::setup().start();
    let gate = Gate::new(server.home(), "g");
    let mut client = rpc(&server);
    client.0.send(&[&gate.message(), r#"{"gate.inline": 1}"#]);
    let held = gate.entered();
    assert_eq!(client.call("gate.inline", &json!([2])), json!([2]));
    drop(held);
    assert_eq!((client.0.receive(), client.0.receive()), ("\"released\"".to_owned(), "1".to_owned()));
    assert_eq!(client.error("none", &json!({})), -32601);
    assert_eq!(client.0.ask("{\"none\": 1}"), "Error: Unknown request:\n{\"none\": 1}");
}

#[test]
fn with_order_answers_come_as_the_requests_did() {
    let server = gate::setup().listen("ws://127.0.0.1:0?dialect=jsonrpc&order=1").start();
    let gate = Gate::new(server.home(), "g");
    let mut client = rpc(&server);
    client.send(1, "gate.wait", &wait(&gate));
    let held = gate.entered();
    client.send(2, "gate.inline", &json!([2]));
    client.0.send(&["{"]);
    client.send(4, "jackfield.cancel", &json!({"id": 2}));
    client.0.all_read();
    drop(held);
    let ids: Vec<Value> = (0..4).map(|_| client.receive()["id"].take()).collect();
    assert_eq!(ids, [json!(1), json!(2), Value::Null, json!(4)]);
}

#[test]
fn progress_is_told_before_the_answer_and_only_where_it_is_wanted() {
    let setup =
        Setup::new().plugin("image").listen("ws://127.0.0.1:0").listen("ws://127.0.0.1:0?dialect=jsonrpc&order=1");
    let server = setup.start();
    let file = repo_file("tests/fixtures/images/photo.jpg");
    let params = json!({"file": file, "name": "n", "focal_length": 50});
    for url in server.urls() {
        let mut client = Rpc(Ws::at(url));
        assert_eq!(client.call("image", &params)["series"], "n");
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "image", "params": params, "progress": "mark"});
        client.0.send(&[&request.to_string()]);
        let mut done = Vec::new();
        let answer = loop {
            let message = client.receive();
            if message["method"] != "jackfield.progress" {
                break message;
            }
            assert_eq!((&message["params"]["progress"], &message["params"]["total"]), (&json!("mark"), &json!(4)));
            done.push(message["params"]["done"].as_u64());
        };
        assert_eq!((&answer["id"], answer["error"].is_null()), (&json!(1), true), "{url}: {answer}");
        assert!(!done.is_empty() && done.is_sorted(), "{url}: {done:?}");
    }
}

#[test]
fn on_tcp_an_answer_is_one_line_and_binary_data_is_base64() {
    let server = Setup::new().plugin("echo").listen("tcp://127.0.0.1:0?dialect=jsonrpc").start();
    let mut client = Tcp::to(&server);
    client.request(
        r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":
        {"$base64":"AAE="}}}"#,
    );
    let answer = client.receive();
    let expected = r#"{"jsonrpc":"2.0","id":1,"result":{"a":{"$attachment":0}},"attachments":[{"$base64":"AAE="}]}"#;
    assert_eq!(answer, format!("{expected}\r\n"));
}

#[test]
fn subscribers_hear_what_they_asked_for() {
    let server = Setup::new().plugin("echo").start();
    let (mut one, mut other) = (rpc(&server), rpc(&server));
    assert_eq!(one.call("jackfield.publish", &json!({"topic": "room.1", "data": {"t": 20, "kind": "a"}})), Value::Null);
    let subscribe = json!({"topics": ["room.*"], "last": true, "where": {"kind": "a"}});
    one.send(1, "jackfield.subscribe", &subscribe);
    let (first, second) = (one.receive(), one.receive());
    assert_eq!(first["result"], json!({"subscription": 1}));
    assert_eq!(
        second,
        json!({"jsonrpc": "2.0", "method": "jackfield.event",
            "params": {"subscription": 1, "topic": "room.1", "data": {"t": 20, "kind": "a"}}})
    );
    assert_eq!(one.call("jackfield.subscribe", &json!([["jackfield.plugins"]])), json!({"subscription": 2}));
    for (topic, kind) in [("room.2", "b"), ("room.2", "a"), ("hall", "a")] {
        other.call("jackfield.publish", &json!({"topic": topic, "data": {"kind": kind}}));
    }
    assert_eq!(one.receive()["params"]["topic"], "room.2");
    other.call("jackfield.plugins.reload", &json!({"plugin": "echo"}));
    let mut steps = Vec::new();
    while steps.last().is_none_or(|step| step != "retired") {
        let step = one.receive();
        assert_eq!(
            (&step["params"]["subscription"], &step["params"]["topic"]),
            (&json!(2), &json!("jackfield.plugins"))
        );
        steps.push(step["params"]["data"]["step"].clone());
    }
    assert!(steps.contains(&json!("swapped")), "{steps:?}");
    assert_eq!(one.call("jackfield.unsubscribe", &json!([1])), json!({"unsubscribed": true}));
    assert_eq!(one.call("jackfield.unsubscribe", &json!({"subscription": 1})), json!({"unsubscribed": false}));
    other.call("jackfield.publish", &json!({"topic": "room.1", "data": {"kind": "a"}}));
    assert_eq!(one.call("echo", &json!([1])), json!([1]), "an event after its subscription ended");
}

#[test]
fn what_cannot_be_subscribed_to_is_named() {
    let server =
        Setup::new().config("[limits]\nsubscriptions = 1\n").listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0");
    let server = server.start();
    let mut client = rpc(&server);
    for bad in [
        json!({}),
        json!({"topics": []}),
        json!({"topics": "a"}),
        json!({"topics": ["a..b"]}),
        json!({"topics": ["**.a"]}),
        json!({"topics": ["a"], "when_full": "wait"}),
        json!({"topics": ["a"], "where": ["a"]}),
        json!({"topics": ["a"], "whenFull": "close"}),
        json!({"topics": vec!["a"; 65]}),
    ] {
        assert_eq!(client.error("jackfield.subscribe", &bad), -32602, "{bad}");
    }
    for bad in
        [json!({"topic": "jackfield.plugins", "data": 1}), json!({"topic": "a.*", "data": 1}), json!({"topic": "a"})]
    {
        assert_eq!(client.error("jackfield.publish", &bad), -32602, "{bad}");
    }
    let attached = json!({"topic": "a", "data": {"$base64": "AAE="}});
    assert_eq!(client.error("jackfield.publish", &attached), -32602, "an attachment would be lost");
    client.call("jackfield.subscribe", &json!({"topics": ["a"]}));
    assert_eq!(client.error("jackfield.subscribe", &json!({"topics": ["a"]})), -32003);
    let mut tcp = Tcp::to(&server);
    tcp.request(r#"{"jackfield.subscribe": {"topics": ["a"]}}"#);
    let answer = tcp.receive();
    assert_eq!(answer, "Error: The command 'jackfield.subscribe' needs a connection whose dialect has events.\r\n");
}

#[test]
fn attachments_go_both_ways_and_one_that_is_too_large_costs_only_its_request() {
    let server = Setup::new().plugin("echo").config("[limits]\nattachment_bytes = 1000\nmessage_bytes = 500\n").start();
    let mut client = rpc(&server);
    let request = |id: usize, count: usize| {
        json!({"jsonrpc": "2.0", "id": id, "method": "echo", "params": {"$attachment": 0}, "attachments": count})
            .to_string()
    };
    client.0.send(&[&request(1, 2)]);
    for part in [vec![1; 900], vec![2; 100]] {
        client.0.0.send(Message::binary(part)).expect("an open WebSocket takes messages");
    }
    assert_eq!(client.receive()["attachments"], 2);
    assert_eq!((client.binary(), client.binary()), (vec![1; 900], vec![2; 100]));
    client.0.send(&[&request(2, 2)]);
    for part in [vec![1; 1001], vec![2; 1]] {
        client.0.0.send(Message::binary(part)).expect("an open WebSocket takes messages");
    }
    let answer = client.receive();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(2), &json!(-32006)), "{answer}");
    assert_eq!(client.call("echo", &json!([1])), json!([1]), "the session is not alive");
}

#[test]
fn an_attachment_of_200_megabytes_is_echoed() {
    const BYTES: usize = 200_000_000;
    let server = Setup::new().plugin("echo").start();
    let (before, _) = server.memory();
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let url = format!("ws://{}/", server.address("ws"));
    let stream = connect(server.address("ws"));
    let (mut socket, _) = tungstenite::client::client_with_config(&url, stream, Some(config)).expect("a handshake");
    let sent: Vec<u8> = (0..BYTES).map(|at| (at * 31 % 251) as u8).collect();
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":{"$attachment":0},"attachments":1}"#;
    socket.send(Message::text(text)).expect("an open WebSocket takes messages");
    socket.send(Message::binary(sent.clone())).expect("an open WebSocket takes messages");
    let answer = socket.read().expect("an answer");
    assert!(answer.to_text().expect("text").contains(r#""attachments":1"#));
    let Message::Binary(back) = socket.read().expect("the attachment") else { panic!("not binary") };
    assert!(back == sent, "it is not what was sent");
    let peak = server.memory().1 - before;
    println!(
        "an attachment of {BYTES} bytes: {peak} bytes of memory at the peak, {:.2} times",
        peak as f64 / BYTES as f64
    );
    assert!(peak < 4 * BYTES as u64, "{peak} bytes of memory");
    socket.send(Message::text(r#"{"echo": 1}"#)).expect("an open WebSocket takes messages");
    assert_eq!(socket.read().expect("an answer"), Message::text("1"));
    let left = server.memory().0.saturating_sub(before);
    assert!(left < 20 << 20, "{left} bytes of memory stay with the connection");
}
