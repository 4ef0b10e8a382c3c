//! New content is on trial for `rollback_s`. If it panics in that time, or crashed the process before this one, the last
//! good content of its file serves in its place, and it is not tried again until it changes or an operator wants it.

use super::manager::{Manager, Request};
use super::prepare::{Cause, Looked, Prepared};
use super::proof;
use super::registry::{Record, Refused, Trial};
use super::step::Step;
use super::swap::Refusal;
use super::told::Name;
use crate::Limits;
use crate::call::lock;
use crate::generation::Generation;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

impl Manager {
    /// Whether content has to prove itself.
    fn is_to_be_tried(&self, prepared: &Prepared, plugin: &str) -> bool {
        let config = self.config(plugin);
        config.rollback
            && self.core.limits.rollback_s > 0.0
            && !self.core.keep.trials.is_good(&prepared.path, &prepared.hash)
    }

    /// Before code of a candidate runs beyond its entry function.
    pub(super) fn begin_trial(&self, prepared: &Prepared, name: &Name) {
        if self.is_to_be_tried(prepared, &name.plugin) {
            self.core.keep.trials.begin(&prepared.path, &prepared.hash, prepared.number, &name.version);
        }
    }

    /// The candidate was refused: what serves goes on, and with it its own trial.
    pub(super) fn give_trial_back(&self, path: &Path) {
        let trial = lock(&self.core.registry).get(path).and_then(|record| {
            let hash = record.hash?;
            record.trial.as_ref().map(|trial| (hash, trial.generation, trial.version.clone()))
        });
        match trial {
            Some((hash, generation, version)) => self.core.keep.trials.begin(path, &hash, generation, &version),
            None => self.core.keep.trials.end(path),
        }
    }

    /// Before another generation serves: what served until now did so without harm, as far as is known.
    pub(super) fn note_good(&self, prepared: &Prepared, old: &Generation) {
        let hash = lock(&self.core.registry).get(&prepared.path).and_then(|record| record.hash);
        // The same content once more says nothing of it.
        let is_known = |hash: &blake3::Hash| {
            prepared.cause != Cause::RollBack && *hash != prepared.hash && !old.ledger.has_panicked()
        };
        if let Some(hash) = hash.filter(is_known) {
            self.core.keep.trials.note_good(&prepared.path, &hash, &old.copy);
        }
    }

    /// A generation serves now.
    pub(super) fn on_trial(&self, prepared: &Prepared, new: &Arc<Generation>) {
        let path = &prepared.path;
        let trial = self.is_to_be_tried(prepared, &new.plugin.id).then(|| {
            let (core, path, number) = (Arc::downgrade(&self.core), path.clone(), new.number);
            new.ledger.on_panic(move || {
                if let Some(core) = core.upgrade() {
                    let _ = core.request(Request::Panicked(path.clone(), number));
                }
            });
            let until = Instant::now() + Limits::seconds(self.core.limits.rollback_s);
            Trial { generation: new.number, version: new.descriptor.version.clone(), until }
        });
        if trial.is_none() {
            self.core.keep.trials.end(path);
        }
        if let Some(record) = lock(&self.core.registry).get_mut(path) {
            record.trial = trial;
        }
    }

    /// Ends the trials whose time is over; gives when the next one will be.
    pub(super) fn work_on_trials(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut passed = Vec::new();
        let mut next: Option<Instant> = None;
        for record in &mut lock(&self.core.registry).records {
            match (&record.trial, &record.current, record.hash) {
                (Some(trial), Some(current), Some(hash)) if trial.until <= now => {
                    passed.push((record.path.clone(), hash, current.clone()));
                    record.trial = None;
                }
                (Some(trial), Some(_), Some(_)) => next = Some(next.map_or(trial.until, |next| next.min(trial.until))),
                (Some(_), ..) => record.trial = None,
                (None, ..) => {}
            }
        }
        for (path, hash, generation) in passed {
            // One that panicked and had nothing to be replaced with is no content to go back to.
            if !generation.ledger.has_panicked() {
                self.core.keep.trials.note_good(&path, &hash, &generation.copy);
            }
            self.core.keep.trials.end(&path);
        }
        next
    }

    /// A generation on trial has panicked.
    pub(super) fn panicked(&self, path: &Path, number: u64) {
        let on_trial = lock(&self.core.registry).get_mut(path).and_then(|record| {
            let trial = record.trial.take_if(|trial| trial.generation == number)?;
            (trial.until > Instant::now()).then_some(record.hash.zip(Some(trial.version))).flatten()
        });
        let Some((bad, version)) = on_trial else { return };
        let within = self.core.limits.rollback_s;
        let reason = format!(
            "version {version} (generation {number}) panicked within {within} s of its start (limit rollback_s)"
        );
        let Some(prepared) = self.prepare_good(path, bad, Step::RolledBack, &reason) else {
            self.core.keep.trials.end(path);
            tracing::warn!(
                file = %path.display(), generation = number,
                "{reason}, and there is no good version to go back to; it goes on"
            );
            return;
        };
        match self.swap(prepared) {
            Ok(_) => self.core.keep.trials.condemn(path, &bad, &reason),
            Err(refusal) => {
                let reason = format!("{reason}; going back failed at {}: {}", refusal.step(), refusal.reason());
                self.core.tell(path, Step::RolledBack, None, Duration::ZERO, Some(&reason));
            }
        }
    }

    /// The last good content of a file, to serve in the place of content `bad`.
    pub(super) fn prepare_good(&self, path: &Path, bad: blake3::Hash, step: Step, reason: &str) -> Option<Prepared> {
        let good = self.core.keep.trials.good(path).filter(|good| good.hash != bad)?;
        let proof = proof::prove(&good.bytes).ok()?;
        match self.copy_and_probe(path, &good.bytes, good.hash, proof, Cause::RollBack) {
            Looked::Ready(prepared) => Some(Prepared { instead_of: Some((bad, step, reason.to_owned())), ..prepared }),
            Looked::Again(_) | Looked::Over => None,
        }
    }

    /// What stands in the file is condemned: the last good content serves, if there is any and nothing serves already.
    pub(super) fn in_place_of_condemned(&self, path: &Path, hash: blake3::Hash, reason: &str) -> Looked {
        let serves = |record: &Record| record.current.is_some() && !self.has_old_settings(record);
        let serves = lock(&self.core.registry).get(path).is_some_and(serves);
        let why = format!("{reason}; it is not tried again until it changes, or is loaded by command");
        let good = if serves { None } else { self.prepare_good(path, hash, Step::RolledBack, &why) };
        match good {
            Some(prepared) => Looked::Ready(prepared),
            None => {
                self.refuse(path, Some(hash), Refusal::at(Step::RolledBack, why));
                Looked::Over
            }
        }
    }

    /// Notes what is not served, and that something else is.
    pub(super) fn tell_rolled_back(&self, path: &Path, bad: blake3::Hash, step: Step, reason: &str) {
        let mut registry = lock(&self.core.registry);
        let Some(record) = registry.get_mut(path) else { return };
        record.refused_hash = Some(bad);
        record.refused = Some(Refused { step, reason: reason.to_owned(), at: SystemTime::now(), blocked: None });
        let serving = record.current.as_ref().map(|generation| generation.name());
        drop(registry);
        self.core.tell(path, Step::RolledBack, serving.as_ref(), Duration::ZERO, Some(reason));
    }
}
