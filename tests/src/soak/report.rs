//! What the soak says: tables for people, and the promises that were broken.

use super::book::Faults;
use super::run::Outcome;
use super::sample::{KEPT_KEYS, KEPT_RSS_KIB, MAPS, RSS_KIB, RSS_SLOPE_KIB, RSS_SLOPE_SWAPS, Sample, THREADS};
use super::subject::{KEPT, SUBJECTS, VERSIONS};
use super::table::{quantile, slope, table};
use std::collections::BTreeSet;
use std::fmt;

/// The steps in their order.
const STEPS: [&str; 18] = [
    "seen", "settled", "proved", "copied", "probed", "loaded", "created", "held", "drained", "stopped", "saved",
    "restored", "started", "swapped", "draining", "closed", "retired", "refused",
];

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, doubled, wrong, disordered, by_replaced, by_closed, samples } = self;
        write!(out, "{lost} lost, {doubled} doubled, {wrong} wrong, {disordered} out of order, ")?;
        write!(out, "{by_replaced} by a replaced generation ({by_closed} by a closed one)")?;
        samples.iter().try_for_each(|sample| write!(out, "\n  {sample}"))
    }
}

impl Outcome {
    /// RSS in KiB per 1,000 swaps.
    fn rss_slope(&self) -> f64 {
        slope(&self.rss) * 1000.0
    }

    /// For each kept swap: KiB of RSS, lines of the map, thread-local keys.
    fn kept_each(&self) -> (f64, f64, f64) {
        let [(before, keys_before), (after, keys_after)] = &self.kept;
        let swaps = self.swaps[KEPT.id].max(1) as f64;
        let each = |before: u64, after: u64| (after as f64 - before as f64) / swaps;
        let keys = keys_before.zip(*keys_after).map_or(0.0, |(before, after)| each(after, before));
        (each(before.rss_kib, after.rss_kib), each(before.maps, after.maps), keys)
    }

    /// The tables.
    pub fn tables(&self) -> String {
        let swaps: u64 = SUBJECTS.iter().map(|subject| self.swaps[subject.id]).sum();
        let s = self.took.as_secs_f64();
        let mut text = format!(
            "{swaps} swaps in {s:.1} s ({:.1} ms each), {} commands meanwhile ({:.0} a second)\n{}\n\n",
            s * 1000.0 / swaps.max(1) as f64,
            self.answered,
            self.answered as f64 / s,
            self.tally.faults
        );
        let answered = |id: &str| -> u64 {
            let of = self
                .tally
                .by_key
                .iter()
                .filter(|(key, _)| key.strip_prefix(id).is_some_and(|rest| rest.starts_with('.')));
            of.map(|(_, count)| count).sum()
        };
        let row = |id: &&str| {
            vec![
                (*id).to_owned(),
                self.swaps[*id].to_string(),
                self.retired[*id].len().to_string(),
                self.demoted[*id].to_string(),
                answered(id).to_string(),
            ]
        };
        let ids: Vec<&str> = SUBJECTS.iter().chain([&KEPT]).map(|subject| subject.id).collect();
        text +=
            &table(&["plugin", "swaps", "retired", "demoted", "answered"], &ids.iter().map(row).collect::<Vec<_>>());
        let [warm, end] = &self.flat;
        let row = |what: &str, of: fn(&Sample) -> u64, bound: u64| {
            vec![what.to_owned(), of(warm).to_string(), of(end).to_string(), format!("+{bound}")]
        };
        let mut rows = vec![
            row("RSS KiB", |sample| sample.rss_kib, RSS_KIB),
            row("lines of maps", |sample| sample.maps, MAPS),
            row("threads", |sample| sample.threads, THREADS),
            row("descriptors", |sample| sample.census.descriptors as u64, 0),
            row("copies mapped", |sample| sample.census.copies.len() as u64, 0),
            row("copies on disk", |sample| sample.census.files.len() as u64, 0),
        ];
        let slope = format!("{:.0}", self.rss_slope());
        rows.push(vec!["RSS KiB per 1,000 swaps".into(), String::new(), slope, format!("{RSS_SLOPE_KIB}")]);
        text += "\n";
        text += &table(&["process", "warm", "end", "bound"], &rows);
        let (rss, maps, keys) = self.kept_each();
        let row = |what: &str, each: f64, bound: String| vec![what.to_owned(), format!("{each:.1}"), bound];
        let rows = [
            row("RSS KiB", rss, format!("{KEPT_RSS_KIB}")),
            row("lines of maps", maps, String::new()),
            row("thread-local keys", keys, KEPT_KEYS.to_string()),
        ];
        text += &format!("\n{}: {} swaps, each kept\n", KEPT.id, self.swaps[KEPT.id]);
        text += &table(&["growth", "a swap", "bound"], &rows);
        for (id, added, count) in &self.counts {
            text += &format!("\n{id}: the clients added {added}, the count is {count:?}\n");
        }
        text + "\n" + &self.phase_table()
    }

    fn phase_table(&self) -> String {
        let row = |step: &str| {
            let mut us = self.phases.get(step)?.clone();
            us.sort_unstable();
            let figure = |share| quantile(&us, share).to_string();
            Some(vec![step.to_owned(), us.len().to_string(), figure(0.5), figure(0.99), figure(1.0)])
        };
        let rows: Vec<_> = STEPS.into_iter().filter_map(row).collect();
        table(&["step", "times", "p50 us", "p99 us", "max us"], &rows)
    }

    /// What was promised and not kept; empty: all is well.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut hold = |holds: bool, what: String| {
            if !holds {
                broken.push(what);
            }
        };
        hold(self.tally.faults.count() == 0, self.tally.faults.to_string());
        hold(self.strangers.is_empty(), format!("answers by strangers: {:?}", self.strangers));
        for (id, added, count) in &self.counts {
            hold(*count == Some(*added), format!("{id}: the clients added {added}, the count is {count:?}"));
        }
        for (number, subject) in SUBJECTS.iter().enumerate() {
            let retired = &self.retired[subject.id];
            hold(retired.is_empty(), format!("{} leaves something behind: {retired:?}", subject.id));
            let answered: BTreeSet<&str> = self
                .tally
                .seen
                .iter()
                .filter(|((plugin, _), _)| *plugin == number)
                .map(|(_, version)| &**version)
                .collect();
            hold(answered == VERSIONS.into(), format!("of {} only {answered:?} answered", subject.id));
        }
        let [warm, end] = &self.flat;
        let more = |of: fn(&Sample) -> u64| of(end).saturating_sub(of(warm));
        let rss = more(|sample| sample.rss_kib);
        hold(rss <= RSS_KIB, format!("RSS grew by {rss} KiB, more than {RSS_KIB}"));
        let slope = self.rss_slope();
        hold(
            self.between < RSS_SLOPE_SWAPS || slope <= RSS_SLOPE_KIB,
            format!("RSS grows by {slope:.0} KiB per 1,000 swaps"),
        );
        let maps = more(|sample| sample.maps);
        hold(maps <= MAPS, format!("the memory map grew by {maps} lines, more than {MAPS}"));
        let threads = |sample: &Sample, role: &str| sample.census.threads.get(role).copied();
        for role in ["manager", "con", "ser"] {
            let (now, before) = (threads(end, role), threads(warm, role));
            hold(now == before, format!("{now:?} threads of role {role}, before {before:?}"));
        }
        let (now, before) = (end.threads, warm.threads);
        hold(now <= before + THREADS, format!("{now} threads, before {before}: {:?}", end.census.threads));
        let (now, before) = (end.census.descriptors, warm.census.descriptors);
        hold(now <= before, format!("{now} descriptors, before {before}"));
        let serving = SUBJECTS.len() + 1;
        let copies = (end.census.copies.len(), end.census.files.len());
        hold(
            copies == (serving, serving),
            format!("{copies:?} copies mapped and on the disk, {serving} plugins serve"),
        );
        let (kept, swaps) = (&self.retired[KEPT.id], self.swaps[KEPT.id]);
        let as_said = kept.iter().all(|why| why.contains("thread-locals"));
        hold(as_said && kept.len() as u64 == swaps, format!("{swaps} swaps of {}, retired: {kept:?}", KEPT.id));
        let (rss, _, keys) = self.kept_each();
        hold(rss <= KEPT_RSS_KIB, format!("a kept swap costs {rss:.0} KiB of RSS, more than {KEPT_RSS_KIB}"));
        hold(keys <= KEPT_KEYS as f64, format!("a kept swap costs {keys:.1} thread-local keys, more than {KEPT_KEYS}"));
        let (after, before) = (&self.kept[1].0.census, &self.kept[0].0.census);
        let more = (after.copies.len() - before.copies.len(), after.files.len() - before.files.len());
        hold(more.0 as u64 == swaps && more.0 == more.1, format!("{more:?} copies more after {swaps} kept swaps"));
        broken
    }
}
