//! What one session has asked, and whether what comes back is what was asked for: once, in order, with the right content, by a
//! generation that served.

use super::answer::Answer;
use super::watch::Floors;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// A command of a plugin under swap.
#[derive(Clone, Debug)]
pub struct Route {
    /// Number of the plugin among the subjects.
    pub plugin: usize,
    /// Its key.
    pub key: Arc<str>,
    /// Whether it adds to a count that outlives swaps.
    pub counts: bool,
    /// How many commands follow each other before another key's turn: what goes to one key may overlap.
    pub run: usize,
}

/// A command that is under way.
struct Ask {
    number: u64,
    route: usize,
    add: u64,
    floor: u64,
    /// When it was due: latency counts from here.
    due: Instant,
    sent: Instant,
}

/// What was wrong, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Never answered.
    pub lost: u64,
    /// Answered again.
    pub doubled: u64,
    /// Answered with an error, another key's answer, other params, or a version that its generation does not have.
    pub wrong: u64,
    /// Answered after a later one.
    pub disordered: u64,
    /// Answered by a generation that had been reported replaced before the command was sent.
    pub by_replaced: u64,
    /// Among these: it had even been reported closed or retired.
    pub by_closed: u64,
    /// The first few, in words.
    pub samples: Vec<String>,
}

/// The books of one session, or of several joined.
#[derive(Default)]
pub struct Tally {
    /// Commands that were answered, right or wrong.
    pub answered: u64,
    /// Answered by each key.
    pub by_key: BTreeMap<Arc<str>, u64>,
    /// What was wrong.
    pub faults: Faults,
    /// Added to each plugin that counts.
    pub added: BTreeMap<usize, u64>,
    /// Who answered: the version of each stamp of each plugin.
    pub seen: BTreeMap<(usize, u64), String>,
    /// Answers in the order in which they came: when, and after how many microseconds.
    pub latencies: Vec<(Instant, u32)>,
}

/// One session's book.
pub struct Book {
    session: u64,
    routes: Arc<[Route]>,
    floors: Arc<Floors>,
    next: u64,
    /// The last count that each route told.
    counts: BTreeMap<usize, u64>,
    asks: VecDeque<Ask>,
    /// Passed over by a later answer.
    missing: BTreeSet<u64>,
    latency: bool,
    tally: Tally,
}

/// Faults that are told in words.
const SAMPLES: usize = 8;

impl Book {
    /// An empty book; with `latency` it notes how long each answer took.
    pub fn new(session: u64, routes: Arc<[Route]>, floors: Arc<Floors>, latency: bool) -> Self {
        let (counts, asks, missing) = Default::default();
        Self { session, routes, floors, next: 0, counts, asks, missing, latency, tally: Tally::default() }
    }

    /// The text of the next command, which is now under way; it was due at `due`.
    pub fn ask(&mut self, route: usize, due: Instant) -> String {
        let (number, add) = (self.next, self.next % 7 + 1);
        self.next += 1;
        let Route { plugin, key, counts, .. } = &self.routes[route];
        if *counts {
            *self.tally.added.entry(*plugin).or_default() += add;
        }
        let text = format!(r#"{{"{key}":[{},{number},{add}]}}"#, self.session);
        // The floor is read before the command is sent, so it was reported before.
        let floor = self.floors.of(*plugin);
        self.asks.push_back(Ask { number, route, add, floor, due, sent: Instant::now() });
        text
    }

    /// Commands under way.
    pub fn under_way(&self) -> usize {
        self.asks.len()
    }

    /// What was answered so far.
    pub fn answered(&self) -> u64 {
        self.tally.answered
    }

    /// An answer has come.
    pub fn take(&mut self, text: &str) {
        let now = Instant::now();
        self.tally.answered += 1;
        let answer = Answer::parse(text).filter(|answer| answer.to[0] == self.session);
        let number = answer.as_ref().map(|answer| answer.to[1]);
        while let (Some(number), Some(front)) = (number, self.asks.front()) {
            if number <= front.number || number >= self.next {
                break;
            }
            // Passed over: late, or lost.
            self.missing.insert(front.number);
            self.asks.pop_front();
        }
        let front = self.asks.front().map(|front| front.number);
        match (answer, number) {
            (Some(answer), Some(number)) if front == Some(number) => {
                if let Some(ask) = self.asks.pop_front() {
                    if self.latency {
                        let us = now.duration_since(ask.due).as_micros();
                        self.tally.latencies.push((now, u32::try_from(us).unwrap_or(u32::MAX)));
                    }
                    self.check(&ask, &answer, text);
                }
            }
            (Some(_), Some(number)) if number < self.next && self.missing.remove(&number) => {
                self.tally.faults.disordered += 1;
                self.note("out of order", text);
            }
            (Some(_), Some(number)) if number < self.next => {
                self.tally.faults.doubled += 1;
                self.note("answered twice", text);
            }
            _ => {
                // An error, or nothing that was ever asked: it stands for the command whose turn it is.
                self.asks.pop_front();
                self.tally.faults.wrong += 1;
                self.note("wrong", text);
            }
        }
    }

    fn check(&mut self, ask: &Ask, answer: &Answer<'_>, text: &str) {
        let route = &self.routes[ask.route];
        let (plugin, key, counts) = (route.plugin, route.key.clone(), route.counts);
        let grown = self.counts.get(&ask.route).is_none_or(|before| answer.count > Some(*before));
        if answer.of != &*key || answer.to[2] != ask.add || answer.count.is_some() != counts || (counts && !grown) {
            self.tally.faults.wrong += 1;
            self.note("wrong", text);
        }
        if let Some(count) = answer.count {
            self.counts.insert(ask.route, count);
        }
        let seen = self.tally.seen.entry((plugin, answer.stamp)).or_insert_with(|| answer.version.to_owned());
        if seen != answer.version {
            self.tally.faults.wrong += 1;
            self.note("another version of the same generation", text);
        }
        *self.tally.by_key.entry(key).or_default() += 1;
        if answer.stamp < ask.floor {
            self.tally.faults.by_replaced += 1;
            self.tally.faults.by_closed += u64::from(self.floors.had_ended(plugin, answer.stamp, ask.sent));
            self.note("by a generation that no longer served", text);
        }
    }

    fn note(&mut self, what: &str, text: &str) {
        if self.tally.faults.samples.len() < SAMPLES {
            self.tally.faults.samples.push(format!("session {}: {what}: {text}", self.session));
        }
    }

    /// The end: what was not answered now is lost.
    pub fn close(mut self) -> Tally {
        let lost: Vec<u64> = self.missing.iter().copied().chain(self.asks.iter().map(|ask| ask.number)).collect();
        self.tally.faults.lost = lost.len() as u64;
        if let Some(first) = lost.first() {
            self.note("lost", &format!("{} commands, the first is number {first}", lost.len()));
        }
        self.tally
    }
}

impl Tally {
    /// Adds another session's.
    pub fn join(&mut self, other: Self) {
        self.answered += other.answered;
        for (key, count) in other.by_key {
            *self.by_key.entry(key).or_default() += count;
        }
        for (plugin, sum) in other.added {
            *self.added.entry(plugin).or_default() += sum;
        }
        for (stamp, version) in other.seen {
            if self.seen.insert(stamp, version.clone()).is_some_and(|before| before != version) {
                self.faults.wrong += 1;
            }
        }
        self.latencies.extend(other.latencies);
        let (mine, others) = (&mut self.faults, other.faults);
        mine.lost += others.lost;
        mine.doubled += others.doubled;
        mine.wrong += others.wrong;
        mine.disordered += others.disordered;
        mine.by_replaced += others.by_replaced;
        mine.by_closed += others.by_closed;
        mine.samples.extend(others.samples);
        mine.samples.truncate(SAMPLES);
    }
}

impl Faults {
    /// All of them.
    pub fn count(&self) -> u64 {
        self.lost + self.doubled + self.wrong + self.disordered + self.by_replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(floors: &Arc<Floors>) -> Book {
        let route = |key: &str, counts| Route { plugin: 0, key: key.into(), counts, run: 1 };
        Book::new(5, [route("a", false), route("b", true)].into(), floors.clone(), false)
    }

    fn answer(of: &str, stamp: u64, count: &str, number: u64) -> String {
        let add = number % 7 + 1;
        format!(r#"{{"of":"{of}","version":"1","stamp":{stamp},{count}"to":[5,{number},{add}]}}"#)
    }

    /// The faults after `answers` to four commands of `a`.
    fn faults(answers: &[String]) -> [u64; 6] {
        let floors = Arc::new(Floors::new(1));
        let mut book = book(&floors);
        for number in 0..4 {
            assert_eq!(book.ask(0, Instant::now()), format!(r#"{{"a":[5,{number},{}]}}"#, number + 1));
        }
        answers.iter().for_each(|answer| book.take(answer));
        let Faults { lost, doubled, wrong, disordered, by_replaced, by_closed, .. } = book.close().faults;
        [lost, doubled, wrong, disordered, by_replaced, by_closed]
    }

    #[test]
    fn what_comes_once_and_in_order_is_right_and_each_fault_is_told_from_the_others() {
        let a = |number| answer("a", 1, "", number);
        let all: Vec<_> = (0..4).map(a).collect();
        assert_eq!(faults(&all), [0; 6]);
        assert_eq!(faults(&[a(0), a(1), a(3)]), [1, 0, 0, 0, 0, 0], "lost in the middle");
        assert_eq!(faults(&all[..3]), [1, 0, 0, 0, 0, 0], "lost at the end");
        assert_eq!(faults(&[a(0), a(0), a(1), a(2), a(3)]), [0, 1, 0, 0, 0, 0], "doubled");
        assert_eq!(faults(&[a(1), a(0), a(2), a(3)]), [0, 0, 0, 1, 0, 0], "out of order");
        assert_eq!(faults(&[a(0), "Error: busy".into(), a(2), a(3)]), [0, 0, 1, 0, 0, 0], "an error");
        assert_eq!(faults(&[a(0), answer("b", 1, "", 1), a(2), a(3)]), [0, 0, 1, 0, 0, 0], "another key");
        assert_eq!(faults(&[a(0), a(1).replace("[5", "[6"), a(2), a(3)]), [0, 0, 1, 0, 0, 0], "another session's");
        let more = all[0].replace(",1]", ",9]");
        assert_eq!(faults(&[more, a(1), a(2), a(3)]), [0, 0, 1, 0, 0, 0], "another value");
    }

    #[test]
    fn a_count_must_grow() {
        let counted = |counts: [u64; 2]| {
            let mut book = book(&Arc::new(Floors::new(1)));
            for (number, count) in counts.into_iter().enumerate() {
                book.ask(1, Instant::now());
                book.take(&answer("b", 1, &format!(r#""count":{count},"#), number as u64));
            }
            book.close()
        };
        let tally = counted([4, 9]);
        assert_eq!((tally.faults.count(), tally.added[&0]), (0, 3));
        assert_eq!(counted([9, 4]).faults.wrong, 1);
    }

    #[test]
    fn an_answer_by_a_generation_that_was_replaced_before_is_found_and_one_asked_earlier_is_not() {
        let floors = Arc::new(Floors::new(1));
        floors.serve(0, 10);
        let mut book = book(&floors);
        book.ask(0, Instant::now());
        floors.serve(0, 20);
        book.ask(0, Instant::now());
        floors.end(0, 10);
        book.ask(0, Instant::now());
        for number in 0..3 {
            book.take(&answer("a", 10, "", number));
        }
        let faults = book.close().faults;
        assert_eq!((faults.by_replaced, faults.by_closed, faults.count()), (2, 1, 2));
    }
}
