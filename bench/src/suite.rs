//! `bench suite`: all rows, or some, and what is made of them.

use crate::cells::{Cell, PAIRS};
use crate::fleet::Fleet;
use crate::goals::{GOALS, goal};
use crate::load::Faults;
use crate::machine::Machine;
use crate::proc::{self, Cores};
use crate::report::{self, Report, Row};
use crate::rounds::{self, Length, Samples};
use crate::tree::Tree;
use crate::{Outcome, chart, gxml, idle, start, swap};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to measure, and with what.
#[derive(Args)]
pub struct Order {
    #[command(flatten)]
    tree: Tree,
    /// The program of the reference servers
    #[arg(long)]
    peers: PathBuf,
    /// A Python with the packages of peers/requirements.txt
    #[arg(long)]
    python: Option<PathBuf>,
    /// The built example `million_points`
    #[arg(long)]
    points: PathBuf,
    /// Where results.json and chart.svg go
    #[arg(long)]
    out: PathBuf,
    /// Few and short rounds
    #[arg(long)]
    quick: bool,
    /// Rows by name; all without it
    #[arg(long)]
    only: Vec<String>,
    /// Fail where a must is missed
    #[arg(long)]
    check: bool,
    /// Write the results into the repository too
    #[arg(long)]
    record: bool,
}

/// Measures, prints, writes. `Ok(false)`: something was lost, or with `check` a must was missed.
pub fn run(order: &Order) -> Outcome<bool> {
    for id in &order.only {
        goal(id)?;
    }
    if order.record && (order.quick || !order.only.is_empty()) {
        return Err("--record keeps a whole run: it goes neither with --quick nor with --only".into());
    }
    let wanted = |id: &str| order.only.is_empty() || order.only.iter().any(|only| only == id);
    let cores = Cores::choose()?;
    proc::pin(cores.generator)?;
    proc::raise();
    let mut rows = Vec::new();
    let mut faults = Faults::default();
    let mut broken = false;
    // What fails is told and counts as not measured; the others are measured all the same.
    let mut part = |starts: &[&str], measure: &mut dyn FnMut() -> Outcome<Vec<Row>>| -> Outcome {
        let ids =
            || GOALS.iter().map(|goal| goal.id).filter(|id| wanted(id) && starts.iter().any(|s| id.starts_with(s)));
        if ids().next().is_none() {
            return Ok(());
        }
        eprintln!("{}", starts.join(", "));
        match measure() {
            Ok(more) => rows.extend(more),
            Err(error) => {
                broken = true;
                eprintln!("FAILED: {error}");
                for id in ids() {
                    rows.push(Row::missing(id, "see above")?);
                }
            }
        }
        Ok(())
    };
    let times = |quick: usize, whole: usize| if order.quick { quick } else { whole };
    // Before the servers of the rounds are there.
    part(&["start", "rss"], &mut || start::rows(&order.tree, &cores, times(5, 15), &wanted))?;
    part(&["idle"], &mut || idle::rows(&order.tree, &cores, &wanted))?;
    part(&["gxml"], &mut || gxml::rows(&order.points, times(1, 3), &wanted))?;
    part(&["swap"], &mut || {
        let (rows, wrong) = swap::rows(&order.tree, &cores, times(3, 8), &wanted)?;
        faults += wrong;
        Ok(rows)
    })?;
    let samples = loads(order, &cores, &wanted)?;
    rows.extend(report::rows(&samples, &wanted)?);
    faults += samples.faults;
    rows.sort_by_key(|row: &Row| GOALS.iter().position(|goal| goal.id == row.goal.id));
    let cells = report::cells(&samples);
    let report = Report { machine: Machine::here(), quick: order.quick, rows, cells, faults };
    print!("{}", report.table());
    write(&report, &order.out)?;
    if order.record {
        write(&report, &order.tree.source)?;
    }
    Ok(!broken && !report.faults.any() && (!order.check || report.good()))
}

fn loads(order: &Order, cores: &Cores, wanted: &dyn Fn(&str) -> bool) -> Outcome<Samples> {
    let mut cells: Vec<Cell> = Vec::new();
    for pair in PAIRS.iter().filter(|pair| wanted(pair.id)) {
        for cell in [Some(pair.ours), pair.theirs].into_iter().flatten() {
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
    }
    let length = match order.quick {
        true => Length { rounds: 2, window: Duration::from_millis(300), warm: Duration::from_millis(100) },
        false => Length { rounds: 6, window: Duration::from_millis(500), warm: Duration::from_millis(150) },
    };
    let mut fleet = Fleet::new(&order.tree, order.peers.clone(), order.python.clone(), cores)?;
    rounds::run(&cells, &mut fleet, length)
}

fn write(report: &Report, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    fs::write(folder.join("results.json"), json)?;
    fs::write(folder.join("chart.svg"), chart::draw(report)?)?;
    eprintln!("written: results.json and chart.svg in {}", folder.display());
    Ok(())
}
