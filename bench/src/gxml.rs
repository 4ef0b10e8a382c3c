//! Reading a million points, by the example of the plugin `elements`, which does the measuring; its figures are read here.

use crate::Outcome;
use crate::report::Row;
use serde::Deserialize;
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
        let output = Command::new(program)
            .arg("--json")
            .output()
            .map_err(|e| format!("cannot run {}: {e}", program.display()))?;
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

/// A line of the example: one shape of file.
#[derive(Deserialize)]
struct Line {
    shape: String,
    ratio: f64,
    /// Of the process so far.
    peak_rss_kib: f64,
}

fn read(text: &str) -> Option<Figures> {
    let lines: Vec<Line> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
    let ratio = |shape: &str| lines.iter().find(|line| line.shape == shape).map(|line| line.ratio);
    let memory = lines.iter().map(|line| line.peak_rss_kib).reduce(f64::max)?;
    Some(Figures { elements: ratio("elements")?, cloud: ratio("one cloud")?, memory: memory * 1024.0 / 1e6 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_example_are_read() {
        let text = "{\"shape\":\"elements\",\"points\":1000000,\"ratio\":2.0,\"peak_rss_kib\":900}\n\
                    {\"shape\":\"one cloud\",\"points\":1000000,\"ratio\":3.0,\"peak_rss_kib\":1000}\n";
        assert_eq!(read(text), Some(Figures { elements: 2.0, cloud: 3.0, memory: 1.024 }));
        assert_eq!(read("nothing"), None);
        assert_eq!(read(""), None);
    }
}
