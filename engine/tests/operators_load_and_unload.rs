//! `jackfield.plugins.reload`, `.load`, `.unload`, and files that go or become another plugin.

mod support;

use serde_json::json;
use support::{Latch, Setup, desk, desk_version, install};

#[test]
fn reload_is_a_swap_from_the_same_file() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let before = bench.plugin("desk.so")["generation"].as_u64().unwrap();
    let reply = bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"})).json();
    assert!(reply["generation"].as_u64().unwrap() > before, "{reply}");
    assert_eq!((&reply["plugin"], &reply["version"]), (&json!("desk"), &json!("1")));
    bench.step("closed");
}

#[test]
fn errors_of_the_built_ins_name_what_is_wrong_and_what_is_valid() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for key in ["reload", "load", "unload"].map(|name| format!("jackfield.plugins.{name}")) {
        let param = if key.ends_with(".load") { "file" } else { "plugin" };
        for (params, words) in [
            (json!({}), [format!("Missing parameter '{param}'"), key.clone()]),
            (json!([1]), [format!("Missing parameter '{param}'"), key.clone()]),
            (json!({param: 3}), [format!("'{param}'"), "not a text".to_owned()]),
            (
                json!({param: "none"}),
                ["none".to_owned(), if param == "file" { "plugin folders" } else { "desk" }.to_owned()],
            ),
            (json!({param: ""}), [String::new(), String::new()]),
        ] {
            let answer = bench.call(&key, &params);
            assert_eq!(answer.code(), "INVALID_PARAMS", "{key} {params}");
            assert!(words.iter().all(|word| answer.failure().message.contains(word)), "{}", answer.failure().message);
        }
    }
    let outside = bench.folder.with_file_name("outside.so");
    install(&desk_version("2"), &outside);
    install(&desk_version("2"), &bench.folder.join(".hidden.so"));
    for file in [outside.to_str().unwrap(), "../outside.so", "..", "/", ".hidden.so", "desk.txt"] {
        assert_eq!(bench.call("jackfield.plugins.load", &json!({"file": file})).code(), "INVALID_PARAMS", "{file}");
    }
    std::fs::write(bench.folder.join("bad.so"), "no library").unwrap();
    let answer = bench.call("jackfield.plugins.load", &json!({"file": "bad.so"}));
    assert_eq!(answer.code(), "UNAVAILABLE");
    assert!(answer.failure().message.contains("refused at step proved"), "{}", answer.failure().message);
}

#[test]
fn unload_holds_until_load_or_new_content() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let file = bench.folder.join("desk.so");
    let unload = || {
        assert_eq!(bench.call("jackfield.plugins.unload", &json!({"plugin": "desk"})).json()["state"], "unloaded");
        assert_eq!(bench.call("desk.serial", &json!({})).code(), "UNKNOWN_KEY");
        bench.step("closed");
        bench.steps_so_far();
    };
    unload();
    assert_eq!(bench.plugin("desk.so")["state"], "unloaded");
    // The same content, written again, does not bring it back.
    install(&desk_version("1"), &file);
    bench.step("settled");
    assert_eq!(bench.plugin("desk.so")["state"], "unloaded");
    let again = bench.call("jackfield.plugins.unload", &json!({"plugin": "desk"}));
    assert!(again.failure().message.contains("none"), "{}", again.failure().message);
    assert_eq!(bench.call("jackfield.plugins.load", &json!({"file": file.to_str()})).json()["plugin"], "desk");
    assert_eq!(bench.version(), "1");
    unload();
    bench.put("desk.so", &desk_version("2"));
    bench.step("swapped");
    assert_eq!(bench.version(), "2");
}

#[test]
fn a_file_that_goes_takes_its_plugin_with_it_and_those_who_wait_are_told() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    std::fs::remove_file(bench.folder.join("desk.so")).unwrap();
    let answer = waiting.answer();
    assert_eq!(answer.code(), "PLUGIN_GONE");
    assert!(answer.failure().message.contains("file is gone"), "{}", answer.failure().message);
    assert_eq!(bench.call("desk.serial", &json!({})).code(), "UNKNOWN_KEY");
    latch.release();
    assert_eq!(running.answer().json(), json!("1"));
    bench.step("closed");
    bench.until("desk.so", "forgotten", |plugin| plugin.is_null());
    bench.put("desk.so", &desk_version("1"));
    bench.step("swapped");
    assert_eq!(bench.version(), "1");
}

#[test]
fn a_file_that_becomes_another_plugin_is_an_unload_and_a_load() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.configure("other", json!({}));
    let bench = setup.start();
    // One that fails takes nothing away.
    bench.put("desk.so", &desk(&["-DID=\"other\"", "-DSTART_FAILS"]));
    bench.step("refused");
    assert_eq!(bench.version(), "1");
    bench.put("desk.so", &desk(&["-DID=\"other\""]));
    assert_eq!(bench.step("unloaded")["plugin"], "desk");
    assert_eq!(bench.step("swapped")["plugin"], "other");
    bench.step("closed");
    assert_eq!(bench.call("desk.serial", &json!({})).code(), "UNKNOWN_KEY");
    assert_eq!(bench.call("other.serial", &json!({"do": "version"})).json(), json!("1"));
    assert_eq!(bench.plugin("desk.so")["id"], "other");
}

#[test]
fn with_watching_off_only_commands_change_anything() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.config.watch = jackfield_engine::Watch::Off;
    let bench = setup.start();
    assert_eq!(bench.version(), "1");
    bench.put("desk.so", &desk_version("2"));
    bench.put("more.so", &desk(&["-DID=\"more\""]));
    assert_eq!(bench.version(), "1");
    assert_eq!(bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"})).json()["version"], "2");
    assert_eq!(bench.call("jackfield.plugins.load", &json!({"file": "more.so"})).json()["plugin"], "more");
    assert_eq!(bench.call("more.serial", &json!({})).code(), "OK");
}
