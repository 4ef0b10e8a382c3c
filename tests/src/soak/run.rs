//! The soak: plugins are swapped one after the other, several at once, while clients send without pause.

use super::answer::Answer;
use super::book::Tally;
use super::load::{Load, PIPELINED};
use super::sample::{Sample, rss_kib};
use super::subject::{KEPT, SUBJECTS, Source, Subject};
use super::target::Target;
use super::watch::{Seen, Watch};
use crate::PATIENCE;
use crate::control::{self, Control};
use crate::server::{Server, Setup};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Swaps of what must leave nothing behind.
    pub swaps: u64,
    /// No new swap of these after so long.
    pub within: Option<Duration>,
    /// Swaps of what is kept, at the end.
    pub kept: u64,
    /// Whether the plugins are to be built optimised, as the server is.
    pub optimised: bool,
}

/// What came of it.
pub struct Outcome {
    /// Swaps of each subject, and the kept ones.
    pub swaps: BTreeMap<&'static str, u64>,
    /// How long the swaps took, the kept ones left out.
    pub took: Duration,
    /// Commands answered in that time.
    pub answered: u64,
    /// What the sessions say.
    pub tally: Tally,
    /// The process after the first tenth of the swaps, and after the last; nothing of a swap is under way at both.
    pub flat: [Sample; 2],
    /// Swaps that lie between these two.
    pub between: u64,
    /// RSS in KiB after so many swaps, from the first of the two on.
    pub rss: Vec<(f64, f64)>,
    /// The process before and after the swaps of what is kept, and the thread-local keys that were free.
    pub kept: [(Sample, Option<u64>); 2],
    /// Reasons why generations were retired, by subject.
    pub retired: BTreeMap<&'static str, Vec<String>>,
    /// Times that an INLINE command of each subject was moved to CONCURRENT.
    pub demoted: BTreeMap<&'static str, u64>,
    /// What was added to each count by the clients, and what it says.
    pub counts: Vec<(&'static str, u64, Option<u64>)>,
    /// Answers by a version that its generation does not have.
    pub strangers: Vec<String>,
    /// Microseconds of each step.
    pub phases: BTreeMap<String, Vec<u64>>,
}

struct Soak {
    server: Server,
    control: Control,
    watch: Watch,
    targets: Vec<Target>,
    done: u64,
}

/// Does it. The error says which swap did not come about, and why.
pub fn run(plan: Plan) -> Result<Outcome, String> {
    let setup = Setup::new().listen("ws://127.0.0.1:0").listen(control::LISTEN).config("[plugins]\nsettle_ms = 5\n");
    let setup = setup.arg("-v").arg("--log").arg("json");
    let subjects: Vec<Subject> = SUBJECTS.iter().chain([&KEPT]).copied().collect();
    let targets = Target::all(&subjects, setup.home(), plan.optimised);
    let server = setup.start();
    let watch = Watch::start(server.log(), Target::files(&targets));
    for target in &targets {
        target.swapped(&watch)?;
    }
    let mut control = Control::of(&server);
    control.plugins();
    let routes: Vec<_> = targets.iter().flat_map(|target| target.subject.routes(target.number)).collect();
    let load = Load::start(server.url("ws"), PIPELINED, &routes, &watch.floors());
    let mut soak = Soak { server, control, watch, targets, done: 0 };
    let driven = soak.drive(plan, &load);
    let tally = load.finish();
    let (took, answered, between, flat, rss, kept) = driven.map_err(|why| format!("{why}\n{}", tally.faults))?;
    let target = |target: &Target| (target.subject.id, target.turn as u64);
    let retired = |target: &Target| {
        let reasons = soak.watch.seen(target.number).retired;
        (target.subject.id, reasons.into_iter().map(|(_, why)| why).collect())
    };
    let seen = |of: fn(&Seen) -> u64| -> BTreeMap<&'static str, u64> {
        soak.targets.iter().map(|target| (target.subject.id, of(&soak.watch.seen(target.number)))).collect()
    };
    let demoted = seen(|seen| seen.demoted);
    let counted = |(plugin, added): (&usize, &u64)| {
        let id = soak.targets[*plugin].subject.id;
        let text = soak.control.ask(&format!(r#"{{"{id}.serial":[0,0,0]}}"#));
        (id, *added, Answer::parse(&text).and_then(|answer| answer.count))
    };
    let stranger = |((plugin, stamp), version): (&(usize, u64), &String)| {
        let told = soak.watch.version(*plugin, *stamp);
        let id = soak.targets[*plugin].subject.id;
        (told.as_ref() != Some(version)).then(|| format!("{id} {version} of stamp {stamp}, which is {told:?}"))
    };
    Ok(Outcome {
        swaps: soak.targets.iter().map(target).collect(),
        took,
        answered,
        flat,
        between,
        rss,
        kept,
        retired: soak.targets.iter().map(retired).collect(),
        demoted,
        strangers: tally.seen.iter().filter_map(stranger).collect(),
        counts: tally.added.iter().map(counted).collect(),
        phases: soak.watch.phases(),
        tally,
    })
}

/// Time, answers and swaps of the main part; two samples; RSS by swaps; two samples around the kept swaps.
type Driven = (Duration, u64, u64, [Sample; 2], Vec<(f64, f64)>, [(Sample, Option<u64>); 2]);

impl Soak {
    fn drive(&mut self, plan: Plan, load: &Load) -> Result<Driven, String> {
        let (begun, before) = (Instant::now(), load.answered());
        let order = order();
        let is_over = |soak: &Self| soak.done >= plan.swaps || plan.within.is_some_and(|limit| begun.elapsed() > limit);
        let mut warm = None;
        let mut rss = Vec::new();
        let step = (plan.swaps / 100).max(1);
        while !is_over(self) {
            self.swap(order[usize::try_from(self.done).unwrap_or_default() % order.len()])?;
            if load.has_failed() {
                return Err(format!("after {} swaps the clients ended", self.done));
            }
            let is_warm = self.done * 10 >= plan.swaps || plan.within.is_some_and(|limit| begun.elapsed() * 10 > limit);
            if warm.is_none() && is_warm {
                warm = Some((self.done, self.settled()?));
            }
            if warm.is_some() && self.done.is_multiple_of(step) {
                rss.push((self.done as f64, rss_kib(&self.server) as f64));
            }
            if self.done.is_multiple_of(step * 10) {
                let (s, rss) = (begun.elapsed().as_secs_f64(), rss_kib(&self.server) / 1024);
                println!("{:>7} swaps, {:>9} commands, {s:>6.1} s, {rss} MiB", self.done, load.answered());
            }
        }
        let end = self.settled()?;
        let (took, answered) = (begun.elapsed(), load.answered() - before);
        let (at, warm) = warm.ok_or("not one swap was made in the time given")?;
        let between = self.done - at;
        let kept_before = (end.clone(), self.budget());
        let kept = self.targets.len() - 1;
        for _ in 0..plan.kept {
            self.swap(kept)?;
        }
        let kept_after = (self.settled()?, self.budget());
        Ok((took, answered, between, [warm, end], rss, [kept_before, kept_after]))
    }

    /// Puts the next version of a plugin in place when the last one serves; others may be on their way.
    fn swap(&mut self, number: usize) -> Result<(), String> {
        let target = &mut self.targets[number];
        target.swapped(&self.watch)?;
        self.done += 1;
        target.put_next()
    }

    /// The process when nothing of a swap is under way; the clients go on.
    fn settled(&mut self) -> Result<Sample, String> {
        for target in &self.targets {
            target.settled(&self.watch)?;
        }
        let begun = Instant::now();
        loop {
            // Between two looks the server answers a command.
            self.control.plugins();
            let sample = Sample::take(&self.server);
            // What is logged as closed is told by a thread that has one thing left to do: to end.
            let ending = |name: &String| name == "close" || name == "join";
            if !sample.census.threads.keys().any(ending) {
                return Ok(sample);
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("threads that close generations do not end: {:?}", sample.census));
            }
        }
    }

    fn budget(&mut self) -> Option<u64> {
        self.control.plugins()["reload_budget"].as_u64()
    }
}

/// The order in which the subjects take turns: Rust twice as often as C, since Rust is what used to end at 1,022 loads.
fn order() -> Vec<usize> {
    let of = |source| (0..SUBJECTS.len()).filter(move |number| SUBJECTS[*number].source == source);
    of(Source::C).flat_map(|c| [c].into_iter().chain(of(Source::Rust)).chain(of(Source::Rust))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_its_turn_and_most_turns_are_rust() {
        let order = order();
        assert!((0..SUBJECTS.len()).all(|number| order.contains(&number)));
        let rust = order.iter().filter(|number| SUBJECTS[**number].source == Source::Rust).count();
        assert!(rust * 1500 / order.len() > 1022 + 50, "{rust} of {}", order.len());
    }
}
