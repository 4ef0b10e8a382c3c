//! The harness itself, against a shell script in place of the server.

#![cfg(unix)]

use jackfield_tests::repo_file;
use jackfield_tests::server::Setup;

/// A set-up whose program is this shell script. Not a file of its own: a file that was just written cannot be run while
/// another test forks.
fn script(text: &str) -> Setup {
    Setup::new().program(&repo_file("tests/scripts/stand-in.sh")).env("SCRIPT", text)
}

#[test]
fn a_server_is_ready_with_its_urls() {
    let server = script(
        "echo listening ws://127.0.0.1:4001/ws; echo listening 'tcp://[::1]:7?once=1'; echo ready; exec sleep 60",
    )
    .start();
    assert_eq!(server.url("tcp"), "tcp://[::1]:7?once=1");
    assert_eq!((server.address("ws"), server.address("tcp")), ("127.0.0.1:4001", "[::1]:7"));
    let home = server.kill();
    assert!(home.plugins().is_dir() && home.data().is_dir());
}

#[test]
fn a_server_gets_its_folders_arguments_and_none_of_the_testers_settings() {
    let setup =
        script(r#"echo "$@"; echo "$JACKFIELD_LOG $JACKFIELD_DIST" >&2"#).arg("-v").env("JACKFIELD_LOG", "json");
    let home = setup.home().path().display().to_string();
    let ended = setup.run_to_end();
    let expected = format!("serve --plugins {home}/plugins --data {home}/data --listen ws://127.0.0.1:0 -v");
    assert_eq!((ended.code, ended.stdout, ended.stderr.trim()), (Some(0), expected, "json"));
}

#[test]
fn a_terminated_server_tells_its_exit_code_and_its_log() {
    let server =
        script("trap 'echo stopping >&2; kill -9 $!; exit 7' TERM; sleep 60 & echo begun >&2; echo ready; wait")
            .start();
    server.expect_log("begun");
    server.terminate();
    let (ended, _home) = server.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(7), "begun\nstopping"));
}

#[test]
#[should_panic(expected = "does not get ready")]
fn a_server_that_ends_before_it_is_ready_fails_the_test() {
    script("echo listening ws://127.0.0.1:4001/; exit 2").start();
}

#[test]
#[should_panic(expected = "neither `listening URL` nor `ready`")]
fn anything_else_on_stdout_fails_the_test() {
    script("echo hello; exec sleep 60").start();
}
