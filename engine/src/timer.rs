//! Deadlines and grace times: one thread that wakes at the next of them.

use crate::call::lock;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

type Work = Box<dyn FnOnce() + Send>;

struct Entry {
    at: Instant,
    number: u64,
    work: Work,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[derive(Default)]
struct Entries {
    heap: BinaryHeap<Reverse<Entry>>,
    next: u64,
    ended: bool,
}

/// Does things at their time. Entries hold weak references to what they act on, and outlive it by nothing but their slot.
pub(crate) struct Timer {
    shared: Arc<(Mutex<Entries>, Condvar)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Timer {
    pub fn new() -> Self {
        Self { shared: Arc::default(), thread: Mutex::default() }
    }

    /// Does `work` at `at`, on the timer's thread: it must be short. The thread is begun with the first use.
    pub fn at(&self, at: Instant, work: impl FnOnce() + Send + 'static) {
        let (entries, changed) = &*self.shared;
        {
            let mut entries = lock(entries);
            let number = entries.next;
            entries.next += 1;
            entries.heap.push(Reverse(Entry { at, number, work: Box::new(work) }));
        }
        changed.notify_one();
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = self.shared.clone();
            match std::thread::Builder::new().name("jf-timer".to_owned()).spawn(move || run(&shared)) {
                Ok(started) => *thread = Some(started),
                Err(error) => tracing::error!(%error, "the timer thread cannot be started: deadlines are not kept"),
            }
        }
    }

    /// Ends the thread; what was due later is not done.
    pub fn end(&self) {
        lock(&self.shared.0).ended = true;
        self.shared.1.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

fn run((entries, changed): &(Mutex<Entries>, Condvar)) {
    let mut guard = lock(entries);
    while !guard.ended {
        let now = Instant::now();
        match guard.heap.peek() {
            Some(Reverse(first)) if first.at <= now => {
                let due = guard.heap.pop();
                drop(guard);
                if let Some(Reverse(entry)) = due {
                    (entry.work)();
                }
                guard = lock(entries);
            }
            Some(Reverse(first)) => {
                let left = first.at - now;
                guard = changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            None => guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
        }
    }
}
