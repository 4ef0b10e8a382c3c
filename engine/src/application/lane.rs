//! A line of what the application is to be called for, in the order in which it came, and the threads that take from it.

use super::{Class, Entry};
use crate::call::{Call, lock};
use crate::spawn::Spawner;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Instant;

/// Which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneKind {
    /// Taken by whoever polls.
    HostThread,
    /// Taken by one thread of the engine.
    Serial,
    /// Taken by several.
    Concurrent,
}

impl LaneKind {
    /// Where a command of `class` waits. INLINE ones wait only when they may not run where they came from.
    pub fn of(class: Class) -> Self {
        match class {
            Class::HostThread => Self::HostThread,
            Class::Serial => Self::Serial,
            Class::Concurrent | Class::Inline => Self::Concurrent,
        }
    }

    /// Whether it is one call at a time: a call that waits for another of this line waits for ever.
    pub fn is_exclusive(self) -> bool {
        self != Self::Concurrent
    }
}

/// Something to be done beside commands: an answer, an event, a cancel.
pub type Job = Box<dyn FnOnce() + Send>;

/// One call into the application.
pub(crate) enum Task {
    Command(Arc<Call>, Arc<Entry>),
    Job(Job),
}

/// Workers of the CONCURRENT line.
const WORKERS: usize = 4;

/// So many more there may be, one for each that waits for a command itself.
pub(super) const MOST_WAITING: usize = 64;

/// Why a command, or a worker, cannot wait here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// As many wait as may.
    Limit,
    /// Its key was taken back.
    Unregistered,
    /// The engine has stopped.
    Closed,
    /// The system gives no threads to run it on.
    NoThreads,
}

/// What a thread that asks for work finds.
pub(crate) enum Taken {
    Task(Task),
    /// Nothing in that time, or it was woken for another reason.
    Nothing,
    /// And never will again.
    Closed,
}

/// Told when the line begins and ceases to have something, under its lock.
pub type Signal = Arc<dyn Fn(bool) + Send + Sync>;

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    /// Of these, commands.
    commands: usize,
    closed: bool,
    /// Counts what wakes a thread beside tasks.
    wakes: u64,
    /// As many of these a poll has returned for.
    heard: u64,
    /// All that were begun, but for some that have ended.
    threads: Vec<JoinHandle<()>>,
    /// Of these, those that have not ended.
    live: usize,
    /// Threads that wait for tasks.
    idle: usize,
    /// Workers that wait for commands inside their handlers.
    waiting: usize,
    /// Who polled last.
    poller: Option<ThreadId>,
    /// Who would be a likely one, as long as nobody has.
    starter: Option<ThreadId>,
}

pub(crate) struct Lane {
    pub kind: LaneKind,
    state: Mutex<State>,
    ready: Condvar,
    limit: usize,
    most_threads: usize,
    signal: Option<Signal>,
}

impl Lane {
    pub fn new(kind: LaneKind, limit: usize, signal: Option<Signal>) -> Self {
        let most_threads = match kind {
            LaneKind::HostThread => 0,
            LaneKind::Serial => 1,
            LaneKind::Concurrent => WORKERS,
        };
        Self { kind, state: Mutex::default(), ready: Condvar::new(), limit, most_threads, signal }
    }

    /// Puts a command at the end of the line. `work`: what a thread of this line does, should it need one more.
    pub fn push(
        &self,
        call: Arc<Call>,
        entry: &Arc<Entry>,
        spawner: &Spawner,
        work: impl Fn() + Send + 'static,
    ) -> Result<(), Full> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Full::Closed);
        }
        // Looked at under the lock: whoever takes the key back clears the line of its commands afterwards.
        if entry.is_unregistered() {
            return Err(Full::Unregistered);
        }
        if state.commands >= self.limit {
            return Err(Full::Limit);
        }
        self.staff(&mut state, 1, spawner, work)?;
        state.commands += 1;
        self.add(&mut state, Task::Command(call, entry.clone()));
        Ok(())
    }

    /// Puts something else there, before all that waits where `first`. Gives it back when the line is closed; that of the
    /// host's thread takes it all the same: nobody else may do it.
    pub fn post(&self, job: Job, first: bool, spawner: &Spawner, work: impl Fn() + Send + 'static) -> Result<(), Job> {
        let mut state = lock(&self.state);
        let closed = state.closed && self.kind != LaneKind::HostThread;
        if closed || self.staff(&mut state, 1, spawner, work).is_err() {
            return Err(job);
        }
        if first {
            // As if behind the newest, which then goes in front.
            self.add(&mut state, Task::Job(job));
            state.tasks.rotate_right(1);
        } else {
            self.add(&mut state, Task::Job(job));
        }
        Ok(())
    }

    fn add(&self, state: &mut State, task: Task) {
        state.tasks.push_back(task);
        if state.tasks.len() == 1 {
            self.signal(true);
        }
        self.ready.notify_one();
    }

    fn signal(&self, something: bool) {
        if let Some(signal) = &self.signal {
            signal(something);
        }
    }

    /// A worker is about to wait inside its handler: until it is given back, another may work in its place.
    pub fn lend(&self, spawner: &Spawner, work: impl Fn() + Send + 'static) -> Result<(), Full> {
        let mut state = lock(&self.state);
        if state.waiting >= MOST_WAITING {
            return Err(Full::Limit);
        }
        state.waiting += 1;
        self.staff(&mut state, 0, spawner, work).inspect_err(|_| state.waiting -= 1)
    }

    /// It works again: one that was begun in its place ends when it has nothing to do.
    pub fn give_back(&self) {
        lock(&self.state).waiting -= 1;
        self.ready.notify_one();
    }

    /// Begins one more thread where tasks, with those that are `coming`, would wait for one that may be.
    fn staff(
        &self,
        state: &mut State,
        coming: usize,
        spawner: &Spawner,
        work: impl Fn() + Send + 'static,
    ) -> Result<(), Full> {
        let enough = state.tasks.len() + coming <= state.idle;
        if enough || state.closed || state.live >= self.most_threads + state.waiting {
            return Ok(());
        }
        state.threads.retain(|thread| !thread.is_finished());
        let name = match self.kind {
            LaneKind::Concurrent => format!("jf-host-worker-{}", state.live),
            LaneKind::Serial | LaneKind::HostThread => "jf-host-serial".to_owned(),
        };
        match spawner.spawn(name, work) {
            Ok(thread) => {
                state.threads.push(thread);
                state.live += 1;
                Ok(())
            }
            // Fewer than wanted are enough to go on.
            Err(error) if state.live > state.waiting => {
                tracing::warn!(%error, "only {} threads for the application's CONCURRENT commands", state.live);
                Ok(())
            }
            Err(_) => Err(Full::NoThreads),
        }
    }

    /// The next task. Waits for one until `until` (`None`: for ever), or until it is woken after `wakes`.
    pub fn take(&self, until: Option<Instant>, wakes: u64) -> Taken {
        let mut state = lock(&self.state);
        loop {
            if state.live > self.most_threads + state.waiting {
                // It has worked for one that waited. What it was woken for is another's.
                state.live -= 1;
                self.ready.notify_one();
                return Taken::Closed;
            }
            if let Some(task) = state.tasks.pop_front() {
                state.commands -= usize::from(matches!(task, Task::Command(..)));
                if state.tasks.is_empty() {
                    // Once it is closed there is the end to be found.
                    self.signal(state.closed);
                }
                return Taken::Task(task);
            }
            if state.closed {
                return Taken::Closed;
            }
            if state.wakes != wakes {
                return Taken::Nothing;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Taken::Nothing;
            }
            state.idle += 1;
            state = match left {
                None => self.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.ready.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
            state.idle -= 1;
        }
    }

    /// Whether commands wait.
    pub fn has_commands(&self) -> bool {
        lock(&self.state).commands > 0
    }

    /// How many tasks wait now.
    pub fn len(&self) -> usize {
        lock(&self.state).tasks.len()
    }

    /// How often it was woken so far: asked before one looks at what else one waits for.
    pub fn wakes(&self) -> u64 {
        lock(&self.state).wakes
    }

    /// The wakes that polls have not returned for yet are theirs from now on: gives how many were heard before.
    pub fn hear(&self) -> u64 {
        let mut state = lock(&self.state);
        let wakes = state.wakes;
        std::mem::replace(&mut state.heard, wakes)
    }

    /// Every thread that waits here looks again at what else it waits for.
    pub fn wake(&self) {
        lock(&self.state).wakes += 1;
        self.ready.notify_all();
    }

    /// This thread polls from now on.
    pub fn polled(&self) {
        lock(&self.state).poller = Some(std::thread::current().id());
    }

    /// That thread has started the engine.
    pub fn started_by(&self, thread: ThreadId) {
        lock(&self.state).starter = Some(thread);
    }

    /// Whether nobody has polled yet, and this thread has started the engine.
    pub fn awaits_first_poll_here(&self) -> bool {
        let state = lock(&self.state);
        state.poller.is_none() && state.starter == Some(std::thread::current().id())
    }

    /// The thread that polled last.
    pub fn poller(&self) -> Option<ThreadId> {
        lock(&self.state).poller
    }

    /// Takes one command out. False: it is not waiting here (any more).
    pub fn remove(&self, call: &Arc<Call>) -> bool {
        !self.take_out(|waiting, _| Arc::ptr_eq(waiting, call)).is_empty()
    }

    /// Takes out all commands that wait for `entry`.
    pub fn remove_all_of(&self, entry: &Arc<Entry>) -> Vec<Arc<Call>> {
        self.take_out(|_, of| Arc::ptr_eq(of, entry))
    }

    fn take_out(&self, wanted: impl Fn(&Arc<Call>, &Arc<Entry>) -> bool) -> Vec<Arc<Call>> {
        let mut state = lock(&self.state);
        let mut out = Vec::new();
        state.tasks.retain(|task| match task {
            Task::Command(call, entry) if wanted(call, entry) => {
                out.push(call.clone());
                false
            }
            Task::Command(..) | Task::Job(_) => true,
        });
        state.commands -= out.len();
        if !out.is_empty() && state.tasks.is_empty() {
            self.signal(state.closed);
        }
        out
    }

    /// No command waits here any more: gives back those that did, and the threads, which end when they have done the rest.
    pub fn close(&self) -> (Vec<Arc<Call>>, Vec<JoinHandle<()>>) {
        lock(&self.state).closed = true;
        let calls = self.take_out(|_, _| true);
        let mut state = lock(&self.state);
        // Whoever waits for the signal is to look once more, and finds the end.
        self.signal(true);
        self.ready.notify_all();
        (calls, std::mem::take(&mut state.threads))
    }
}
