//! Deadlines and grace times: one thread that wakes at the next of them.

use crate::call::lock;
use crate::spawn::Spawner;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

type Work = Box<dyn FnOnce() + Send>;

/// When, and which of those at the same time.
type Place = (Instant, u64);

#[derive(Default)]
struct Entries {
    due: BTreeMap<Place, Work>,
    next: u64,
    ended: bool,
}

type Shared = Arc<(Mutex<Entries>, Condvar)>;

/// Holds a place in the timer; dropped, it gives the place up, so that a far deadline costs nothing once it is met.
pub(crate) struct Ticket {
    shared: Shared,
    place: Option<Place>,
}

impl Ticket {
    /// The work is done in any case.
    pub fn detach(mut self) {
        self.place = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            // Bound, so that the work is dropped when the lock is free again.
            let _unneeded = lock(&self.shared.0).due.remove(&place);
        }
    }
}

/// Does things at their time, as long as their tickets are held.
pub(crate) struct Timer {
    shared: Shared,
    thread: Mutex<Option<JoinHandle<()>>>,
    spawner: Spawner,
}

impl Timer {
    pub fn new(spawner: Spawner) -> Self {
        Self { shared: Arc::default(), thread: Mutex::default(), spawner }
    }

    /// Does `work` at `at`, on the timer's thread: it must be short. The thread is begun with the first use.
    #[must_use]
    pub fn at(&self, at: Instant, work: impl FnOnce() + Send + 'static) -> Ticket {
        let (entries, changed) = &*self.shared;
        let place = {
            let mut entries = lock(entries);
            let place = (at, entries.next);
            entries.next += 1;
            entries.due.insert(place, Box::new(work));
            place
        };
        changed.notify_one();
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = self.shared.clone();
            match self.spawner.spawn("jf-timer".to_owned(), move || run(&shared)) {
                Ok(started) => *thread = Some(started),
                Err(error) => tracing::error!(%error, "the timer thread cannot be started: deadlines are not kept"),
            }
        }
        Ticket { shared: self.shared.clone(), place: Some(place) }
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
        match guard.due.first_entry() {
            Some(first) if first.key().0 <= now => {
                let work = first.remove();
                drop(guard);
                work();
                guard = lock(entries);
            }
            Some(first) => {
                let left = first.key().0 - now;
                guard = changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            None => guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn work_is_done_in_the_order_of_its_times_and_not_without_its_ticket() {
        let timer = Timer::new(Spawner::default());
        let (done, is_done) = mpsc::channel();
        let soon = Instant::now() + Duration::from_millis(20);
        let tickets: Vec<_> = [(2, "second"), (1, "first")]
            .map(|(ms, name)| {
                let done = done.clone();
                timer.at(soon + Duration::from_millis(ms), move || done.send(name).unwrap())
            })
            .into();
        drop(timer.at(soon, || panic!("given up before its time")));
        let limit = Duration::from_secs(5);
        assert_eq!([is_done.recv_timeout(limit), is_done.recv_timeout(limit)], [Ok("first"), Ok("second")]);
        assert!(lock(&timer.shared.0).due.is_empty());
        drop(tickets);
        timer.end();
    }
}
