//! What the application can ask of its engine, beside what clients can.

use super::lane::Taken;
use super::{Callback, Entry, Job, LaneKind, running};
use crate::call::{Caller, ReplySink, lock};
use crate::core::Core;
use crate::dispatch::Submitted;
use crate::engine::Engine;
use crate::flights::{Flights, Step};
use crate::host::CommandInfo;
use crate::reload::{self, Request};
use crate::router::{Slot, Table};
use crate::services::OpaqueService;
use jackfield_message::{Command, ErrorCode, Failure, Progress, Reply, json};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

/// Why a key cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// What is said of the command is not as it must be.
    #[error("{0}")]
    Invalid(String),
    /// Somebody serves it already.
    #[error("the key {key:?} is served already, by {by}")]
    Taken {
        /// Which key.
        key: String,
        /// A plugin, or the application itself.
        by: String,
    },
    /// The engine has stopped.
    #[error("the engine has stopped")]
    Stopped,
}

/// The commands that the application was given and has not answered, and all that it was given of them; for when the engine
/// goes before that.
pub struct Unanswered(Arc<Flights>);

impl Unanswered {
    /// The application has answered: what it was given goes.
    pub fn finish(&self, token: u64) {
        self.0.finish(token, false);
    }

    /// Whether all are answered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a poll did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polled {
    /// Callbacks that ran.
    pub ran: u64,
    /// The engine has stopped: there will be nothing any more.
    pub closed: bool,
}

impl Engine {
    /// Serves a key of the application from now on.
    pub fn register(&self, mut info: CommandInfo, callback: Arc<dyn Callback>) -> Result<(), RegisterError> {
        info.check().map_err(RegisterError::Invalid)?;
        let core = self.core();
        if !core.is_accepting() {
            return Err(RegisterError::Stopped);
        }
        let key = info.key.clone();
        let mut registry = lock(&core.registry);
        let plugins = registry.records.iter().filter_map(|record| record.current.as_ref());
        let by = plugins
            .into_iter()
            .find(|generation| generation.info(&key).is_some())
            .map(|generation| format!("plugin '{}'", generation.plugin.id))
            .or_else(|| registry.application.contains_key(&key).then(|| "the application itself".to_owned()));
        if let Some(by) = by {
            return Err(RegisterError::Taken { key: key.to_string(), by });
        }
        let entry = Entry { info, callback, unregistered: AtomicBool::new(false) };
        registry.application.insert_mut(key.clone(), Slot::Application(Arc::new(entry)));
        core.router.publish(Table::of(&registry));
        drop(registry);
        core.tell_key(&key, reload::Step::Registered);
        Ok(())
    }

    /// Serves a key of the application no longer: commands that wait are answered PLUGIN_GONE, those inside go on. False: it
    /// was not registered.
    pub fn unregister(&self, key: &str) -> bool {
        let core = self.core();
        let mut registry = lock(&core.registry);
        let Some(Slot::Application(entry)) = registry.application.get(key).cloned() else { return false };
        registry.application.remove_mut(key);
        core.router.publish(Table::of(&registry));
        drop(registry);
        entry.unregistered.store(true, std::sync::atomic::Ordering::Release);
        for call in core.application.lane(entry.lane()).remove_all_of(&entry) {
            let message = format!("The application no longer has the command '{key}'.");
            call.answer(Reply::error(ErrorCode::PluginGone, message));
        }
        core.tell_application_emptied();
        core.tell_key(key, reload::Step::Unregistered);
        // A plugin may have wanted that key.
        let _ = core.request(Request::KeysFreed);
        true
    }

    /// Whether new commands are taken; a stop has begun otherwise.
    pub fn is_accepting(&self) -> bool {
        self.core().is_accepting()
    }

    /// Answers a command that was left pending. False: it is answered already, or none.
    pub fn reply(&self, token: u64, reply: Reply) -> bool {
        match self.core().application.flights.finish(token, reply.outcome.is_ok()) {
            Step::Stale => return false,
            Step::Open(call) | Step::Done(call) => call.answer(reply),
        };
        self.core().tell_application_emptied();
        true
    }

    /// What is not answered by [`Engine::reply`] yet.
    pub fn unanswered(&self) -> Unanswered {
        Unanswered(self.core().application.flights.clone())
    }

    /// Tells how far a command of the application is. False: it is answered already, or none.
    pub fn progress(&self, token: u64, progress: Progress) -> bool {
        let call = self.core().application.flights.find(token);
        call.inspect(|call| call.progress(progress)).is_some()
    }

    /// Whether a command of the application should be given up: asked for, past its deadline, or answered.
    pub fn is_cancelled(&self, token: u64) -> bool {
        let call = self.core().application.flights.find(token);
        call.is_none_or(|call| call.is_cancelled() || call.is_answered())
    }

    /// Runs the callbacks that wait for the thread of the application, those that are there; waits for the first of them
    /// until `until` (`None`: for ever), or until [`Engine::wake_poll`].
    pub fn poll(&self, until: Option<Instant>) -> Polled {
        let core = self.core();
        let lane = &core.application.host_thread;
        lane.polled();
        // One that came before this poll counts, too.
        let wakes = lane.hear();
        let mut polled = Polled { ran: 0, closed: false };
        let mut wanted = 1;
        while polled.ran < wanted {
            // Only the first is waited for.
            let until = if polled.ran == 0 { until } else { Some(Instant::now()) };
            match lane.take(until, wakes) {
                Taken::Task(task) => {
                    if polled.ran == 0 {
                        wanted += lane.len() as u64;
                    }
                    core.do_task(task, LaneKind::HostThread);
                    polled.ran += 1;
                }
                Taken::Nothing => break,
                Taken::Closed => {
                    polled.closed = true;
                    break;
                }
            }
        }
        lane.hear();
        polled
    }

    /// That thread has started the engine for the application: if it waits before anybody has polled, then for itself.
    pub fn started_by(&self, thread: ThreadId) {
        self.core().application.host_thread.started_by(thread);
    }

    /// Whether this thread is the one that polls, and in no callback of this engine: what it waits for may have to be done by
    /// itself.
    pub fn polls_here(&self) -> bool {
        let core = self.core();
        core.application.poller() == Some(std::thread::current().id()) && !running::is_inside(core)
    }

    /// Polls until `done` or `until`, or until there is nothing to poll any more. Whoever makes `done` true calls
    /// [`Engine::wake_poll`].
    pub fn poll_until(&self, until: Option<Instant>, done: impl Fn() -> bool) {
        let core = self.core();
        let lane = &core.application.host_thread;
        loop {
            let wakes = lane.wakes();
            if done() || until.is_some_and(|until| Instant::now() >= until) {
                return;
            }
            match lane.take(until, wakes) {
                Taken::Task(task) => core.do_task(task, LaneKind::HostThread),
                Taken::Nothing => {}
                Taken::Closed => return,
            }
        }
    }

    /// Whoever polls looks up.
    pub fn wake_poll(&self) {
        self.core().application.host_thread.wake();
    }

    /// Does `job` where the application polls, or on a thread of the engine that does such jobs one by one. Now and here,
    /// where the engine has stopped.
    pub fn post(&self, on_host_thread: bool, job: Job) {
        if let Err(job) = self.try_post(on_host_thread, job) {
            job();
        }
    }

    /// The same for what is of no use any more where the engine has stopped: gives it back.
    pub fn try_post(&self, on_host_thread: bool, job: Job) -> Result<(), Job> {
        let kind = if on_host_thread { LaneKind::HostThread } else { LaneKind::Serial };
        self.core().try_post(kind, false, job)
    }

    /// Submits a command of the application itself; INLINE ones run here and now.
    pub fn submit(&self, command: Command, sink: &Arc<dyn ReplySink>, request: u64) -> Submitted {
        let core = self.core();
        core.submit(&core.router.load(), command, Caller { sink, request, order: None })
    }

    /// Publishes an event of the application.
    pub fn publish(&self, topic: &str, data: &str) -> Result<(), Failure> {
        let core = self.core();
        json::check(data, core.limits.nesting)
            .map_err(|why| Failure::new(ErrorCode::InvalidParams, format!("The data is no JSON: {why}.")))?;
        core.topics.publish_for_caller(topic, data)
    }

    /// Offers a service of the application to plugins, as `id`, as long as the engine lives. False: it has one of that id.
    pub fn provide(&self, id: &str, service: OpaqueService) -> bool {
        let mut services = self.core().services.write().unwrap_or_else(PoisonError::into_inner);
        match services.contains_key(id) {
            true => false,
            false => services.insert(id.to_owned(), service).is_none(),
        }
    }
}

impl Core {
    /// Something of the application has ended: who waits until it is idle looks again.
    pub(crate) fn tell_application_emptied(&self) {
        if !self.is_accepting() {
            self.application.host_thread.wake();
            let _guard = lock(&self.application.emptied.0);
            self.application.emptied.1.notify_all();
        }
    }
}
