//! Plugins are replaced in every way that build tools know, hundreds of times, while clients send without pause: no command
//! is lost, doubled or answered wrongly, and the process is afterwards as it was before.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

mod common;

use common::census::Census;
use common::load::Load;
use common::variants;
use jackfield_tests::control::{self, Control, wait_for_step};
use jackfield_tests::put::Way;
use jackfield_tests::server::{Server, Setup};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Replacements of each plugin in each way.
const SWAPS: usize = 50;
/// Client processes, sessions of each, and commands that a session has under way.
const CLIENTS: (usize, usize, usize) = (2, 3, 32);

/// A file in the plugin folder, and the contents that take turns in it.
struct Target {
    file: PathBuf,
    variants: Vec<(&'static str, PathBuf)>,
    turn: usize,
    /// The line of the log up to which its steps were read.
    line: usize,
}

impl Target {
    /// With the first variant in place.
    fn new(setup: &Setup, name: &str, build: impl Fn(&'static str, &Path)) -> Self {
        let deps = setup.home().path().join("deps");
        fs::create_dir_all(&deps).unwrap();
        let variant = |version: &'static str| {
            let file = deps.join(format!("{name}-{version}.so"));
            build(version, &file);
            (version, file)
        };
        let variants: Vec<_> = variants::VERSIONS.map(variant).into();
        let file = setup.home().install(&variants[0].1, name);
        Self { file, variants, turn: 0, line: 0 }
    }

    /// Puts the next variant in place; its version and file.
    fn next(&mut self) -> (&'static str, &Path) {
        self.turn += 1;
        let (version, file) = &self.variants[self.turn % self.variants.len()];
        (version, file)
    }

    fn put(&mut self, way: Way) -> &'static str {
        let to = self.file.clone();
        let (version, from) = self.next();
        way.put(from, &to).unwrap();
        version
    }

    /// Waits until the new version serves.
    fn swapped(&mut self, server: &Server, version: &str) {
        let swapped = |step: &Value| step["step"] == "swapped" && step["version"] == version;
        self.line = wait_for_step(server, self.line, &self.file, swapped).1;
    }
}

fn setup() -> (Setup, Target, Target) {
    let setup = Setup::new().listen("ws://127.0.0.1:0").listen(control::LISTEN).config("[plugins]\nsettle_ms = 5\n");
    let setup = setup.arg("-v").arg("--log").arg("json");
    let echo = Target::new(&setup, "echo", variants::echo);
    let c = Target::new(&setup, "c", variants::c_example);
    (setup, echo, c)
}

#[test]
fn no_command_is_lost_or_answered_twice_in_hundreds_of_swaps_and_nothing_is_left_behind() {
    let (setup, mut echo, mut c) = setup();
    let server = setup.start();
    let mut control = Control::of(&server);
    let budget = |control: &mut Control| control.plugins()["reload_budget"].as_u64().expect("the budget is told");
    // An answer first: from then on the connection is one of its descriptors.
    let budget_before = budget(&mut control);
    let before = Census::take(&server);
    assert_eq!(before.copies.len(), 2, "{before:?}");

    let (processes, sessions, window) = CLIENTS;
    let mut loads: Vec<_> = (0..processes).map(|_| Load::start(server.url("ws"), sessions, window)).collect();
    let answered = |loads: &mut [Load]| -> u64 { loads.iter_mut().map(|load| load.totals().answered()).sum() };
    println!("{:10} {:>6} {:>10} {:>8} {:>9}", "way", "swaps", "answered", "s", "ms a swap");
    let mut last = answered(&mut loads);
    for way in Way::ALL {
        let begun = Instant::now();
        for _ in 0..SWAPS {
            let (echo_version, c_version) = (echo.put(way), c.put(way));
            echo.swapped(&server, echo_version);
            c.swapped(&server, c_version);
        }
        let (now, s) = (answered(&mut loads), begun.elapsed().as_secs_f64());
        let each = s * 1000.0 / SWAPS as f64;
        println!("{:10} {:>6} {:>10} {s:>8.1} {each:>9.1}", format!("{way:?}"), 2 * SWAPS, now - last);
        assert!(now > last, "the clients stand still");
        last = now;
    }
    let mut totals = Vec::new();
    for load in loads {
        totals.push(load.finish());
    }
    for total in &totals {
        let seen: BTreeSet<&str> = total.versions().collect();
        assert_eq!(seen, variants::VERSIONS.into(), "each version has answered");
    }

    // What the report says is retired may stay; all else is as it was.
    let of_c = control.wait_for_plugin(&c.file, |plugin| states(plugin, "draining").is_empty());
    let of_echo = control.wait_for_plugin(&echo.file, |plugin| states(plugin, "draining").is_empty());
    assert_eq!(states(&of_c, "retired"), Vec::<&Value>::new(), "plain C is closed");
    let retired = states(&of_echo, "retired");
    assert_eq!(retired.len(), Way::ALL.len() * SWAPS, "INLINE with thread-locals is kept, once a swap");
    assert!(retired.iter().all(|old| old["why"].as_str().is_some_and(|why| why.contains("thread-locals"))));
    let expected: BTreeSet<u64> = [&of_c, &of_echo]
        .into_iter()
        .flat_map(|plugin| plugin["generations"].as_array().into_iter().flatten())
        .filter(|generation| generation["mapped"] == true)
        .filter_map(|generation| generation["generation"].as_u64())
        .collect();
    // The copies of closed generations are gone, mapped and on the disk.
    let expected = Census { copies: expected.clone(), files: expected, ..before };
    Census::wait_for(&expected, &server, &mut control);
    let spent = budget_before.saturating_sub(budget(&mut control));
    println!("reload_budget {budget_before} -> {}", budget_before - spent);
    assert!(spent <= retired.len() as u64 + 8, "{spent} thread-local keys for {} Rust loads", retired.len());

    let _home = server.kill();
}

#[test]
fn a_file_that_is_written_slowly_is_never_loaded_half() {
    let (setup, echo, c) = setup();
    let server = setup.start();
    let mut control = Control::of(&server);
    let mut load = Load::start(server.url("ws"), 1, 8);
    for (mut target, piece) in [(echo, 32 << 10), (c, 1 << 10)] {
        let generation = control.plugin(&target.file)["generation"].clone();
        let to = target.file.clone();
        let (version, from) = target.next();
        let content = fs::read(from).unwrap();
        let mut file = fs::OpenOptions::new().write(true).truncate(true).open(&to).unwrap();
        let pieces: Vec<&[u8]> = content.chunks(piece).collect();
        let mut line = 0;
        for (index, piece) in pieces.iter().enumerate() {
            file.write_all(piece).unwrap();
            if index + 1 < pieces.len() {
                // It was looked at with this much in it, and left alone.
                line = wait_for_step(&server, line, &to, |step| step["step"] == "settled").1;
                assert_eq!(control.plugin(&to)["generation"], generation, "after {} pieces", index + 1);
            }
        }
        drop(file);
        target.swapped(&server, version);
        let plugin = control.plugin(&to);
        assert_eq!((&plugin["version"], &plugin["refused"]), (&Value::from(version), &Value::Null));
        assert_eq!(plugin["generations"].as_array().map(Vec::len), Some(2), "one swap: {plugin}");
    }
    assert!(load.totals().answered() > 0);
    load.finish();
}

fn states<'a>(plugin: &'a Value, state: &str) -> Vec<&'a Value> {
    plugin["generations"].as_array().into_iter().flatten().filter(|old| old["state"] == state).collect()
}
