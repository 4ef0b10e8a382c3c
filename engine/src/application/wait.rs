//! Calls that a thread of the application waits for, also inside a callback.

use super::LaneKind;
use super::lane::{Full, MOST_WAITING};
use super::running::{self, Inside};
use crate::call::{Caller, ReplySink, lock};
use crate::core::Core;
use crate::dispatch::Submitted;
use crate::engine::Engine;
use crate::nested::{Link, Waiting};
use crate::router::Slot;
use jackfield_message::{Command, ErrorCode, Failure, Reply};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};

/// Who waits for one answer.
struct Waiter {
    reply: Mutex<Option<Reply>>,
    arrived: Condvar,
    core: Weak<Core>,
}

impl ReplySink for Waiter {
    fn reply(&self, _: u64, reply: Reply) {
        *lock(&self.reply) = Some(reply);
        self.arrived.notify_all();
        // The one who waits may be polling meanwhile.
        if let Some(core) = self.core.upgrade() {
            core.application.host_thread.wake();
        }
    }
}

/// The place of a worker whose handler waits: another may have it, until this is dropped.
struct Place(Arc<Core>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.application.concurrent.give_back();
    }
}

impl Engine {
    /// Calls a command and waits for its answer, and polls meanwhile where this thread is the one that polls. An INLINE command
    /// runs here and now, but for within callbacks. An error: it was not called, because it would wait for itself, this thread
    /// must not wait, or too many wait already.
    pub fn call_and_wait(&self, command: Command) -> Result<Reply, Failure> {
        let core = self.core();
        core.not_before_the_first_poll(command.key())?;
        let waiter = Arc::new(Waiter { reply: Mutex::default(), arrived: Condvar::new(), core: Arc::downgrade(core) });
        let sink: Arc<dyn ReplySink> = waiter.clone();
        let caller = Caller { sink: &sink, request: 0, order: None };
        let callbacks = running::all();
        match callbacks.last() {
            None => Ok(self.wait(&waiter, core.submit(&core.router.load(), command, caller))),
            Some(inside) => self.call_inside(inside, &callbacks, command, &waiter, caller),
        }
    }

    /// The same `inside` a callback, the last of those that this thread is in.
    fn call_inside(
        &self,
        inside: &Inside,
        callbacks: &[Inside],
        mut command: Command,
        waiter: &Waiter,
        caller: Caller<'_>,
    ) -> Result<Reply, Failure> {
        let core = self.core();
        if running::must_not_wait() {
            let message = "A handler of an INLINE command must not wait for another command.";
            return Err(Failure::new(ErrorCode::InvalidRequest, message));
        }
        // Of another engine's session nothing is known here.
        let parent = inside.call.as_ref().filter(|_| Arc::ptr_eq(&inside.core, core));
        if let Some(parent) = parent {
            let given = &parent.command;
            command.session = given.session;
            command.sender = given.sender.clone();
            command.deadline = command.deadline.into_iter().chain(parent.deadline).min();
        }
        let lines = callbacks.iter().map(|callback| (callback.core.number, callback.kind)).collect();
        let waiting = Waiting::here(lines, self.polls_here().then_some(core.number));
        let link = Link::of_application(waiting, inside.call.clone())
            .ok_or_else(|| Failure::new(ErrorCode::Cycle, "The chain of calls that leads here is too long."))?;
        let worker = callbacks.iter().find(|callback| callback.kind == LaneKind::Concurrent);
        let _place = worker.map(|worker| worker.core.lend_place()).transpose()?;
        let submitted = core.send(command, caller, &Arc::new(link))?;
        let (Submitted::Waiting(handle), Some(parent)) = (&submitted, parent) else {
            return Ok(self.wait(waiter, submitted));
        };
        let handle = handle.clone();
        lock(&core.application.nested).push((parent.clone(), handle.clone()));
        if parent.is_cancelled() {
            core.cancel(&handle);
        }
        let reply = self.wait(waiter, submitted);
        lock(&core.application.nested).retain(|(_, other)| !other.is(&handle));
        Ok(reply)
    }

    fn wait(&self, waiter: &Waiter, submitted: Submitted) -> Reply {
        if let Submitted::Answered(reply) = submitted {
            return reply;
        }
        if self.polls_here() {
            self.poll_until(None, || lock(&waiter.reply).is_some());
        }
        let mut reply = lock(&waiter.reply);
        // The engine answers each command that it took.
        loop {
            match reply.take() {
                Some(answer) => return answer,
                None => reply = waiter.arrived.wait(reply).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Core {
    /// An error for a command that would run where this thread is likely to poll, which nobody has done yet.
    fn not_before_the_first_poll(&self, key: &str) -> Result<(), Failure> {
        let runs_there = || match self.router.load().find(key) {
            Some(Slot::Application(entry)) => entry.lane() == LaneKind::HostThread,
            _ => false,
        };
        if !self.application.host_thread.awaits_first_poll_here() || !runs_there() {
            return Ok(());
        }
        let message = format!(
            "The command '{key}' runs where the application polls, and nobody has polled yet: the thread that has started \
             the engine would wait for itself. Poll once before it is called, on the thread that polls."
        );
        Err(Failure::new(ErrorCode::Cycle, message))
    }

    /// The place of a worker that is about to wait, for others meanwhile.
    fn lend_place(self: &Arc<Self>) -> Result<Place, Failure> {
        match self.application.concurrent.lend(&self.spawner, self.work_of(LaneKind::Concurrent)) {
            Ok(()) => Ok(Place(self.clone())),
            Err(Full::NoThreads) => {
                let message = "There is no thread for CONCURRENT commands of the application while this one waits.";
                Err(Failure::new(ErrorCode::Unavailable, message))
            }
            Err(_) => {
                let message = format!(
                    "{MOST_WAITING} handlers of CONCURRENT commands wait for other commands, as many as may: submit this one \
                     without waiting for it, or call it later."
                );
                Err(Failure::new(ErrorCode::Busy, message))
            }
        }
    }
}
