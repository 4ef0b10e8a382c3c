//! The chart: one bar a row with its must and its aim, on a panel of its own colour, so that it is read on any background.

use crate::Outcome;
use crate::goals::{Better, Verdict};
use crate::report::{Report, Row, number};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: i32 = 1080;
/// Where bars begin and end.
const LEFT: i32 = 470;
const RIGHT: i32 = 940;
const LINE: i32 = 26;
const HEAD: i32 = 64;

const PAPER: RGBColor = RGBColor(252, 252, 253);
const INK: RGBColor = RGBColor(31, 35, 40);
const PALE: RGBColor = RGBColor(101, 109, 118);
const GRID: RGBColor = RGBColor(222, 226, 231);
const AIM: RGBColor = RGBColor(45, 140, 85);
const MUST: RGBColor = RGBColor(56, 118, 190);
const MISSED: RGBColor = RGBColor(205, 75, 65);
const TOLD: RGBColor = RGBColor(140, 148, 158);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An axis: which values are where.
struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    fn at(&self, value: f64) -> i32 {
        let place = |value: f64| if self.log { value.ln() } else { value };
        let value = value.clamp(self.low, self.high);
        let share = (place(value) - place(self.low)) / (place(self.high) - place(self.low));
        LEFT + (share * f64::from(RIGHT - LEFT)).round() as i32
    }
}

/// The chart as SVG.
pub fn draw(report: &Report) -> Outcome<String> {
    let measured = || report.rows.iter().filter(|row| row.figure.is_some());
    let ratios: Vec<&Row> = measured().filter(|row| row.goal.unit == "x").collect();
    // Of what is no ratio, the share of what is allowed is shown.
    let others: Vec<&Row> =
        measured().filter(|row| row.goal.unit != "x" && row.goal.must.is_some_and(|m| m > 0.0)).collect();
    let part = |rows: &[&Row]| if rows.is_empty() { 0 } else { rows.len() as i32 * LINE + 76 };
    let height = HEAD + part(&ratios) + part(&others) + 44;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, height as u32)).into_drawing_area();
        area.fill(&PAPER)?;
        area.draw(&Rectangle::new([(0, 0), (WIDTH - 1, height - 1)], GRID))?;
        text(&area, "What a command costs", (24, 16), 20, INK, HPos::Left)?;
        legend(&area)?;
        let mut top = HEAD;
        if !ratios.is_empty() {
            let axis = Axis { low: 0.02, high: 20.0, log: true };
            let ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
            head(&area, "as a ratio to the reference in the same run (R: plain echo, T: tuned echo)", top)?;
            grid(&area, &axis, &ticks, top + 28, ratios.len(), |tick| format!("{tick}"))?;
            for (at, row) in ratios.iter().enumerate() {
                bar(&area, &axis, row, 1.0, top + 28 + at as i32 * LINE)?;
            }
            top += part(&ratios);
        }
        if !others.is_empty() {
            let axis = Axis { low: 0.0, high: 1.5, log: false };
            head(&area, "as a share of what is allowed", top)?;
            let ticks = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5];
            grid(&area, &axis, &ticks, top + 28, others.len(), |tick| format!("{:.0} %", tick * 100.0))?;
            for (at, row) in others.iter().enumerate() {
                bar(&area, &axis, row, row.goal.must.unwrap_or(1.0), top + 28 + at as i32 * LINE)?;
            }
        }
        let quick = if report.quick { ", few and short rounds" } else { "" };
        text(&area, &format!("{}{quick}", report.machine), (24, height - 28), 13, PALE, HPos::Left)?;
        area.present()?;
    }
    Ok(svg)
}

fn head(area: &Area, words: &str, top: i32) -> Outcome {
    text(area, words, (24, top + 4), 14, PALE, HPos::Left)
}

fn legend(area: &Area) -> Outcome {
    let mut at = LEFT - 40;
    for (words, colour) in [("aim reached", AIM), ("must holds", MUST), ("must missed", MISSED), ("told alone", TOLD)] {
        area.draw(&Rectangle::new([(at, 20), (at + 11, 31)], colour.filled()))?;
        text(area, words, (at + 17, 19), 13, PALE, HPos::Left)?;
        at += 98;
    }
    mark(area, at + 4, 18, false)?;
    text(area, "must", (at + 12, 19), 13, PALE, HPos::Left)?;
    mark(area, at + 54, 18, true)?;
    text(area, "aim", (at + 62, 19), 13, PALE, HPos::Left)?;
    area.draw(&PathElement::new([(at + 98, 26), (at + 122, 26)], INK))?;
    text(area, "spread", (at + 128, 19), 13, PALE, HPos::Left)
}

fn grid(area: &Area, axis: &Axis, ticks: &[f64], top: i32, rows: usize, name: impl Fn(f64) -> String) -> Outcome {
    let bottom = top + rows as i32 * LINE + 2;
    for tick in ticks {
        let at = axis.at(*tick);
        let colour = if *tick == 1.0 { TOLD } else { GRID };
        area.draw(&PathElement::new([(at, top - 2), (at, bottom)], colour))?;
        text(area, &name(*tick), (at, bottom + 5), 12, PALE, HPos::Center)?;
    }
    Ok(())
}

fn bar(area: &Area, axis: &Axis, row: &Row, unit: f64, top: i32) -> Outcome {
    let Some(figure) = row.figure else { return Ok(()) };
    let colour = match row.verdict {
        Verdict::Aim => AIM,
        Verdict::Must => MUST,
        Verdict::Missed => MISSED,
        Verdict::Told => TOLD,
    };
    let better = if row.goal.better == Better::More { " (more is better)" } else { "" };
    text(area, &format!("{}{better}", row.goal.text), (LEFT - 12, top + 5), 13, INK, HPos::Right)?;
    // Where there is a one, a bar says how far from it; from the left it would say nothing on a logarithmic axis.
    let from = if axis.log { axis.at(1.0) } else { LEFT };
    let to = axis.at(figure / unit);
    area.draw(&Rectangle::new(
        [(from.min(to), top + 6), (from.max(to).max(from.min(to) + 2), top + 19)],
        colour.filled(),
    ))?;
    if let Some((low, high)) = row.spread {
        let ends = [(axis.at(low / unit), top + 12), (axis.at(high / unit), top + 12)];
        area.draw(&PathElement::new(ends, INK))?;
    }
    for (goal, is_aim) in [(row.goal.must, false), (row.goal.aim, true)] {
        if let Some(goal) = goal {
            mark(area, axis.at(goal / unit), top + 3, is_aim)?;
        }
    }
    let shown = format!("{} {}", number(figure), row.goal.unit);
    text(area, &shown, (RIGHT + 14, top + 5), 13, INK, HPos::Left)
}

/// A full line for a must, a broken one for an aim.
fn mark(area: &Area, at: i32, top: i32, is_aim: bool) -> Outcome {
    let piece = |from: i32, to: i32| PathElement::new([(at, top + from), (at, top + to)], INK.stroke_width(2));
    if is_aim {
        for from in [0, 7, 14] {
            area.draw(&piece(from, from + 4))?;
        }
    } else {
        area.draw(&piece(0, 18))?;
    }
    Ok(())
}

fn text(area: &Area, words: &str, at: (i32, i32), size: i32, colour: RGBColor, side: HPos) -> Outcome {
    let style = ("sans-serif", size).into_font().color(&colour).pos(Pos::new(side, VPos::Top));
    Ok(area.draw(&Text::new(words.to_owned(), at, style))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Faults;
    use crate::machine::Machine;

    #[test]
    fn a_chart_has_each_row_that_was_measured() {
        let rows = vec![
            Row::new("inline-r", 0.15, &[0.14, 0.16], String::new()).unwrap(),
            Row::new("idle", 20.0, &[], String::new()).unwrap(),
            Row::missing("redis", "not there").unwrap(),
        ];
        let report = Report { machine: Machine::here(), quick: true, rows, cells: vec![], faults: Faults::default() };
        let svg = draw(&report).unwrap();
        assert!(svg.contains("CPU against R") && svg.contains("20.0 KiB") && !svg.contains("Redis"), "{svg}");
        assert!(svg.contains(&report.machine.date));
    }
}
