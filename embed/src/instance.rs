//! One engine of the application: what it is configured with, and whether it runs.

use crate::api::client::jf_request;
use crate::calls;
use crate::doorbell::Doorbell;
use crate::edge::{self, Fault};
use crate::handle::Name;
use crate::handler::Handler;
use crate::log::{Log, LogCallback};
use crate::owner::Owner;
use crate::release::RawRelease;
use crate::run::{self, Run};
use crate::subscription::Subscription;
use jackfield::config::Piece;
use jackfield_engine::{CommandInfo, Engine, Limits, RegisterError};
use jackfield_message::{ByteString, Culprit};
use jackfield_plugin_api::*;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

/// What an application's engine is.
#[derive(Default)]
pub(crate) struct Instance {
    pub name: Name,
    pub owner: Owner,
    pub setup: Mutex<Setup>,
    state: Mutex<State>,
    changed: Condvar,
    pub doorbell: Arc<Doorbell>,
    subscriptions: Mutex<(u64, HashMap<u64, Arc<Subscription>>)>,
}

/// What was said beforehand, and holds over stops.
#[derive(Default)]
pub(crate) struct Setup {
    pub pieces: Vec<Piece>,
    pub log: Option<Log>,
    /// By key.
    pub commands: BTreeMap<ByteString, (CommandInfo, Arc<Handler>)>,
    /// Id and address.
    pub services: Vec<(String, usize)>,
}

/// Where in its life it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    New,
    Starting,
    Running,
    Stopped,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// Counts starts: a stop waits for the end of the run that it asked.
    starts: u64,
    /// One of them was a success.
    was_started: bool,
    /// The thread that made the last one.
    starter: Option<ThreadId>,
    /// It is being freed: it is not started any more.
    ended: bool,
    /// What runs, or has run last.
    run: Option<Run>,
    main: Option<JoinHandle<()>>,
    /// Known without a lock on the above.
    log: Option<Log>,
}

impl State {
    /// Whether the run of that start is over.
    fn is_over(&self, start: u64) -> bool {
        self.starts != start || matches!(self.phase, Phase::Stopped | Phase::New)
    }

    /// What runs now.
    fn running(&self) -> Option<Run> {
        self.run.clone().filter(|_| self.phase != Phase::Stopped)
    }
}

impl Instance {
    pub fn new(name: Name) -> Arc<Self> {
        Arc::new(Self { name, ..Self::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn setup(&self) -> MutexGuard<'_, Setup> {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` with the application's log as this thread's.
    pub fn logged<T>(&self, work: impl FnOnce() -> T) -> T {
        // A log that is called cannot be set anew.
        let log = if edge::is_logging() { None } else { self.state().log.clone() };
        match log {
            Some(log) => tracing::dispatcher::with_default(&log.dispatch, work),
            None => work(),
        }
    }

    /// The run that goes on.
    pub fn run(&self) -> Result<Run, Fault> {
        let message = "The engine is not started: it never was, or has stopped.";
        self.state().running().ok_or_else(|| Fault::wrong_state(message))
    }

    /// The engine that runs, or has run last: for what may come after its stop. `None`: nothing is left of that.
    pub fn last_engine(&self) -> Result<Option<Arc<Engine>>, Fault> {
        let state = self.state();
        match &state.run {
            None if !state.was_started => Err(Fault::wrong_state("The engine was never started.")),
            run => Ok(run.as_ref().map(|run| run.engine.clone())),
        }
    }

    /// The limits that hold.
    pub fn limits(&self) -> Arc<Limits> {
        self.state().run.as_ref().map_or_else(Arc::default, |run| run.limits.clone())
    }

    fn not_started(&self) -> Result<(), Fault> {
        match self.state().phase {
            Phase::New | Phase::Stopped => Ok(()),
            Phase::Starting | Phase::Running => {
                Err(Fault::wrong_state("The engine is started; this can be said before that, or after a stop."))
            }
        }
    }

    /// Adds to the configuration, if it can be read with what is there.
    pub fn configure(&self, piece: Piece) -> Result<(), Fault> {
        self.not_started()?;
        let mut setup = self.setup();
        setup.pieces.push(piece);
        if let Err(error) = run::config(&setup.pieces) {
            setup.pieces.pop();
            return Err(error.into());
        }
        Ok(())
    }

    /// Sets where log lines go.
    pub fn on_log(&self, log: Option<LogCallback>) -> Result<(), Fault> {
        self.not_started()?;
        let log = log.map(|log| log.into_log(self.name));
        if let Some(old) = std::mem::replace(&mut self.setup().log, log.clone()) {
            old.end();
        }
        self.state().log = log;
        Ok(())
    }

    /// Starts it, and waits until it serves.
    pub fn start(self: &Arc<Self>) -> Result<(), Fault> {
        let (before, last) = {
            let mut state = self.state();
            if matches!(state.phase, Phase::Starting | Phase::Running) {
                return Err(Fault::wrong_state("The engine is started already."));
            }
            if state.ended {
                return Err(Fault::wrong_state("The engine is freed."));
            }
            state.starts += 1;
            state.starter = Some(std::thread::current().id());
            (std::mem::replace(&mut state.phase, Phase::Starting), (state.run.take(), state.main.take()))
        };
        let owner = self.owner.take();
        // Nothing of the last run is left.
        run::make_up(self.name, last);
        let begun = run::begin(self);
        let mut state = self.state();
        let outcome = match begun {
            Ok(main) => {
                state.main = Some(main);
                state.was_started = true;
                // It may have been stopped already.
                if state.phase == Phase::Starting {
                    state.phase = Phase::Running;
                }
                Ok(())
            }
            Err(fault) => {
                state.phase = before;
                let failed = state.run.take();
                drop(state);
                run::make_up(self.name, (failed, None));
                // As after the last stop.
                self.doorbell.set(before == Phase::Stopped);
                self.owner.restore(owner);
                Err(fault)
            }
        };
        self.changed.notify_all();
        outcome
    }

    /// What runs now, told by the run itself before connections are let in.
    pub fn set_run(&self, run: Run) {
        let mut state = self.state();
        if let Some(starter) = state.starter {
            run.engine.started_by(starter);
        }
        state.run = Some(run);
        drop(state);
        self.changed.notify_all();
    }

    /// The run is over.
    pub fn set_stopped(&self) {
        let ended = std::mem::take(&mut self.subscriptions().1);
        ended.values().for_each(|subscription| subscription.end());
        drop(ended);
        let run = {
            let mut state = self.state();
            state.phase = Phase::Stopped;
            state.run.clone()
        };
        self.changed.notify_all();
        if let Some(run) = run {
            run.engine.wake_poll();
        }
    }

    fn is_over(&self, start: u64) -> bool {
        self.state().is_over(start)
    }

    /// Stops it, and waits until it is stopped, but for within its callbacks and those that must not wait.
    pub fn stop(&self, timeout_ms: i64) -> Result<jf_status, Fault> {
        let waits = !edge::is_inside(self.name) && !edge::must_not_wait();
        let mut state = self.state();
        let run = loop {
            match (state.phase, &state.run) {
                (Phase::New, _) => return Err(Fault::wrong_state("The engine was never started.")),
                (Phase::Stopped, run) => break run.clone(),
                (Phase::Starting | Phase::Running, Some(run)) => {
                    match u64::try_from(timeout_ms) {
                        Ok(ms) => run.stop.begin_within(Duration::from_millis(ms)),
                        Err(_) => run.stop.begin(),
                    }
                    break Some(run.clone());
                }
                (Phase::Starting | Phase::Running, None) if !waits => {
                    return Err(Fault::wrong_state("The engine is being started."));
                }
                (Phase::Starting | Phase::Running, None) => state = self.wait(state),
            }
        };
        if !waits {
            return Ok(if state.phase == Phase::Stopped { JF_OK } else { JF_PENDING });
        }
        let start = state.starts;
        drop(state);
        let polls = run.as_ref().filter(|run| run.engine.polls_here());
        if let Some(run) = polls {
            run.engine.poll_until(None, || self.is_over(start));
        }
        let mut state = self.state();
        while !state.is_over(start) {
            state = self.wait(state);
        }
        let main = if state.starts == start { state.main.take() } else { None };
        drop(state);
        if let Some(main) = main {
            // A panic on it was reported when it happened.
            let _ = main.join();
        }
        if let Some(run) = polls {
            while run.engine.poll(Some(Instant::now())).ran > 0 {}
        }
        Ok(JF_OK)
    }

    fn wait<'s>(&'s self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops it, to be started no more. False: somebody else does so already.
    pub fn stop_for_good(&self) -> bool {
        if std::mem::replace(&mut self.state().ended, true) {
            return false;
        }
        // Of one that was never started there is nothing to stop.
        let _ = self.stop(-1);
        true
    }

    /// Its end: it has stopped for good, and nobody has its name any more.
    pub fn end(&self) {
        let (run, main) = {
            let mut state = self.state();
            (state.run.take(), state.main.take())
        };
        let commands = std::mem::take(&mut self.setup().commands);
        if let Some(run) = &run {
            for key in commands.keys() {
                run.engine.unregister(key);
            }
        }
        drop(commands);
        run::make_up(self.name, (run, main));
        if let Some(log) = &self.setup().log {
            log.end();
        }
    }

    /// Serves a key, now and in further runs.
    pub fn register(&self, info: CommandInfo, handler: Handler, release: Option<RawRelease>) -> Result<(), Fault> {
        let info = info.checked().map_err(|why| Fault::invalid(format!("`info`: {why}.")))?;
        let (key, handler) = (info.key.clone(), Arc::new(handler));
        // Held, so that a run that begins has either the key, or this thread finds the run.
        let mut setup = self.setup();
        if setup.commands.contains_key(&key) {
            return Err(run::taken(&RegisterError::Taken {
                key: key.to_string(),
                by: "the application itself".to_owned(),
            }));
        }
        if let Some(run) = self.state().running() {
            handler.set_engine(Arc::downgrade(&run.engine));
            run.engine.register(info.clone(), handler.clone()).map_err(|error| run::taken(&error))?;
        }
        handler.set_release(release);
        setup.commands.insert(key, (info, handler));
        Ok(())
    }

    /// Takes a key back.
    pub fn unregister(&self, key: &str) -> Result<(), Fault> {
        let mut setup = self.setup();
        let Some(command) = setup.commands.remove(key) else {
            let message = format!("No key '{key}' is registered.");
            return Err(Fault { status: JF_E_NOT_FOUND, ..Fault::invalid(message) });
        };
        let run = self.state().run.clone();
        drop(setup);
        if let Some(run) = run {
            run.engine.unregister(key);
        }
        // The application may be called by this.
        drop(command);
        Ok(())
    }

    /// Runs what waits for this thread.
    pub fn poll(&self, timeout_ms: i64, count: &mut u64) -> Result<(), Fault> {
        if edge::is_inside(self.name) {
            return Err(Fault::wrong_state("A callback cannot poll: it would be called from within itself."));
        }
        if edge::must_not_wait() {
            return Err(edge::wrong_thread());
        }
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let polled = self.last_engine()?.map(|engine| engine.poll(until));
        *count = polled.map_or(0, |polled| polled.ran);
        if polled.is_none_or(|polled| polled.closed && polled.ran == 0) {
            let message = "The engine has stopped, and nothing is left to poll.";
            return Err(Fault::new(JF_E_SHUTTING_DOWN, Culprit::Caller, message));
        }
        Ok(())
    }

    /// What the system can wait for.
    pub fn poll_handle(&self) -> Result<i64, Fault> {
        self.doorbell.handle().map_err(|error| {
            let message = format!("The system gives nothing to wait for: {error}.");
            Fault::new(JF_E_UNAVAILABLE, Culprit::Operator, message)
        })
    }

    /// Calls a command and waits for its result.
    pub fn call(&self, key: &str, params: &str, timeout_ms: i64) -> Result<ByteString, Fault> {
        if edge::must_not_wait() {
            return Err(edge::wrong_thread());
        }
        let run = self.run()?;
        let reply = run.engine.call_and_wait(calls::command(key, params, timeout_ms, &run.limits)?)?;
        reply.outcome.map(|success| success.json).map_err(|failure| Fault::from(*failure))
    }

    /// Has a plugin loaded, swapped or unloaded.
    pub fn manage(&self, key: &str, name: &str, value: &str) -> Result<(), Fault> {
        self.call(key, &json!({ name: value }).to_string(), -1).map(drop)
    }

    /// Submits a request.
    ///
    /// # Safety
    /// As for [`Requests::submit`].
    pub unsafe fn submit(&self, request: *const jf_request, id: *mut u64) -> Result<(), Fault> {
        let run = self.run()?;
        // SAFETY: promised by the caller.
        unsafe { run.requests.submit(request, id, &run.limits) }
    }

    /// Asks for a request to be given up.
    pub fn cancel(&self, id: u64) -> Result<(), Fault> {
        let requests = self.state().run.as_ref().map(|run| run.requests.clone());
        requests.ok_or_else(|| calls::no_request(id))?.cancel(id)
    }

    fn subscriptions(&self) -> MutexGuard<'_, (u64, HashMap<u64, Arc<Subscription>>)> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a subscription; gives its number.
    pub fn add_subscription(&self, subscription: Arc<Subscription>) -> u64 {
        let mut subscriptions = self.subscriptions();
        subscriptions.0 += 1;
        let number = subscriptions.0;
        subscriptions.1.insert(number, subscription);
        number
    }

    /// Forgets one.
    pub fn take_subscription(&self, number: u64) -> Option<Arc<Subscription>> {
        self.subscriptions().1.remove(&number)
    }

    /// Ends one.
    pub fn unsubscribe(&self, number: u64) -> Result<(), Fault> {
        let subscription = self.take_subscription(number).ok_or_else(|| {
            let message = format!("There is no subscription {number}, or it has ended.");
            Fault { status: JF_E_STALE, ..Fault::invalid(message) }
        })?;
        subscription.end();
        Ok(())
    }

    /// Offers a service, now and in further runs.
    pub fn provide(&self, id: &str, service: *const c_void) -> Result<(), Fault> {
        const LONGEST: usize = 256;
        if service.is_null() || !(1..=LONGEST).contains(&id.len()) {
            let why = if service.is_null() { "`service` is NULL" } else { "`id` is not 1 to 256 bytes" };
            return Err(Fault::invalid(format!("{why}.")));
        }
        let mut setup = self.setup();
        if setup.services.iter().any(|(known, _)| known == id) {
            let message = format!("The service '{id}' is offered already.");
            return Err(Fault { status: JF_E_BUSY, ..Fault::invalid(message) });
        }
        let address = service.expose_provenance();
        setup.services.push((id.to_owned(), address));
        if let Some(run) = self.state().run.clone() {
            run.engine.provide(id, run::opaque(address));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A start that had the engine in its hands when another thread freed it.
    #[test]
    fn a_start_that_a_free_has_overtaken_is_refused() {
        let instance = Instance::new(Name::default());
        assert!(instance.stop_for_good());
        instance.end();
        let fault = instance.start().unwrap_err();
        assert_eq!((fault.status, &*fault.message), (JF_E_WRONG_STATE, "The engine is freed."));
    }
}
