//! The commands of the application that holds the engine: slots of the routing table like those of plugins, but registered
//! and taken back one by one while it runs, and handled by a callback.
//!
//! - here: what is registered, and the way of a command through its callback
//! - [`lane`]: what waits for the application, and on which threads it is called
//! - [`running`]: what of the application this thread is in; [`wait`]: calls that it waits for there
//! - [`face`]: what the application can ask of its engine

mod face;
mod lane;
mod running;
mod wait;

pub use face::{Polled, RegisterError, Unanswered};
pub(crate) use lane::{Full, LaneKind};
pub use lane::{Job, Signal};
use running::Running;
pub use running::must_not_wait;

use crate::call::{Call, lock};
use crate::core::Core;
use crate::dispatch::{CallHandle, shutting_down};
use crate::flights::{Flights, Step};
use crate::generation::join_within;
use crate::host::{CommandFrame, CommandInfo, application_failure};
use crate::router::Class;
use jackfield_message::{ByteString, Command, ErrorCode, Failure, Reply};
use jackfield_plugin_api as abi;
use lane::{Lane, Taken, Task};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// How long threads may take to end that have nothing to do.
const LAST_MOMENT: Duration = Duration::from_millis(100);

/// Takes the commands of a key. Dropped when it can be called no more, on whatever thread noticed that.
pub trait Callback: Send + Sync {
    /// Handles a command, on a thread by its class. `JF_PENDING`: it is answered later, by [`crate::Engine::reply`]; else
    /// as `handle` of plugins. `command` and all behind it stays until this has returned and the token is finished.
    fn handle(&self, command: &CommandFrame) -> abi::jf_status;

    /// Its client wants a command given up. HOST_THREAD: where the application polls; else on any thread. Must not block.
    fn cancel(&self, token: u64);
}

/// One registered key.
pub(crate) struct Entry {
    pub info: CommandInfo,
    callback: Arc<dyn Callback>,
    unregistered: AtomicBool,
}

impl Entry {
    pub fn lane(&self) -> LaneKind {
        LaneKind::of(self.info.class)
    }

    pub fn is_unregistered(&self) -> bool {
        self.unregistered.load(Ordering::Acquire)
    }
}

/// What an engine knows of its application.
pub(crate) struct Application {
    host_thread: Lane,
    serial: Lane,
    concurrent: Lane,
    /// Commands inside callbacks, or not answered yet.
    flights: Arc<Flights>,
    /// Calls that wait inside callbacks, each with the command on whose behalf it is.
    nested: Mutex<Vec<(Arc<Call>, CallHandle)>>,
    /// Told of each end while the engine stops.
    emptied: (Mutex<()>, Condvar),
}

impl Application {
    /// That of engine `number` of the process.
    pub fn new(number: u64, limit: usize, signal: Option<Signal>) -> Self {
        Self {
            host_thread: Lane::new(LaneKind::HostThread, limit, signal),
            serial: Lane::new(LaneKind::Serial, limit, None),
            concurrent: Lane::new(LaneKind::Concurrent, limit, None),
            // So that a token of another engine, or of an earlier run, is unknown.
            flights: Arc::new(Flights::new(number)),
            nested: Mutex::default(),
            emptied: Default::default(),
        }
    }

    fn lane(&self, kind: LaneKind) -> &Lane {
        match kind {
            LaneKind::HostThread => &self.host_thread,
            LaneKind::Serial => &self.serial,
            LaneKind::Concurrent => &self.concurrent,
        }
    }

    fn lanes(&self) -> [&Lane; 3] {
        [&self.host_thread, &self.serial, &self.concurrent]
    }

    /// The thread that polled last.
    pub fn poller(&self) -> Option<ThreadId> {
        self.host_thread.poller()
    }

    /// Whether no command waits or is under way.
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty() && self.lanes().iter().all(|lane| !lane.has_commands())
    }
}

impl Core {
    /// Has a command handled by its callback. `Err`: its key was taken back meanwhile.
    pub(crate) fn to_application(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        call: &Arc<Call>,
        may_run_here: bool,
    ) -> Result<(), Full> {
        if entry.info.class == Class::Inline && may_run_here {
            if entry.is_unregistered() {
                return Err(Full::Unregistered);
            }
            self.run_callback(call.clone(), entry, LaneKind::Concurrent, true);
            return Ok(());
        }
        let kind = entry.lane();
        let lane = self.application.lane(kind);
        lane.push(call.clone(), entry, &self.spawner, self.work_of(kind))
    }

    /// What a thread of a line does until that is closed.
    fn work_of(self: &Arc<Self>, kind: LaneKind) -> impl Fn() + Send + 'static {
        let core = self.clone();
        move || {
            let lane = core.application.lane(kind);
            loop {
                match lane.take(None, lane.wakes()) {
                    Taken::Task(task) => core.do_task(task, kind),
                    Taken::Nothing => {}
                    Taken::Closed => return,
                }
            }
        }
    }

    fn do_task(self: &Arc<Self>, task: Task, kind: LaneKind) {
        match task {
            Task::Command(call, entry) => self.run_callback(call, &entry, kind, false),
            Task::Job(job) => {
                let _running = Running::begin(self, kind, None, false);
                job();
            }
        }
    }

    /// Has something of the application done on a thread of `kind`; gives it back where the engine has stopped.
    fn try_post(self: &Arc<Self>, kind: LaneKind, first: bool, job: Job) -> Result<(), Job> {
        self.application.lane(kind).post(job, first, &self.spawner, self.work_of(kind))
    }

    /// Calls the callback of a command, as `Generation::run` calls a plugin.
    fn run_callback(self: &Arc<Self>, call: Arc<Call>, entry: &Arc<Entry>, kind: LaneKind, inline: bool) {
        if call.is_answered() {
            // Its deadline passed while it was being taken.
            return;
        }
        if let Some(refusal) = self.misfit(entry, &call.command, call.nested.is_some()) {
            call.answer(refusal);
            return;
        }
        let flights = &self.application.flights;
        let (token, frame) = flights.begin(call.clone(), kind.is_exclusive(), CommandFrame::new);
        if call.is_cancelled() {
            // Asked for while it was being taken, when it was not to be found anywhere.
            entry.callback.cancel(token);
        }
        let status = {
            let _running = Running::begin(self, kind, Some(call), inline);
            entry.callback.handle(&frame)
        };
        let (step, replied) = flights.returned(token, status != abi::JF_PENDING);
        if replied == Some(true) && status < abi::JF_OK {
            tracing::warn!(
                key = &*entry.info.key,
                status,
                "the application returned an error after a successful reply; the reply stands"
            );
        }
        if let Step::Done(call) = step
            && replied.is_none()
        {
            call.answer(match status {
                abi::JF_OK => Reply::ok(ByteString::from_static("null")),
                status => application_failure(status, "").into(),
            });
        }
        drop(frame);
        self.tell_application_emptied();
    }

    /// What a command is answered whose params do not fit its schema.
    fn misfit(&self, entry: &Entry, command: &Command, nested: bool) -> Option<Reply> {
        let schema = entry.info.params.as_ref()?;
        // As for plugins: clients of the plain dialect get the handler's own texts.
        if command.dialect == crate::schema::PLAIN && !nested {
            return None;
        }
        if let Some(failure) = crate::schema::too_long(command, self.limits.checked_bytes) {
            return Some(failure.into());
        }
        schema.refusal(command).map(Reply::from)
    }

    /// Takes a command out of its line. False: it is not waiting (any more).
    pub(crate) fn take_from_application(&self, entry: &Entry, call: &Arc<Call>) -> bool {
        let taken = self.application.lane(entry.lane()).remove(call);
        self.tell_application_emptied();
        taken
    }

    /// Asks the application to give a command up that is inside.
    pub(crate) fn cancel_in_application(self: &Arc<Self>, entry: &Arc<Entry>, call: &Arc<Call>) {
        let nested: Vec<_> = lock(&self.application.nested)
            .iter()
            .filter(|(parent, _)| Arc::ptr_eq(parent, call))
            .map(|(_, handle)| handle.clone())
            .collect();
        for handle in nested {
            self.cancel(&handle);
        }
        let Some(token) = self.application.flights.token_of(call) else { return };
        let callback = entry.callback.clone();
        match entry.lane() {
            LaneKind::HostThread => {
                // That line takes it always: nobody else may do it.
                let _ = self.try_post(LaneKind::HostThread, true, Box::new(move || callback.cancel(token)));
            }
            LaneKind::Serial | LaneKind::Concurrent => callback.cancel(token),
        }
    }

    /// Waits until the application is idle, no longer than until `until`.
    pub(crate) fn drain_application(self: &Arc<Self>, until: Instant) {
        let (lock_of, emptied) = &self.application.emptied;
        let mut guard = lock(lock_of);
        while !self.application.is_idle() {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return;
            };
            guard = emptied.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The end of all lines: what waits is answered, what is inside is answered for, threads are joined but for those that
    /// do not come back by `until`.
    pub(crate) fn close_application(self: &Arc<Self>, until: Instant) {
        let mut threads = Vec::new();
        for lane in self.application.lanes() {
            let (calls, of_lane) = lane.close();
            threads.extend(of_lane);
            for call in calls {
                call.answer(shutting_down());
            }
        }
        for (_, call) in self.application.flights.all() {
            call.cancel();
            let message = "The application had not done the command when the server stopped; nobody knows whether it took effect.";
            call.answer(Failure::new(ErrorCode::OutcomeUnknown, message).into());
        }
        // Those that are in no callback end at once; to see that takes a moment, also where none is left.
        let left = until.saturating_duration_since(Instant::now()).max(LAST_MOMENT);
        if !join_within(threads, left) {
            tracing::warn!("a callback of the application does not return; its thread is left");
        }
    }
}
