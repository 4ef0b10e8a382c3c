//! libjackfield in the hands of host applications in C: its promises, one program in `tests/c/embed` each.

#![cfg(unix)]

use jackfield_tests::client::{Ws, connect};
use jackfield_tests::script::{Script, run};
use jackfield_tests::{cc, dist, hosted, repo_file};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

/// Builds a program and runs it to its good end; gives what it said.
fn ends_well(name: &str, args: &[&str]) -> String {
    let folder = folder();
    run(Command::new(hosted::program(name, folder.path(), &[])).args(args)).0
}

/// The first URL of a JSON array.
fn url(array: &str) -> String {
    let urls: Vec<String> = serde_json::from_str(array).unwrap_or_else(|e| panic!("{array}: {e}"));
    urls.into_iter().next().unwrap_or_else(|| panic!("{array} is empty"))
}

#[test]
fn every_null_stale_handle_and_short_struct_is_an_error_with_a_reason() {
    assert_eq!(ends_well("nulls", &[]), "done");
}

#[test]
fn each_function_says_the_same_of_an_engine_that_is_not_started_stops_has_stopped_or_could_not_start() {
    let data = folder();
    assert_eq!(ends_well("states", &[data.path().to_str().unwrap()]), "done");
}

#[test]
fn callbacks_may_call_the_engine_and_what_would_wait_for_itself_is_told() {
    assert_eq!(ends_well("callbacks", &[]), "done");
}

#[test]
fn handlers_that_wait_for_commands_lend_their_threads_and_too_many_are_told() {
    assert_eq!(ends_well("waits", &[]), "done");
}

#[test]
fn what_runs_when_its_engine_is_freed_is_answered_by_those_who_run_it() {
    assert_eq!(ends_well("freeing", &[]), "done");
}

#[test]
fn a_command_is_kept_until_it_is_answered_over_a_restart_and_a_free_and_no_longer() {
    assert_eq!(ends_well("unanswered", &["large"]), "done");
}

#[test]
fn a_thousand_starts_and_stops_leave_no_thread_descriptor_or_memory() {
    let folder = folder();
    let mut program = Script::start(Command::new(hosted::program("cycles", folder.path(), &[])).args(["1000", "2048"]));
    for done in 1..=10 {
        assert_eq!(program.line(), format!("{done}00 done"));
    }
    assert!(program.line().contains("over 750 cycles"));
    program.finish();
}

#[test]
fn a_stop_waits_for_the_run_that_it_found_and_no_other() {
    assert_eq!(ends_well("restarts", &[]), "done");
}

#[test]
fn eight_threads_that_call_everything_at_once_lose_and_leave_nothing() {
    let said = ends_well("threads", &["3"]);
    assert!(said.contains("handled"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn valgrind_finds_no_error_and_no_leak() {
    let folder = folder();
    for (name, args) in [
        ("nulls", &[][..]),
        ("callbacks", &[]),
        ("cycles", &["4", "1000000"]),
        ("threads", &["1"]),
        ("waits", &[]),
        ("unanswered", &[]),
        ("freeing", &[]),
    ] {
        let program = hosted::program(name, folder.path(), &[]);
        run(hosted::valgrind(&program).args(args));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn address_sanitizer_finds_no_error_and_no_leak() {
    let folder = folder();
    for (name, args) in [
        ("nulls", &[][..]),
        ("callbacks", &[]),
        ("cycles", &["20", "1000000"]),
        ("threads", &["1"]),
        ("waits", &[]),
        ("unanswered", &[]),
        ("freeing", &[]),
    ] {
        let program = hosted::program(name, folder.path(), &["-fsanitize=address", "-fno-omit-frame-pointer"]);
        run(Command::new(program).args(args).env("ASAN_OPTIONS", "detect_leaks=1"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_stays_as_it_was_and_may_fork_before_the_start_and_after() {
    let folder = folder();
    let file = folder.path().join("urls");
    let program = hosted::program("process", folder.path(), &[]);
    let mut host = Script::start(Command::new(program).arg(&file));
    assert_eq!(host.line(), "ready");
    let url = url(&std::fs::read_to_string(file).expect("it has written its URLs"));
    let authority = url.trim_start_matches("ws://").trim_end_matches('/');
    for _ in 0..50 {
        // Gone with unread answers on the way: the next write to it is a broken pipe.
        let mut gone = connect(authority);
        gone.write_all("GET /openrpc.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(16).as_bytes())
            .expect("it takes requests");
        drop(gone);
        let mut session = Ws::at(&url);
        session.send(&[r#"{"who": {}}"#; 64]);
        let socket = session.0.get_mut();
        rustix::net::sockopt::set_socket_linger(&*socket, Some(std::time::Duration::ZERO)).expect("a TCP option");
        drop(session);
    }
    assert_eq!(Ws::at(&url).ask(r#"{"who": {}}"#), "\"child\"");
    host.type_line("");
    assert_eq!(host.line(), "done");
    host.finish();
}

/// A host of `host_thread.c`, and where it listens.
fn host(folder: &TempDir, settings: &[&str]) -> (Script, String) {
    let program = hosted::program("host_thread", folder.path(), &[]);
    let mut host = Script::start(Command::new(program).args(settings));
    let url = url(&host.line());
    (host, url)
}

#[test]
fn host_thread_commands_of_many_sessions_run_on_the_thread_that_polls() {
    const SESSIONS: usize = 16;
    let each: usize =
        std::env::var("JACKFIELD_COMMANDS").map_or(400, |count| count.parse().expect("a number")) / SESSIONS;
    let folder = folder();
    let (host, url) = host(&folder, &[]);
    let counts: Vec<u64> = thread::scope(|scope| {
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut session = Ws::at(&url);
                    let ask = |session: &mut Ws| {
                        let answer: Value = serde_json::from_str(&session.receive()).unwrap();
                        assert_eq!(answer["main"], true, "{answer}");
                        answer["count"].as_u64().unwrap()
                    };
                    session.send(&[r#"{"where": {}}"#; 8]);
                    (0..each)
                        .map(|sent| {
                            let count = ask(&mut session);
                            if sent + 8 < each {
                                session.send(&[r#"{"where": {}}"#]);
                            }
                            count
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        sessions.into_iter().flat_map(|session| session.join().unwrap()).collect()
    });
    let mut seen = counts.clone();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), counts.len(), "a command was handled twice");
    Ws::at(&url).send(&[r#"{"stop": {}}"#]);
    host.finish();
}

#[test]
fn while_the_host_does_not_poll_its_commands_wait_and_others_are_answered() {
    let folder = folder();
    let (mut host, url) = host(&folder, &[]);
    let mut waiting: Vec<_> = (0..16).map(|_| Ws::at(&url)).collect();
    let mut other = Ws::at(&url);
    assert_eq!(other.ask(r#"{"pause": {}}"#), "null");
    waiting.iter_mut().for_each(|session| session.send(&[r#"{"where": {}}"#; 4]));
    waiting.iter_mut().for_each(Ws::all_read);
    for _ in 0..1000 {
        let answer: Value = serde_json::from_str(&other.ask(r#"{"inline": {}}"#)).unwrap();
        assert_eq!(answer["main"], false, "{answer}");
    }
    assert_eq!(serde_json::from_str::<Value>(&other.ask(r#"{"jackfield.info": {}}"#)).unwrap()["name"], "jackfield");
    host.type_line("");
    for session in &mut waiting {
        for _ in 0..4 {
            let answer: Value = serde_json::from_str(&session.receive()).unwrap();
            assert_eq!(answer["main"], true, "{answer}");
        }
    }
    other.send(&[r#"{"stop": {}}"#]);
    host.finish();
}

#[test]
fn a_host_that_never_polls_again_is_answered_for() {
    let folder = folder();
    let (mut host, url) = host(&folder, &["limits.plugin_queue", "8", "limits.call_s", "1"]);
    let mut session = Ws::at(&url);
    assert_eq!(session.ask(r#"{"pause": {}}"#), "null");
    let request = |id: usize| json!({"jsonrpc": "2.0", "id": id, "method": "where"}).to_string();
    let requests: Vec<String> = (0..10).map(request).collect();
    session.send(&requests.iter().map(String::as_str).collect::<Vec<_>>());
    for _ in 0..2 {
        let answer: Value = serde_json::from_str(&session.receive()).unwrap();
        assert_eq!(answer["error"]["code"], -32003, "{answer}");
    }
    let cancel = json!({"jsonrpc": "2.0", "id": "c", "method": "jackfield.cancel", "params": {"id": 3}}).to_string();
    session.send(&[&cancel]);
    let answers: Vec<Value> = (0..2).map(|_| serde_json::from_str(&session.receive()).unwrap()).collect();
    assert!(answers.iter().any(|answer| answer["id"] == 3 && answer["error"]["code"] == -32004), "{answers:?}");
    host.type_line("");
    session.send(&[r#"{"stop": {}}"#]);
    host.finish();
}

/// Puts a plugin in C into a folder.
fn counter(folder: &Path, version: &str) {
    let source = repo_file("examples/plugin-c/plugin.c");
    let version = format!("-DPLUGIN_VERSION=\"{version}\"");
    cc::library("c99", &[&source], &[&version], &cc::library_path(folder, "shared"));
}

#[test]
fn plugins_use_what_their_host_gives_and_a_key_has_one_owner_that_is_told() {
    let folder = folder();
    let place = folder.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let file = cc::library_path(&place, "guest");
    cc::library("c99", &[&repo_file("tests/c/embed/guest.c")], &[], &file);
    let program = hosted::program("plugins", folder.path(), &[]);
    assert_eq!(run(Command::new(program).arg(file)).0, "done");
}

#[test]
fn a_plugin_that_stays_in_the_process_keeps_nothing_of_the_data_folder() {
    let folder = folder();
    let (place, data) = (folder.path().join("place"), folder.path().join("data"));
    std::fs::create_dir(&place).unwrap();
    let file = dist::plugin("echo");
    std::fs::copy(&file, place.join(file.file_name().unwrap())).unwrap();
    let program = hosted::program("retired", folder.path(), &[]);
    assert_eq!(run(Command::new(program).args([place, data])).0, "done");
}

#[test]
fn where_the_application_takes_all_children_a_plugin_that_crashes_at_load_is_refused_all_the_same() {
    let folder = folder();
    let place = folder.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let file = dist::plugin("echo");
    std::fs::copy(&file, place.join(file.file_name().unwrap())).unwrap();
    let crash = "#include <stdlib.h>\n__attribute__((constructor)) static void crash(void) { abort(); }\n\
        int jackfield_plugin_v1(void);\nint jackfield_plugin_v1(void) { return 0; }\n";
    cc::library_of("c99", crash, &["-fvisibility=default"], &cc::library_path(&place, "crash"));
    let program = hosted::program("children", folder.path(), &[]);
    let said = run(Command::new(program).arg(place)).0;
    let list: Value = serde_json::from_str(&said).unwrap();
    let plugins = list["plugins"].as_array().unwrap();
    let state = |name: &str| {
        let found = plugins.iter().find(|plugin| plugin["file"].as_str().unwrap().contains(name)).unwrap();
        (found["state"].clone(), found["refused"]["step"].clone())
    };
    assert_eq!(state("echo"), (json!("serving"), Value::Null));
    assert_eq!(state("crash"), (json!("refused"), json!("probed")));
}

#[test]
fn an_unloaded_plugin_is_loaded_beside_what_is_inside_or_comes_when_that_is_out() {
    for (class, flag) in [("CONCURRENT", "0"), ("EXCLUSIVE", "JF_PLUGIN_EXCLUSIVE")] {
        let folder = folder();
        let place = folder.path().join("place");
        std::fs::create_dir(&place).unwrap();
        let file = cc::library_path(&place, "guest");
        cc::library("c99", &[&repo_file("tests/c/embed/guest.c")], &[&format!("-DFLAGS={flag}")], &file);
        let program = hosted::program("unloads", folder.path(), &[]);
        assert_eq!(run(Command::new(program).arg(file).arg(class)).0, "done");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_stop_without_time_speaks_of_callbacks_that_do_not_return_and_of_no_others() {
    assert_eq!(ends_well("stops", &[]), "done");
}

#[test]
fn callbacks_of_one_engine_use_another_and_cycles_are_found_through_both() {
    let folder = folder();
    let place = folder.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let file = cc::library_path(&place, "guest");
    cc::library("c99", &[&repo_file("tests/c/embed/guest.c")], &["-DCALL_CLASS=JF_SERIAL"], &file);
    let program = hosted::program("two", folder.path(), &[]);
    assert_eq!(run(Command::new(program).arg(file)).0, "done");
}

#[test]
fn two_engines_in_a_process_swap_one_plugin_file_under_load_and_lose_nothing() {
    const SWAPS: usize = 6;
    let folder = folder();
    let [shared, own] = ["shared", "own"].map(|name| folder.path().join(name));
    std::fs::create_dir(&shared).unwrap();
    std::fs::create_dir(&own).unwrap();
    counter(&shared, "0");
    // One has the folder, the other a link to its file, and one of its own.
    std::os::unix::fs::symlink(cc::library_path(&shared, "shared"), cc::library_path(&own, "linked")).unwrap();
    let minimal = repo_file("tests/c/minimal.c");
    cc::library("c99", &[&minimal], &[], &cc::library_path(&own, "minimal"));
    let program = hosted::program("engines", folder.path(), &[]);
    let mut host = Script::start(Command::new(program).args([&shared, &own]));
    let urls = [url(&host.line()), url(&host.line())];
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for (url, name) in urls.iter().zip(["\"a\"", "\"b\""]) {
            for _ in 0..2 {
                let (over, answered) = (&over, &answered);
                scope.spawn(move || {
                    let mut session = Ws::at(url);
                    while !over.load(Ordering::Relaxed) {
                        assert_eq!(session.ask(r#"{"c.echo": [1, 2]}"#), "[1, 2]");
                        assert_eq!(session.ask(r#"{"who": {}}"#), name);
                        answered.fetch_add(2, Ordering::Relaxed);
                    }
                });
            }
        }
        for version in (1..=SWAPS).map(|swap| swap.to_string()) {
            counter(&shared, &version);
            for url in &urls {
                // Until the new version answers there.
                let mut session = Ws::at(url);
                loop {
                    let answer: Value = serde_json::from_str(&session.ask(r#"{"c.greet": {}}"#)).unwrap();
                    if answer["version"] == *version {
                        break;
                    }
                }
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > 0);
    assert!(Ws::at(&urls[1]).ask(r#"{"jackfield.plugins": {}}"#).contains("minimal"));
    assert!(!Ws::at(&urls[0]).ask(r#"{"jackfield.plugins": {}}"#).contains("minimal"));
    host.finish();
}

#[test]
fn the_library_exports_its_functions_and_nothing_else() {
    let library = cc::library_path(&hosted::libraries(), "libjackfield");
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().unwrap();
    let symbols = String::from_utf8(output.stdout).unwrap();
    let others: Vec<&str> =
        symbols.lines().filter_map(|line| line.split(' ').nth(2)).filter(|name| !name.starts_with("jf_")).collect();
    assert_eq!(others, [""; 0]);
    // Nothing of what the header declares is missing.
    let header = std::fs::read_to_string(repo_file("include/jackfield/engine.h")).unwrap();
    let declared =
        header.lines().filter_map(|line| line.strip_prefix("JF_API ")?.split('(').next()?.rsplit([' ', '*']).next());
    let missing: Vec<&str> = declared.filter(|name| !symbols.contains(&format!(" {name}\n"))).collect();
    assert_eq!(missing, [""; 0]);
}

#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
#[test]
fn a_program_built_with_the_first_header_runs_unrebuilt_with_the_library_of_today() {
    let said = std::fs::read_to_string(repo_file("tests/fixtures/abi/first.txt")).unwrap();
    let (kept, libraries) = (repo_file("tests/fixtures/abi/first-x86_64-linux-gnu"), hosted::libraries());
    assert_eq!(run(Command::new(kept).env("LD_LIBRARY_PATH", libraries)).0, said.trim_end());
    // And so does what is built from the same text now.
    assert_eq!(ends_well("first", &[]), said.trim_end());
}
