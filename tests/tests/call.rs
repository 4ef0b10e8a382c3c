//! `jackfield call` by JSON-RPC: results, attachments, progress in a terminal, and Ctrl-C.

#![cfg(unix)]

#[path = "common/project.rs"]
#[allow(clippy::unwrap_used, reason = "for tests only")]
mod project;

use jackfield_tests::client::Ws;
use jackfield_tests::log::Log;
use jackfield_tests::server::Server;
use jackfield_tests::{PATIENCE, dist, repo_file};
use project::Project;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

const POINTS: usize = 1_000_000;
const CTRL_C: &[u8] = b"\x03";
/// JSON-RPC's number of a command that was cancelled.
const CANCELLED: i64 = -32004;

fn server() -> Server {
    Server::with(&["echo", "elements", "image", "project"])
}

/// Exit code, stdout and stderr of `jackfield call ARGS`.
fn call(server: &Server, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(dist::program());
    command.args(["call", "--url", server.url("ws")]).args(args).env_clear().current_dir(server.home().path());
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (output.status.code().expect("it is not killed"), text(output.stdout), text(output.stderr))
}

/// The result of a command.
fn result(server: &Server, args: &[&str]) -> Value {
    let (code, stdout, stderr) = call(server, args);
    assert_eq!((code, stderr.as_str()), (0, ""));
    serde_json::from_str(&stdout).expect("a result is JSON")
}

/// A program in a terminal, killed with the test.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    drawn: Log,
}

impl Terminal {
    fn call(server: &Server, args: &[&str]) -> Self {
        let mut command = Command::new(dist::python());
        command.arg(repo_file("tests/python/terminal.py")).arg(dist::program()).args(["call", "--url"]);
        command.arg(server.url("ws")).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python can be started");
        let keys = child.stdin.take().expect("stdin is piped");
        let drawn = Log::of(child.stdout.take().expect("stdout is piped"));
        Self { child, keys, drawn }
    }

    /// Waits for its end: the exit code, and all that was drawn.
    fn ended(mut self) -> (Option<i32>, String) {
        assert!(self.drawn.wait_for_end(PATIENCE), "it does not end:\n{}", self.drawn.text());
        (self.child.wait().expect("a child can be waited for").code(), self.drawn.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of so many points.
fn points(server: &Server, count: usize) -> PathBuf {
    let path = server.home().path().join(format!("{count}.gxml"));
    let mut file = BufWriter::new(File::create(&path).expect("a file can be made in a temporary folder"));
    let mut write = |text: &str| file.write_all(text.as_bytes()).expect("a file can be written");
    write("<gom><header><length_unit>mm</length_unit><angle_unit>deg</angle_unit></header><measured>");
    for id in 0..count {
        write(&format!("<point id=\"{id}\"><geometry><pos x=\"{id}.5\" y=\"0\" z=\"1\"/></geometry></point>"));
    }
    write("</measured></gom>");
    path
}

fn elements(file: &Path) -> String {
    json!({"file": file, "import_mode": "new_stage"}).to_string()
}

fn subscribed(server: &Server, topic: &str) -> Ws {
    let mut client = Ws::to(server);
    let params = json!({"topics": [topic]});
    let answer =
        client.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "jackfield.subscribe", "params": params}).to_string());
    assert!(answer.contains("subscription"), "{answer}");
    client
}

/// The data of the next event.
fn event(client: &mut Ws) -> Value {
    let mut told: Value = serde_json::from_str(&client.receive()).expect("what comes is JSON");
    assert_eq!(told["method"], "jackfield.event");
    told["params"]["data"].take()
}

/// What a bar counts: the number before the stroke.
fn count(line: &str) -> Option<u64> {
    let word =
        line.split_whitespace().find(|word| word.contains('/') && word.starts_with(|c: char| c.is_ascii_digit()))?;
    word.split('/').next()?.replace(',', "").parse().ok()
}

#[test]
fn results_and_attachments_come_and_go_as_they_are() {
    let server = server();
    let photo = repo_file("tests/fixtures/images/photo.jpg");
    let params = r#"{"file": {"$attachment": 0}, "name": "other", "focal_length": 50}"#;
    let imported = result(&server, &["--attach", photo.to_str().unwrap(), "image", params]);
    assert_eq!((&imported["id"], &imported["series"]), (&json!("image-1"), &json!("other")));
    let by_position = result(&server, &["image", &json!([photo, "other", 50]).to_string()]);
    assert_eq!(by_position["id"], "image-2");

    let get = r#"{"id": "image-1"}"#;
    let blob = result(&server, &["--output", "kept.jpg", "project.blob", get]);
    assert_eq!(blob["blob"], json!({"$attachment": 0}));
    assert!(fs::read(server.home().path().join("kept.jpg")).unwrap() == fs::read(&photo).unwrap());
    let (code, stdout, stderr) = call(&server, &["project.blob", get]);
    assert_eq!((code, serde_json::from_str::<Value>(&stdout).unwrap()), (0, blob));
    assert_eq!(stderr, "note: attachments came (1); --output FILE keeps the first (1324 bytes, image/jpeg)\n");
    // The plain form, by which the same command is acknowledged.
    let message = json!({"image": {"file": photo, "name": "other", "focal_length": 50}}).to_string();
    assert_eq!(call(&server, &[&message]), (0, "Ok\n".to_owned(), String::new()));
}

#[test]
fn a_bar_is_drawn_in_a_terminal_where_a_command_tells_progress() {
    let server = server();
    let file = points(&server, 10_000);
    // As no terminal is there.
    let imported = result(&server, &["elements", &elements(&file)]);
    assert_eq!(imported["elements"], 10_000);
    let (code, drawn) = Terminal::call(&server, &["elements", &elements(&file)]).ended();
    let bars = drawn.lines().filter(|line| count(line).is_some()).count();
    assert!(code == Some(0) && bars > 0, "{drawn}");
    // It is gone when the result is printed.
    let last = drawn.lines().rev().find(|line| !line.is_empty()).unwrap();
    let printed: Value = serde_json::from_str(last.trim_start_matches("\u{1b}[2K")).unwrap();
    assert_eq!(printed["elements"], 10_000);
    let (code, drawn) = Terminal::call(&server, &["echo", r#"{"n": 1}"#]).ended();
    assert_eq!((code, drawn.trim_end()), (Some(0), r#"{"n": 1}"#));
}

#[test]
fn ctrl_c_in_a_terminal_cancels_an_import_of_which_nothing_is_left() {
    let server = server();
    let mut told = subscribed(&server, "project.*");
    let few = points(&server, 3);
    result(&server, &["elements", &elements(&few)]);
    assert_eq!(event(&mut told)["id"], "import-1");
    let before = result(&server, &["project", "{}"]);

    let million = points(&server, POINTS);
    let mut terminal = Terminal::call(&server, &["elements", &elements(&million)]);
    let mut next = 0;
    let mut moved_to = |least: u64| {
        let found = terminal.drawn.wait_for(next, PATIENCE, |line| count(line).is_some_and(|count| count >= least));
        let (line, after) = found.unwrap_or_else(|| panic!("no bar at {least}:\n{}", terminal.drawn.text()));
        println!("{}", line.escape_debug());
        next = after;
        count(&line).unwrap_or_default()
    };
    let first = moved_to(0);
    moved_to(first + 1);
    terminal.keys.write_all(CTRL_C).unwrap();
    let (code, drawn) = terminal.ended();
    drawn.lines().skip_while(|line| !line.contains("^C")).for_each(|line| println!("{}", line.escape_debug()));
    assert_eq!(code, Some(130), "{drawn}");
    assert!(drawn.trim_end().ends_with("error: cancelled"), "{drawn}");
    let size = fs::metadata(&million).unwrap().len();
    assert!(drawn.lines().filter_map(count).all(|read| read < size), "it is not given up while it is read: {drawn}");

    assert_eq!(result(&server, &["project", "{}"]), before);
    let project = Project::read(server.home());
    project.assert_whole();
    assert_eq!((project.count_of(&million), project.count_of(&few)), (0, 1));
    // Nor was it told: the next that is told is the next that is done.
    result(&server, &["elements", &elements(&few)]);
    assert_eq!(event(&mut told)["id"], "import-2");
}

#[test]
fn of_an_image_whose_import_is_cancelled_nothing_is_left() {
    let server = server();
    let mut told = subscribed(&server, "project.*");
    let large = server.home().path().join("large.bmp");
    let side = 6000_u32;
    let head =
        [b"BM", &[0; 8][..], &54_u32.to_le_bytes(), &40_u32.to_le_bytes(), &side.to_le_bytes(), &side.to_le_bytes()];
    let head = [&head.concat()[..], &[1, 0, 24, 0], &[0; 24]].concat();
    fs::write(&large, [head, vec![7; (side * side * 3) as usize]].concat()).unwrap();

    let mut client = Ws::to(&server);
    let params = json!({"file": large, "name": "s", "focal_length": 50});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "image", "params": params, "progress": 1});
    let progress = client.ask(&request.to_string());
    assert!(progress.contains("jackfield.progress"), "{progress}");
    client.send(&[r#"{"jsonrpc": "2.0", "id": 2, "method": "jackfield.cancel", "params": {"id": 1}}"#]);
    let answer = std::iter::repeat_with(|| serde_json::from_str::<Value>(&client.receive()).unwrap());
    let answer = answer.into_iter().find(|message| message["id"] == 1).unwrap();
    assert_eq!(answer["error"]["code"], CANCELLED, "{answer}");

    let project = Project::read(server.home());
    project.assert_whole();
    assert_eq!((project.count_of(&large), project.all("series").count()), (0, 0));
    let photo = repo_file("tests/fixtures/images/photo.jpg");
    result(&server, &["image", &json!([photo, "s", 50]).to_string()]);
    assert_eq!(event(&mut told)["id"], "image-1");
}
