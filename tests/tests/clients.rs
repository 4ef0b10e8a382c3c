//! Our own client libraries: their tests, their scenarios against a server that is ended and started again, their packages,
//! and the one for JavaScript in a web page.

#![cfg(unix)]

use jackfield_tests::browser::{Browser, Site};
use jackfield_tests::client::Ws;
use jackfield_tests::gate::{self, Gate};
use jackfield_tests::script::{self, Script};
use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{repo_file, root};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const PYTHON: &str = "tests/clients/scenario.py";
const JAVASCRIPT: &str = "tests/clients/scenario.mjs";

/// How the server ends that the scenario is connected to.
#[derive(Clone, Copy)]
enum End {
    /// Killed while nothing is asked of it.
    Idle,
    /// Killed while a call is under way.
    InFlight,
    /// Stopped in order.
    Orderly,
}

fn start(home: Home) -> Server {
    ["image", "elements", "project", "echo"].into_iter().fold(Setup::in_home(home), Setup::plugin).start()
}

fn play(scenario: &str, end: End) {
    let server = start(Home::new());
    let mut command = script::of(&repo_file(scenario));
    command.arg(server.url("ws"));
    command.arg(repo_file("tests/fixtures/gxml/kensobi_model1_2023_part_all.gxml"));
    command.arg(repo_file("tests/fixtures/images/photo.jpg"));
    let mut client = Script::start(&mut command);
    for step in ["import", "progress", "watch", "upload", "cancel", "errors"] {
        assert_eq!(client.line(), format!("ok {step}"));
    }
    assert_eq!(client.line(), "ready for restart");
    let home = match end {
        End::Idle => {
            let home = server.kill();
            client.type_line("");
            client.expect(|line| line.starts_with("ok lost"));
            home
        }
        End::InFlight => {
            // It takes the call, and does not get to it.
            server.pause();
            client.type_line("");
            assert_eq!(client.line(), "calling");
            let home = server.kill();
            assert_eq!(client.line(), "ok lost in flight");
            home
        }
        End::Orderly => {
            client.type_line("");
            assert_eq!(client.line(), "calling");
            server.terminate();
            let (ended, home) = server.wait();
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            client.expect(|line| line.starts_with("ok lost"));
            home
        }
    };
    let server = start(home);
    client.type_line(server.url("ws"));
    assert_eq!(client.line(), "ok reconnected");
    client.finish();
}

#[test]
fn the_python_scenario_over_a_server_killed_while_idle() {
    play(PYTHON, End::Idle);
}

#[test]
fn the_python_scenario_over_a_server_killed_under_a_call() {
    play(PYTHON, End::InFlight);
}

#[test]
fn the_python_scenario_over_an_orderly_stop() {
    play(PYTHON, End::Orderly);
}

#[test]
fn the_javascript_scenario_over_a_server_killed_while_idle() {
    play(JAVASCRIPT, End::Idle);
}

#[test]
fn the_javascript_scenario_over_a_server_killed_under_a_call() {
    play(JAVASCRIPT, End::InFlight);
}

#[test]
fn the_javascript_scenario_over_an_orderly_stop() {
    play(JAVASCRIPT, End::Orderly);
}

#[test]
fn the_tests_of_the_python_client_pass() {
    let (_, told) = script::run(script::python().args(["-m", "unittest"]).current_dir(root().join("clients/python")));
    // Without any test it is content, too.
    assert!(told.contains("\nOK") && !told.contains("\nRan 0 tests"), "{told}");
}

#[test]
fn the_tests_of_the_javascript_client_pass() {
    let folder = root().join("clients/js/test");
    let files = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files: Vec<PathBuf> = files.filter(|file| file.to_string_lossy().ends_with(".test.mjs")).collect();
    assert!(!files.is_empty(), "no tests in {}", folder.display());
    script::run(script::node().arg("--test").args(files));
}

#[test]
fn the_python_package_is_built_and_installed_from_its_folder() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::with(&["echo"]));
    let place = folder.path().join("site");
    // From what is there: the tests need no network.
    let options = ["--disable-pip-version-check", "--no-cache-dir", "--no-index", "--no-deps", "--no-build-isolation"];
    let mut pip = script::python();
    pip.args(["-m", "pip", "install"]).args(options).arg("--target").arg(&place).arg(root().join("clients/python"));
    script::run(&mut pip);
    assert!(place.join("jackfield/py.typed").is_file(), "it has no types");
    let code = "import jackfield, sys\n\
                with jackfield.connect_blocking(sys.argv[1]) as client:\n\
                \x20   print(jackfield.__file__, client.call('echo', n=1))";
    let mut command = script::python();
    command.args(["-c", code, server.url("ws")]).env("PYTHONPATH", &place).current_dir(folder.path());
    let (told, _) = script::run(&mut command);
    assert_eq!(told, format!("{} {{'n': 1}}", place.join("jackfield/__init__.py").display()));
}

/// npm that asks nobody and leaves nothing behind.
fn npm(folder: &tempfile::TempDir) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder.path()).env("npm_config_cache", folder.path().join("cache"));
    for (option, value) in [("offline", "true"), ("update_notifier", "false"), ("audit", "false"), ("fund", "false")] {
        npm.env(format!("npm_config_{option}"), value);
    }
    npm
}

#[test]
fn the_javascript_package_is_packed_and_installed_from_its_folder() {
    let server = Server::with(&["echo"]);
    let source = root().join("clients/js");
    let packed = tempfile::tempdir().unwrap();
    let (told, _) = script::run(npm(&packed).args(["pack", "--silent"]).arg(&source));
    for from in [packed.path().join(told.trim()), source] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package.json"), "{}").unwrap();
        script::run(npm(&folder).args(["install", "--no-package-lock", "--ignore-scripts"]).arg(&from));
        assert!(folder.path().join("node_modules/jackfield/jackfield.d.ts").is_file(), "it has no types");
        let code = "import { connect } from 'jackfield';\n\
                    import { createRequire } from 'node:module';\n\
                    const WebSocket = createRequire(`${process.cwd()}/`)('ws');\n\
                    const client = await connect(process.argv[1], { WebSocket });\n\
                    console.log(JSON.stringify(await client.call('echo', { n: 1 })));\n\
                    await client.close();";
        let mut command = script::node();
        command.args(["--input-type=module", "--eval", code, server.url("ws")]).current_dir(folder.path());
        assert_eq!(script::run(&mut command).0, r#"{"n":1}"#, "from {}", from.display());
    }
}

#[test]
fn the_javascript_client_works_in_a_web_page() {
    let page = ("/", repo_file("tests/fixtures/browser/client.html"));
    let site = Site::open(&[page, ("/jackfield.js", repo_file("clients/js/jackfield.js"))]);
    let setup = gate::setup().plugin("echo").config(&format!("[http]\norigins = {}\n", json!([site.origin()])));
    let (gate, next) = (Gate::new(setup.home(), "held"), Gate::new(setup.home(), "waits"));
    let server = setup.start();
    let (held, waits) = (gate.path().display(), next.path().display());
    let url = format!("{}/?ws={}&held={held}&waits={waits}", site.origin(), server.address("ws"));
    let browser = Browser::open(&url, &[]);
    let told = site.told(&browser);
    assert_eq!(told, json!({"echo": {"n": 1, "text": "ä"}, "unknown": "caller", "aborted": "AbortError"}));
    drop(gate.entered());
    let told = site.told(&browser);
    let event = json!({"topic": "room.1", "data": {"n": 2}, "dropped": 0});
    let file = json!([true, true, "a.bin", "application/x-a"]);
    assert_eq!(told, json!({"released": "released", "event": event, "bytes": true, "file": file}));
    // Were the call that was given up not cancelled, this one would wait behind it.
    assert_eq!(Ws::to(&server).ask(r#"{"gate.serial": 1}"#), "1");
}
