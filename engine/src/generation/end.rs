//! The end of a generation: drained, stopped, saved, destroyed, its threads joined, unmapped and looked up whether it is
//! really gone; or retired with the reason.

use super::Generation;
use crate::Limits;
use crate::call::lock;
use crate::control::Control;
use crate::core::Core;
use crate::host::{HostTable, Instance, Library, left_running};
use crate::reload::Step;
use jackfield_message::{ErrorCode, Reply};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a generation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing of it is left in the process.
    Closed,
    /// Kept mapped, and why.
    Retired(String),
}

impl Generation {
    /// Ends a generation that never served.
    pub fn give_up(self: &Arc<Self>) -> Ended {
        self.gate().close();
        self.close(None)
    }

    /// Ends a generation whose gate is closed: waits for what is inside, then stop, save, destroy, join, unmap. What is not
    /// out after `drain_s`, or at the end of the engine's stop, is answered OUTCOME_UNKNOWN, and the generation is retired.
    /// Blocks; for a thread of its own.
    pub fn drain_and_close(self: &Arc<Self>, core: &Core) -> Ended {
        let drain_s = self.ledger.limits.drain_s;
        if self.ledger.wait_empty(Limits::seconds(drain_s)) {
            return self.close(Some(core));
        }
        let within = if self.ledger.is_given_up() {
            "when the server stopped".to_owned()
        } else {
            format!("after {drain_s} s (limit drain_s)")
        };
        let calls = self.ledger.calls.out();
        self.ledger.close_calls();
        let ledger = self.ledger.clone();
        self.ledger.control.post(move || ledger.end_calls());
        let inside = self.ledger.flights.all();
        for (_, call) in &inside {
            call.cancel();
            call.answer(self.outcome_unknown(&within));
        }
        let (stuck, buffers) = (inside.len(), self.ledger.buffers());
        let unsaved = if self.has_unsaved_state() { "; its state is not saved" } else { "" };
        let why = format!("{stuck} commands, {calls} calls and {buffers} buffers were still out {within}{unsaved}");
        if self.ledger.is_given_up() {
            return self.retire(why);
        }
        // Its control thread goes on: what is still out may come back, and buffers are given back there.
        std::mem::forget(self.clone());
        Ended::Retired(why)
    }

    /// What the caller of a command is told that was begun and whose end nobody knows.
    fn outcome_unknown(&self, within: &str) -> Reply {
        let message = format!(
            "Plugin '{}' had not done the command {within}; nobody knows whether it took effect.",
            self.plugin.id
        );
        self.failure(ErrorCode::OutcomeUnknown, message).into()
    }

    /// Stop, save where there is something to save, destroy, join, unmap. The gate is closed and nothing is inside.
    fn close(self: &Arc<Self>, core: Option<&Core>) -> Ended {
        let limit_s = self.ledger.limits.lifecycle_s;
        let limit = Limits::seconds(limit_s);
        self.plugin.queue.wake();
        if let Err(why) = self.step("stop", limit, Instance::stop) {
            return self.retire(why);
        }
        if let Some(core) = core.filter(|_| self.has_unsaved_state()) {
            self.save_for_later(core, limit);
        }
        if let Err(why) = self.step("destroy", limit, Instance::destroy) {
            return self.retire(why);
        }
        self.ledger.close_store();
        self.ledger.control.finish();
        let threads = std::mem::take(&mut *lock(&self.threads));
        if !join_within(threads, limit) {
            return self.retire(format!("a thread of it did not end within {limit_s} s (limit lifecycle_s)"));
        }
        if let Some(why) = self.unclosable {
            return self.retire(why.to_owned());
        }
        match left_running(&self.thread_name) {
            0 => {}
            left => return self.retire(format!("threads that the plugin began still run: {left}")),
        }
        match lock(&self.library).take().map(Library::close) {
            Some(true) | None => Ended::Closed,
            Some(false) => self.retire(STILL_MAPPED.to_owned()),
        }
    }

    /// What it knows goes to the disk: nobody takes it over now.
    fn save_for_later(self: &Arc<Self>, core: &Core, limit: Duration) {
        let (begun, id) = (Instant::now(), &self.plugin.id);
        let kept = self.save(limit).and_then(|saved| {
            core.keep.states.save(id, &saved)?;
            core.keep.states.synchronise(id).map_err(|error| format!("its state is not on the disk: {error}"))
        });
        let failed = kept.map(|()| self.note_saved()).err();
        core.tell(&self.file, Step::Saved, Some(&self.name()), begun.elapsed(), failed.as_deref());
    }

    /// Keeps library, host table and instance as they are for the rest of the process.
    pub(super) fn retire(self: &Arc<Self>, why: String) -> Ended {
        self.ledger.close_store();
        self.ledger.control.finish();
        std::mem::forget(self.clone());
        Ended::Retired(why)
    }
}

const STILL_MAPPED: &str = "the system keeps the library mapped (thread-locals, unique symbols or NODELETE)";

/// Ends a library of which there is no instance; the host table goes with it, or stays with it.
pub(super) fn end(
    library: Library,
    host: Arc<HostTable>,
    control: &Control,
    control_thread: JoinHandle<()>,
    limit: Duration,
) -> Ended {
    control.finish();
    let why = if !join_within(vec![control_thread], limit) {
        "its control thread did not end"
    } else if !library.close() {
        STILL_MAPPED
    } else {
        return Ended::Closed;
    };
    host.ledger().close_store();
    std::mem::forget(host);
    Ended::Retired(why.to_owned())
}

/// Joins threads that should end now; false when one does not within `limit`. A plugin's thread-local destructor can hang a
/// join, so it is done on a thread of its own.
pub(crate) fn join_within(threads: Vec<JoinHandle<()>>, limit: Duration) -> bool {
    let (done, all_joined) = mpsc::channel();
    let joiner = std::thread::Builder::new().name("jf-join".to_owned()).spawn(move || {
        for thread in threads {
            // A panic on it was reported when it happened.
            let _ = thread.join();
        }
        let _ = done.send(());
    });
    joiner.is_ok() && all_joined.recv_timeout(limit).is_ok()
}
