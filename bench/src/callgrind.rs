//! Instructions of a whole server, counted by valgrind.

use crate::Outcome;
use crate::load::{Target, lockstep};
use crate::proc::Cores;
use crate::server::{Server, Starter};
use crate::wire::Wire;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Batches of the two runs whose difference counts.
const BATCHES: [u32; 2] = [125, 750];
/// Commands in a batch.
pub const DEPTH: usize = 16;
/// For a start or stop under valgrind.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether it can be used.
pub fn works() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// What goes before the program; its count comes to `out`.
fn wrapper(out: &Path) -> Vec<String> {
    let out = format!("--callgrind-out-file={}", out.display());
    ["valgrind", "--tool=callgrind", "--trace-children=no", &out].map(str::to_owned).to_vec()
}

/// Instructions that one command costs, in user space and in every thread: the difference of a long and a short run, so that
/// start, handshake and stop are not in it. `command` makes the server's command from what goes before its program; each batch is
/// sent in one write, and the next when it is answered, so that both runs do alike.
pub fn per_command(cores: &Cores, ready: &str, wire: &Wire, command: impl Fn(&[&str]) -> Command) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let mut totals = [0; 2];
    for (total, batches) in totals.iter_mut().zip(BATCHES) {
        let out = folder.path().join(batches.to_string());
        let wrapper = wrapper(&out);
        let command = command(&wrapper.iter().map(String::as_str).collect::<Vec<_>>());
        let starter = Starter { ready, patience: PATIENCE, ..Starter::new("the server under valgrind", command) };
        let server = starter.start(cores, Some(cores.server))?;
        drive(&server, &server.target(0)?, wire, batches)?;
        server.stop(PATIENCE)?;
        let text =
            fs::read_to_string(&out).map_err(|e| format!("valgrind has left no count in {}: {e}", out.display()))?;
        *total = totals_of(&text).ok_or_else(|| format!("no totals in {}", out.display()))?;
    }
    let commands = (BATCHES[1] - BATCHES[0]) as usize * DEPTH;
    Ok((totals[1] as f64 - totals[0] as f64) / commands as f64)
}

fn drive(server: &Server, target: &Target, wire: &Wire, batches: u32) -> Outcome {
    let faults = lockstep(target, wire, batches, DEPTH).map_err(|e| format!("{e}; its log:\n{}", server.log()))?;
    if faults.any() { Err(faults.to_string().into()) } else { Ok(()) }
}

/// All instructions in an output file: its `totals:`, or the sum of `summary:`, one a part.
fn totals_of(text: &str) -> Option<u64> {
    let of = |name: &str| -> Vec<u64> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect()
    };
    let sum = |values: Vec<u64>| values.into_iter().reduce(|all, one| all + one);
    sum(of("totals:")).or_else(|| sum(of("summary:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_found() {
        assert_eq!(totals_of("version: 1\nevents: Ir\nsummary: 12\nfn=(1) a\n1 12\n\ntotals: 12\n"), Some(12));
        assert_eq!(totals_of("events: Ir\nsummary: 12 3\n"), Some(12));
        assert_eq!(totals_of("part: 1\nsummary: 12\npart: 2\nsummary: 30\n"), Some(42));
        assert_eq!(totals_of("events: Ir\n"), None);
    }
}
