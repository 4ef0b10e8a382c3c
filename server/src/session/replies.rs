use futures_util::task::AtomicWaker;
use jackfield_engine::{Progress, ReplySink, Subscriber};
use jackfield_message::Reply;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// What threads of plugins and of the engine have for a session, until its task takes it: answers, as many as there are
/// commands in flight at most, since the engine answers each once; the newest progress of those commands; events, bounded
/// by the subscriber's queue. An idle session's is empty, in memory too.
#[derive(Debug, Default)]
pub(super) struct Replies {
    state: Mutex<State>,
    /// The subscriber may have something.
    event: AtomicBool,
    /// None where the dialect has no events.
    subscriber: Option<Subscriber>,
    task: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    arrived: VecDeque<(u64, Reply)>,
    watched: Vec<Watched>,
    /// One of them has something new.
    progressed: bool,
}

/// A request whose progress is wanted.
#[derive(Debug)]
struct Watched {
    request: u64,
    newest: Option<Progress>,
    answered: bool,
}

impl ReplySink for Replies {
    fn reply(&self, request: u64, reply: Reply) {
        let first = {
            let mut state = self.lock();
            if let Some(watched) = state.watched.iter_mut().find(|watched| watched.request == request) {
                watched.answered = true;
            }
            state.arrived.push_back((request, reply));
            state.arrived.len() == 1
        };
        // For the others it is awake already, and has not taken this one.
        if first {
            self.task.wake();
        }
    }

    fn progress(&self, request: u64, progress: Progress) {
        {
            let mut state = self.lock();
            let Some(watched) = state.watched.iter_mut().find(|watched| watched.request == request) else { return };
            watched.newest = Some(progress);
            state.progressed = true;
        }
        self.task.wake();
    }

    fn subscriber(&self) -> Option<&Subscriber> {
        self.subscriber.as_ref()
    }

    fn wake(&self) {
        if !self.event.swap(true, Ordering::AcqRel) {
            self.task.wake();
        }
    }
}

impl Replies {
    /// `events`: whether the dialect has words for them.
    pub fn new(events: bool) -> Self {
        Self { subscriber: events.then(Subscriber::default), ..Self::default() }
    }

    /// Waits until there is something. For one task. Cancel safe.
    pub async fn arrival(&self) {
        poll_fn(|cx| {
            self.task.register(cx.waker());
            let state = self.lock();
            let some = !state.arrived.is_empty() || state.progressed || self.event.load(Ordering::Acquire);
            if some { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Takes all answers that are there, in the place of `taken`, which must be empty.
    pub fn take(&self, taken: &mut VecDeque<(u64, Reply)>) {
        debug_assert!(taken.is_empty(), "answers would be lost");
        std::mem::swap(taken, &mut self.lock().arrived);
    }

    /// The progress of `request` is wanted until it is answered.
    pub fn watch(&self, request: u64) {
        let mut state = self.lock();
        // An earlier request may have had the number, and its answer have come since progress was taken last.
        state.watched.retain(|watched| watched.request != request);
        state.watched.push(Watched { request, newest: None, answered: false });
    }

    /// It was answered at once.
    pub fn unwatch(&self, request: u64) {
        self.lock().watched.retain(|watched| watched.request != request);
    }

    /// Takes the news of progress. To be told before the answers that are taken later.
    pub fn take_progress(&self) -> Vec<(u64, Progress)> {
        let mut state = self.lock();
        if !std::mem::take(&mut state.progressed) && !state.watched.iter().any(|watched| watched.answered) {
            return Vec::new();
        }
        let news =
            state.watched.iter_mut().filter_map(|watched| Some((watched.request, watched.newest.take()?))).collect();
        state.watched.retain(|watched| !watched.answered);
        news
    }

    /// Whether events may come.
    pub fn has_subscribed(&self) -> bool {
        self.subscriber.as_ref().is_some_and(Subscriber::is_used)
    }

    /// Whether events may have come since this was asked last.
    pub fn take_event(&self) -> bool {
        self.event.load(Ordering::Acquire) && self.event.swap(false, Ordering::AcqRel)
    }

    /// They were not all taken.
    pub fn leave_event(&self) {
        self.event.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // It is whole at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
