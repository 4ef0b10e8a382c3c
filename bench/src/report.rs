//! Rows with their figures and verdicts: as a table, and as JSON.

use crate::Outcome;
use crate::cells::{Cell, PAIRS, Pair, Quantity};
use crate::goals::{Better, Goal, Verdict, goal};
use crate::load::Faults;
use crate::machine::Machine;
use crate::rounds::{Sample, Samples};
use serde::Serialize;
use std::fmt::Write;

/// One row with its figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What it is.
    #[serde(flatten)]
    pub goal: Goal,
    /// `None`: not measured.
    pub figure: Option<f64>,
    /// Lowest and highest of what was measured.
    pub spread: Option<(f64, f64)>,
    /// How the figure stands.
    pub verdict: Verdict,
    /// What else there is to say.
    pub note: String,
}

/// A cell with its best figures.
#[derive(Clone, Debug, Serialize)]
pub struct CellFigures {
    /// Server, size, connections, depth.
    pub cell: String,
    /// The least CPU time, the highest rate, the least latencies, the generator's load in the round with the highest rate.
    #[serde(flatten)]
    pub best: Sample,
}

/// All of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where and when.
    pub machine: Machine,
    /// Few and short rounds.
    pub quick: bool,
    /// The rows.
    pub rows: Vec<Row>,
    /// The cells under load.
    pub cells: Vec<CellFigures>,
    /// What was wrong in all of it.
    pub faults: Faults,
}

impl Row {
    /// A row by name with the values that were measured and the figure that stands for them.
    pub fn new(id: &str, figure: f64, values: &[f64], note: String) -> Outcome<Self> {
        let goal = *goal(id)?;
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let spread = (!values.is_empty()).then_some((least, most));
        Ok(Self { goal, figure: Some(figure), spread, verdict: goal.verdict(figure), note })
    }

    /// A row that could not be measured. That is no pass where something must hold.
    pub fn missing(id: &str, why: &str) -> Outcome<Self> {
        let goal = *goal(id)?;
        let verdict = if goal.must.is_some() { Verdict::Missed } else { Verdict::Told };
        Ok(Self { goal, figure: None, spread: None, verdict, note: format!("NOT MEASURED: {why}") })
    }
}

/// The rows that the samples make, in the order of the table.
pub fn rows(samples: &Samples, wanted: &dyn Fn(&str) -> bool) -> Outcome<Vec<Row>> {
    PAIRS.iter().filter(|pair| wanted(pair.id)).map(|pair| row(pair, samples)).collect()
}

fn row(pair: &Pair, samples: &Samples) -> Outcome<Row> {
    let cells = [Some(pair.ours), pair.theirs].into_iter().flatten();
    if let Some(why) = cells.clone().find_map(|cell| samples.missing.get(&cell)) {
        return Row::missing(pair.id, why.lines().next().unwrap_or_default());
    }
    let of = |sample: &Sample| match pair.quantity {
        Quantity::Cpu => sample.cpu,
        Quantity::Rate => sample.rate,
    };
    let best = |values: &[f64]| match pair.quantity {
        Quantity::Cpu => values.iter().copied().fold(f64::INFINITY, f64::min),
        Quantity::Rate => values.iter().copied().fold(0.0, f64::max),
    };
    let values =
        |cell: Cell| samples.cells.get(&cell).map(|all| all.iter().map(of).collect::<Vec<_>>()).unwrap_or_default();
    let ours = values(pair.ours);
    let Some(theirs) = pair.theirs.map(values) else { return Row::new(pair.id, best(&ours), &ours, String::new()) };
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    let unit = if pair.quantity == Quantity::Cpu { "ns" } else { "/s" };
    let note = format!("{:.0} : {:.0} {unit}", best(&ours), best(&theirs));
    Row::new(pair.id, best(&ours) / best(&theirs), &ratios, note)
}

/// The best figures of each cell.
pub fn cells(samples: &Samples) -> Vec<CellFigures> {
    let mut all: Vec<(&Cell, &Vec<Sample>)> = samples.cells.iter().collect();
    all.sort_by_key(|(cell, _)| (cell.shape(), cell.who.name()));
    let least = |all: &[Sample], of: fn(&Sample) -> f64| all.iter().map(of).fold(f64::INFINITY, f64::min);
    let best = |all: &Vec<Sample>| {
        let fastest = all.iter().copied().max_by(|a, b| a.rate.total_cmp(&b.rate))?;
        Some(Sample { cpu: least(all, |s| s.cpu), p50: least(all, |s| s.p50), p99: least(all, |s| s.p99), ..fastest })
    };
    all.into_iter().filter_map(|(cell, all)| Some(CellFigures { cell: cell.to_string(), best: best(all)? })).collect()
}

impl Report {
    /// Whether every must holds and nothing was lost.
    pub fn good(&self) -> bool {
        !self.faults.any() && self.rows.iter().all(|row| row.verdict != Verdict::Missed)
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let width = self.rows.iter().map(|row| row.goal.text.len()).max().unwrap_or_default();
        let mut line = |text: std::fmt::Arguments| _ = out.write_fmt(format_args!("{text}\n"));
        line(format_args!(
            "{:width$}  {:>9}  {:>15}  {:>8}  {:>8}  verdict",
            "case", "figure", "lowest-highest", "must", "aim"
        ));
        for row in &self.rows {
            let sign = if row.goal.better == Better::More { ">=" } else { "<=" };
            let asked = |goal: Option<f64>| goal.map_or("-".to_owned(), |goal| format!("{sign} {}", number(goal)));
            let figure = row.figure.map_or("-".to_owned(), |figure| format!("{} {}", number(figure), row.goal.unit));
            let spread = row.spread.map_or("-".to_owned(), |(low, high)| format!("{}-{}", number(low), number(high)));
            let (must, aim, verdict) = (asked(row.goal.must), asked(row.goal.aim), row.verdict.text());
            let text = row.goal.text;
            line(format_args!(
                "{text:width$}  {figure:>9}  {spread:>15}  {must:>8}  {aim:>8}  {verdict:7}  {}",
                row.note
            ));
        }
        line(format_args!(""));
        if !self.cells.is_empty() {
            let width = self.cells.iter().map(|cell| cell.cell.len()).max().unwrap_or_default();
            line(format_args!(
                "{:width$}  {:>8}  {:>10}  {:>9}  {:>9}  generator",
                "best of the rounds", "CPU ns", "msgs/s", "p50 us", "p99 us"
            ));
            for CellFigures { cell, best: Sample { cpu, rate, p50, p99, busy } } in &self.cells {
                line(format_args!(
                    "{cell:width$}  {cpu:8.0}  {rate:10.0}  {p50:9.1}  {p99:9.1}  {:8.0} %",
                    busy * 100.0
                ));
            }
            line(format_args!(""));
        }
        line(format_args!("{}", self.machine));
        let verdict = if self.faults.any() { "FAILED" } else { "none is allowed" };
        line(format_args!("all replies together: {} ({verdict})", self.faults));
        out
    }
}

/// Three digits that count.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        value if value < 0.1 => format!("{value:.3}"),
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::GOALS;

    fn sample(cpu: f64, rate: f64) -> Sample {
        Sample { cpu, rate, p50: 1.0, p99: 2.0, busy: 0.5 }
    }

    #[test]
    fn a_figure_is_the_quotient_of_the_bests_and_the_spread_is_taken_in_each_round() {
        let pair = PAIRS[0];
        let mut samples = Samples::default();
        samples.cells.insert(pair.ours, vec![sample(100.0, 10.0), sample(150.0, 20.0)]);
        samples.cells.insert(pair.theirs.unwrap(), vec![sample(1000.0, 2.0), sample(500.0, 1.0)]);
        let rows = rows(&samples, &|id| id == "inline-r" || id == "rate-r").unwrap();
        assert_eq!((rows[0].figure, rows[0].spread), (Some(0.2), Some((0.1, 0.3))));
        assert_eq!((rows[1].figure, rows[1].spread), (Some(10.0), Some((5.0, 20.0))));
        assert_eq!((rows[0].verdict, rows[1].verdict), (Verdict::Must, Verdict::Aim));
    }

    #[test]
    fn what_is_missing_is_no_pass_where_something_must_hold() {
        let mut samples = Samples::default();
        samples.missing.insert(PAIRS[0].ours, "it is not installed\nlog".into());
        let rows = rows(&samples, &|_| true).unwrap();
        assert_eq!((rows[0].verdict, rows[0].note.as_str()), (Verdict::Missed, "NOT MEASURED: it is not installed"));
    }

    #[test]
    fn every_row_comes_from_somewhere() {
        let special = ["idle", "start", "rss", "swap", "gxml"];
        for goal in GOALS {
            let made = PAIRS.iter().any(|pair| pair.id == goal.id);
            let special = special.iter().any(|start| goal.id.starts_with(start));
            assert!(made != special, "{}", goal.id);
        }
    }
}
