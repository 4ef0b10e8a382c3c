//! `jackfield watch`: what is told, and how it ends.

#![cfg(unix)]

use jackfield_tests::log::Log;
use jackfield_tests::server::Server;
use jackfield_tests::{PATIENCE, dist, repo_file};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Begins with the last swap, by which it is known to listen.
const BEGIN: [&str; 3] = ["--last", "jackfield.plugins", "project.*"];

fn jackfield(server: &Server, command: &[&str]) -> Command {
    let mut jackfield = Command::new(dist::program());
    jackfield.args(command).args(["--url", server.url("ws")]).env_clear().stdin(Stdio::null());
    jackfield
}

fn do_it(server: &Server, command: &[&str]) {
    let output = jackfield(server, command).output().expect("the program can be started");
    assert!(output.status.success(), "{output:?}");
}

/// Killed with the test.
struct Watch {
    child: Child,
    told: Log,
    errors: Log,
    next: usize,
}

impl Watch {
    fn begin(server: &Server, args: &[&str]) -> Self {
        let mut command = jackfield(server, &[&["watch"], args, &BEGIN].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be started");
        let told = Log::of(child.stdout.take().expect("stdout is piped"));
        let errors = Log::of(child.stderr.take().expect("stderr is piped"));
        let mut watch = Self { child, told, errors, next: 0 };
        watch.line(|line| line.contains("jackfield.plugins"));
        watch
    }

    fn line(&mut self, matches: impl Fn(&str) -> bool) -> String {
        let found = self.told.wait_for(self.next, PATIENCE, matches);
        let (line, next) = found.unwrap_or_else(|| panic!("it is not told; so far:\n{}", self.told.text()));
        self.next = next;
        println!("{line}");
        line
    }

    fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        kill_process(pid, Signal::INT).expect("a child that was not waited for can be signalled");
    }

    /// Waits for its end: the exit code and stderr.
    fn ended(mut self) -> (Option<i32>, String) {
        assert!(self.errors.wait_for_end(PATIENCE), "it does not end");
        (self.child.wait().expect("a child can be waited for").code(), self.errors.text())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn import(server: &Server) {
    let photo = repo_file("tests/fixtures/images/photo.jpg");
    do_it(server, &["call", "image", &json!([photo, "other", 50]).to_string()]);
}

#[test]
fn imports_and_swaps_are_told_until_ctrl_c() {
    let server = Server::with(&["echo", "image"]);
    let (mut texts, mut values) = (Watch::begin(&server, &[]), Watch::begin(&server, &["--json"]));
    import(&server);
    do_it(&server, &["plugins", "reload", "echo"]);
    let line = texts.line(|line| line.starts_with("project.images "));
    let image: Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
    let photo = repo_file("tests/fixtures/images/photo.jpg");
    let expected =
        json!({"id": "image-1", "series": "other", "file": photo, "format": "jpeg", "width": 64, "height": 48});
    assert_eq!(image, expected);
    texts.line(|line| line.starts_with("jackfield.plugins ") && line.contains(r#""step":"swapped""#));
    let line = values.line(|line| line.contains("project.images"));
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), json!({"topic": "project.images", "data": expected}));
    let swapped = |event: Value| event["data"]["step"] == "swapped" && event["data"]["plugin"] == "echo";
    values.line(|line| swapped(serde_json::from_str(line).unwrap()));
    for watch in [texts, values] {
        watch.interrupt();
        assert_eq!(watch.ended(), (Some(130), String::new()));
    }
}

#[test]
fn the_end_of_the_server_is_an_error_and_that_of_the_reader_is_not() {
    let server = Server::with(&["image"]);
    let mut reader = jackfield(&server, &[&["watch"][..], &BEGIN].concat());
    let mut reader = reader.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(reader.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let watch = Watch::begin(&server, &[]);
    import(&server);
    let output = reader.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));

    server.terminate();
    let (code, why) = watch.ended();
    println!("{why}");
    assert_eq!(code, Some(3));
    assert!(why.starts_with(&format!("error: lost the connection to {}: ", server.url("ws"))), "{why}");
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let server = Server::with(&[]);
    let refused = |args: &[&str]| {
        let output = jackfield(&server, &[&["watch"], args].concat()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, stdout, stderr) = refused(&["project..x"]);
    assert!(code == Some(1) && stdout.is_empty() && stderr.starts_with("Error: Parameter 'topics'"), "{stderr}");
    let (code, stdout, _) = refused(&["project..x", "--json"]);
    let error: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &error["ok"], &error["code"]), (Some(1), &json!(false), &json!(-32602)));
}
