//! Keeps the books of the test host: commands in flight, log, states.

use super::calls::Calls;
use super::memory::Memory;
use super::{Outcome, Progress, Request};
use crate::export::bench::CommandMemory;
use crate::export::bench_calls::Waiting;
use crate::export::guard::guard;
use crate::{Buffer, Status};
use jackfield_plugin_api::{JF_PENDING, jf_status};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

/// Where the plugin is in its life.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In the entry function, as in a probe: only the log works.
    #[default]
    Probed,
    /// In `create` and `restore`.
    Created,
    /// From `start` to `destroy`.
    Running,
    /// From `destroy` on.
    Gone,
}

/// What a waiting caller has to do next.
pub(crate) enum Event {
    Cancel,
    /// Somebody waits for the reply to a call.
    Call,
    Done(Outcome),
    Late(Outcome),
}

type CancelWhen = Box<dyn FnMut(&Progress) -> bool + Send>;

#[derive(Default)]
pub(crate) struct Desk {
    /// Empty at first; the next version of a plugin gets that of the version before.
    store: Mutex<Arc<Memory>>,
    pub calls: Calls,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    phase: Phase,
    last_token: u64,
    flights: HashMap<u64, Flight>,
    cancel_when: Option<CancelWhen>,
    /// Owned buffers of replies: released on the control thread.
    taken: Vec<Buffer>,
    log: Vec<String>,
}

struct Flight {
    inline: bool,
    thread: Option<ThreadId>,
    returned: Option<jf_status>,
    outcome: Option<Outcome>,
    progress: Vec<Progress>,
    cancelled: bool,
    /// The plugin's `cancel` is still to be called.
    cancel_due: bool,
    /// Stays as long as the token is in flight.
    memory: Arc<CommandMemory>,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn store(&self) -> Arc<Memory> {
        Arc::clone(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A desk is never freed, what is stored is: by the last desk that lets go of it.
    pub fn set_store(&self, store: Arc<Memory>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }

    pub fn enter(&self, phase: Phase) {
        self.state().phase = phase;
    }

    pub fn phase(&self) -> Phase {
        self.state().phase
    }

    /// A new command in flight.
    pub fn open(
        &self,
        inline: bool,
        cancelled: bool,
        memory: impl FnOnce(u64) -> Arc<CommandMemory>,
    ) -> Arc<CommandMemory> {
        let mut state = self.state();
        state.last_token += 1;
        let token = state.last_token;
        let memory = memory(token);
        let flight = Flight {
            inline,
            thread: None,
            returned: None,
            outcome: None,
            progress: Vec::new(),
            cancelled,
            cancel_due: cancelled,
            memory: Arc::clone(&memory),
        };
        state.flights.insert(token, flight);
        memory
    }

    /// `handle` is about to be called on this thread.
    pub fn begin(&self, token: u64) {
        if let Some(flight) = self.state().flights.get_mut(&token) {
            flight.thread = Some(std::thread::current().id());
        }
        self.changed.notify_all();
    }

    /// `handle` has returned.
    pub fn returned(&self, token: u64, status: jf_status) {
        if let Some(flight) = self.state().flights.get_mut(&token) {
            flight.returned = Some(status);
            if flight.outcome.is_none() {
                flight.outcome = flight.without_reply(status);
            }
        }
        self.changed.notify_all();
    }

    /// Takes a reply; what the plugin is told. `buffers` are ours whatever comes of it.
    pub fn reply(&self, token: u64, reply: Result<Outcome, String>, buffers: Vec<Buffer>) -> Result<(), Status> {
        let mut state = self.state();
        state.taken.extend(buffers);
        if state.phase != Phase::Running {
            return Err(Status::WrongState);
        }
        let flight = state.flights.get_mut(&token).filter(|flight| flight.outcome.is_none()).ok_or(Status::Stale)?;
        let done = match reply {
            Ok(outcome) => {
                flight.outcome = Some(outcome);
                Ok(())
            }
            Err(why) => {
                flight.outcome = Some(Outcome::failed(Status::Internal, format!("the reply is not usable: {why}")));
                Err(Status::Invalid)
            }
        };
        self.changed.notify_all();
        done
    }

    pub fn progress(&self, token: u64, progress: Progress) -> Result<(), Status> {
        let mut guarded = self.state();
        let state = &mut *guarded;
        if state.phase != Phase::Running {
            return Err(Status::WrongState);
        }
        let flight = state.flights.get_mut(&token).filter(|flight| flight.outcome.is_none()).ok_or(Status::Stale)?;
        if !flight.cancelled && state.cancel_when.as_mut().is_some_and(|when| guard(|| when(&progress)).unwrap_or(true))
        {
            flight.cancelled = true;
            flight.cancel_due = true;
            self.changed.notify_all();
        }
        flight.progress.push(progress);
        Ok(())
    }

    /// A call on behalf of a command (0: of none), as far as that says what is in it.
    pub fn request_for(&self, parent: u64) -> Result<Request, Status> {
        if parent == 0 {
            return Ok(Request::default());
        }
        let state = self.state();
        let flight = state.flights.get(&parent).filter(|flight| flight.outcome.is_none()).ok_or(Status::Stale)?;
        if flight.inline {
            return Err(Status::WrongThread);
        }
        if flight.cancelled {
            return Err(Status::Cancelled);
        }
        Ok(Request { attachments: Vec::new(), ..flight.memory.request().clone() })
    }

    /// Takes a call, to be answered on the control thread.
    pub fn call(&self, request: Request, done: Waiting) -> Result<(), Status> {
        self.calls.make(request, done)?;
        // The lock orders this with a control thread that has just looked and is about to wait.
        drop(self.state());
        self.changed.notify_all();
        Ok(())
    }

    /// True also for a command that is over, as plugin.h has it.
    pub fn is_cancelled(&self, token: u64) -> bool {
        self.state().flights.get(&token).is_none_or(|flight| flight.cancelled || flight.outcome.is_some())
    }

    pub fn cancel_when(&self, when: CancelWhen) {
        self.state().cancel_when = Some(when);
    }

    /// Waits for something to do about a command.
    pub fn wait(&self, token: u64, until: Instant) -> Event {
        let mut state = self.state();
        loop {
            if self.calls.any_made() {
                return Event::Call;
            }
            let Some(flight) = state.flights.get_mut(&token) else {
                return Event::Late(Outcome::failed(Status::Internal, "nobody sent this command"));
            };
            if flight.cancel_due && flight.thread.is_some() {
                flight.cancel_due = false;
                return Event::Cancel;
            }
            let over = flight.returned.is_some() && flight.outcome.is_some();
            if let Some(flight) = over.then(|| state.flights.remove(&token)).flatten() {
                return Event::Done(flight.into_outcome());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // The flight stays: the plugin may still read the command.
                return Event::Late(Outcome::failed(Status::Deadline, "no answer within the limit of the bench"));
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Releases the buffers that were taken; for the control thread.
    pub fn release(&self) {
        let taken = std::mem::take(&mut self.state().taken);
        drop(taken);
    }

    pub fn is_idle(&self) -> bool {
        self.state().flights.is_empty()
    }

    /// Whether this thread is in the handler of an inline command, where nothing may block.
    pub fn is_inline_thread(&self) -> bool {
        let this = Some(std::thread::current().id());
        self.state().flights.values().any(|flight| flight.inline && flight.returned.is_none() && flight.thread == this)
    }

    pub fn log(&self, line: String) {
        self.state().log.push(line);
    }

    pub fn lines(&self) -> Vec<String> {
        self.state().log.clone()
    }
}

impl Flight {
    /// What the return of `handle` alone says.
    fn without_reply(&self, status: jf_status) -> Option<Outcome> {
        match status {
            JF_PENDING if self.inline => {
                Some(Outcome::failed(Status::Internal, "an inline command must answer before its handler returns"))
            }
            JF_PENDING => None,
            _ => {
                let mut outcome = Outcome::failed(Status::Internal, "");
                outcome.status = Status::check(status);
                Some(outcome)
            }
        }
    }

    fn into_outcome(self) -> Outcome {
        let mut outcome = self.outcome.unwrap_or_else(|| Outcome::failed(Status::Internal, "no answer"));
        outcome.progress = self.progress;
        outcome
    }
}
