//! The rows of the bench: what each is, what must hold, what is aimed at.

use serde::Serialize;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// The smaller, the better.
    Less,
    /// The larger, the better.
    More,
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// Short name, for `--only`.
    pub id: &'static str,
    /// What is measured.
    pub text: &'static str,
    /// Of the figure; `x` is a ratio to a reference in the same run.
    pub unit: &'static str,
    /// Which way is good.
    pub better: Better,
    /// What must hold.
    pub must: Option<f64>,
    /// What is aimed at.
    pub aim: Option<f64>,
}

/// How a figure stands to its goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As good as it is aimed at.
    Aim,
    /// Good enough.
    Must,
    /// Not good enough.
    Missed,
    /// Told alone: nothing is asked, or only an aim, which is not reached.
    Told,
}

impl Verdict {
    /// As it is printed.
    pub fn text(self) -> &'static str {
        match self {
            Self::Aim => "aim",
            Self::Must => "must",
            Self::Missed => "MISSED",
            Self::Told => "-",
        }
    }
}

impl Goal {
    /// How this figure stands.
    pub fn verdict(&self, figure: f64) -> Verdict {
        let reaches = |goal: f64| match self.better {
            Better::Less => figure <= goal,
            Better::More => figure >= goal,
        };
        match (self.aim.map(reaches), self.must.map(reaches)) {
            // No number reaches nothing.
            _ if figure.is_nan() => Verdict::Missed,
            (Some(true), _) => Verdict::Aim,
            (_, Some(true)) => Verdict::Must,
            (_, Some(false)) => Verdict::Missed,
            (_, None) => Verdict::Told,
        }
    }
}

const fn row(id: &'static str, text: &'static str, unit: &'static str, must: f64, aim: f64) -> Goal {
    Goal { id, text, unit, better: Better::Less, must: Some(must), aim: Some(aim) }
}

const fn told(id: &'static str, text: &'static str, unit: &'static str) -> Goal {
    Goal { id, text, unit, better: Better::Less, must: None, aim: None }
}

/// All rows. R: plain echo, T: tuned echo.
pub const GOALS: [Goal; 35] = [
    row("inline-r", "INLINE 64 B, 16x16, CPU against R", "x", 0.20, 0.11),
    row("inline-t", "INLINE 64 B, 16x16, CPU against T", "x", 1.30, 1.10),
    Goal { better: Better::More, ..row("rate-r", "INLINE 64 B, 16x16, commands/s against R", "x", 5.0, 9.0) },
    row("depth1-16", "INLINE 64 B, 16x1, CPU against T", "x", 1.10, 1.02),
    row("depth1-256", "INLINE 64 B, 256x1, CPU against T", "x", 1.10, 1.02),
    row("kib", "INLINE 1 KiB, 16x16, CPU against T", "x", 1.45, 1.20),
    row("large", "INLINE 64 KiB, 16x1, buffer=131072, CPU against R", "x", 1.60, 1.10),
    row("serial-16x16", "SERIAL 64 B, 16x16, CPU against T", "x", 2.2, 1.6),
    row("serial-16x1", "SERIAL 64 B, 16x1, CPU against T", "x", 2.0, 1.6),
    row("zeiss-16x1", "INLINE 64 B, 16x1, CPU against Python websockets", "x", 0.55, 0.35),
    row("zeiss-16x16", "INLINE 64 B, 16x16, CPU against Python websockets", "x", 0.10, 0.06),
    row("redis", "INLINE 64 B, 16x16, CPU against Redis PING", "x", 1.6, 1.0),
    row("tcp", "tcp ended by 0x04, 64 B, 16x16, CPU against raw TCP echo", "x", 2.0, 1.4),
    row("idle", "memory of an idle connection, default buffer", "KiB", 24.0, 16.0),
    row("idle-4096", "memory of an idle connection, buffer=4096", "KiB", 10.0, 6.0),
    row("start-0", "first start to `ready`, no plugin", "ms", 15.0, 5.0),
    row("start-0-next", "next start to `ready`, no plugin", "ms", 15.0, 5.0),
    row("start-10", "first start to `ready`, 10 plugins", "ms", 60.0, 12.0),
    row("start-10-next", "next start to `ready`, 10 plugins", "ms", 60.0, 12.0),
    row("rss-0", "memory at `ready`, no plugin", "MiB", 16.0, 8.0),
    told("rss-10", "memory at `ready`, 10 plugins", "MiB"),
    Goal { must: Some(0.0), ..told("swap-faults", "swaps of another plugin: lost, doubled, wrong, closed", "") },
    Goal { must: Some(1.3), ..told("swap-cpu", "CPU of a command in windows with swaps against without", "x") },
    Goal { aim: Some(1.2), ..told("swap-p99", "p99 in windows with swaps against without", "x") },
    row("gxml-elements", "GXML, 1,000,000 points as elements, against bare events", "x", 2.5, 1.5),
    row("gxml-cloud", "GXML, 1,000,000 points as one cloud, against bare events", "x", 2.5, 1.5),
    Goal { must: Some(200.0), ..told("gxml-memory", "GXML, most memory", "MB") },
    row("jsonrpsee", "JSON-RPC, INLINE 64 B, 16x16, CPU against jsonrpsee's method", "x", 0.20, 0.10),
    told("host-inline", "INLINE handler of a host in C, 64 B, 16x1, CPU against an INLINE plugin", "x"),
    told("host-serial", "SERIAL handler of a host in C, 64 B, 16x1, CPU against a SERIAL plugin", "x"),
    told("host-thread", "handler where a host in C polls, 64 B, 16x1, CPU against an INLINE plugin", "x"),
    Goal { better: Better::More, ..told("host-python", "Python function as handler, 64 B, 16x1", "/s") },
    told("wslink-16x1", "INLINE 64 B, 16x1, CPU against wslink's rpc", "x"),
    told("wslink-16x16", "INLINE 64 B, 16x16, CPU against wslink's rpc", "x"),
    row("fan-out", "topic, 64 B, 1,000 subscribers, CPU of a delivery against a tuned broadcast", "x", 1.3, 1.05),
];

/// The goal of a row; `Err` names the rows that there are.
pub fn goal(id: &str) -> Result<&'static Goal, String> {
    let names = || GOALS.iter().map(|goal| goal.id).collect::<Vec<_>>().join(", ");
    GOALS.iter().find(|goal| goal.id == id).ok_or_else(|| format!("no row {id}; there are: {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn verdicts_follow_the_goals() {
        let less = row("a", "", "x", 2.0, 1.0);
        let more = Goal { better: Better::More, ..row("b", "", "x", 5.0, 9.0) };
        let aim_alone = Goal { aim: Some(1.2), ..told("c", "", "x") };
        for (goal, figure, verdict) in [
            (less, 1.0, Verdict::Aim),
            (less, 1.01, Verdict::Must),
            (less, 2.0, Verdict::Must),
            (less, 2.01, Verdict::Missed),
            (more, 9.0, Verdict::Aim),
            (more, 5.0, Verdict::Must),
            (more, 4.9, Verdict::Missed),
            (aim_alone, 1.2, Verdict::Aim),
            (aim_alone, 1.3, Verdict::Told),
            (told("d", "", "ns"), 1e9, Verdict::Told),
            (less, f64::NAN, Verdict::Missed),
        ] {
            assert_eq!(goal.verdict(figure), verdict, "{goal:?} {figure}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        let ids: BTreeSet<&str> = GOALS.iter().map(|goal| goal.id).collect();
        assert_eq!(ids.len(), GOALS.len(), "a name is there twice");
        for goal in GOALS {
            if let (Some(must), Some(aim)) = (goal.must, goal.aim) {
                assert!(goal.verdict(aim) == Verdict::Aim && must != aim, "{}", goal.id);
                assert_eq!(goal.verdict(must), Verdict::Must, "{}", goal.id);
            }
        }
        assert!(goal("nothing").unwrap_err().contains("inline-r, inline-t"));
    }
}
