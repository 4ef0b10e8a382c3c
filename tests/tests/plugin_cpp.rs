//! Plugins in C++, over `plugin.hpp`: the example is swapped under load and gone from memory, and whatever a handler throws,
//! forgets or keeps for later is answered as the header promises.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::client::{Message, Ws};
use jackfield_tests::control::{self, Control, wait_for_step};
use jackfield_tests::rpc::Rpc;
use jackfield_tests::server::{Server, Setup};
use jackfield_tests::{PATIENCE, cc, repo_file, root};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use tempfile::TempDir;

/// A library in C++ with the flags that `plugin.hpp` asks for, and warnings beside those that it promises to pass.
fn library(standard: &str, sources: &[&str], flags: &[&str], to: &Path) -> PathBuf {
    let sources: Vec<PathBuf> = sources.iter().map(|source| repo_file(source)).collect();
    let sources: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    let hidden = format!("-Wl,--version-script={}", repo_file("include/jackfield/plugin.map").display());
    let flags = [&[hidden.as_str(), "-fno-gnu-unique", "-Wshadow", "-pthread"], flags].concat();
    cc::library(standard, &sources, &flags, to)
}

const CLIENTS: usize = 2;

/// Where libraries that several tests use are put.
fn shared() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// Plugin `edges` of these sources, in `shared`; without run-time type information, which the headers do not need.
fn edges(version: &str, defines: &[&str]) -> PathBuf {
    let version = format!("-DVERSION=\"{version}\"");
    let flags = [&["-fno-rtti", version.as_str()], defines].concat();
    let folder = tempfile::tempdir_in(shared()).unwrap().keep();
    library("c++17", &["tests/cpp/edges.cpp", "tests/cpp/edges_more.cpp"], &flags, &folder.join("edges"))
}

fn first_edges() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| edges("1.0.0", &[]))
}

/// Plugin `refused`, which throws at this place, in `folder`.
fn refused(at: &str, folder: &Path) -> PathBuf {
    let flag = format!("-DAT=\"{at}\"");
    library("c++20", &["tests/cpp/refused.cpp"], &[&flag], &folder.join(format!("refused-{at}")))
}

/// The example, by its Makefile, in `folder`.
fn example(version: &str, folder: &Path) -> PathBuf {
    let to = folder.join(format!("example-{version}"));
    let mut make = Command::new("make");
    make.arg("-C").arg(root().join("examples/plugin-cpp")).arg(format!("PLUGIN_VERSION={version}"));
    let output = make.arg(format!("OUT={}", to.display())).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    to
}

/// A server to be with an operator's listener.
fn setup() -> Setup {
    let listen = Setup::new().listen("ws://127.0.0.1:0").listen(control::LISTEN);
    listen.arg("-v").arg("--log").arg("json").config("[plugins]\nsettle_ms = 5\n")
}

fn with_edges() -> Server {
    let setup = setup().plugin("echo");
    setup.home().install(first_edges(), "edges");
    setup.start()
}

fn rpc(server: &Server) -> Rpc {
    Rpc(Ws::to(server))
}

/// The error that a command is answered with: number, message, and what it says for programs.
fn failure(client: &mut Rpc, method: &str) -> (i64, String, Value) {
    let mut answer = client.ask(method, &json!({}));
    let error = answer["error"].take();
    let text = error["message"].as_str().unwrap_or_else(|| panic!("{method} does not fail: {answer}"));
    (error["code"].as_i64().unwrap(), text.to_owned(), error["data"].clone())
}

/// Waits until a generation has ended; it must be closed.
fn wait_until_closed(control: &mut Control, file: &Path, generation: &Value) {
    let state = |plugin: &Value| {
        let all = plugin["generations"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|one| one["generation"] == *generation);
        found.map(|one| one["state"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    let plugin = control.wait_for_plugin(file, |plugin| ["closed", "retired"].contains(&state(plugin).as_str()));
    assert_eq!(state(&plugin), "closed", "{plugin}");
}

/// Libraries of plugin folders that the server has mapped.
fn mapped(server: &Server) -> usize {
    let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).unwrap();
    let data = server.home().data();
    let mut files: Vec<&str> = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| path)).collect();
    files.retain(|path| Path::new(&format!("/{path}")).starts_with(&data) && path.contains("plugins"));
    files.sort_unstable();
    files.dedup();
    files.len()
}

/// Calls both commands of the example, again and again, until it is swapped and the new version has answered. Tells when the
/// first answers have come.
fn greet_until(swapped: &AtomicBool, server: &Server, told: mpsc::Sender<()>) {
    let mut client = rpc(server);
    let mut versions: Vec<String> = Vec::new();
    while !swapped.load(Ordering::Relaxed) || versions.last().is_none_or(|version| version != "2.0.0") {
        client.send("primes", "cpp.primes", &json!({"below": 20_000 + versions.len()}));
        client.send("greet", "cpp.greet", &json!({"name": "Ada"}));
        let (mut greeted, mut counted) = (client.receive(), client.receive());
        if greeted["id"] == "primes" {
            (greeted, counted) = (counted, greeted);
        }
        assert!(counted["result"]["primes"].as_u64().is_some_and(|primes| primes >= 2_262), "{counted}");
        assert_eq!(greeted["result"]["to"], json!({"name": "Ada"}), "{greeted}");
        versions.push(greeted["result"]["version"].as_str().unwrap().to_owned());
        if versions.len() == 1 {
            told.send(()).expect("the test goes on");
        }
    }
    assert!(versions.is_sorted() && versions[0] == "1.0.0", "{versions:?}");
}

#[test]
fn the_example_is_swapped_under_load_and_nothing_is_lost_and_the_old_version_is_unmapped() {
    let setup = setup();
    let (one, two) = (example("1.0.0", setup.home().path()), example("2.0.0", setup.home().path()));
    let file = setup.home().install(&one, "cpp-example");
    let server = setup.start();
    let mut control = Control::of(&server);
    let old = control.plugin(&file)["generation"].clone();
    assert_eq!(mapped(&server), 1);
    let swapped = AtomicBool::new(false);
    thread::scope(|scope| {
        let (told, hears) = mpsc::channel();
        for _ in 0..CLIENTS {
            let told = told.clone();
            let (swapped, server) = (&swapped, &server);
            scope.spawn(move || greet_until(swapped, server, told));
        }
        for _ in 0..CLIENTS {
            hears.recv_timeout(PATIENCE).expect("each client is answered by the first version");
        }
        server.home().install(&two, "cpp-example");
        wait_for_step(&server, 0, &file, |step| step["step"] == "swapped" && step["version"] == "2.0.0");
        swapped.store(true, Ordering::Relaxed);
    });
    wait_until_closed(&mut control, &file, &old);
    assert_eq!(mapped(&server), 1, "the old copy is gone from memory");
    let mut client = rpc(&server);
    assert_eq!(client.call("cpp.primes", &json!([100])), json!({"primes": 25}));
    assert_eq!(client.error("cpp.primes", &json!({"below": -1})), -32602);
    let plain = Ws::to(&server).ask(r#"{"cpp.primes": "many"}"#);
    assert!(plain.starts_with("Error: The params of 'cpp.primes' must be"), "{plain}");
    server.terminate();
    assert_eq!(server.wait().0.code, Some(0));
}

#[test]
fn what_a_handler_throws_is_the_answer() {
    let server = with_edges();
    let mut client = rpc(&server);
    for (method, code, text) in [
        ("edges.runtime", -32010, "no such lens"),
        ("edges.latin", -32010, "no \u{fffd}toile, étoile \u{fffd}\u{fffd}\u{fffd}"),
        ("edges.argument", -32602, "no such angle"),
        ("edges.memory", -32016, "out of memory"),
        ("edges.early", -32010, "before it was moved"),
        ("edges.thrown", -32010, "from a thread"),
        ("edges.call_none", -32601, "call 'none': unknown key"),
        ("edges.ok", -32603, "not ok at all"),
    ] {
        let (number, message, data) = failure(&mut client, method);
        assert_eq!((number, message.as_str()), (code, text), "{method}");
        assert_eq!(data["plugin"], "edges", "{method}: {data}");
    }
    let (number, message, data) = failure(&mut client, "edges.failure");
    assert_eq!((number, message.as_str()), (-32016, "The camera is off."));
    assert_eq!((&data["code"], &data["details"]), (&json!(17), &json!({"camera": 3})), "{data}");
    // The answer is the thread's; what was thrown besides is told to the operator.
    assert_eq!(client.call("edges.moved", &json!({})), "late");
    server.expect_log("after it was moved");
    let (number, message, _) = failure(&mut client, "edges.broken");
    assert_eq!(number, -32603);
    assert!(message.contains("malformed"), "{message}");
    assert_eq!(client.call("edges.view", &json!({"a": 1})), json!({"a": 1}));
}

#[test]
fn what_is_no_exception_of_the_standard_library_counts_as_a_panic_and_ends_nothing() {
    let server = with_edges();
    let mut client = rpc(&server);
    let (number, message, _) = failure(&mut client, "edges.int");
    assert_eq!((number, message.as_str()), (-32011, "an exception that is no std::exception"));
    assert_eq!(client.call("edges.view", &json!([1])), json!([1]));
}

#[test]
fn a_command_is_answered_now_or_later_and_one_that_is_forgotten_fails() {
    let server = with_edges();
    let mut client = rpc(&server);
    assert_eq!(client.call("edges.late", &json!({})), "late");
    assert_eq!(client.call("edges.null", &json!({})), Value::Null);
    assert_eq!(client.call("edges.buffer", &json!({})), json!([1]));
    assert_eq!(client.call("edges.big", &json!({})).as_str().map(str::len), Some(8 << 20));
    assert_eq!(client.call("edges.threads", &json!({})), json!(true));
    let (number, message, _) = failure(&mut client, "edges.forgotten");
    assert_eq!((number, message.as_str()), (-32010, "The plugin gave up 'edges.forgotten' without an answer."));
    let misuses = Control::of(&server).plugin(&server.home().plugin("edges"))["generations"][0]["misuses"].clone();
    assert_eq!(misuses, json!(0), "all that was answered once");
}

#[test]
fn a_cancel_reaches_the_plugin_and_its_answer_is_that_of_the_command() {
    let server = with_edges();
    let mut client = rpc(&server);
    let request = json!({"jsonrpc": "2.0", "id": "held", "method": "edges.held", "params": {}, "progress": "mark"});
    client.0.send(&[&request.to_string()]);
    let progress = client.receive();
    assert_eq!((&progress["params"]["done"], &progress["params"]["text"]), (&json!(1), &json!("held")), "{progress}");
    client.send(1, "jackfield.cancel", &json!({"id": "held"}));
    let mut answers = [client.receive(), client.receive()];
    answers.sort_by_key(|answer| answer["id"] == 1);
    let [held, cancel] = &answers;
    assert_eq!(cancel["result"], json!({"cancelled": true}));
    assert_eq!(
        (&held["error"]["code"], &held["error"]["message"]),
        (&json!(-32004), &json!("given up as asked")),
        "{held}"
    );
}

#[test]
fn attachments_go_both_ways() {
    let server = with_edges();
    let mut client = rpc(&server);
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "edges.turn", "params": {"$attachment": 0}, "attachments": 1,
        "attachment_info": [{"name": "came", "content_type": "text/plain"}]});
    client.0.send(&[&request.to_string()]);
    client.0.0.send(Message::Binary("abc".into())).unwrap();
    let answer = client.receive();
    assert_eq!(answer["result"], json!([{"$attachment": 0}, {"$attachment": 1}]), "{answer}");
    let info = json!([{"name": "turned", "content_type": "text/plain"}, {"name": "came", "content_type": ""}]);
    assert_eq!((&answer["attachments"], &answer["attachment_info"]), (&json!(2), &info), "{answer}");
    assert_eq!((client.binary(), client.binary()), (b"cba".to_vec(), b"abc".to_vec()));
    let (number, message, _) = failure(&mut client, "edges.turn");
    assert_eq!((number, message.as_str()), (-32602, "There is no attachment 0."));
}

#[test]
fn a_plugin_publishes_hears_calls_and_stores() {
    let server = with_edges();
    let (mut listener, mut client) = (rpc(&server), rpc(&server));
    listener.call("jackfield.subscribe", &json!({"topics": ["edges.heard"]}));
    assert_eq!(client.call("edges.say", &json!({"n": 1})), Value::Null);
    assert_eq!(listener.receive()["params"]["data"], json!({"n": 1}));
    server.expect_log("event: thrown from event");
    let (_, message, _) = failure(&mut client, "edges.say_badly");
    assert_eq!(message, "publish on 'no..topic': invalid argument");
    assert_eq!(client.call("edges.call", &json!([7])), json!({"echoed": [7]}));
    let (number, message, _) = failure(&mut client, "edges.call_failing");
    assert!(number != 0 && message.contains("none"), "{number} {message}");
    let stored = client.call("edges.store", &json!([5]));
    assert_eq!(stored, json!({"ids": "first second from each", "none": true, "first": [5], "blob": "of "}));
}

#[test]
fn a_state_goes_with_a_plugin_and_one_that_is_not_wanted_refuses_the_swap() {
    let server = with_edges();
    let file = server.home().plugin("edges");
    let (mut client, mut control) = (rpc(&server), Control::of(&server));
    let old = control.plugin(&file)["generation"].clone();
    assert_eq!([1, 2].map(|_| client.call("edges.count", &json!({}))), [json!(1), json!(2)]);
    server.home().install(&edges("1.5.0", &["-DREFUSE"]), "edges");
    let (step, line) = wait_for_step(&server, 0, &file, |step| step["step"] == "refused");
    let reason = step["reason"].as_str().unwrap();
    assert!(reason.contains("does not want what version 1.0.0 saved"), "{reason}");
    assert_eq!(client.call("edges.count", &json!({})), 3);
    server.home().install(&edges("2.0.0", &[]), "edges");
    wait_for_step(&server, line, &file, |step| step["step"] == "swapped");
    assert_eq!(
        (client.call("edges.count", &json!({})), client.call("edges.version", &json!({}))),
        (json!(4), json!("2.0.0"))
    );
    wait_until_closed(&mut control, &file, &old);
    assert_eq!(mapped(&server), 2, "this one, and echo");
}

#[test]
fn what_the_plugin_throws_before_it_serves_refuses_it_and_the_operator_is_told_why() {
    let setup = setup();
    let good = refused("", setup.home().path());
    let file = setup.home().install(&good, "refused");
    let server = setup.start();
    let mut client = rpc(&server);
    let mut line = 0;
    for (at, told) in [
        ("commands", "the declaration of the commands: thrown at commands"),
        ("enter", "a thread cannot enter: thrown at enter"),
        ("create", "thrown at create"),
        ("start", "thrown at start"),
    ] {
        let library = refused(at, server.home().path());
        server.home().install(&library, "refused");
        let (step, next) = wait_for_step(&server, line, &file, |step| step["step"] == "refused");
        line = next;
        if ["create", "start"].contains(&at) {
            assert!(step["reason"].as_str().unwrap().contains(told), "{step}");
        } else {
            server.expect_log(told);
        }
        assert_eq!(client.call("refused", &json!([at])), json!([at]), "the one before goes on");
    }
    // What stop throws costs nothing.
    server.home().install(&refused("stop", server.home().path()), "refused");
    wait_for_step(&server, line, &file, |step| step["step"] == "swapped");
    server.home().install(&good, "refused");
    server.expect_log("stop: thrown at stop");
    assert_eq!(client.call("refused", &json!([1])), json!([1]));
}

#[test]
fn a_plugin_with_inline_commands_is_unmapped_once_the_library_of_cpp_is_there() {
    let setup = setup();
    setup.home().install(first_edges(), "a-first");
    let file = setup.home().plugin("refused");
    let server = setup.start();
    let mut control = Control::of(&server);
    server.home().install(&refused("", server.home().path()), "refused");
    let before = control.wait_for_plugin(&file, |plugin| plugin["state"] == "serving")["generation"].clone();
    assert_eq!(control.call("refused", &json!([1])), json!([1]));
    control.call("jackfield.plugins.reload", &json!({"plugin": "refused"}));
    wait_until_closed(&mut control, &file, &before);
    assert_eq!(mapped(&server), 2);
}

#[test]
fn an_old_host_is_served_and_without_memory_each_command_is_still_answered_once() {
    let sources = ["tests/cpp/host.cpp", "tests/cpp/edges.cpp", "tests/cpp/edges_more.cpp"].map(repo_file);
    let sources = [sources[0].as_path(), &sources[1], &sources[2]];
    let flags = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"];
    let program = cc::program("c++17", &sources, &flags, &shared().join("host"));
    let output = Command::new(program).stdin(Stdio::null()).output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    // With a command that ends before its attachments, and with a whole one.
    for line in [
        "edges.version 0 \"1.0.0\"",
        "edges.turn -3 There is no attachment 0.",
        "edges.turn 0 [{\"$attachment\": 0}, {\"$attachment\": 1}] cba abc",
        "edges.big 0 owned \"xx",
        "edges.replaced -2 The plugin gave up 'edges.replaced' without an answer.",
        "edges.call_none -4 call 'none': unknown key",
        "edges.call 0 {\"echoed\": [2]}",
        "edges.say -12 publish on 'edges.said': no such service",
    ] {
        assert!(said.lines().any(|found| found == line), "{line:?} is not in:\n{said}");
    }
}
