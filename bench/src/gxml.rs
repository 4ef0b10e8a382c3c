//! Reading a million points, by the example of the plugin `elements`, which does the measuring; its figures are read here.

use crate::Outcome;
use crate::report::Row;
use std::path::Path;
use std::process::Command;

/// What one run of the example says.
#[derive(Debug, Default, PartialEq)]
struct Figures {
    elements: f64,
    cloud: f64,
    memory: f64,
}

/// The rows, from so many runs.
pub fn rows(program: &Path, times: usize, wanted: &dyn Fn(&str) -> bool) -> Outcome<Vec<Row>> {
    let mut runs = Vec::new();
    for _ in 0..times {
        let output = Command::new(program).output().map_err(|e| format!("cannot run {}: {e}", program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let figures = read(&text).filter(|_| output.status.success());
        let said = || format!("{} says:\n{text}{}", program.display(), String::from_utf8_lossy(&output.stderr));
        runs.push(figures.ok_or_else(said)?);
    }
    let row = |id: &str, of: fn(&Figures) -> f64, best: fn(f64, f64) -> f64| {
        let values: Vec<f64> = runs.iter().map(of).collect();
        let figure = values.iter().copied().reduce(best).unwrap_or(f64::NAN);
        Row::new(id, figure, &values, format!("{} of {times}", if id == "gxml-memory" { "most" } else { "best" }))
    };
    let mut rows = vec![
        row("gxml-elements", |run| run.elements, f64::min)?,
        row("gxml-cloud", |run| run.cloud, f64::min)?,
        row("gxml-memory", |run| run.memory, f64::max)?,
    ];
    rows.retain(|row| wanted(row.goal.id));
    Ok(rows)
}

/// Its lines: `N points as WHAT, ...`, `... RATIO times as long`, `most memory: N kB`.
fn read(text: &str) -> Option<Figures> {
    let mut ratios =
        text.lines().filter_map(|line| line.strip_suffix(" times as long")?.rsplit(' ').next()?.parse().ok());
    let memory =
        text.lines().find_map(|line| line.strip_prefix("most memory: ")?.strip_suffix(" kB")?.parse::<f64>().ok());
    Some(Figures { elements: ratios.next()?, cloud: ratios.next()?, memory: memory? * 1024.0 / 1e6 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_example_are_read() {
        let text = "1000000 points as elements, 300 MiB\n  bare events 1.2s, records 2.4s: 2.00 times as long\n\
                    1000000 points as one cloud, 100 MiB\n  bare events 1s, records 3s: 3.00 times as long\nmost memory: 1000 kB\n";
        assert_eq!(read(text), Some(Figures { elements: 2.0, cloud: 3.0, memory: 1.024 }));
        assert_eq!(read("nothing"), None);
    }
}
