//! How long a server takes from the making of its process to the line `ready`, and what memory it has then.

use crate::Outcome;
use crate::proc::{self, Cores};
use crate::report::{Row, number};
use crate::tree::{Home, Tree};
use std::env::consts::DLL_SUFFIX;
use std::fs;
use std::time::Duration;

/// The larger of the two numbers of plugins.
const MANY: usize = 10;

/// Rows without plugins and with ten; each start and its repetition so many times.
pub fn rows(tree: &Tree, cores: &Cores, times: usize, wanted: &dyn Fn(&str) -> bool) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (plugins, ids) in [(0, ["start-0", "start-0-next", "rss-0"]), (MANY, ["start-10", "start-10-next", "rss-10"])] {
        if ids.iter().any(|id| wanted(id)) {
            let home = Home::new(tree)?;
            if plugins > 0 {
                install(&home, tree)?;
            }
            rows.extend(measure(&home, cores, times, plugins, ids)?);
        }
    }
    rows.retain(|row| wanted(row.goal.id));
    Ok(rows)
}

fn measure(home: &Home, cores: &Cores, times: usize, plugins: usize, ids: [&str; 3]) -> Outcome<Vec<Row>> {
    let mut all = [const { Vec::new() }; 3];
    for _ in 0..times {
        home.clear()?;
        for next in [false, true] {
            // On all cores, as a server starts.
            let server = home.start(cores, None, &["ws://127.0.0.1:0"])?;
            let served = server.log().matches("step=\"swapped\"").count();
            if served != plugins {
                let text = format!("{served} plugins serve at `ready`, expected {plugins}; the log:\n{}", server.log());
                return Err(text.into());
            }
            all[usize::from(next)].push(server.start.as_secs_f64() * 1e3);
            if !next {
                all[2].push(proc::quick_memory(server.pid())? as f64 / 1024.0);
            }
            server.stop(Duration::from_secs(30))?;
        }
    }
    ids.into_iter()
        .zip(&mut all)
        .map(|(id, values)| {
            values.sort_by(f64::total_cmp);
            let note = format!("best of {times}; median {}", number(values[times / 2]));
            Row::new(id, values[0], values, note)
        })
        .collect()
}

/// The shipped plugins, the examples', and small ones in C to make ten, as if they had been there for a while.
fn install(home: &Home, tree: &Tree) -> Outcome {
    let mut count = 0;
    for folder in ["lib/jackfield/plugins", "share/jackfield/examples"] {
        for entry in fs::read_dir(tree.dist.join(folder))? {
            let from = entry?.path();
            let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(DLL_SUFFIX).filter(|name| !name.starts_with('.')) {
                home.install(&from, name)?;
                count += 1;
            }
        }
    }
    for number in count..MANY {
        let id = format!("bench-{number}");
        tree.compile(&id, &format!("bench.{number}"), "1.0.0", &home.plugin(&id))?;
    }
    home.age()
}
