//! A plugin that takes thread-local keys and never gives them back, as every copy of Rust's std does, does not use up those
//! of the server; and no library of ours touches anybody's keys.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control};
use jackfield_tests::server::{Server, Setup};
use jackfield_tests::{cc, dist, repo_file, root, rust};
use serde_json::{Value, json};
use std::env::consts;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// More than a leak could hide in, at several keys a load.
const SWAPS: usize = 60;
/// Keys that the server itself may take meanwhile, at most, for threads of its own.
const OWN: u64 = 4;

/// Reloads the plugin of `file` [`SWAPS`] times; by how much the budget has shrunk after the first.
fn spent(server: &Server, id: &str, file: &Path, work: impl Fn(&mut Control)) -> u64 {
    let mut control = Control::of(server);
    let mut budgets = Vec::new();
    for _ in 0..=SWAPS {
        work(&mut control);
        control.call("jackfield.plugins.reload", &json!({"plugin": id}));
        let nothing_left = |plugin: &Value| plugin["generations"].as_array().is_some_and(|all| all.iter().all(closed));
        control.wait_for_plugin(file, nothing_left);
        budgets.push(control.plugins()["reload_budget"].as_u64().expect("the budget is told"));
    }
    println!("reload_budget {:?} -> {:?}", budgets.first(), budgets.last());
    budgets[0].saturating_sub(budgets[SWAPS])
}

/// Serving, or nothing is left of it.
fn closed(generation: &Value) -> bool {
    assert_ne!(generation["state"], "retired", "{generation}");
    generation["state"] == "closed" || generation["state"] == "serving"
}

/// A server with a plugin, whose file `make` writes.
fn server(name: &str, make: impl Fn(&Path)) -> (Server, PathBuf) {
    let setup = Setup::new().listen(control::LISTEN);
    let file = setup.home().plugin(name);
    let made = setup.home().path().join("made.so");
    make(&made);
    setup.home().install(&made, name);
    (setup.start(), file)
}

#[test]
fn swaps_of_a_plugin_in_rust_leave_the_keys_of_the_process_as_they_were() {
    let (server, file) = server("threads", |to| rust::library("test-plugin-threads", &[], to));
    let spent = spent(&server, "threads", &file, |control| {
        let names = control.call("threads", &json!({}));
        assert_eq!(names[1], "other");
    });
    assert!(spent <= OWN, "{spent} keys are gone");
}

#[test]
fn keys_are_given_back_whoever_takes_them_and_those_of_others_are_left_alone() {
    let keeper = |id: &'static str| {
        move |to: &Path| {
            let flags = ["-pthread".to_owned(), format!("-DPLUGIN_ID=\"{id}\"")];
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            cc::library("c11", &[&repo_file("tests/c/keys.c")], &flags, to);
        }
    };
    let (server, file) = server("swapped", keeper("swapped"));
    let other = server.home().path().join("other.so");
    keeper("other")(&other);
    let other = server.home().install(&other, "other");
    let mut control = Control::of(&server);
    control.wait_for_plugin(&other, |plugin| plugin["state"] == "serving");
    // Its key has a value on its SERIAL thread, and keeps it while the other plugin's keys come and go.
    assert_eq!(control.call("other.value", &json!({})), json!(0));
    let spent = spent(&server, "swapped", &file, |control| {
        assert_eq!(control.call("swapped.value", &json!({})), json!(0), "a key of a new generation has no value");
    });
    assert!(spent <= OWN, "{spent} keys are gone");
    assert_eq!(control.call("other.value", &json!({})), json!(1));
}

/// The names of what a program or library defines for others.
fn exports(file: &Path) -> Vec<String> {
    let output = Command::new("nm").args(["--dynamic", "--defined-only", "--format=posix"]).arg(file).output();
    let output = output.unwrap_or_else(|e| panic!("no nm ({e}): run `cargo xtask test --install`"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

#[test]
fn the_program_alone_stands_between_libraries_and_their_keys() {
    let names = ["pthread_key_create", "pthread_key_delete"];
    let taken =
        |file: &Path| names.into_iter().filter(|name| exports(file).iter().any(|export| export == name)).count();
    assert_eq!(taken(&dist::program()), names.len(), "plugins do not bind to the program's functions");
    let mut libraries = Vec::new();
    files(&dist::dist(), consts::DLL_EXTENSION, &mut libraries);
    assert!(libraries.contains(&dist::plugin("echo")));
    for library in libraries {
        assert_eq!(taken(&library), 0, "{}", library.display());
    }
    let mut sources = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() && !["target", "tests"].map(|name| root().join(name)).contains(&folder) {
            files(&folder, "rs", &mut sources);
        }
    }
    let defines = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        names.iter().any(|name| text.contains(&format!("fn {name}")) || text.contains(&format!("= \"{name}\"")))
    };
    sources.retain(defines);
    assert_eq!(sources, [root().join("server/src/bin/jackfield/keys.rs")]);
}

/// The files below `folder` with this suffix.
fn files(folder: &Path, suffix: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, suffix, into);
        } else if path.extension() == Some(OsStr::new(suffix)) {
            into.push(path);
        }
    }
}
