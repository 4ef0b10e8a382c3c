//! What a probe process says of a library that does something bad when it is loaded, and that nothing of it is left.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield::sys::probe::ProbeProcess;
use jackfield_engine::services::{Probe, ProbeError};
use jackfield_tests::{PATIENCE, cc, dist, repo_file};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long enough for any library that does not hang.
const LIMIT: Duration = PATIENCE;

/// A folder with one library: `tests/c/at_load.c`, which does `what` while it is loaded.
struct Candidate {
    folder: TempDir,
    library: PathBuf,
}

fn candidate(what: &str) -> Candidate {
    let folder = tempfile::tempdir().unwrap();
    let library = cc::library_path(folder.path(), "candidate");
    let flags = ["-D_GNU_SOURCE".to_owned(), format!("-D{what}"), format!("-DFOLDER=\"{}\"", folder.path().display())];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    cc::library("c11", &[&repo_file("tests/c/at_load.c")], &flags, &library);
    Candidate { folder, library }
}

impl Candidate {
    fn probe(&self, limit: Duration) -> Result<(), ProbeError> {
        ProbeProcess::new(dist::program()).probe(&self.library, limit)
    }

    /// Why it is refused.
    fn refused(&self, limit: Duration) -> String {
        match self.probe(limit) {
            Err(ProbeError::Refused(reason)) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Waits until a process has gone: killed, and reaped by whoever is its parent.
fn wait_until_gone(process: &str) {
    let begun = Instant::now();
    let stat = Path::new("/proc").join(process).join("stat");
    // A zombie has gone too: its new parent may be slow.
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(begun.elapsed() < PATIENCE, "process {process} is still there");
        thread::yield_now();
    }
}

/// Processes that this test has started and that are not gone.
fn children() -> Vec<String> {
    let text = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_sound_library_is_described_and_its_create_is_never_called() {
    let candidate = candidate("SOUND");
    let described = ProbeProcess::new(dist::program()).describe(&candidate.library, LIMIT).unwrap();
    let described: Value = serde_json::from_str(&described).unwrap();
    assert_eq!(
        (&described["id"], &described["version"], &described["abi"]),
        (&json!("at-load"), &json!("1.2.3"), &json!("1.0"))
    );
    assert_eq!(described["flags"], json!(["EXCLUSIVE"]));
    assert_eq!(described["keys"], json!([{"key": "at-load", "class": "SERIAL", "help": "Does nothing"}]));
    assert_eq!(fs::read_to_string(candidate.file("entered")).unwrap(), "no service, stdin is empty, no core");
    assert!(!candidate.file("created").exists(), "create was called");
    assert_eq!(candidate.probe(LIMIT), Ok(()));
    assert_eq!(children(), Vec::<String>::new());
}

#[test]
fn a_library_that_crashes_is_refused_with_the_signal_and_its_last_words() {
    for (what, signal) in
        [("CRASH_IN_CONSTRUCTOR", "SIGSEGV"), ("CRASH_IN_ENTRY", "SIGABRT"), ("CRASH_AT_UNLOAD", "SIGFPE")]
    {
        let reason = candidate(what).refused(LIMIT);
        assert_eq!(
            reason,
            format!("it crashed when loaded in a probe process ({signal}); its last words: about to crash")
        );
    }
}

#[test]
fn a_library_that_hangs_is_ended_at_the_limit() {
    let candidate = candidate("HANG_IN_CONSTRUCTOR");
    let begun = Instant::now();
    // Enough for a busy machine to come as far as that.
    let limit = Duration::from_secs(2);
    let reason = candidate.refused(limit);
    assert_eq!(
        reason,
        "it hung when loaded in a probe process: longer than 2 s (limit probe_s); its last words: hanging"
    );
    assert!((limit..PATIENCE).contains(&begun.elapsed()));
    wait_until_gone(&fs::read_to_string(candidate.file("process")).unwrap());
}

#[test]
fn a_library_that_ends_the_process_is_refused_with_the_exit_code() {
    for (what, code) in [("EXIT_0_IN_ENTRY", 0), ("EXIT_1_IN_ENTRY", 1), ("EXIT_3_IN_ENTRY", 3)] {
        let reason = candidate(what).refused(LIMIT);
        assert_eq!(reason, format!("it ended the process itself with exit code {code} when loaded in a probe process"));
    }
}

#[test]
fn whatever_a_library_prints_is_no_answer_and_does_not_hold_up_the_probe() {
    let candidate = candidate("WRITE_A_MEGABYTE");
    let described = ProbeProcess::new(dist::program()).describe(&candidate.library, LIMIT).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&described).unwrap()["id"], "at-load", "{described}");
    let talkative = self::candidate("WRITE_A_MEGABYTE_AND_CRASH").refused(LIMIT);
    assert!(talkative.len() < 500, "{} bytes of reason", talkative.len());
    assert!(talkative.ends_with("the end"), "{talkative}");
    // One that writes without end is over at the limit all the same.
    let endless = self::candidate("WRITE_WITHOUT_END").refused(Duration::from_millis(300));
    assert!(endless.starts_with("it hung"), "{endless}");
}

#[test]
fn a_bad_descriptor_is_refused_in_the_words_of_the_engine() {
    assert_eq!(
        candidate("BAD_DESCRIPTOR").refused(LIMIT),
        "the plugin's descriptor cannot be used: the id \"At Load\" is not 1 to 64 of a-z, 0-9, '-', '_', '.'"
    );
    assert_eq!(
        candidate("ENTRY_FAILS").refused(LIMIT),
        "the entry function jackfield_plugin_v1 answered -3, not JF_OK (0)"
    );
    let missing = candidate("MISSING_SYMBOL").refused(LIMIT);
    assert!(
        missing.starts_with("the system cannot load the library: ") && missing.contains("nowhere_at_all"),
        "{missing}"
    );
}

#[test]
fn what_a_library_starts_is_gone_with_the_probe() {
    let candidate = candidate("FORK_A_CHILD_THAT_STAYS");
    let begun = Instant::now();
    assert_eq!(candidate.probe(LIMIT), Ok(()));
    // It holds the pipes of the probe, and nobody waits for it.
    assert!(begun.elapsed() < LIMIT / 2);
    wait_until_gone(&fs::read_to_string(candidate.file("process")).unwrap());
}

#[test]
fn a_probe_ends_when_its_server_dies() {
    let candidate = candidate("HANG_IN_CONSTRUCTOR");
    // As the server starts it, and the end of stdin stands for the end of the server.
    let mut child = Command::new(dist::program())
        .args(["probe", "--watched"])
        .arg(&candidate.library)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "hanging\n");
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait().unwrap()));
    let status = end.recv_timeout(PATIENCE).expect("it ends");
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn several_probes_at_once_do_not_meet() {
    let (sound, hung) = (candidate("SOUND"), candidate("HANG_IN_CONSTRUCTOR"));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(sound.probe(LIMIT), Ok(())));
            scope.spawn(|| assert!(hung.refused(Duration::from_millis(500)).starts_with("it hung")));
        }
    });
}

#[test]
fn without_a_program_the_probe_is_unavailable_and_says_nothing_of_the_library() {
    let candidate = candidate("SOUND");
    let missing = ProbeProcess::new(candidate.file("no-program"));
    let Err(ProbeError::Unavailable(reason)) = missing.probe(&candidate.library, LIMIT) else {
        panic!("there is no program")
    };
    assert!(reason.contains("no-program") && !reason.contains("candidate.so"), "{reason}");
}

#[test]
fn a_probe_sees_nothing_of_the_servers_environment_but_what_loaders_need() {
    let candidate = candidate("SOUND");
    assert_eq!(candidate.probe(LIMIT), Ok(()));
    let names = fs::read_to_string(candidate.file("environment")).unwrap();
    let known = |name: &str| {
        ["PATH", "LANG", "LANGUAGE", "TMPDIR", "LD_LIBRARY_PATH"].contains(&name) || name.starts_with("LC_")
    };
    // Cargo gives this test dozens of variables.
    assert!(names.lines().all(known), "{names}");
}
