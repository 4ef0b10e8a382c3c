//! What is done with a file before anything of it is in this process: read, proved, copied, probed. Several files side by
//! side.

use super::copies::Copies;
use super::files;
use super::manager::Manager;
use super::proof::{self, Proof};
use super::registry::{Block, Refused};
use super::step::Step;
use super::swap::Refusal;
use super::told::Steps;
use crate::Limits;
use crate::call::lock;
use crate::services::ProbeError;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

/// Why a file is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It is new, or has changed.
    Changed,
    /// An operator wants it, whatever happened before.
    Wish,
    /// An operator wants what serves taken up again.
    Reload,
    /// What was served is taken up again: its settings changed, or it is stuck.
    Again,
    /// What was served before is to be served again.
    RollBack,
}

/// Content that may be loaded: its private copy.
pub(super) struct Prepared {
    pub path: PathBuf,
    pub number: u64,
    pub copy: PathBuf,
    pub hash: blake3::Hash,
    pub proof: Proof,
    pub cause: Cause,
    /// Content of the file that it is to serve in the place of, and why that does not.
    pub instead_of: Option<(blake3::Hash, Step, String)>,
}

/// What came of looking into a file.
pub(super) enum Looked {
    /// To be loaded.
    Ready(Prepared),
    /// It is still changing: to be looked at again then.
    Again(Option<Instant>),
    /// Nothing to do, or refused.
    Over,
}

impl Manager {
    /// Looks into several files at once, as many as there are cores.
    pub(super) fn prepare_all(&self, paths: &[PathBuf]) -> Vec<(PathBuf, Looked)> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if cores.min(paths.len()) < 2 {
            return paths.iter().map(|path| (path.clone(), self.prepare(path, Cause::Changed))).collect();
        }
        let next = Mutex::new(paths.iter().enumerate());
        let looked = Mutex::new(Vec::new());
        let work = || {
            loop {
                let Some((index, path)) = lock(&next).next() else { return };
                let of_path = self.prepare(path, Cause::Changed);
                lock(&looked).push((index, path.clone(), of_path));
            }
        };
        std::thread::scope(|scope| {
            for index in 1..cores.min(paths.len()) {
                let name = format!("jf-prepare-{index}");
                // Without another thread, this one does it all.
                let begun = || {
                    self.core.spawner.begin();
                    work();
                };
                let _ = std::thread::Builder::new().name(name).spawn_scoped(scope, begun);
            }
            work();
        });
        let mut looked = looked.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        looked.sort_by_key(|(index, ..)| *index);
        looked.into_iter().map(|(_, path, looked)| (path, looked)).collect()
    }

    /// Looks into one file.
    pub(super) fn prepare(&self, path: &Path, cause: Cause) -> Looked {
        let begun = Instant::now();
        let (bytes, signature) = match files::read(path) {
            Ok(read) => read,
            Err(Some(reason)) => {
                self.refuse(path, None, Refusal::at(Step::Proved, reason));
                return Looked::Over;
            }
            Err(None) => return Looked::Again(self.look_again(path)),
        };
        let hash = blake3::hash(&bytes);
        if cause == Cause::Changed && self.is_known(path, &hash) {
            return Looked::Over;
        }
        let changing = || signature.age() < super::manager::RESTLESS && !self.is_restless(path);
        match proof::prove(&bytes) {
            Ok(proof) => {
                self.core.tell(path, Step::Proved, None, begun.elapsed(), None);
                self.copy_and_probe(path, &bytes, hash, proof, cause)
            }
            // Perhaps it is still being written.
            Err(_) if cause == Cause::Changed && changing() => Looked::Again(self.look_again(path)),
            Err(reason) => self.give_up(path, hash, Refusal::at(Step::Proved, reason)),
        }
    }

    /// A file is refused for what it is; what served before the stop may serve in its place.
    fn give_up(&self, path: &Path, hash: blake3::Hash, refusal: Refusal) -> Looked {
        let good = self.good_at_start(path, hash, &refusal);
        self.refuse(path, Some(hash), refusal);
        good.map_or(Looked::Over, Looked::Ready)
    }

    /// Content that was proved: a private copy of it, which a process of its own has loaded without harm.
    pub(super) fn copy_and_probe(
        &self,
        path: &Path,
        bytes: &[u8],
        hash: blake3::Hash,
        proof: Proof,
        cause: Cause,
    ) -> Looked {
        if cause == Cause::Wish {
            self.core.keep.trials.pardon(path);
        }
        if let Some(reason) = self.core.keep.trials.condemned(path, &hash) {
            return self.in_place_of_condemned(path, hash, &reason);
        }
        let mut steps = Steps::begin(&self.core, path);
        let number = self.core.next_generation();
        let copy = match self.copies.write(path, number, &hash, bytes) {
            Ok(copy) => copy,
            Err(error) => {
                let folder = self.copies.folder().display();
                let reason = format!("its private copy cannot be written in {folder}: {error}; it is tried again");
                self.refuse(path, Some(hash), Refusal::at(Step::Copied, reason).until(Block::Disk));
                return Looked::Over;
            }
        };
        steps.done(Step::Copied, None);
        if let Err(reason) = self.probe(&copy, &hash, &mut steps) {
            Copies::remove(&copy);
            let refusal = Refusal::at(Step::Probed, reason);
            if cause == Cause::RollBack {
                self.refuse(path, Some(hash), refusal);
                return Looked::Over;
            }
            return self.give_up(path, hash, refusal);
        }
        Looked::Ready(Prepared { path: path.to_owned(), number, copy, hash, proof, cause, instead_of: None })
    }

    fn probe(&self, copy: &Path, hash: &blake3::Hash, steps: &mut Steps<'_>) -> Result<(), String> {
        let Some(probe) = &self.config.probe else { return Ok(()) };
        let verdicts = &self.core.keep.verdicts;
        if verdicts.is_sound(hash) {
            steps.done(Step::Probed, None);
            return Ok(());
        }
        match probe.probe(copy, Limits::seconds(self.core.limits.probe_s)) {
            Ok(()) => {
                verdicts.note_sound(hash);
                steps.done(Step::Probed, None);
                Ok(())
            }
            Err(ProbeError::Refused(reason)) => Err(reason),
            Err(ProbeError::Unavailable(why)) => {
                let why = format!("it is loaded without a probe, which cannot be made: {why}");
                steps.done_because(Step::Probed, None, Some(&why));
                Ok(())
            }
        }
    }

    /// The file is to be looked at when it has rested again.
    fn look_again(&self, path: &Path) -> Option<Instant> {
        let at = Instant::now();
        let mut registry = lock(&self.core.registry);
        let watched = registry.get_mut(path)?.watched.as_mut()?;
        watched.pending = true;
        watched.changed_at = at;
        Some(at + self.config.settle)
    }

    /// Whether a content needs nothing: it serves already, was refused already, or was unloaded by command.
    fn is_known(&self, path: &Path, hash: &blake3::Hash) -> bool {
        let mut registry = lock(&self.core.registry);
        let Some(record) = registry.get_mut(path) else { return false };
        // A reload by command may wait for commands to end.
        let is_due = |refused: &Refused| refused.blocked == Some(Block::Commands) && record.refused_hash == Some(*hash);
        if record.refused.as_ref().is_some_and(is_due) {
            return false;
        }
        if record.hash.as_ref() == Some(hash) && !self.has_old_settings(record) {
            // Back to what serves: an in-between content that was refused is no longer there.
            record.refused = None;
            record.refused_hash = None;
            return true;
        }
        let refused =
            record.refused_hash.as_ref() == Some(hash) && record.refused.as_ref().is_some_and(|r| r.blocked.is_none());
        refused || record.unloaded_hash.as_ref() == Some(hash)
    }

    /// Whether a file has been changing for as long as it may.
    fn is_restless(&self, path: &Path) -> bool {
        let registry = lock(&self.core.registry);
        let watched = registry.get(path).and_then(|record| record.watched.as_ref());
        watched.is_none_or(|watched| watched.first_changed_at.elapsed() >= super::manager::RESTLESS)
    }
}
