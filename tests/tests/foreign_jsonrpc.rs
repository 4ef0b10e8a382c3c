//! JSON-RPC clients that other people wrote get from this server what its documents say: the packages of PyPI and npm that
//! speak it over a WebSocket, as they are.

#![cfg(unix)]

use jackfield_tests::gate::{self, Gate};
use jackfield_tests::repo_file;
use jackfield_tests::script::{self, Script};
use serde_json::{Value, json};

/// What the script tells of a step, which must be the next one.
fn told(client: &mut Script, step: &str) -> Value {
    let line = client.line();
    let told: (String, Value) = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line} is no step: {e}"));
    assert_eq!(told.0, step, "{line}");
    told.1
}

/// `batch`: the library has batches.
fn converse(script: &str, batch: bool) {
    let server = gate::setup().plugin("echo").plugin("project").plugin("image").start();
    let gate = Gate::new(server.home(), "gate");
    let image = repo_file("tests/fixtures/images/photo.jpg");
    let mut command = script::of(&repo_file(script));
    command.arg(server.url("ws")).arg(image).arg(gate.path());
    let mut client = Script::start(&mut command);
    let unknown =
        json!({"code": -32601, "message": "Unknown command 'no.such.command'.", "data": {"culprit": "caller"}});
    let too_many = "'project.list' takes at most 3 params ('kind', 'offset', 'limit'); 4 were given.";
    let unreadable = json!({"code": -32010, "message": "Image file /no/such/file could not be read."});
    for (step, expected) in [
        ("by name", json!({"n": 1, "text": "ä"})),
        ("no params", json!("jackfield")),
        ("by position", json!(["left"])),
        ("unknown", unknown.clone()),
        ("too many", json!({"code": -32602, "message": too_many, "data": {"culprit": "caller"}})),
        ("of the plugin", unreadable),
        ("notified", json!({"subscription": 1, "topic": "room.1", "data": {"n": 2}})),
    ] {
        let mut told = told(&mut client, step);
        if step == "of the plugin" {
            // Numbers and reasons are the plugin's own.
            let data = told["data"].take();
            told.as_object_mut().expect("an error").remove("data");
            assert_eq!((&data["plugin"], &data["code"]), (&json!("image"), &json!(2)), "{data}");
            assert_eq!(data["details"]["file"], "/no/such/file", "{data}");
        }
        assert_eq!(told, expected, "{step}");
    }
    let held = gate.entered();
    // All that came meanwhile is right, and what waits was not answered.
    assert_eq!(told(&mut client, "meanwhile"), json!([true, false]));
    drop(held);
    assert_eq!(told(&mut client, "at last"), "released");
    if batch {
        // The notification in it has no answer, and the rest is in one message.
        let listed = json!({"items": [], "kind": "images", "offset": 0, "total": 1});
        assert_eq!(told(&mut client, "batch"), json!([{"n": 3}, unknown, listed]));
    }
    client.finish();
}

#[test]
fn jsonrpc_websocket_of_pypi() {
    converse("tests/python/foreign_jsonrpc_websocket.py", false);
}

#[test]
fn jsonrpcclient_of_pypi() {
    converse("tests/python/foreign_jsonrpcclient.py", true);
}

#[test]
fn rpc_websockets_of_npm() {
    converse("tests/js/foreign_rpc_websockets.mjs", false);
}

#[test]
fn json_rpc_2_of_npm() {
    converse("tests/js/foreign_json_rpc_2.mjs", true);
}
