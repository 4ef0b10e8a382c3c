//! The command line against a running server: texts, JSON and exit codes.

#![cfg(unix)]

use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{cc, dist, repo_file};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Exit code, stdout and stderr of `jackfield ARGS`.
fn jackfield(args: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = Command::new(dist::program());
    let output = command.args(args).env_clear().current_dir(folder.path()).stdin(Stdio::null()).output();
    let output = output.expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (output.status.code().expect("it is not killed"), text(output.stdout), text(output.stderr))
}

fn done(text: &str) -> (i32, String, String) {
    (0, format!("{text}\n"), String::new())
}

fn failed(code: i32, text: &str) -> (i32, String, String) {
    (code, String::new(), format!("{text}\n"))
}

/// With `--json`: the exit code and the one value on stdout.
fn json(args: &[&str]) -> (i32, Value) {
    let (code, stdout, stderr) = jackfield(&[args, &["--json"]].concat());
    assert_eq!((stderr.as_str(), stdout.lines().count()), ("", 1), "{stdout}");
    (code, serde_json::from_str(&stdout).expect("stdout is one JSON value"))
}

fn server() -> Server {
    Setup::new().plugin("echo").listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0").start()
}

#[test]
fn call_sends_a_message_or_a_key_with_params_and_prints_the_answer() {
    let server = server();
    for url in server.urls() {
        let call = |args: &[&str]| jackfield(&[&["call", "--url", url], args].concat());
        assert_eq!(call(&[r#"{"echo": {"n": [1, "ä"]}}"#]), done(r#"{"n": [1, "ä"]}"#));
        assert_eq!(call(&["echo", r#"{"n": 1}"#]), done(r#"{"n": 1}"#));
        assert_eq!(call(&["echo", "-1"]), done("-1"));
        assert_eq!(call(&["{"]), failed(1, "Error: Malformed JSON message."));
        assert_eq!(call(&["nobody", "1"]), failed(1, "Error: Unknown request:\n{\"nobody\": 1}"));
        let by_number = url.starts_with("ws").then_some("Error: Unknown command 'nobody'.");
        assert_eq!(
            call(&["nobody", "{}"]),
            failed(1, by_number.unwrap_or("Error: Unknown request:\n{\"nobody\": {}}"))
        );
        let (code, stdout, stderr) = call(&["echo", "{n: 1}"]);
        assert_eq!((code, stdout.as_str()), (2, ""));
        assert!(stderr.starts_with("error: PARAMS is not JSON: ") && stderr.contains("{n: 1}"), "{stderr}");
    }
}

#[test]
fn call_with_json_prints_one_value_whatever_the_outcome() {
    let server = server();
    for url in server.urls() {
        let call = |args: &[&str]| json(&[&["call", "--url", url], args].concat());
        assert_eq!(call(&["echo", r#"{"n": 1}"#]), (0, json!({"ok": true, "result": {"n": 1}})));
        assert_eq!(call(&["{"]), (1, json!({"ok": false, "error": "Malformed JSON message."})));
        let (code, answer) = call(&["echo", "{n: 1}"]);
        assert!((code, &answer["ok"]) == (2, &json!(false)) && answer["error"].is_string(), "{answer}");
    }
    let (code, answer) = json(&["call", "--url", server.url("ws"), "nobody", "{}"]);
    let error =
        json!({"ok": false, "error": "Unknown command 'nobody'.", "code": -32601, "data": {"culprit": "caller"}});
    assert_eq!((code, answer), (1, error));
}

#[test]
fn call_prints_an_acknowledgement_that_is_no_json_as_it_is() {
    let server = Setup::new().plugin_file(&dist::example("plugin-catch-all")).listen("tcp://127.0.0.1:0").start();
    let url = server.url("tcp");
    assert_eq!(jackfield(&["call", "--url", url, "anything", "1"]), done("O.k."));
    assert_eq!(json(&["call", "--url", url, "anything", "1"]), (0, json!({"ok": true, "result": "O.k."})));
}

#[test]
fn call_help_tells_what_the_running_server_says_of_a_command() {
    let server = server();
    for url in server.urls() {
        let (code, stdout, stderr) = jackfield(&["call", "--url", url, "--help", "echo"]);
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert!(stdout.starts_with("echo: Gives ") && stdout.contains("INLINE"), "{stdout}");
        assert!(stdout.contains("\n  jackfield call echo '") && stdout.contains("-32602  INVALID_PARAMS"), "{stdout}");
        let (code, stdout, _) = jackfield(&["call", "--url", url, "--help", "jackfield.plugins.load"]);
        assert!(code == 0 && stdout.contains("file  string  required  Its path on the server"), "{stdout}");
        let (code, answer) = json(&["call", "--url", url, "--help", "echo"]);
        assert_eq!((code, &answer["ok"], &answer["result"]["name"]), (0, &json!(true), &json!("echo")));
        let unknown = failed(1, "error: the server has no command ecko; near it: echo");
        assert_eq!(jackfield(&["call", "--url", url, "--help", "ecko"]), unknown);
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(jackfield(&["call", "--url", &format!("ws://{free}"), "--help", "echo"]).0, 3);
    let (code, stdout, _) = jackfield(&["call", "--help"]);
    assert!(code == 0 && stdout.contains("Usage: jackfield call"), "{stdout}");
}

#[test]
fn without_a_server_the_exit_code_is_3_and_the_url_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["ws", "tcp"] {
        let url = format!("{scheme}://{free}");
        let (code, stdout, stderr) = jackfield(&["call", "--url", &url, "echo", "1"]);
        assert_eq!((code, stdout.as_str()), (3, ""));
        assert!(stderr.starts_with("error: ") && stderr.contains(&url), "{stderr}");
        let (code, answer) = json(&["plugins", "list", "--url", &url]);
        assert_eq!((code, &answer["ok"]), (3, &json!(false)));
    }
    assert_eq!(jackfield(&["call", "--url", "http://127.0.0.1:1", "echo", "1"]).0, 2);
    assert_eq!(jackfield(&["call"]).0, 2);
}

#[test]
fn plugins_list_shows_each_file_and_why_one_was_refused() {
    let setup = Setup::new().plugin("echo");
    let broken = setup.home().plugin("broken");
    fs::write(&broken, "no library").unwrap();
    let server = setup.start();
    let (code, stdout, stderr) = jackfield(&["plugins", "list", "--url", server.url("ws")]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let lines: Vec<&str> = stdout.lines().collect();
    let [head, refused, reason, echo] = lines[..] else { panic!("{stdout}") };
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(head), ["ID", "VERSION", "STATE", "GENERATION", "KEYS", "FILE"]);
    let file = server.home().plugin("echo").display().to_string();
    assert_eq!(words(echo), ["echo", env!("CARGO_PKG_VERSION"), "serving", "1", "echo", &file]);
    assert!(words(refused).contains(&"refused".into()) && refused.ends_with(broken.to_str().unwrap()), "{refused}");
    assert!(reason.starts_with("  refused: proved: "), "{reason}");

    let (code, answer) = json(&["plugins", "list", "--url", server.url("ws")]);
    assert_eq!((code, &answer["ok"]), (0, &json!(true)));
    let plugins = &answer["result"]["plugins"];
    assert_eq!(plugins[0]["state"], "refused");
    assert_eq!((&plugins[1]["id"], &plugins[1]["keys"][0]["key"]), (&json!("echo"), &json!("echo")));
}

#[test]
fn plugins_reload_unload_and_load_do_what_they_say() {
    let server = server();
    let file = server.home().plugin("echo").display().to_string();
    let url = server.url("tcp");
    let echo = || jackfield(&["call", "--url", url, "echo", "1"]);
    let state = || json(&["plugins", "list", "--url", url]).1["result"]["plugins"][0].clone();

    let (code, answer) = json(&["plugins", "reload", "echo", "--url", url]);
    assert_eq!((code, &answer["ok"]), (0, &json!(true)), "{answer}");
    let reloaded = state();
    assert_eq!(reloaded["state"], "serving");
    assert!(reloaded["generation"].as_u64() > Some(1), "{reloaded}");
    assert_eq!(echo(), done("1"));

    assert_eq!(jackfield(&["plugins", "unload", "echo", "--url", url]).0, 0);
    assert_eq!(state()["state"], "unloaded");
    assert_eq!(echo(), failed(1, "Error: Unknown request:\n{\"echo\": 1}"));

    assert_eq!(jackfield(&["plugins", "load", &file, "--url", url]).0, 0);
    assert_eq!(state()["state"], "serving");
    assert_eq!(echo(), done("1"));
}

#[test]
fn plugins_that_are_not_there_are_named() {
    let server = server();
    let url = server.url("ws");
    for command in ["reload", "unload"] {
        let (code, stdout, stderr) = jackfield(&["plugins", command, "nobody", "--url", url]);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.starts_with("Error: ") && stderr.contains("nobody"), "{stderr}");
    }
    let missing = server.home().plugin("missing").display().to_string();
    for file in [&missing, "/etc/passwd"] {
        let (code, _, stderr) = jackfield(&["plugins", "load", file, "--url", url]);
        assert!(code == 1 && stderr.starts_with("Error: ") && stderr.contains(file), "{stderr}");
    }
}

#[test]
fn plugins_check_says_what_a_server_would_say_without_one() {
    let home = Home::new();
    let echo = home.install_shipped("echo").display().to_string();
    let (code, stdout, stderr) = jackfield(&["plugins", "check", &echo]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with(&format!("{echo}: sound")), "{stdout}");
    let words: Vec<Vec<&str>> = stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(words.contains(&vec!["id", "echo"]) && words.contains(&vec!["version", env!("CARGO_PKG_VERSION")]));
    assert!(words.iter().any(|words| words.starts_with(&["echo", "INLINE", "Gives"])), "{stdout}");
    let (code, answer) = json(&["plugins", "check", &echo]);
    assert_eq!((code, &answer["ok"]), (0, &json!(true)));
    assert_eq!((&answer["result"]["id"], &answer["result"]["keys"][0]["key"]), (&json!("echo"), &json!("echo")));
    assert_eq!(jackfield(&["plugins", "check"]).0, 2);
}

#[test]
fn plugins_check_names_the_step_at_which_a_file_is_refused_and_fails() {
    let home = Home::new();
    let plugin = |name: &str, content: &[u8]| {
        let file = home.plugin(name);
        fs::write(&file, content).unwrap();
        file
    };
    let echo = fs::read(dist::plugin("echo")).unwrap();
    let open = plugin("open", &echo);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o666)).unwrap();
    let crashing = home.plugin("crashing");
    let flags = ["-D_GNU_SOURCE", "-DCRASH_IN_CONSTRUCTOR", "-DFOLDER=\"\""];
    cc::library("c11", &[&repo_file("tests/c/at_load.c")], &flags, &crashing);
    let other_name = home.path().join("echo.txt");
    fs::write(&other_name, &echo).unwrap();
    for (file, reason) in [
        (home.plugin("missing"), "seen: there is no such file"),
        (other_name, "seen: the name of a plugin file ends in "),
        (home.plugins().join("folder.so"), "proved: it is a folder"),
        (open, "proved: everybody may write to it (mode 666)"),
        (plugin("cut", &echo[..echo.len() / 2]), "proved: it is "),
        (plugin("text", b"no library"), "proved: it is not a complete library"),
        (crashing, "probed: it crashed when loaded in a probe process (SIGSEGV)"),
    ] {
        if file.ends_with("folder.so") {
            fs::create_dir(&file).unwrap();
        }
        let path = file.display().to_string();
        let (code, stdout, stderr) = jackfield(&["plugins", "check", &path]);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.starts_with(&format!("error: {path}: {reason}")), "{stderr}");
        let (code, answer) = json(&["plugins", "check", &path]);
        assert_eq!((code, &answer["ok"]), (1, &json!(false)));
    }
    fs::set_permissions(home.plugins(), fs::Permissions::from_mode(0o777)).unwrap();
    let (code, _, stderr) = jackfield(&["plugins", "check", &home.install_shipped("echo").display().to_string()]);
    assert!(code == 1 && stderr.contains(": seen: its folder ") && stderr.contains("everybody may write"), "{stderr}");
}

#[test]
fn config_check_prints_what_a_server_would_do_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jackfield.toml");
    let path = file.to_str().unwrap();
    fs::write(&file, "listen = [\"tcp://127.0.0.1:0\"]\n\n[limits]\nconnections = 7\n\n[plugins]\nprobe = false\n")
        .unwrap();
    let (code, stdout, stderr) = jackfield(&["config", "check", "--config", path]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("plugins.probe = false  # "), "{stdout}");
    assert!(stdout.contains("limits.connections = 7  # ") && stdout.contains("tcp://127.0.0.1:0"), "{stdout}");
    assert_eq!(json(&["config", "check", "--config", path]).1["ok"], true);
    fs::write(&file, "[limits]\nconections = 7\n").unwrap();
    let (code, _, stderr) = jackfield(&["config", "check", "--config", path]);
    assert!(code == 2 && stderr.contains("conections") && stderr.contains("`connections`"), "{stderr}");
}

#[test]
fn completions_are_a_script_for_each_shell_and_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, stderr) = jackfield(&["completions", shell]);
        assert_eq!((code, stderr.as_str()), (0, ""));
        for word in ["serve", "call", "watch", "plugins", "config", "--listen", "--timeout"] {
            let bare = word.trim_start_matches("--");
            assert!(script.contains(bare), "{shell} does not know {word}:\n{script}");
        }
        // What is hidden from people stays hidden.
        assert!(!script.contains("probe"), "{script}");
    }
    assert_eq!(jackfield(&["completions", "nosh"]).0, 2);
    let bash = r#"eval "$1"; COMP_WORDS=(jackfield plu); COMP_CWORD=1; _jackfield jackfield plu jackfield; echo "${COMPREPLY[@]}""#;
    let script = jackfield(&["completions", "bash"]).1;
    let output = Command::new("bash").args(["-c", bash, "bash", &script]).output().expect("there is a bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), "plugins", "{output:?}");
}
