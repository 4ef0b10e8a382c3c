//! Host applications as their authors find them: each example alone, with nothing but what is installed, and `engine.hpp`.

#![cfg(unix)]

use jackfield_tests::script::{self, Script, run};
use jackfield_tests::{cc, dist, hosted, repo_file, root};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A copy of an example, far from the repository.
fn example(name: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for entry in fs::read_dir(root().join("examples").join(name)).expect("the example is there") {
        let from = entry.expect("a folder can be read").path();
        if from.is_file() {
            fs::copy(&from, folder.path().join(from.file_name().unwrap_or_default())).expect("a file can be copied");
        }
    }
    folder
}

/// Builds the example in `folder` by its Makefile.
fn make(folder: &Path, name: &str) -> PathBuf {
    make_with(&dist::dist(), folder, name)
}

/// The same with what is installed at `prefix`.
fn make_with(prefix: &Path, folder: &Path, name: &str) -> PathBuf {
    run(Command::new("make").arg("-C").arg(folder).env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
    folder.join(name)
}

/// Builds the example in `folder` by CMake.
fn cmake(folder: &Path, name: &str) -> PathBuf {
    let build = folder.join("build");
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", dist::dist().display());
    run(Command::new("cmake").arg("-S").arg(folder).arg("-B").arg(&build).arg(prefix));
    run(Command::new("cmake").arg("--build").arg(&build));
    build.join(name)
}

/// A host that serves, and a client in Python that talks to it.
struct Served {
    host: Script,
    client: Script,
}

impl Served {
    /// Starts it, and waits for the line that says where it listens.
    fn start(command: &mut Command) -> Self {
        let mut host = Script::start(command);
        let line = host.expect(|line| line.starts_with("listening "));
        let url = line.split(['"', ' ']).find(|part| part.starts_with("ws://"));
        let url = url.unwrap_or_else(|| panic!("no URL in {line:?}"));
        let client = Script::start(script::of(&repo_file("tests/python/ask.py")).arg(url));
        Self { host, client }
    }

    /// An example in a compiled language.
    fn built(program: &Path) -> Self {
        Self::start(Command::new(program).arg("ws://127.0.0.1:0"))
    }

    fn ask(&mut self, message: &str) -> String {
        self.client.type_line(message);
        self.client.line()
    }

    /// The answer to a plain message, as JSON.
    fn result(&mut self, message: &str) -> Value {
        let answer = self.ask(message);
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{answer}: {e}"))
    }

    /// Calls by JSON-RPC.
    fn send(&mut self, method: &str, params: Value) {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params, "progress": "p"});
        self.client.type_line(&request.to_string());
    }

    /// The next message in JSON.
    fn next(&mut self) -> Value {
        let line = self.client.line();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    /// The whole answer by JSON-RPC.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.send(method, params);
        self.next()
    }

    /// The schema of the command refuses such params.
    fn refuses(&mut self, method: &str, params: Value) {
        let answer = self.call(method, params);
        assert_eq!((&answer["error"]["code"], &answer["error"]["data"]["culprit"]), (&json!(-32602), &json!("caller")));
    }

    /// Ctrl-C ends it in order, with 0.
    fn interrupted(self) -> String {
        self.host.interrupt();
        self.host.finish().0
    }
}

/// Circles of radius 2 and of none.
fn serves_circle(served: &mut Served) {
    let area = served.result(r#"{"circle": {"radius": 2}}"#)["area"].as_f64().expect("a number");
    assert!((area - 4.0 * std::f64::consts::PI).abs() < 1e-5, "{area}");
    for wrong in [json!({"radius": "2"}), json!({"radius": 0}), json!({}), json!({"radius": 2, "diameter": 4})] {
        served.refuses("circle", wrong);
    }
}

/// Whatever a plain client sends, it gets an answer, and the host goes on.
fn survives_plain_clients(served: &mut Served) {
    for wrong in ["[]", "\":\"", "{\"radius\": \"2\"}", "{\"radius\":1e999}", "null", "{\"radius\": -1}", "7"] {
        let answer = served.ask(&format!("{{\"circle\": {wrong}}}"));
        assert!(answer.starts_with("Error: "), "{wrong}: {answer}");
    }
}

/// By both ways of building it.
fn each_build(name: &str, check: impl Fn(&mut Served)) {
    for build in [make, cmake] {
        let folder = example(name);
        let mut served = Served::built(&build(folder.path(), name));
        check(&mut served);
        served.interrupted();
    }
}

#[test]
fn a_host_in_c_is_built_from_what_is_installed_and_serves_from_its_own_loop() {
    each_build("host-c", |served| {
        serves_circle(served);
        survives_plain_clients(served);
        // By position, too.
        assert!(served.call("circle", json!([1]))["result"]["circumference"].is_f64());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn makefiles_of_hosts_take_a_prefix_with_a_space() {
    let place = tempfile::tempdir().unwrap();
    let prefix = place.path().join("a place");
    std::os::unix::fs::symlink(dist::dist(), &prefix).unwrap();
    for name in ["host-c", "host-cpp", "host-glib"] {
        let folder = example(name);
        let (needs, _) = run(Command::new("ldd").arg(make_with(&prefix, folder.path(), name)));
        let library = needs.lines().find(|line| line.contains("libjackfield")).unwrap_or_default();
        assert!(library.contains("/a place/lib/"), "{name}: {needs}");
    }
}

#[test]
fn a_port_that_is_taken_ends_the_host_in_c_with_the_reason() {
    let folder = example("host-c");
    let program = make(folder.path(), "host-c");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", taken.local_addr().unwrap());
    let (code, said) = Script::start(Command::new(program).arg(&url)).end();
    assert_eq!(code, Some(1));
    assert!(said.contains(&taken.local_addr().unwrap().port().to_string()), "{said}");
}

#[test]
fn commands_of_a_host_with_glib_run_between_its_timers() {
    each_build("host-glib", |served| {
        served.refuses("ticks", json!({"n": 1}));
        assert!(served.call("jackfield.subscribe", json!({"topics": ["host.tick"]}))["result"].is_object());
        let tick = served.next()["params"]["data"].as_u64().unwrap();
        let next = served.next()["params"]["data"].as_u64().unwrap();
        assert_eq!(next, tick + 1);
        served.send("ticks", json!({}));
        // The loop has one thread: what it told before is not more than what it counts now.
        let (mut told, mut answer) = (next, served.next());
        while let Some(tick) = answer["params"]["data"].as_u64() {
            (told, answer) = (tick, served.next());
        }
        assert_eq!(answer["result"]["ticks"], told);
    });
}

#[test]
fn a_host_in_cpp_answers_later_with_progress_and_hears_events() {
    each_build("host-cpp", |served| {
        serves_circle(served);
        survives_plain_clients(served);
        served.refuses("count", json!({"to": 0}));
        served.send("count", json!({"to": 30}));
        let progress = served.next();
        assert_eq!((&progress["method"], &progress["params"]["total"]), (&json!("jackfield.progress"), &json!(30)));
        let answer = std::iter::repeat_with(|| served.next()).find(|message| message["id"] == 1);
        assert_eq!(answer.unwrap()["result"], json!({"counted": 30}));
        assert!(served.ask(r#"{"count": {"to": "x"}}"#).starts_with("Error: A number above 0"));
        // One that would take for ever is given up, and the host's thread was never held up by it.
        served.send("count", json!({"to": 100_000}));
        served.next();
        let cancel = json!({"jsonrpc": "2.0", "id": 2, "method": "jackfield.cancel", "params": {"id": 1}});
        served.client.type_line(&cancel.to_string());
        let answer = std::iter::repeat_with(|| served.next()).find(|message| message["id"] == 1);
        assert_eq!(answer.unwrap()["error"]["code"], -32004);
        served.client.type_line(
            r#"{"jsonrpc": "2.0", "method": "jackfield.publish", "params": {"topic": "greetings", "data": "hello"}}"#,
        );
        assert_eq!(served.host.line(), "greetings \"hello\"");
    });
}

/// A program in Python with the installed library.
fn python(program: &Path) -> Command {
    let mut command = script::of(program);
    command.env("JACKFIELD_LIBRARY", cc::library_path(&hosted::libraries(), "libjackfield"));
    command
}

#[test]
fn a_host_in_python_handles_commands_by_key_and_whole_messages() {
    let folder = example("host-python");
    let mut served = Served::start(python(&folder.path().join("main.py")).arg("ws://127.0.0.1:0"));
    serves_circle(&mut served);
    assert_eq!(served.ask(r#"{"circle": {}}"#), "Error: 'radius'");
    served.send("measure", json!({"points": ["a", "b"]}));
    // The newest word counts: the first may be overtaken.
    assert!(served.next()["params"]["text"].as_str().unwrap().starts_with("point "));
    let answer = std::iter::repeat_with(|| served.next()).find(|message| message["id"] == 1);
    assert_eq!(answer.unwrap()["result"], json!({"measured": 2}));
    // As in the apps of ZEISS INSPECT.
    assert_eq!(served.ask(r#"{"elements": {"file": "a.gxml"}}"#), "Ok");
    assert_eq!(served.ask(r#"{"other": 1}"#), "Error: Unknown request: {'other': 1}");
    assert!(served.interrupted().ends_with("importing a.gxml"));
}

fn edges(folder: &TempDir) -> Served {
    Served::start(python(&repo_file("tests/python/host_edges.py")).arg(folder.path()))
}

#[test]
fn handlers_in_python_run_on_its_main_thread_and_each_end_of_one_is_an_answer() {
    let folder = example("host-python");
    let mut served = edges(&folder);
    assert_eq!(served.result(r#"{"where": {}}"#), json!({"main": true}));
    let whole = r#"{"a": "\u0000\u00e4\ud83d\ude00", "b": [1, 2.5, null], "": {}}"#;
    assert_eq!(served.result(&format!("{{\"same\": {whole}}}")), serde_json::from_str::<Value>(whole).unwrap());
    assert_eq!(served.ask(r#"{"nothing": {}}"#), "null");
    assert!(served.ask(r#"{"nan": {}}"#).starts_with("Error: Out of range float values"));
    assert_eq!(served.ask(r#"{"silent": {}}"#), "Error: LookupError()");
    assert_eq!(served.ask(r#"{"unsayable": {}}"#), "Error: Unsayable, whose text cannot be had");
    assert!(served.ask(r#"{"surrogate": {}}"#).contains(r"lone surrogate, '\udcff'"));
    assert!(served.interrupted().ends_with("end"));
}

#[test]
fn exit_in_a_handler_in_python_ends_the_host_and_its_caller_is_answered() {
    let folder = example("host-python");
    let mut served = edges(&folder);
    assert_eq!(served.ask(r#"{"leave": 3}"#), "Error: 3");
    assert_eq!(served.host.end().0, Some(3));
}

#[test]
fn a_second_interrupt_ends_a_handler_in_python_that_hangs() {
    let folder = example("host-python");
    let mut served = edges(&folder);
    served.client.type_line(r#"{"hang": {}}"#);
    served.host.expect(|line| line == "hangs");
    served.host.interrupt();
    served.host.expect(|line| line == "interrupted");
    served.host.interrupt();
    assert_eq!(served.client.line(), "Error: KeyboardInterrupt()");
    let (_, said) = served.host.end();
    assert!(said.contains("KeyboardInterrupt"), "{said}");
}

/// The program that holds `engine.hpp` to its promises.
fn engine_cpp(folder: &Path) -> PathBuf {
    let linked = hosted::link_flags();
    let mut flags = vec!["-g", "-Wshadow", "-fno-rtti", "-pthread"];
    flags.extend(linked.iter().map(String::as_str));
    cc::program("c++17", &[&repo_file("tests/cpp/engine.cpp")], &flags, &folder.join("engine"))
}

#[test]
fn engine_hpp_stops_exceptions_keeps_what_is_pending_and_moves() {
    let folder = tempfile::tempdir().unwrap();
    let (said, _) = run(&mut Command::new(engine_cpp(folder.path())));
    assert_eq!(said.lines().count(), 11, "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn valgrind_finds_no_error_and_no_leak_in_engine_hpp() {
    let folder = tempfile::tempdir().unwrap();
    run(&mut hosted::valgrind(&engine_cpp(folder.path())));
}
