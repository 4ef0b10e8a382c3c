//! Whatever lies in a plugin folder under a plugin's name, at the start or later, is refused with its reason, and the rest
//! goes on.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control, wait_for_step};
use jackfield_tests::put::Way;
use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{cc, repo_file};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A file that is no plugin: name, what its reason must say, and how it is made.
struct Bad {
    name: String,
    reason: &'static str,
    make: Box<dyn Fn(&Path)>,
}

/// Different lengths at which a library is cut.
const CUTS: usize = 20;

fn bad(name: &str, reason: &'static str, make: impl Fn(&Path) + 'static) -> Bad {
    Bad { name: name.to_owned(), reason, make: Box::new(make) }
}

fn counter(id: &str, key: &str, to: &Path) {
    let flags = [format!("-DPLUGIN_ID=\"{id}\""), format!("-DPLUGIN_KEY=\"{key}\"")];
    cc::library("c11", &[&repo_file("tests/c/counter.c")], &[&flags[0], &flags[1]], to);
}

/// A file of this content, with the mode of a library.
fn content(bytes: Vec<u8>) -> impl Fn(&Path) {
    move |to| fs::write(to, &bytes).unwrap()
}

/// A library or program that `make` puts somewhere, read back.
fn made(make: impl Fn(&Path)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    make(&folder.path().join("made.so"));
    fs::read(folder.path().join("made.so")).unwrap()
}

fn all_bad() -> Vec<Bad> {
    let source = |text: &'static str| made(move |to| drop(cc::library_of("c99", text, &[], to)));
    let good = made(|to| counter("bad", "bad", to));
    let no_entry = source("__attribute__((visibility(\"default\"))) int other(void) { return 1; }");
    let future = source("__attribute__((visibility(\"default\"))) int jackfield_plugin_v2(void) { return 1; }");
    let program = made(|to| {
        let main = to.with_extension("c");
        fs::write(&main, "int main(void) { return 0; }").unwrap();
        cc::program("c99", &[&main], &[], to);
    });
    let mut foreign = good.clone();
    // ELF e_machine: a processor that is not this one.
    foreign[18] = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    let (open, cut) = (good.clone(), good.clone());
    let mut all = vec![
        bad("text", "not a complete library", content(b"#!/bin/sh\necho no library\n".to_vec())),
        bad("no-entry", "does not export jackfield_plugin_v1", content(no_entry)),
        bad("future", "exports jackfield_plugin_v2, which is another major version", content(future)),
        bad("program", "it is a program", content(program)),
        bad("foreign", "and this process is", content(foreign)),
        bad("open", "everybody may write to it (mode 666)", move |to| {
            fs::write(to, &open).unwrap();
            fs::set_permissions(to, fs::Permissions::from_mode(0o666)).unwrap();
        }),
        bad("pipe", "it is a fifo, not a regular file", |to| {
            use rustix::fs::{CWD, FileType, Mode, mknodat};
            mknodat(CWD, to, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }),
        bad("link", "a link to something that does not exist", |to| {
            std::os::unix::fs::symlink("nowhere.so", to).unwrap();
        }),
        bad("folder", "it is a folder, not a regular file", |to| fs::create_dir(to).unwrap()),
        bad("empty", "it is empty", content(Vec::new())),
        bad("cut-last", "it is", content(cut[..cut.len() - 1].to_vec())),
    ];
    for part in 1..CUTS {
        let length = cut.len() * part / CUTS;
        all.push(bad(&format!("cut-{part:02}"), "it is ", content(cut[..length].to_vec())));
    }
    all
}

fn setup(home: Home) -> Setup {
    let setup = Setup::in_home(home).plugin("echo").listen(control::LISTEN).arg("--log").arg("json");
    counter("good", "good", &setup.home().plugin("good"));
    setup.config("[plugins]\nsettle_ms = 5\n")
}

/// Each of them is refused, with its reason in the report and in the log.
fn assert_refused(server: &Server, control: &mut Control, all: &[Bad]) {
    for bad in all {
        let file = server.home().plugin(&bad.name);
        let plugin = control.wait_for_plugin(&file, |plugin| plugin["refused"].is_object());
        assert_eq!((&plugin["state"], &plugin["id"]), (&json!("refused"), &Value::Null), "{plugin}");
        let step = plugin["refused"]["step"].as_str().unwrap();
        assert!(["seen", "proved"].contains(&step), "it came as far as the loader: {plugin}");
        let reason = plugin["refused"]["reason"].as_str().unwrap();
        assert!(reason.contains(bad.reason), "{}: {reason}", bad.name);
        let told =
            |step: &Value| step["step"] == "refused" && step["reason"].as_str().is_some_and(|r| r.ends_with(reason));
        assert_eq!(wait_for_step(server, 0, &file, told).0["level"], "ERROR");
    }
}

/// The plugins that are fine answer, from the generation that they had.
fn assert_unharmed(server: &Server, control: &mut Control, counted: u32) {
    assert_eq!(control.call("echo", &json!({"a": [1]})), json!({"a": [1]}));
    assert_eq!(control.call("good", &json!({})), json!(counted), "the same generation counts on");
    let serving: Vec<_> = control.plugins()["plugins"].as_array().unwrap().iter().map(|p| p["state"].clone()).collect();
    assert_eq!(serving.iter().filter(|state| *state == "serving").count(), 2, "{serving:?}");
    assert_eq!(control.plugin(&server.home().plugin("good"))["refused"], Value::Null);
}

#[test]
fn what_is_no_plugin_at_the_start_is_refused_and_the_rest_serves() {
    let setup = setup(Home::new());
    let all = all_bad();
    for bad in &all {
        (bad.make)(&setup.home().plugin(&bad.name));
    }
    let server = setup.start();
    let mut control = Control::of(&server);
    // Ready means that each was looked at.
    let unknown = control.plugins()["plugins"].as_array().unwrap().iter().filter(|p| p["state"] == "unloaded").count();
    assert_eq!(unknown, 0, "{}", control.plugins());
    assert_refused(&server, &mut control, &all);
    assert_unharmed(&server, &mut control, 1);
}

#[test]
fn what_is_no_plugin_and_comes_later_is_refused_and_forgotten_when_it_goes() {
    let server = setup(Home::new()).start();
    let mut control = Control::of(&server);
    assert_unharmed(&server, &mut control, 1);
    let all = all_bad();
    for bad in &all {
        (bad.make)(&server.home().plugin(&bad.name));
    }
    assert_refused(&server, &mut control, &all);
    assert_unharmed(&server, &mut control, 2);
    for bad in &all {
        let file = server.home().plugin(&bad.name);
        if file.is_dir() { fs::remove_dir(&file) } else { fs::remove_file(&file) }.unwrap();
    }
    for bad in &all {
        control.wait_for_plugin(&server.home().plugin(&bad.name), Value::is_null);
    }
    assert_unharmed(&server, &mut control, 3);
}

#[test]
fn a_bad_file_in_the_place_of_a_plugin_leaves_the_old_one_serving() {
    let server = setup(Home::new()).start();
    let mut control = Control::of(&server);
    assert_unharmed(&server, &mut control, 1);
    let file = server.home().plugin("good");
    let good = fs::read(&file).unwrap();
    let beside = server.home().path().join("beside");
    // What is refused for what it is, not for where it lies; a fifo or folder cannot be put by these ways.
    for (way, bytes, reason) in [
        (Way::Rename, b"text".to_vec(), "not a complete library"),
        (Way::Copy, good[..good.len() / 2].to_vec(), "it is "),
        (Way::Install, Vec::new(), "it is empty"),
    ] {
        fs::write(&beside, bytes).unwrap();
        way.put(&beside, &file).unwrap();
        let of_reason = |plugin: &Value| plugin["refused"]["reason"].as_str().is_some_and(|why| why.contains(reason));
        let plugin = control.wait_for_plugin(&file, of_reason);
        assert_eq!((&plugin["state"], &plugin["id"]), (&json!("serving"), &json!("good")), "{plugin}");
    }
    assert_eq!(control.call("good", &json!({})), json!(2), "the old generation counts on");
    fs::write(&beside, good).unwrap();
    Way::Rename.put(&beside, &file).unwrap();
    control.wait_for_plugin(&file, |plugin| plugin["refused"].is_null());
    assert_unharmed(&server, &mut control, 3);
}

#[test]
fn the_second_of_two_that_claim_one_key_is_refused_by_name_until_the_first_is_gone() {
    let setup = setup(Home::new());
    let [first, second]: [PathBuf; 2] = ["1-first", "2-second"].map(|name| setup.home().plugin(name));
    counter("first", "shared", &first);
    counter("second", "shared", &second);
    let server = setup.start();
    let mut control = Control::of(&server);
    let refused = control.plugin(&second);
    let reason = refused["refused"]["reason"].as_str().unwrap_or_default();
    for name in ["'first'", "'second'", "'shared'", "1-first"] {
        assert!(reason.contains(name), "{name} is not in: {reason}");
    }
    assert_eq!(refused["state"], "refused");
    assert_eq!(control.call("shared", &json!({})), json!(1));
    assert_eq!(control.call("first.count", &json!({})), json!(1));
    assert!(control.ask("{\"second.count\": {}}").starts_with("Error: Unknown request:"));

    fs::remove_file(&first).unwrap();
    control.wait_for_plugin(&second, |plugin| plugin["state"] == "serving");
    assert_eq!(control.call("shared", &json!({})), json!(1), "the second counts for itself");
    assert_eq!(control.call("second.count", &json!({})), json!(1));
    assert!(control.ask("{\"first.count\": {}}").starts_with("Error: Unknown request:"));
}
