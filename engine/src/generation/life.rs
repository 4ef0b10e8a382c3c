//! From `create` to the last command: start, stop, save, restore; each on the control thread, within a limit.

use super::{Ended, Failed, Generation};
use crate::Limits;
use crate::control::TooLate;
use crate::host::{Instance, SavedState};
use crate::reload::Step;
use jackfield_plugin_api as abi;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Generation {
    /// Calls `start`, within `limit`, and begins the threads; on an error the generation is closed.
    pub fn start(self: &Arc<Self>, limit: Duration) -> Result<(), Failed> {
        let failed =
            |reason, ended| Failed { step: Step::Started, reason, retired: matches!(ended, Ended::Retired(_)) };
        match self.call_start(limit) {
            Ok(Ok(())) => {
                self.start_threads(limit).map_err(|why| failed(why, self.give_up()))?;
                self.served.store(true, Ordering::Release);
                Ok(())
            }
            Ok(Err(reason)) => Err(failed(reason, self.give_up())),
            Err(TooLate) => {
                let reason = format!("start took longer than {:.1} s", limit.as_secs_f64());
                // Not waited for: its own control thread ends it when `start` does return.
                self.gate().close();
                let generation = self.clone();
                self.ledger.control.post(move || {
                    generation.instance.stop();
                    generation.instance.destroy();
                });
                Err(failed(reason.clone(), self.retire(reason)))
            }
        }
    }

    /// Whether the old version must have stopped before the new one starts.
    pub fn is_exclusive(&self) -> bool {
        self.descriptor.is_exclusive()
    }

    /// Whether `start` has returned and `stop` was not called.
    pub fn is_started(&self) -> bool {
        self.instance.is_started()
    }

    /// Whether its state is handed over.
    pub fn is_stateful(&self) -> bool {
        self.descriptor.flags & abi::JF_PLUGIN_STATEFUL != 0
    }

    /// Whether it may hold what is exclusive, or knows something that is not saved yet.
    pub fn is_at_work(&self) -> bool {
        self.instance.is_started() || self.has_unsaved_state()
    }

    /// Whether it served and its state was not saved since.
    pub fn has_unsaved_state(&self) -> bool {
        self.is_stateful() && self.served.load(Ordering::Acquire) && !self.saved.load(Ordering::Acquire)
    }

    /// `stop` alone, in an exclusive swap; within `limit`.
    pub fn stop_only(self: &Arc<Self>, limit: Duration) -> Result<(), String> {
        self.step("stop", limit, Instance::stop)
    }

    /// `save`, after `stop`.
    pub fn save(self: &Arc<Self>, limit: Duration) -> Result<SavedState, String> {
        let generation = self.clone();
        let max = usize::try_from(self.ledger.limits.state_mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        let saved =
            self.ledger.control.run(limit, move || generation.instance.save(&generation.descriptor.version, max));
        saved.unwrap_or_else(|TooLate| Err(too_late("save", limit)))
    }

    /// Its state is kept elsewhere now.
    pub fn note_saved(&self) {
        self.saved.store(true, Ordering::Release);
    }

    /// `restore`, before `start`.
    pub fn restore(self: &Arc<Self>, limit: Duration, saved: &Arc<SavedState>) -> Result<(), String> {
        let (generation, saved) = (self.clone(), saved.clone());
        let restored = self.ledger.control.run(limit, move || generation.instance.restore(&saved));
        restored.unwrap_or_else(|TooLate| Err(too_late("restore", limit)))
    }

    /// `start` again after `stop_only`: the successor was refused.
    pub fn start_again(self: &Arc<Self>) -> Result<(), String> {
        let limit_s = self.ledger.limits.lifecycle_s;
        let started = self.call_start(Limits::seconds(limit_s));
        started.unwrap_or_else(|TooLate| Err(format!("start took longer than {limit_s} s (limit lifecycle_s)")))?;
        self.saved.store(false, Ordering::Release);
        Ok(())
    }

    fn call_start(self: &Arc<Self>, limit: Duration) -> Result<Result<(), String>, TooLate> {
        let generation = self.clone();
        self.ledger.control.run(limit, move || {
            let started = generation.instance.start();
            // Events may have waited for this (a refused swap).
            generation.plugin.inbox.wake();
            started
        })
    }

    /// One step on the control thread, within `limit`.
    pub(super) fn step(self: &Arc<Self>, name: &str, limit: Duration, work: fn(&Instance)) -> Result<(), String> {
        let generation = self.clone();
        let done = self.ledger.control.run(limit, move || work(&generation.instance));
        done.map_err(|TooLate| too_late(name, limit))
    }
}

fn too_late(name: &str, limit: Duration) -> String {
    format!("{name} did not return within {:.1} s (limit lifecycle_s; in a hold: hold_ms)", limit.as_secs_f64())
}
