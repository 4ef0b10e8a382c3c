//! The program itself: exit codes, streams, signals.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output, Stdio};

/// The program in an empty folder with an empty environment, so that no configuration of this machine is found.
fn jackfield(folder: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jackfield"));
    command.args(args).env_clear().current_dir(folder.path()).stdin(Stdio::null());
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command
}

fn output(folder: &tempfile::TempDir, args: &[&str]) -> (Output, String, String) {
    let output = jackfield(folder, args).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it prints UTF-8");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

#[test]
fn config_check_prints_every_value_or_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jackfield.toml");
    std::fs::write(&file, "[limits]\nnesting = 7\n").unwrap();
    let (out, stdout, stderr) = output(&folder, &["config", "check"]);
    assert_eq!((out.status.code(), stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("limits.nesting = 7  # ") && stdout.contains("jackfield.toml:2"), "{stdout}");
    let (out, stdout, _) = output(&folder, &["config", "check", "--json"]);
    assert_eq!(out.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json["ok"], true);
    assert!(json["result"]["file"].as_str().unwrap().ends_with("jackfield.toml"));

    std::fs::write(&file, "[limits]\nnesing = 7\n").unwrap();
    let (out, stdout, stderr) = output(&folder, &["config", "check", "--config", "jackfield.toml"]);
    assert_eq!((out.status.code(), stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("nesing") && stderr.contains("`nesting`"), "{stderr}");
    let (out, stdout, stderr) = output(&folder, &["config", "check", "--json"]);
    assert_eq!((out.status.code(), stderr.as_str()), (Some(2), ""));
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(json["ok"] == false && json["error"].as_str().unwrap().contains("`nesting`"), "{json}");
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jackfield.toml"), "[limits]\nnesting = 0\n").unwrap();
    let (out, stdout, stderr) = output(&folder, &["serve"]);
    assert_eq!((out.status.code(), stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("limits.nesting = 0"), "{stderr}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn bad_usage_and_no_connection_have_their_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let url = format!("ws://{free}/");
    assert_eq!(output(&folder, &["watch"]).0.status.code(), Some(2));
    assert_eq!(output(&folder, &["call", "k", "{", "--url", &url]).0.status.code(), Some(2));
    let (out, stdout, stderr) = output(&folder, &["call", "{}", "--url", &url]);
    assert_eq!((out.status.code(), stdout.as_str()), (Some(3), ""));
    assert!(stderr.contains(&url), "{stderr}");
    let (out, stdout, stderr) = output(&folder, &["plugins", "list", "--json", "--url", &url]);
    assert_eq!((out.status.code(), stderr.as_str()), (Some(3), ""));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["ok"], false);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_call_with_130() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let mut child = jackfield(&folder, &["call", "{}", "--url", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It has sent its message and half closed: it waits for the answer now.
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(stream);
}
