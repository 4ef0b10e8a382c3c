//! The OpenRPC document of a running server, by command and by HTTP, held against the official meta-schemas; and the params
//! schemas of the shipped plugins, held against what the plugins take.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::client::{Ws, connect};
use jackfield_tests::server::{Server, Setup};
use jackfield_tests::{PATIENCE, cc, repo_file};
use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

fn fixture(path: &str) -> Value {
    let mut value: Value = serde_json::from_str(&fs::read_to_string(repo_file(path)).unwrap()).unwrap();
    // It names a meta-schema of its own that nobody but its author knows; it is written in the words of draft 7.
    value.as_object_mut().unwrap().remove("$schema");
    value
}

fn meta_schema(version: &str) -> Validator {
    let json_schema = fixture("tests/fixtures/openrpc/json-schema.json");
    let registry = Registry::new().draft(Draft::Draft7).add("https://meta.json-schema.tools", json_schema).unwrap();
    let registry = registry.prepare().unwrap();
    let options = jsonschema::options().with_draft(Draft::Draft7).with_registry(&registry).offline();
    options.build(&fixture(&format!("tests/fixtures/openrpc/openrpc-{version}.json"))).unwrap()
}

#[track_caller]
fn fits(document: &Value) {
    let faults = |validator: &Validator, document: &Value| {
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect::<Vec<_>>()
    };
    assert_eq!(faults(&meta_schema("1.3"), document), [""; 0]);
    let mut newer = document.clone();
    newer["openrpc"] = "1.4.1".into();
    assert_eq!(faults(&meta_schema("1.4"), &newer), [""; 0]);
}

/// Head and body of the answer to one HTTP request.
fn http(server: &Server, method: &str, host: &str) -> (String, String) {
    let address = server.address("ws").to_owned();
    let mut stream = connect(&address);
    let host = if host.is_empty() { &address } else { host };
    write!(stream, "{method} /openrpc.json HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The document as the command answers it, and as HTTP does: the same.
fn document(server: &Server) -> Value {
    let answer = Ws::to(server).ask(r#"{"rpc.discover": {}}"#);
    let (head, body) = http(server, "GET", "");
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.to_lowercase().contains("content-type: application/json"),
        "{head}"
    );
    assert!(answer == body, "the command answers {answer}, and HTTP {body}");
    serde_json::from_str(&body).unwrap()
}

fn keys(document: &Value) -> Vec<&str> {
    document["methods"].as_array().unwrap().iter().map(|method| method["name"].as_str().unwrap()).collect()
}

fn method<'d>(document: &'d Value, key: &str) -> &'d Value {
    document["methods"].as_array().unwrap().iter().find(|method| method["name"] == key).expect(key)
}

fn described(flags: &[&str], to: &Path) {
    cc::library("c11", &[&repo_file("tests/c/described.c")], flags, to);
}

#[test]
fn the_document_is_openrpc_before_and_after_a_swap_that_adds_a_command() {
    let setup = ["echo", "image", "elements", "project"].iter().fold(Setup::new(), |setup, id| setup.plugin(id));
    let file = setup.home().plugin("described");
    described(&[], &file);
    let server = setup.start();
    let before = document(&server);
    fits(&before);
    let mut sorted = keys(&before);
    sorted.sort_unstable();
    assert_eq!(keys(&before), sorted);
    for key in ["echo", "elements", "image", "jackfield.info", "jackfield.plugins.load", "project.get", "rpc.discover"]
    {
        assert!(sorted.contains(&key), "no {key}: {sorted:?}");
    }
    // The catch-all has no key that could be called.
    assert!(!sorted.contains(&"") && sorted.contains(&"described.ask") && !sorted.contains(&"described.more"));
    assert_eq!(before["info"], json!({"title": "Jackfield", "version": env!("CARGO_PKG_VERSION")}));

    described(&["-DMORE"], &file);
    let until = Instant::now() + PATIENCE;
    let mut client = Ws::to(&server);
    while !client.ask(r#"{"rpc.discover": {}}"#).contains(r#""name":"described.more""#) {
        assert!(Instant::now() < until, "the new command is not described");
    }
    let after = document(&server);
    fits(&after);
    assert_eq!(keys(&after).len(), sorted.len() + 1);
    let (head, body) = http(&server, "HEAD", "");
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{head}");
    assert!(http(&server, "GET", "evil.test").0.starts_with("HTTP/1.1 403 "));
    assert!(http(&server, "DELETE", "").0.starts_with("HTTP/1.1 426 "));
}

#[test]
fn a_method_tells_all_that_its_plugin_says() {
    let setup = Setup::new();
    described(&[], &setup.home().plugin("described"));
    let document = document(&setup.start());
    let ask = method(&document, "described.ask");
    assert_eq!(ask["summary"], "Answers its params");
    assert_eq!(ask["paramStructure"], "either");
    let leads_to = "#/components/schemas/described.ask.params/$defs/length";
    assert_eq!(
        ask["params"],
        json!([
            {"name": "also", "required": false, "description": "What else",
             "schema": {"type": ["string", "null"], "default": "no", "description": "What else"}},
            {"name": "length", "required": true, "schema": {"$ref": leads_to}},
            {"name": "hidden", "required": false, "schema": true}
        ])
    );
    let target = document.pointer(leads_to.trim_start_matches('#')).unwrap();
    assert_eq!(target["minimum"], 0);
    assert_eq!(ask["result"], json!({"name": "result", "schema": {"type": "object"}}));
    assert_eq!(
        ask["examples"][0],
        json!({"name": "example 1", "params": [{"name": "also", "value": "a"}, {"name": "length", "value": 5}]})
    );
    assert_eq!(ask["examples"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&ask["x-class"], &ask["x-flags"]),
        (&json!("CONCURRENT"), &json!(["read_only", "cancel_on_disconnect"]))
    );
    assert_eq!(ask["x-plugin"], json!({"id": "described", "version": "1.2.3"}));
    let errors = ask["errors"].as_array().unwrap();
    assert!(errors.contains(&json!({"code": -32602, "message": "INVALID_PARAMS", "data": {"culprit": "caller"}})));
    let load = method(&document, "jackfield.plugins.load");
    assert_eq!((&load["params"][0]["name"], &load["params"][0]["required"]), (&json!("file"), &json!(true)));
    assert_eq!(load["tags"], json!([{"name": "jackfield"}]));
}

#[test]
fn what_the_shipped_plugins_take_fits_their_schemas() {
    let server = ["image", "elements", "project"].iter().fold(Setup::new(), |setup, id| setup.plugin(id)).start();
    let document = document(&server);
    let photo = repo_file("tests/fixtures/images/photo.jpg");
    let points = repo_file("tests/fixtures/gxml/cut_points.gxml");
    let by_attachment = json!({"$attachment": 0});
    let image = |file: &Value, focal_length: Value| json!({"file": file, "name": "s", "focal_length": focal_length});
    // Sent as well, by the dialect whose params are not checked: the plugin itself says that it takes them.
    let mut client = Ws::to(&server);
    for (key, params) in [
        ("image", image(&json!(photo), json!(50))),
        ("image", image(&json!(photo), json!(50.5))),
        ("image", image(&json!(photo), json!("50.0"))),
        ("image", image(&json!(photo), json!(" 5e1 "))),
        ("image", json!({"file": photo, "name": "ü".repeat(256), "focal_length": 1e-3, "more": [1]})),
        ("elements", json!({"file": points, "import_mode": "clipboard"})),
        ("elements", json!({"file": points, "import_mode": "new_stage", "more": null})),
        ("project", json!({})),
        ("project", json!(null)),
        ("project.list", json!({"kind": "images", "offset": null, "limit": 10})),
        ("project.get", json!({"id": "image-1"})),
        ("project.export", json!({"format": "csv", "kind": "clipboard", "stage": null})),
        ("project.blob", json!({"id": "image-1", "thumbnail": true, "encoding": "base64", "length": null})),
    ] {
        let answer = client.ask(&json!({ key: params }).to_string());
        assert!(!answer.starts_with("Error"), "{key} {params}: {answer}");
        assert_fits(&document, key, &params);
    }
    for (key, params) in [
        ("image", image(&by_attachment, json!(50))),
        ("image", json!({"name": "s", "focal_length": "50"})),
        ("elements", json!({"file": by_attachment, "import_mode": "clipboard"})),
        ("elements", json!({"import_mode": "clipboard"})),
    ] {
        assert_fits(&document, key, &params);
    }
}

#[track_caller]
fn assert_fits(document: &Value, key: &str, params: &Value) {
    let schema = jsonschema::validator_for(&method(document, key)["x-params-schema"]).unwrap();
    assert!(schema.is_valid(params), "{key} {params}");
}
