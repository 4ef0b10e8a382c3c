//! Publish and subscribe inside the engine. Every subscriber has a bounded queue of its own: one that does not read loses
//! its oldest events, or its subscription, as it chose; nobody else notices.

mod filter;
mod subscriber;

pub(crate) use filter::Filter;
pub(crate) use subscriber::Interest;
pub use subscriber::{Subscriber, Told, WhenFull};

use crate::call::lock;
use crate::limits::Limits;
use crate::names::{self, Pattern};
use indexmap::IndexMap;
use jackfield_message::{ByteString, ErrorCode, Event, Failure};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use subscriber::{Room, Shared};

/// What a subscriber finds in its queue.
#[derive(Debug)]
pub enum Next {
    /// An event, and how many were dropped before it.
    Event(Event, u64),
    /// Nothing now.
    Empty,
    /// Closed: it chose that, and its queue was full.
    Closed,
}

/// One subscription of one subscriber; ends when it is dropped.
pub struct Subscription {
    subscriber: Subscriber,
    number: u64,
}

impl Subscription {
    /// The next event, without waiting.
    pub fn next(&self) -> Next {
        match self.subscriber.next() {
            Some(Told::Event { event, dropped, .. }) => Next::Event(event, dropped),
            Some(Told::Closed { .. }) => Next::Closed,
            None if self.subscriber.count() == 0 => Next::Closed,
            None => Next::Empty,
        }
    }

    /// Subscribes to other patterns from now on. Waiting events that still fit stay, in their order; the others go.
    pub(crate) fn change(&self, patterns: Vec<Pattern>) {
        self.subscriber.change(self.number, patterns);
    }
}

/// All subscriptions of an engine, and the last event of each topic.
pub(crate) struct Topics {
    state: Mutex<State>,
    room: Room,
    max_topics: usize,
    /// Longest data that filters look into.
    max_checked: usize,
    /// Subscribers that look into events.
    filters: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    subscribers: Vec<Weak<Shared>>,
    last: Last,
}

impl Topics {
    pub fn new(limits: &Limits) -> Self {
        let room = Room { events: limits.topic_queue, bytes: limits.topic_queue_bytes };
        let (max_topics, max_checked) = (limits.topics, limits.checked_bytes);
        Self { state: Mutex::default(), room, max_topics, max_checked, filters: Arc::default() }
    }

    /// Subscribes to the topics that fit one of `patterns`. `wake` is called from the publisher's thread after an event was
    /// queued; it must not block.
    pub fn subscribe(
        &self,
        patterns: Vec<Pattern>,
        when_full: WhenFull,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Subscription {
        let subscriber = Subscriber::default();
        let number = self.add(&subscriber, Interest::new(patterns, when_full), false, wake);
        Subscription { subscriber, number }
    }

    /// Adds a subscription to those of `subscriber`, whose `wake` counts only the first time, and gives its number.
    /// `last`: it begins with the last event of each of its topics.
    pub fn add(
        &self,
        subscriber: &Subscriber,
        mut interest: Interest,
        last: bool,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> u64 {
        interest.count_filter(&self.filters);
        let mut state = lock(&self.state);
        let shared = subscriber.shared(|| {
            let shared = Shared::new(wake);
            state.subscribers.retain(|subscriber| subscriber.strong_count() > 0);
            state.subscribers.push(Arc::downgrade(&shared));
            shared
        });
        // With the lock held, nothing is published between the last event and the next.
        let filtered = interest.is_filtered();
        let events = state.last.events.values().filter(|_| last);
        let events = events.map(|event| (event, filtered.then(|| self.taken_apart(event)).flatten()));
        let (number, begins) = shared.add(interest, events, self.room);
        drop(state);
        if begins {
            shared.wake();
        }
        number
    }

    /// Publishes for a client or an application, whose JSON was checked: the topic, and the size, are not.
    pub fn publish_for_caller(&self, topic: &str, data: &str) -> Result<(), Failure> {
        names::check_topic(topic).map_err(|why| {
            let shown = &topic[..topic.floor_char_boundary(256)];
            Failure::new(ErrorCode::InvalidParams, format!("Parameter 'topic' is {shown:?}, {why}."))
        })?;
        let (bytes, limit) = (topic.len() + data.len(), self.room.bytes);
        if bytes > limit {
            let text = format!("The event has {bytes} bytes, more than {limit} (limit topic_queue_bytes).");
            return Err(Failure::new(ErrorCode::TooLarge, text));
        }
        self.publish(topic, ByteString::from(data));
        Ok(())
    }

    /// Queues an event for everybody whose pattern fits. All subscribers get events in the same order.
    pub fn publish(&self, topic: &str, data: ByteString) {
        let event = Event::new(topic, data);
        let value = || (self.filters.load(Ordering::Relaxed) > 0).then(|| self.taken_apart(&event)).flatten();
        // Before others have to wait for it; once more for the first filter that has come since.
        let taken = value();
        let mut woken = Vec::new();
        let mut state = lock(&self.state);
        let value = taken.or_else(value);
        for subscriber in state.subscribers.iter().filter_map(Weak::upgrade) {
            if subscriber.push(&event, value.as_ref(), self.room) {
                woken.push(subscriber);
            }
        }
        state.last.keep(event, self.max_topics, self.room.bytes);
        drop(state);
        woken.iter().for_each(|subscriber| subscriber.wake());
    }
}

impl Topics {
    /// For filters; `None`: it is too long for them.
    fn taken_apart(&self, event: &Event) -> Option<Value> {
        (event.data().len() <= self.max_checked).then(|| serde_json::from_str(event.data()).unwrap_or_default())
    }
}

/// The last event of each topic, as far as there is room: the topic that came first is forgotten first.
#[derive(Default)]
struct Last {
    events: IndexMap<ByteString, Event>,
    bytes: usize,
}

impl Last {
    fn keep(&mut self, event: Event, max_topics: usize, max_bytes: usize) {
        self.bytes += event.bytes();
        if let Some(old) = self.events.insert(event.topic().into(), event) {
            self.bytes -= old.bytes();
        }
        while self.events.len() > max_topics || self.bytes > max_bytes {
            let Some((_, old)) = self.events.shift_remove_index(0) else { break };
            self.bytes -= old.bytes();
        }
    }
}

#[cfg(test)]
mod tests;
