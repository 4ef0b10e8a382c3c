//! `bench instructions`: what each case costs in instructions. They hardly depend on what else the machine does, so a small
//! regression shows.

use crate::Outcome;
use crate::callgrind::{per_command, works};
use crate::machine::said;
use crate::proc::{self, Cores};
use crate::tree::{Home, Tree};
use crate::wire::{Answer, Message, Speech};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What to count.
#[derive(Args)]
pub struct Order {
    #[command(flatten)]
    tree: Tree,
    /// The program of the reference servers; without it, only Jackfield is counted
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Count the guarded case alone, and fail where it has become too dear
    #[arg(long, conflicts_with = "record")]
    guard: bool,
    /// Write the counts into the repository
    #[arg(long)]
    record: bool,
}

/// The kept counts.
#[derive(Debug, Serialize, Deserialize)]
struct Counts {
    /// They change with the compiler.
    compiler: String,
    /// Instructions of a command, by case.
    instructions: BTreeMap<String, u64>,
}

/// The case that `cargo xtask test` holds.
const GUARDED: &str = "INLINE 64 B";
/// How much dearer or cheaper it may be.
const MARGIN: f64 = 0.15;
/// Where they are kept, in `bench/`.
const FILE: &str = "instructions.json";

const WS: &str = "ws://127.0.0.1:0";
const EOT: &str = "tcp://127.0.0.1:0?eol=eot";

/// The cases of Jackfield: listener, key, size, protocol.
const CASES: [(&str, &str, &str, usize, Speech); 4] = [
    (GUARDED, WS, "echo", 64, Speech::Ws),
    ("INLINE 1 KiB", WS, "echo", 1024, Speech::Ws),
    ("SERIAL 64 B", WS, "serial", 64, Speech::Ws),
    ("tcp 64 B", EOT, "echo", 64, Speech::Tcp),
];

/// Counts, prints, and holds or records. `Ok(false)`: too dear.
pub fn run(order: &Order) -> Outcome<bool> {
    if !works() {
        return Err("valgrind is missing: apt-get install valgrind".into());
    }
    let file = order.tree.source.join(FILE);
    let kept: Option<Counts> = fs::read_to_string(&file).ok().map(|text| serde_json::from_str(&text)).transpose()?;
    let cores = Cores::choose()?;
    proc::pin(cores.generator)?;
    let home = Home::new(&order.tree)?;
    home.install(&order.tree.shipped("echo"), "echo")?;
    if !order.guard {
        order.tree.compile("serial", "serial", "1.0.0", &home.plugin("serial"))?;
    }
    let mut counts = BTreeMap::new();
    let mut tell = |case: &str, count: f64| {
        let before = kept.as_ref().and_then(|kept| kept.instructions.get(case));
        let moved =
            before.map_or(String::new(), |before| format!(", recorded {before} ({:+.1} %)", change(count, *before)));
        println!("{case:14} {count:8.0} instructions a command{moved}");
        counts.insert(case.to_owned(), count.round() as u64);
    };
    for (case, listener, key, size, speech) in CASES.into_iter().filter(|(case, ..)| !order.guard || *case == GUARDED) {
        let wire = Message { key, size }.wire(speech, Answer::Params)?;
        home.clear()?;
        tell(case, per_command(&cores, "ready", &wire, |wrapper| home.command(wrapper, &[listener]))?);
    }
    for (case, mode) in [("R 64 B", "echo"), ("T 64 B", "tuned")] {
        if let Some(peers) = &order.peers {
            let wire = Message { key: "echo", size: 64 }.wire(Speech::Ws, Answer::Whole)?;
            let command = |wrapper: &[&str]| {
                let mut command = Command::new(wrapper[0]);
                command.args(&wrapper[1..]).arg(peers).arg(mode);
                command
            };
            tell(case, per_command(&cores, "listening ", &wire, command)?);
        }
    }
    if order.record {
        let compiler = said("rustc", &["--version"]);
        fs::write(&file, serde_json::to_string_pretty(&Counts { compiler, instructions: counts })? + "\n")?;
        println!("written: {}", file.display());
        return Ok(true);
    }
    if order.guard { hold(&counts, kept.as_ref()) } else { Ok(true) }
}

/// In percent.
fn change(count: f64, before: u64) -> f64 {
    (count / before as f64 - 1.0) * 100.0
}

fn hold(counts: &BTreeMap<String, u64>, kept: Option<&Counts>) -> Outcome<bool> {
    let anew = "`cargo xtask bench --instructions --record` records it anew";
    let kept = kept.ok_or_else(|| format!("{FILE} is missing: {anew}"))?;
    let Some((count, before)) = counts.get(GUARDED).zip(kept.instructions.get(GUARDED)) else {
        return Err(format!("no `{GUARDED}` in {FILE}: {anew}").into());
    };
    let change = change(*count as f64, *before) / 100.0;
    if change > MARGIN {
        let by = change * 100.0;
        println!("too dear: a command costs {by:.0} % more instructions than recorded (with {})", kept.compiler);
        println!("make it cheaper, or, where it is worth it, say why in the commit: {anew}");
        return Ok(false);
    }
    if change < -MARGIN {
        println!("much cheaper than recorded: {anew}");
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_that_is_too_dear_fails() {
        let counts = |count: u64| BTreeMap::from([(GUARDED.to_owned(), count)]);
        let kept = Counts { compiler: String::new(), instructions: counts(1000) };
        for (count, good) in [(1000, true), (1150, true), (1151, false), (100, true)] {
            assert_eq!(hold(&counts(count), Some(&kept)).unwrap(), good, "{count}");
        }
        assert!(hold(&counts(1), None).unwrap_err().to_string().contains("--record"));
    }
}
