use super::Filter;
use crate::call::lock;
use crate::names::Pattern;
use jackfield_message::Event;
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// What happens to a subscription when its subscriber's queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Its oldest events are dropped, and it is told how many.
    Drop,
    /// It ends, and that is told.
    Close,
}

/// What a subscriber hears.
#[derive(Debug)]
pub enum Told {
    /// An event.
    Event {
        /// By which of its subscriptions.
        subscription: u64,
        /// What happened.
        event: Event,
        /// So many events of this subscription were dropped before it.
        dropped: u64,
    },
    /// A subscription has ended: it chose that, and the queue was full.
    Closed {
        /// Which one.
        subscription: u64,
    },
}

impl Told {
    fn bytes(&self) -> usize {
        match self {
            Self::Event { event, .. } => event.bytes(),
            Self::Closed { .. } => 0,
        }
    }
}

/// Somebody who hears events, by any number of subscriptions and one queue, in whose order they were published. Costs next
/// to nothing before the first of them.
#[derive(Default)]
pub struct Subscriber(OnceLock<Arc<Shared>>);

impl fmt::Debug for Subscriber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Subscriber({} subscriptions)", self.count())
    }
}

impl Subscriber {
    pub(super) fn shared(&self, first: impl FnOnce() -> Arc<Shared>) -> &Arc<Shared> {
        self.0.get_or_init(first)
    }

    /// Whether it has ever had a subscription.
    pub fn is_used(&self) -> bool {
        self.0.get().is_some()
    }

    /// The next that it is told, without waiting.
    pub fn next(&self) -> Option<Told> {
        lock(&self.0.get()?.queue).pop()
    }

    /// Takes what it is told next, in one go, behind what stands in `into`: a few events, or a few more bytes than
    /// `bytes`. False: there was nothing.
    pub fn take(&self, into: &mut Vec<Told>, bytes: usize) -> bool {
        const FEW: usize = 16;
        let Some(shared) = self.0.get() else { return false };
        let mut queue = lock(&shared.queue);
        let mut taken = 0;
        for _ in 0..FEW {
            let Some(told) = queue.pop() else { return taken > 0 };
            taken += 1 + told.bytes();
            into.push(told);
            if taken > bytes {
                break;
            }
        }
        true
    }

    /// How many subscriptions it has.
    pub fn count(&self) -> usize {
        self.0.get().map_or(0, |shared| lock(&shared.queue).interests.len())
    }

    /// Ends a subscription, and what waits by it. False: there is no such one.
    pub(crate) fn remove(&self, number: u64) -> bool {
        self.0.get().is_some_and(|shared| lock(&shared.queue).remove(number).is_some())
    }

    pub(super) fn change(&self, number: u64, patterns: Vec<Pattern>) {
        let Some(shared) = self.0.get() else { return };
        let mut queue = lock(&shared.queue);
        let Some(interest) = queue.interests.iter_mut().find(|interest| interest.number == number) else { return };
        interest.patterns = patterns;
        let interest = interest.patterns.clone();
        queue.retain(|of, event| of != number || fits(&interest, event));
    }
}

/// What a subscription asks for.
pub(crate) struct Interest {
    number: u64,
    patterns: Vec<Pattern>,
    filter: Option<(Filter, Option<Counted>)>,
    when_full: WhenFull,
    /// Since the last event that it was told.
    dropped: u64,
}

impl Interest {
    pub fn new(patterns: Vec<Pattern>, when_full: WhenFull) -> Self {
        Self { number: 0, patterns, filter: None, when_full, dropped: 0 }
    }

    /// Only events whose data say this.
    pub fn filtered(mut self, filter: Filter) -> Self {
        self.filter = Some((filter, None));
        self
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    pub(super) fn count_filter(&mut self, filters: &Arc<AtomicUsize>) {
        if let Some((_, counted)) = &mut self.filter {
            filters.fetch_add(1, Ordering::Relaxed);
            *counted = Some(Counted(filters.clone()));
        }
    }

    /// `value`: the data, taken apart; `None`: too long for that.
    fn wants(&self, event: &Event, value: Option<&Value>) -> bool {
        let filtered = |(filter, _): &(Filter, _)| value.is_none_or(|value| filter.fits(value));
        fits(&self.patterns, event) && self.filter.as_ref().is_none_or(filtered)
    }
}

fn fits(patterns: &[Pattern], event: &Event) -> bool {
    patterns.iter().any(|pattern| pattern.fits(event.topic()))
}

/// Counts down when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How much may wait for one subscriber.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub events: usize,
    pub bytes: usize,
}

/// A subscriber, as publishers see it.
pub(super) struct Shared {
    queue: Mutex<Queue>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), wake: Box::new(wake) })
    }

    /// Gives its number, and whether there is something to hear.
    pub fn add<'a>(
        &self,
        interest: Interest,
        first: impl Iterator<Item = (&'a Event, Option<Value>)>,
        room: Room,
    ) -> (u64, bool) {
        let mut queue = lock(&self.queue);
        queue.numbers += 1;
        let number = queue.numbers;
        for (event, _) in first.filter(|(event, value)| interest.wants(event, value.as_ref())) {
            queue.waiting.push_back((number, event.clone()));
            queue.bytes += event.bytes();
        }
        queue.interests.push(Interest { number, ..interest });
        queue.make_room(room);
        (number, !queue.waiting.is_empty() || !queue.closed.is_empty())
    }

    /// True when there was nothing to hear before: else it is awake already, and has not taken all.
    pub fn push(&self, event: &Event, value: Option<&Value>, room: Room) -> bool {
        lock(&self.queue).push(event, value, room)
    }

    pub fn wake(&self) {
        (self.wake)();
    }
}

#[derive(Default)]
struct Queue {
    /// Here, so that patterns and waiting events change in one step.
    interests: Vec<Interest>,
    /// The number of the subscription that came last.
    numbers: u64,
    waiting: VecDeque<(u64, Event)>,
    bytes: usize,
    closed: VecDeque<u64>,
}

impl Queue {
    fn push(&mut self, event: &Event, value: Option<&Value>, room: Room) -> bool {
        let (before, closed) = (self.waiting.len(), self.closed.len());
        for interest in self.interests.iter().filter(|interest| interest.wants(event, value)) {
            self.waiting.push_back((interest.number, event.clone()));
            self.bytes += event.bytes();
        }
        if self.waiting.len() == before {
            return false;
        }
        self.make_room(room);
        before == 0 || self.closed.len() > closed
    }

    fn make_room(&mut self, room: Room) {
        while self.waiting.len() > room.events || self.bytes > room.bytes {
            let Some((number, oldest)) = self.waiting.pop_front() else { break };
            self.bytes -= oldest.bytes();
            match self.interests.iter_mut().find(|interest| interest.number == number) {
                Some(interest) if interest.when_full == WhenFull::Drop => interest.dropped += 1,
                Some(_) => {
                    self.remove(number);
                    self.closed.push_back(number);
                }
                None => {}
            }
        }
    }

    fn pop(&mut self) -> Option<Told> {
        if let Some(subscription) = self.closed.pop_front() {
            return Some(Told::Closed { subscription });
        }
        let (subscription, event) = self.waiting.pop_front()?;
        self.bytes -= event.bytes();
        let interest = self.interests.iter_mut().find(|interest| interest.number == subscription);
        let dropped = interest.map_or(0, |interest| std::mem::take(&mut interest.dropped));
        Some(Told::Event { subscription, event, dropped })
    }

    fn remove(&mut self, number: u64) -> Option<Interest> {
        let place = self.interests.iter().position(|interest| interest.number == number)?;
        self.retain(|of, _| of != number);
        Some(self.interests.remove(place))
    }

    fn retain(&mut self, stays: impl Fn(u64, &Event) -> bool) {
        self.waiting.retain(|(number, event)| stays(*number, event));
        self.bytes = self.waiting.iter().map(|(_, event)| event.bytes()).sum();
    }
}
