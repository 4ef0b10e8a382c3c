//! A server that a plugin takes down ends as it would anyway, notes whose doing it was, and the next one tells it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control};
use jackfield_tests::server::{Ended, Home, Server, Setup};
use jackfield_tests::{cc, repo_file};
use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const TOLD: &str = "the last server on this data folder crashed";

fn home() -> Home {
    let home = Home::new();
    let flags = ["-D_GNU_SOURCE", "-pthread"];
    cc::library("c11", &[&repo_file("tests/c/ends.c")], &flags, &home.plugin("ends"));
    home
}

fn start(home: Home) -> Server {
    Setup::in_home(home).listen(control::LISTEN).start()
}

/// A server after `message`, which it does not survive.
fn ended_by(home: Home, message: &str) -> (Ended, Home) {
    let server = start(home);
    let mut control = Control::of(&server);
    assert!(control.try_ask(message).is_err(), "it was answered");
    server.wait()
}

/// What the crashed server has left.
fn note(home: &Home) -> String {
    let file = home.data().join("crash");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::read_to_string(file).unwrap()
}

/// Starts on what is left, ends in order, and starts again: told once, of this thread.
fn told_once(home: Home, what: &str, thread: &str) {
    let server = start(home);
    let line = server.expect_log(TOLD);
    assert!(line.contains(&format!("what=\"{what}\" thread=\"{thread}\"")), "{line}");
    server.terminate();
    let (ended, home) = server.wait();
    assert_eq!(ended.code, Some(0));
    not_told(home);
}

/// The start after an orderly end.
fn not_told(home: Home) {
    assert_eq!(note(&home), "");
    let server = start(home);
    assert!(!server.log().text().contains(TOLD));
}

#[test]
fn a_crash_keeps_its_signal_and_is_told_at_the_next_start_with_the_plugins_thread() {
    for (command, signal, what) in [("null", Signal::SEGV, "SIGSEGV"), ("abort", Signal::ABORT, "SIGABRT")] {
        let (ended, home) = ended_by(home(), &format!("{{\"ends.{command}\": {{}}}}"));
        assert_eq!((ended.code, ended.signal), (None, Some(signal.as_raw())), "{}", ended.stderr);
        assert_eq!(note(&home), format!("{what}\njf-1-serial\n"));
        told_once(home, what, "jf-1-serial");
    }
}

#[test]
fn an_exit_that_a_plugin_asks_for_is_told_as_a_crash() {
    let (ended, home) = ended_by(home(), "{\"ends.exit\": {}}");
    assert_eq!((ended.code, ended.signal), (Some(0), None), "{}", ended.stderr);
    assert_eq!(note(&home), "exit\njf-1-serial\n");
    told_once(home, "exit", "jf-1-serial");
}

#[test]
fn a_crash_on_a_thread_that_a_plugin_started_names_its_generation_too() {
    let (ended, home) = ended_by(home(), "{\"ends.other\": {}}");
    assert_eq!((ended.code, ended.signal), (None, Some(Signal::SEGV.as_raw())), "{}", ended.stderr);
    assert_eq!(note(&home), "SIGSEGV\njf-1-serial\n");
}

#[test]
fn a_crash_in_an_inline_command_names_its_generation_and_not_the_thread_of_the_session() {
    let (ended, home) = ended_by(home(), "{\"ends.inline\": {}}");
    assert_eq!((ended.code, ended.signal), (None, Some(Signal::SEGV.as_raw())), "{}", ended.stderr);
    assert_eq!(note(&home), "SIGSEGV\njf-1-inline\n");
}

#[test]
fn a_stack_overflow_is_noted_and_said_as_ever() {
    let (ended, home) = ended_by(home(), "{\"ends.overflow\": {}}");
    assert_eq!((ended.code, ended.signal), (None, Some(Signal::ABORT.as_raw())));
    assert!(
        ended.stderr.contains("'jf-1-serial'") && ended.stderr.contains("has overflowed its stack"),
        "{}",
        ended.stderr
    );
    assert_eq!(note(&home), "SIGSEGV\njf-1-serial\n");
}

#[test]
fn a_crash_of_a_process_that_a_plugin_started_is_no_crash_of_the_server() {
    let server = start(home());
    assert_eq!(Control::of(&server).call("ends.fork", &json!({})), json!(true));
    server.terminate();
    let (ended, home) = server.wait();
    assert_eq!(ended.code, Some(0));
    not_told(home);
}

#[test]
fn neither_a_kill_nor_a_second_signal_is_a_crash() {
    let home = start(home()).kill();
    not_told(home);

    let setup = jackfield_tests::gate::setup();
    let gate = jackfield_tests::gate::Gate::new(setup.home(), "gate");
    let server = setup.listen(control::LISTEN).start();
    let mut control = Control::of(&server);
    control.send(&gate.message()).unwrap();
    let held = gate.entered();
    server.terminate();
    server.expect_log("stopping");
    server.signal(Signal::INT);
    let (ended, home) = server.wait();
    assert_eq!(ended.code, Some(1));
    drop(held);
    not_told(home);
}

#[test]
fn a_signal_that_was_sent_ends_the_server_as_it_would_without_the_note() {
    let server = start(Home::new());
    server.signal(Signal::FPE);
    let (ended, home) = server.wait();
    assert_eq!((ended.code, ended.signal), (None, Some(Signal::FPE.as_raw())));
    assert!(note(&home).starts_with("SIGFPE\n"), "{}", note(&home));
}
