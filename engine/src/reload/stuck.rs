//! A SERIAL handler that does not return blocks its slot's queue. Once its caller has been answered for, a fresh generation
//! of the same content takes the waiting commands; the stuck one drains like any other, and is retired.

use super::manager::Manager;
use super::prepare::{Cause, Looked};
use super::proof;
use crate::call::lock;
use std::path::Path;

/// Generations of a plugin that may be stuck for ever: each keeps its threads and its library.
const MOST_STUCK: usize = 8;

impl Manager {
    /// A handler of a generation is stuck.
    pub(super) fn stuck(&self, generation: u64, key: &str) {
        let (path, exclusive) = {
            let mut registry = lock(&self.core.registry);
            let serves = |current: &super::registry::Record| {
                current.current.as_ref().is_some_and(|current| current.number == generation)
            };
            let Some(record) = registry.records.iter_mut().find(|record| serves(record)) else { return };
            if record.stuck == Some(generation) {
                return;
            }
            record.stuck = Some(generation);
            if record.stuck_behind() >= MOST_STUCK {
                tracing::error!(
                    file = %record.path.display(), generation, key,
                    "a SERIAL handler does not return, as in {MOST_STUCK} generations of it before: no fresh one takes its place"
                );
                return;
            }
            let exclusive = record.current.as_ref().is_some_and(|current| current.is_exclusive());
            (record.path.clone(), exclusive)
        };
        let file = path.display();
        if exclusive {
            // It would have to stop first, and it cannot.
            tracing::error!(%file, generation, key, "a SERIAL handler does not return, and no other may start beside it");
            return;
        }
        tracing::error!(%file, generation, key, "a SERIAL handler does not return; a fresh generation takes its place");
        self.retry_stuck(&path);
    }

    /// Puts a fresh generation in the place of a stuck one, unless as many as may are in the process already: then it is
    /// tried again when one of them has ended.
    pub(super) fn retry_stuck(&self, path: &Path) {
        if self.is_stopping() {
            return;
        }
        let stuck = lock(&self.core.registry).get(path).and_then(|record| {
            let current = record.current.as_ref().filter(|current| record.stuck == Some(current.number))?;
            let free = record.stuck_behind() < MOST_STUCK
                && record.live() < self.config.live_generations.max(2)
                && !current.is_exclusive();
            if free { Some((current.copy.clone(), record.hash?)) } else { None }
        });
        let Some((copy, hash)) = stuck else { return };
        // What serves, whatever stands in the file by now.
        let content = std::fs::read(&copy).map_err(|error| error.to_string()).and_then(|bytes| {
            let proof = proof::prove(&bytes)?;
            Ok((bytes, proof))
        });
        match content {
            Ok((bytes, proof)) => {
                if let Looked::Ready(prepared) = self.copy_and_probe(path, &bytes, hash, proof, Cause::Again) {
                    self.swap_or_refuse(prepared);
                }
            }
            Err(why) => tracing::error!(file = %path.display(), why, "the content that serves cannot be read again"),
        }
    }
}
