//! Two files claim one id, one key, or both the catch-all: the first in order serves, the second says who is in its way
//! and serves when that one goes.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use serde_json::json;
use std::path::PathBuf;
use support::{Bench, Setup, desk};

fn plugin(id: &str, more: &[&str]) -> PathBuf {
    desk(&[&[format!("-DID=\"{id}\"").as_str()], more].concat())
}

fn second_is_refused(bench: &Bench, words: [&str; 3]) {
    let (step, reason) = bench.refused("b.so");
    assert!(step == "loaded" && words.iter().all(|word| reason.contains(word)), "{step}: {reason}");
    assert_eq!(
        (&bench.plugin("a.so")["state"], &bench.plugin("b.so")["state"]),
        (&json!("serving"), &json!("refused"))
    );
}

#[test]
fn one_key_is_served_by_the_second_when_the_file_of_the_first_goes() {
    let bench = Setup::new()
        .with("b.so", &plugin("second", &["-DEXTRA=\"shared\""]))
        .with("a.so", &plugin("first", &["-DEXTRA=\"shared\""]))
        .start();
    second_is_refused(&bench, ["'first'", "'second'", "'shared'"]);
    assert_eq!(bench.call("first.serial", &json!({"do": "version"})).code(), "OK");
    assert_eq!(bench.call("second.serial", &json!({"do": "version"})).code(), "UNKNOWN_KEY");
    std::fs::remove_file(bench.folder.join("a.so")).unwrap();
    assert_eq!(bench.step("unloaded")["plugin"], "first");
    assert_eq!(bench.step("swapped")["plugin"], "second");
    assert_eq!(bench.call("second.serial", &json!({"do": "version"})).code(), "OK");
    assert_eq!(bench.call("shared", &json!({})).code(), "OK");
    bench.until("a.so", "forgotten", |plugin| plugin.is_null());
}

#[test]
fn one_id_is_served_by_the_second_when_the_first_is_unloaded() {
    let same = plugin("same", &["-DPREFIX=\"one.\""]);
    let bench = Setup::new().with("a.so", &same).with("b.so", &plugin("same", &["-DPREFIX=\"two.\""])).start();
    second_is_refused(&bench, ["'same'", "served already", "a.so"]);
    assert_eq!(bench.call("jackfield.plugins.unload", &json!({"plugin": "same"})).json()["state"], "unloaded");
    assert_eq!(bench.step("swapped")["file"], bench.folder.join("b.so").to_str().unwrap());
    assert_eq!(bench.call("two.serial", &json!({"do": "version"})).code(), "OK");
    // The first one is now the second.
    let answer = bench.call("jackfield.plugins.load", &json!({"file": "a.so"}));
    assert_eq!(answer.code(), "UNAVAILABLE");
    assert!(answer.failure().message.contains("served already"), "{}", answer.failure().message);
}

#[test]
fn the_catch_all_is_one() {
    let bench = Setup::new()
        .with("a.so", &plugin("first", &["-DCATCH_ALL"]))
        .with("b.so", &plugin("second", &["-DCATCH_ALL"]))
        .start();
    second_is_refused(&bench, ["'first'", "'second'", "catch-all"]);
    bench.put("a.so", &plugin("first", &[]));
    // The first gave it up.
    loop {
        if bench.step("swapped")["plugin"] == "second" {
            break;
        }
    }
    assert!(bench.engine.burst().catches_all());
}

#[test]
fn a_blocked_plugin_is_not_tried_again_and_again_when_the_rest_of_a_gone_file_stays() {
    let extra = "-DEXTRA=\"shared\"";
    let bench = Setup::new()
        .with("a.so", &plugin("first", &[extra]))
        .with("b.so", &plugin("second", &[extra]))
        .with("c.so", &plugin("third", &["-DTHREAD_LOCAL"]))
        .start();
    std::fs::remove_file(bench.folder.join("c.so")).unwrap();
    bench.step("retired");
    bench.steps_so_far();
    for version in ["1", "2"] {
        bench.put("d.so", &plugin("fourth", &[&format!("-DVERSION=\"{version}\"")]));
        bench.until("d.so", "serving", |plugin| plugin["version"] == version);
    }
    // Each of the two, the blocked one after each, and perhaps once more for the file that went.
    let copied = bench.steps_so_far().iter().filter(|step| *step == "copied").count();
    assert!(copied <= 6, "{copied} loads were tried");
    assert_eq!(bench.plugin("b.so")["state"], "refused");
}

#[test]
fn folders_come_in_order_before_names() {
    let mut setup = Setup::new().with("a.so", &plugin("second", &["-DEXTRA=\"shared\""]));
    let first = setup.folder.with_file_name("first");
    std::fs::create_dir(&first).unwrap();
    support::install(&plugin("first", &["-DEXTRA=\"shared\""]), &first.join("z.so"));
    setup.config.folders.insert(0, first);
    let bench = setup.start();
    assert_eq!(bench.plugin("z.so")["state"], "serving");
    assert_eq!(bench.plugin("a.so")["state"], "refused");
}

#[test]
fn two_engines_serve_one_folder_in_one_process() {
    let one = Setup::new().with("desk.so", &desk(&[])).start();
    let mut setup = Setup::new();
    setup.config.folders = vec![one.folder.clone()];
    let two = setup.start();
    assert_eq!((one.version(), two.version()), ("1".to_owned(), "1".to_owned()));
    one.put("desk.so", &desk(&["-DVERSION=\"2\""]));
    assert_eq!((&one.step("swapped")["version"], &two.step("swapped")["version"]), (&json!("2"), &json!("2")));
    one.engine.shutdown(None);
    assert_eq!(two.version(), "2");
    assert_eq!(one.call("desk.serial", &json!({})).code(), "SHUTTING_DOWN");
}
