//! What an engine says of its commands: the OpenRPC document, and the order of params.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use serde_json::{Value, json};
use support::{Setup, desk};

fn keys(document: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).unwrap();
    let methods = document["methods"].as_array().unwrap();
    methods.iter().map(|method| method["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_document_is_the_same_bytes_until_a_swap_and_another_after_it() {
    let bench = Setup::new().with("desk.so", &desk(&["-DCATCH_ALL"])).start();
    let first = bench.engine.openrpc();
    assert_eq!(first.as_ptr(), bench.engine.openrpc().as_ptr(), "made again");
    let discover = || bench.call("rpc.discover", &json!({})).outcome.unwrap().json;
    assert_eq!(first.as_ptr(), discover().as_ptr(), "made again, or copied");
    let before = keys(&first);
    assert!(before.is_sorted() && before.contains(&"desk.inline".to_owned()) && !before.contains(&String::new()));

    bench.put("desk.so", &desk(&["-DCATCH_ALL", "-DEXTRA=\"desk.extra\"", "-DVERSION=\"2\""]));
    let event = bench.step("swapped");
    assert_eq!((&event["plugin"], &event["version"]), (&json!("desk"), &json!("2")));
    let mut after = keys(&discover());
    assert!(after.contains(&"desk.extra".to_owned()) && after.is_sorted());
    after.retain(|key| key != "desk.extra");
    assert_eq!(after, before);
    bench.call("jackfield.plugins.unload", &json!({"plugin": "desk"})).json();
    assert!(keys(&discover()).iter().all(|key| !key.starts_with("desk.")));
}

#[test]
fn the_order_of_params_is_known_of_every_command_and_of_nothing_else() {
    let bench = Setup::new().with("desk.so", &desk(&["-DORDER=JF_STR(\"b\"), JF_STR(\"a\")"])).start();
    let burst = bench.engine.burst();
    assert_eq!(burst.param_order("desk.serial"), ["b", "a"]);
    assert_eq!(burst.param_order("jackfield.plugins.load"), ["file"]);
    assert_eq!(burst.param_order("jackfield.info"), [""; 0]);
    assert_eq!(burst.param_order("desk.none"), [""; 0]);
    // A key that has come since the burst began.
    bench.put("more.so", &desk(&["-DID=\"more\"", "-DORDER=JF_STR(\"c\")"]));
    bench.step("swapped");
    assert_eq!(burst.param_order("more.serial"), ["c"]);
}
