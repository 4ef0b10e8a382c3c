//! What swaps of one plugin cost the commands of another.

use crate::Outcome;
use crate::load::{Faults, Load, Pace, Target, Window};
use crate::proc::{self, Cores};
use crate::report::{Row, number};
use crate::server::Server;
use crate::tree::{Home, Tree};
use crate::wire::{Answer, Message, Speech};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Between two swaps.
const EVERY: f64 = 0.1;
/// Each window, with or without swaps.
const WINDOW: Duration = Duration::from_secs(1);
/// The plugin that is swapped.
const OTHER: &str = "serial";

/// One window.
struct Cost {
    cpu: f64,
    p99: f64,
}

/// All rows of the case, from so many pairs of windows.
pub fn rows(tree: &Tree, cores: &Cores, pairs: usize, wanted: &dyn Fn(&str) -> bool) -> Outcome<(Vec<Row>, Faults)> {
    let home = Home::usual(tree)?;
    let server = home.start(cores, Some(cores.server), &["ws://127.0.0.1:0"])?;
    let target = server.target(0)?;
    let versions = ["1.0.1", "1.0.2"].map(|version| home.staged(version));
    for version in &versions {
        let name = version.file_name().unwrap_or_default().to_string_lossy();
        tree.compile(OTHER, OTHER, &name, version)?;
    }
    let rate = top_rate(&target)? / 2.0;
    let wire = Message { key: "echo", size: 64 }.wire(Speech::Ws, Answer::Params)?;
    let mut load = Load::connect(&target, wire, 16, Pace::Open(rate))?;
    load.window(WINDOW / 2, |_| Ok(()))?;
    let before = generation(tree, &server)?;
    let mut costs: [Vec<Cost>; 2] = Default::default();
    let mut renames = 0;
    for pair in 0..pairs {
        // The other first in every second pair.
        for swaps in [pair % 2 == 0, pair % 2 == 1] {
            let count = if swaps { (WINDOW.as_secs_f64() / EVERY) as usize } else { 0 };
            let staged = stage(&home, &versions, renames, count)?;
            let mut staged = staged.iter();
            let mut next = EVERY / 2.0;
            let cpu = proc::long_cpu(server.pid())?;
            let window = load.window(WINDOW, |seconds| {
                if seconds >= next
                    && let Some(file) = staged.next()
                {
                    next += EVERY;
                    renames += 1;
                    fs::rename(file, home.plugin(OTHER))?;
                }
                Ok(())
            })?;
            costs[usize::from(swaps)].push(cost(&window, proc::long_cpu(server.pid())? - cpu));
            // What a swap leaves to be done belongs to its window; not to the next one.
            load.window(WINDOW / 4, |_| Ok(()))?;
        }
    }
    let faults = load.finish(Duration::from_secs(10))?;
    let swaps = generation(tree, &server)? - before;
    if swaps * 2 < renames as u64 {
        return Err(format!("{swaps} swaps after {renames} new files; the log:\n{}", server.log()).into());
    }
    let note = format!("{renames} files renamed, {swaps} swaps, {rate:.0} commands/s");
    let errors = (faults.lost + faults.doubled + faults.wrong + faults.closed) as f64;
    let mut rows = vec![
        Row::new("swap-faults", errors, &[], note)?,
        ratio("swap-cpu", &costs, "ns", |cost| cost.cpu)?,
        ratio("swap-p99", &costs, "us", |cost| cost.p99)?,
    ];
    rows.retain(|row| wanted(row.goal.id));
    Ok((rows, faults))
}

/// The median of the pairs' ratios: each pair stands side by side in time.
fn ratio(id: &str, [without, with]: &[Vec<Cost>; 2], unit: &str, of: fn(&Cost) -> f64) -> Outcome<Row> {
    let mut ratios: Vec<f64> = with.iter().zip(without).map(|(with, without)| of(with) / of(without)).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = |costs: &[Cost]| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        number(values[values.len() / 2])
    };
    let note = format!("median of {} pairs; {} : {} {unit}", ratios.len(), middle(with), middle(without));
    Row::new(id, ratios[ratios.len() / 2], &ratios, note)
}

fn cost(window: &Window, cpu: u64) -> Cost {
    Cost { cpu: cpu as f64 / window.times.count() as f64, p99: window.times.quantile(0.99) as f64 / 1e3 }
}

/// What the server can do at most, measured just before.
fn top_rate(target: &Target) -> Outcome<f64> {
    let wire = Message { key: "echo", size: 64 }.wire(Speech::Ws, Answer::Params)?;
    let mut load = Load::connect(target, wire, 16, Pace::Closed(16))?;
    load.window(WINDOW / 4, |_| Ok(()))?;
    let window = load.window(WINDOW, |_| Ok(()))?;
    load.finish(Duration::from_secs(10))?;
    Ok(window.times.count() as f64 / window.seconds)
}

/// Copies to be renamed into their place: made before, so that the generator has but the rename to do.
fn stage(
    home: &Home,
    versions: &[std::path::PathBuf; 2],
    done: usize,
    count: usize,
) -> Outcome<Vec<std::path::PathBuf>> {
    (done..done + count)
        .map(|number| {
            let to = home.staged(&format!("copy-{number}"));
            fs::copy(&versions[number % 2], &to)?;
            Ok(to)
        })
        .collect()
}

/// The generation of the plugin that serves.
fn generation(tree: &Tree, server: &Server) -> Outcome<u64> {
    let url = server.urls.first().ok_or("it listens")?;
    let output = Command::new(tree.program()).args(["plugins", "list", "--json", "--url", url]).output()?;
    let list: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let plugins = list["result"]["plugins"].as_array().ok_or_else(|| format!("no plugins in {list}"))?;
    let plugin = plugins.iter().find(|plugin| plugin["id"] == OTHER);
    let generation = plugin.and_then(|plugin| plugin["generation"].as_u64());
    Ok(generation.ok_or_else(|| format!("no generation of {OTHER} in {list}"))?)
}
