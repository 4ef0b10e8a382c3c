//! A new version that takes the server down, or would: the server comes back, with the version that was good.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control};
use jackfield_tests::put::Way;
use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{cc, repo_file};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A variant of `tests/c/ends.c`, which crashes when it is told to.
fn ends(home: &Home, version: &str) -> PathBuf {
    let to = home.path().join(format!("ends-{version}.so"));
    let version = format!("-DVERSION=\"{version}\"");
    cc::library("c11", &[&repo_file("tests/c/ends.c")], &["-D_GNU_SOURCE", "-pthread", &version], &to);
    to
}

fn start(home: Home) -> Server {
    Setup::in_home(home).listen(control::LISTEN).start()
}

fn version(control: &mut Control, file: &Path) -> Value {
    control.plugin(file)["version"].clone()
}

#[test]
fn content_that_crashed_the_server_on_trial_is_replaced_by_the_good_one_at_the_next_start_until_it_changes() {
    let home = Home::new();
    let file = home.plugin("ends");
    let [one, two, three] = ["1.0.0", "2.0.0", "3.0.0"].map(|version| ends(&home, version));
    Way::Rename.put(&one, &file).unwrap();
    let server = start(home);
    let mut control = Control::of(&server);
    assert_eq!(version(&mut control, &file), "1.0.0");
    Way::Rename.put(&two, &file).unwrap();
    control.wait_for_plugin(&file, |plugin| plugin["version"] == "2.0.0");
    assert!(control.try_ask("{\"ends.null\": {}}").is_err(), "it was answered");
    let (ended, mut home) = server.wait();
    assert!(ended.signal.is_some(), "{}", ended.stderr);

    // The file still holds what crashed; what serves is what was good.
    for _ in 0..2 {
        let server = start(home);
        let mut control = Control::of(&server);
        let plugin = control.plugin(&file);
        assert_eq!((&plugin["version"], &plugin["state"]), (&json!("1.0.0"), &json!("serving")), "{plugin}");
        let refused = &plugin["refused"];
        assert_eq!(refused["step"], "rolled-back");
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains("SIGSEGV on thread jf-2-serial") && reason.contains("until it changes"), "{reason}");
        assert_eq!(control.call("ends.fork", &json!({})), json!(true));
        server.terminate();
        let ended;
        (ended, home) = server.wait();
        assert_eq!(ended.code, Some(0));
    }
    let server = start(home);
    let mut control = Control::of(&server);
    Way::Rename.put(&three, &file).unwrap();
    let plugin = control.wait_for_plugin(&file, |plugin| plugin["version"] == "3.0.0");
    assert_eq!(plugin["refused"], Value::Null);
}

#[test]
fn a_library_that_crashes_when_it_is_loaded_is_refused_and_the_old_version_serves() {
    let home = Home::new();
    let file = home.plugin("ends");
    Way::Rename.put(&ends(&home, "1.0.0"), &file).unwrap();
    let folder = format!("-DFOLDER=\"{}\"", home.path().display());
    let flags = ["-D_GNU_SOURCE", "-DCRASH_IN_CONSTRUCTOR", &folder];
    let bad = home.path().join("bad.so");
    cc::library("c11", &[&repo_file("tests/c/at_load.c")], &flags, &bad);
    let server = start(home);
    let mut control = Control::of(&server);
    for way in Way::ALL {
        way.put(&bad, &file).unwrap();
        let plugin = control.wait_for_plugin(&file, |plugin| plugin["refused"]["step"] == "probed");
        let reason = plugin["refused"]["reason"].as_str().unwrap();
        assert!(reason.contains("it crashed when loaded in a probe process (SIGSEGV)"), "{reason}");
        assert_eq!((&plugin["version"], &plugin["generation"]), (&json!("1.0.0"), &json!(1)));
        assert_eq!(control.call("ends.fork", &json!({})), json!(true));
    }
}
