//! A plugin's state goes with it: through swaps under load, into another schema, past a refused version, over an orderly
//! restart; and after a crash it is the last saved one, and that is told.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control, wait_for_step};
use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{dist, root};
use serde_json::{Value, json};
use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Clients at once, what each of them adds at least, and the swaps meanwhile.
const CLIENTS: usize = 4;
const ADDITIONS: usize = 250;
const SWAPS: usize = 20;

/// The counter of a version and schema, built in a target folder of its own; in `home`, outside the plugin folder.
fn built(home: &Home, version: &str, schema: u32) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _building = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let target = dist::target().join("variants");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--package=example-plugin-counter", "--lib", "--quiet", "--target-dir"]).arg(&target);
    if schema == 1 {
        cargo.arg("--features=schema-1");
    }
    cargo.env("JACKFIELD_COUNTER_VERSION", version).env("CARGO_PROFILE_DEV_STRIP", "debuginfo");
    let output = cargo.current_dir(root()).stdin(Stdio::null()).output().expect("cargo runs the tests, and can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (prefix, suffix) = (consts::DLL_PREFIX, consts::DLL_SUFFIX);
    let built = target.join("debug").join(format!("{prefix}example_plugin_counter{suffix}"));
    let to = home.path().join(format!("counter-{version}{suffix}"));
    fs::copy(&built, &to).unwrap_or_else(|e| panic!("{}: {e}", built.display()));
    to
}

/// A server on these folders, and its counter.
struct Run {
    server: Server,
    control: Control,
    line: usize,
}

impl Run {
    fn start(home: Home) -> Self {
        let setup = Setup::in_home(home).listen(control::LISTEN).arg("-v").arg("--log").arg("json");
        let server = setup.config("[plugins]\nsettle_ms = 5\n").start();
        Self { control: Control::of(&server), server, line: 0 }
    }

    fn add(&mut self, by: u64) -> u64 {
        add(&mut self.control, by)
    }

    /// Count, schema, how it came, and the version that saved it.
    fn get(&mut self) -> (u64, u64, String, Option<String>) {
        let report = self.control.call("counter.get", &json!({}));
        let text = |name: &str| report[name].as_str().map(str::to_owned);
        let number = |name: &str| report[name].as_u64().unwrap();
        (number("count"), number("schema"), text("came").unwrap(), text("saved_by"))
    }

    /// Puts a library into place and waits for the step of its swap.
    fn put(&mut self, library: &Path, step: &str, version: &str) -> Value {
        let file = self.server.home().install(library, "counter");
        let matches = |told: &Value| told["step"] == step && (told["version"] == version || step == "refused");
        let (told, line) = wait_for_step(&self.server, self.line, &file, matches);
        self.line = line;
        told
    }

    fn stop(self) -> Home {
        self.server.terminate();
        let (ended, home) = self.server.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        home
    }

    fn crash(self) -> Home {
        self.server.kill()
    }
}

fn add(control: &mut Control, by: u64) -> u64 {
    control.call("counter.add", &json!({ "by": by }))["count"].as_u64().unwrap()
}

/// What the run says and its schema, in short.
fn came(count: u64, schema: u64, came: &str, saved_by: &str) -> (u64, u64, String, Option<String>) {
    (count, schema, came.into(), Some(saved_by.into()))
}

#[test]
fn no_addition_of_several_clients_is_lost_or_doubled_in_twenty_swaps() {
    let home = Home::new();
    let versions = ["2.0.1", "2.0.2"].map(|version| (version, built(&home, version, 2)));
    home.install(&versions[0].1, "counter");
    let mut run = Run::start(home);
    let swapped = AtomicBool::new(false);
    let mut counts = thread::scope(|scope| {
        let client = || {
            let mut control = Control::of(&run.server);
            let mut counts = Vec::new();
            while counts.len() < ADDITIONS || !swapped.load(Ordering::Relaxed) {
                counts.push(add(&mut control, 1));
            }
            assert!(counts.is_sorted(), "a client sees its own additions in order");
            counts
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let file = run.server.home().plugin("counter");
        for swap in 1..=SWAPS {
            let (version, library) = &versions[swap % 2];
            run.server.home().install(library, "counter");
            let matches = |told: &Value| told["step"] == "swapped" && told["version"] == *version;
            run.line = wait_for_step(&run.server, run.line, &file, matches).1;
        }
        swapped.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<u64>>()
    });
    counts.sort_unstable();
    assert!(counts.len() >= CLIENTS * ADDITIONS);
    // Each addition was by 1 and told its count: these are all numbers, once.
    assert!(counts.iter().copied().eq(1..=counts.len() as u64), "{} answers", counts.len());
    assert_eq!(run.get(), came(counts.len() as u64, 2, "handed_over", versions[1].0));
}

#[test]
fn the_count_goes_into_a_new_schema_and_stays_when_the_old_one_refuses_it() {
    let home = Home::new();
    let (one, two) = (built(&home, "1.0.0", 1), built(&home, "2.0.0", 2));
    home.install(&one, "counter");
    let mut run = Run::start(home);
    assert_eq!(run.add(5), 5);
    assert_eq!(run.get(), (5, 1, "fresh".into(), None));
    run.put(&two, "swapped", "2.0.0");
    assert_eq!(run.get(), came(5, 2, "handed_over", "1.0.0"));
    assert_eq!(run.add(2), 7);
    let refused = run.put(&one, "refused", "");
    let reason = refused["reason"].as_str().unwrap();
    assert!(reason.contains("schema 2, which is newer than schema 1"), "{reason}");
    assert_eq!(run.add(1), 8);
    assert_eq!(run.get(), came(8, 2, "handed_over", "1.0.0"));
    // Nor does it cost anything later.
    let mut run = Run::start({
        let home = run.stop();
        home.install(&two, "counter");
        home
    });
    assert_eq!(run.get(), came(8, 2, "handed_over", "2.0.0"));
}

#[test]
fn the_count_is_there_after_an_orderly_restart() {
    let home = Home::new();
    home.install(&built(&home, "2.0.1", 2), "counter");
    let mut run = Run::start(home);
    assert_eq!(run.add(3), 3);
    for restarts in 1..=3 {
        run = Run::start(run.stop());
        assert_eq!(run.get(), came(2 + restarts, 2, "handed_over", "2.0.1"));
        assert_eq!(run.add(1), 3 + restarts);
    }
}

#[test]
fn after_a_crash_the_last_saved_count_is_there_and_that_is_told() {
    let home = Home::new();
    let (first, second) = (built(&home, "2.0.1", 2), built(&home, "2.0.2", 2));
    home.install(&first, "counter");
    // Nothing was saved yet.
    let mut run = Run::start(home);
    run.add(1);
    let mut run = Run::start(run.crash());
    assert_eq!(run.get(), (0, 2, "after_crash".into(), None));
    // Saved at an orderly stop.
    run.add(3);
    let mut run = Run::start(run.stop());
    assert_eq!(run.add(4), 7);
    let mut run = Run::start(run.crash());
    assert_eq!(run.get(), came(3, 2, "after_crash", "2.0.1"));
    let file = run.server.home().plugin("counter");
    let told = |step: &Value| step["reason"].as_str().is_some_and(|reason| reason.contains("is lost"));
    wait_for_step(&run.server, 0, &file, told);
    run.server.expect_log("is lost; the count is 3");
    // Saved at a hand-over.
    assert_eq!(run.add(2), 5);
    run.put(&second, "swapped", "2.0.2");
    assert_eq!(run.add(1), 6);
    let mut run = Run::start(run.crash());
    assert_eq!(run.get(), came(5, 2, "after_crash", "2.0.1"));
}
