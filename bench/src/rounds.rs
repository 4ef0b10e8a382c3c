//! Rounds over all cells. Within a round, cells of one shape stand side by side, in another order each round, so that what the
//! machine does beside falls on all of them.

use crate::Outcome;
use crate::cells::Cell;
use crate::fleet::Fleet;
use crate::load::{Faults, Load, Pace};
use crate::proc;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;

/// How long, how often.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Rounds.
    pub rounds: usize,
    /// What is measured of a cell in a round.
    pub window: Duration,
    /// Load before that.
    pub warm: Duration,
}

/// One cell in one round.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// CPU time of the server for a message, in nanoseconds.
    pub cpu: f64,
    /// Messages a second.
    pub rate: f64,
    /// Latency in microseconds.
    pub p50: f64,
    /// The same.
    pub p99: f64,
    /// Share of its core that the generator used.
    pub busy: f64,
}

/// What the rounds gave.
#[derive(Default)]
pub struct Samples {
    /// Of each cell, one a round.
    pub cells: HashMap<Cell, Vec<Sample>>,
    /// Cells that could not be measured, and why.
    pub missing: HashMap<Cell, String>,
    /// What was wrong, all cells together.
    pub faults: Faults,
}

/// Measures these cells.
pub fn run(cells: &[Cell], fleet: &mut Fleet, length: Length) -> Outcome<Samples> {
    let mut samples = Samples::default();
    let mut cells = cells.to_vec();
    for cell in &cells {
        if let Err(error) = fleet.get(cell.who) {
            if cell.who.is_ours() {
                return Err(error);
            }
            eprintln!("WARNING: {} is not measured: {error}", cell.who.name());
            samples.missing.insert(*cell, error.to_string());
        }
    }
    cells.retain(|cell| !samples.missing.contains_key(cell));
    let mut shapes: Vec<_> = cells.iter().map(Cell::shape).collect();
    shapes.sort_unstable();
    shapes.dedup();
    for round in 0..length.rounds {
        eprintln!("round {} of {}", round + 1, length.rounds);
        for shape in &shapes {
            let mut alike: Vec<Cell> = cells.iter().filter(|cell| cell.shape() == *shape).copied().collect();
            let turn = round % alike.len();
            alike.rotate_left(turn);
            if round % 2 == 1 {
                alike.reverse();
            }
            for cell in alike {
                let (sample, faults) = measure(&cell, fleet, length).map_err(|e| format!("{cell}: {e}"))?;
                if faults.any() {
                    eprintln!("FAULTS in {cell}: {faults}");
                }
                samples.faults += faults;
                samples.cells.entry(cell).or_default().push(sample);
            }
        }
    }
    Ok(samples)
}

fn measure(cell: &Cell, fleet: &mut Fleet, length: Length) -> Outcome<(Sample, Faults)> {
    let (pid, target) = fleet.get(cell.who)?;
    let pace = if cell.who.is_fan_out() { Pace::FanOut(cell.depth) } else { Pace::Closed(cell.depth) };
    let mut load = Load::connect(&target, cell.wire()?, cell.connections, pace)?;
    load.window(length.warm, |_| Ok(()))?;
    let before = proc::cpu(pid)?;
    let window = load.window(length.window, |_| Ok(()))?;
    let cpu = proc::cpu(pid)? - before;
    let faults = load.finish(Duration::from_secs(10))?;
    let micros = |share| window.times.quantile(share) as f64 / 1e3;
    let count = window.times.count() as f64;
    let (p50, p99) = (micros(0.5), micros(0.99));
    Ok((Sample { cpu: cpu as f64 / count, rate: count / window.seconds, p50, p99, busy: window.busy }, faults))
}
