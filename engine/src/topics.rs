//! Publish and subscribe inside the engine. Every subscriber has a bounded queue of its own: one that does not read loses
//! its oldest events, or is closed, as it chose; nobody else notices.

use crate::call::lock;
use crate::names::Pattern;
use jackfield_message::{ByteString, Event};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

/// What happens to a subscriber whose queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Its oldest events are dropped, and it is told how many.
    Drop,
    /// It gets no more events and finds itself closed.
    Close,
}

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

struct Queue {
    /// Here, so that patterns and waiting events change in one step.
    patterns: Vec<Pattern>,
    events: VecDeque<Event>,
    bytes: usize,
    dropped: u64,
    closed: bool,
}

struct Subscriber {
    when_full: WhenFull,
    queue: Mutex<Queue>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// A subscription; ends when it is dropped.
pub struct Subscription {
    subscriber: Arc<Subscriber>,
}

impl Subscription {
    /// The next event, without waiting.
    pub fn next(&self) -> Next {
        let mut queue = lock(&self.subscriber.queue);
        match queue.events.pop_front() {
            Some(event) => {
                queue.bytes -= size(&event);
                let dropped = std::mem::take(&mut queue.dropped);
                Next::Event(event, dropped)
            }
            None if queue.closed => Next::Closed,
            None => Next::Empty,
        }
    }

    /// Subscribes to other patterns from now on. Waiting events that still fit stay, in their order; the others go.
    pub(crate) fn change(&self, patterns: Vec<Pattern>) {
        let mut guard = lock(&self.subscriber.queue);
        let queue = &mut *guard;
        queue.patterns = patterns;
        let patterns = &queue.patterns;
        queue.events.retain(|event| patterns.iter().any(|pattern| pattern.fits(&event.topic)));
        queue.bytes = queue.events.iter().map(size).sum();
    }
}

/// All subscriptions of an engine.
pub(crate) struct Topics {
    subscribers: Mutex<Vec<Weak<Subscriber>>>,
    max_events: usize,
    max_bytes: usize,
}

impl Topics {
    pub fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { subscribers: Mutex::default(), max_events, max_bytes }
    }

    /// Subscribes to the topics that fit one of `patterns`. `wake` is called from the publisher's thread after an event was
    /// queued; it must not block.
    pub fn subscribe(
        &self,
        patterns: Vec<Pattern>,
        when_full: WhenFull,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Subscription {
        let subscriber = Arc::new(Subscriber {
            when_full,
            queue: Mutex::new(Queue { patterns, events: VecDeque::new(), bytes: 0, dropped: 0, closed: false }),
            wake: Box::new(wake),
        });
        let mut subscribers = lock(&self.subscribers);
        subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        subscribers.push(Arc::downgrade(&subscriber));
        Subscription { subscriber }
    }

    /// Whether an event on `topic` would reach anybody: nothing needs to be built otherwise.
    pub fn has_subscriber(&self, topic: &str) -> bool {
        lock(&self.subscribers).iter().filter_map(Weak::upgrade).any(|subscriber| lock(&subscriber.queue).wants(topic))
    }

    /// Queues an event for everybody whose pattern fits.
    pub fn publish(&self, topic: &str, data: ByteString) {
        let event = Event { topic: topic.into(), data };
        let subscribers: Vec<_> = lock(&self.subscribers).iter().filter_map(Weak::upgrade).collect();
        for subscriber in subscribers {
            if self.push(&subscriber, &event) {
                (subscriber.wake)();
            }
        }
    }

    /// True when there is something new to find.
    fn push(&self, subscriber: &Subscriber, event: &Event) -> bool {
        let mut queue = lock(&subscriber.queue);
        if !queue.wants(&event.topic) {
            return false;
        }
        queue.bytes += size(event);
        queue.events.push_back(event.clone());
        while queue.events.len() > self.max_events || queue.bytes > self.max_bytes {
            if subscriber.when_full == WhenFull::Close {
                queue.events.clear();
                queue.bytes = 0;
                queue.closed = true;
                break;
            }
            let Some(oldest) = queue.events.pop_front() else { break };
            queue.bytes -= size(&oldest);
            queue.dropped += 1;
        }
        true
    }
}

impl Queue {
    fn wants(&self, topic: &str) -> bool {
        !self.closed && self.patterns.iter().any(|pattern| pattern.fits(topic))
    }
}

fn size(event: &Event) -> usize {
    event.topic.len() + event.data.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(subscription: &Subscription) -> Vec<(String, u64)> {
        std::iter::from_fn(|| match subscription.next() {
            Next::Event(event, dropped) => Some((event.data.to_string(), dropped)),
            Next::Empty | Next::Closed => None,
        })
        .collect()
    }

    #[test]
    fn a_full_subscriber_loses_its_oldest_events_and_is_told() {
        let topics = Topics::new(2, 1 << 20);
        let reads = topics.subscribe(vec![Pattern::new("t")], WhenFull::Drop, || ());
        let stalls = topics.subscribe(vec![Pattern::new("**")], WhenFull::Drop, || ());
        for number in 0..5 {
            topics.publish("t", number.to_string().into());
            assert_eq!(events(&reads), [(number.to_string(), 0)]);
        }
        assert_eq!(events(&stalls), [("3".to_owned(), 3), ("4".to_owned(), 0)]);
    }

    #[test]
    fn bytes_are_bounded_too_and_a_subscriber_can_choose_to_be_closed() {
        let topics = Topics::new(100, 50);
        let drops = topics.subscribe(vec![Pattern::new("t")], WhenFull::Drop, || ());
        let closes = topics.subscribe(vec![Pattern::new("t")], WhenFull::Close, || ());
        for _ in 0..3 {
            topics.publish("t", "x".repeat(20).into());
        }
        assert_eq!(events(&drops).len(), 2);
        assert!(matches!(closes.next(), Next::Closed));
    }

    #[test]
    fn a_dropped_subscription_gets_nothing_more() {
        let topics = Topics::new(2, 50);
        assert!(!topics.has_subscriber("t"));
        let subscription = topics.subscribe(vec![Pattern::new("t")], WhenFull::Drop, || ());
        assert!(topics.has_subscriber("t"));
        drop(subscription);
        assert!(!topics.has_subscriber("t"));
    }

    #[test]
    fn changed_patterns_keep_what_fits_them_still_and_drop_the_rest() {
        let topics = Topics::new(10, 100);
        let subscription = topics.subscribe(vec![Pattern::new("a"), Pattern::new("b")], WhenFull::Drop, || ());
        for topic in ["a", "b", "c", "a"] {
            topics.publish(topic, format!("\"{topic}\"").into());
        }
        subscription.change(vec![Pattern::new("a"), Pattern::new("c")]);
        topics.publish("b", "1".into());
        topics.publish("c", "2".into());
        assert_eq!(events(&subscription), [("\"a\"".to_owned(), 0), ("\"a\"".to_owned(), 0), ("2".to_owned(), 0)]);
        // The bytes of what was dropped are free again.
        (0..20).for_each(|_| topics.publish("c", "x".repeat(40).into()));
        assert_eq!(events(&subscription).len(), 2);
    }
}
