use super::copies::Copies;
use super::files;
use super::proof;
use super::registry::Block;
use super::step::Step;
use super::swap::Refusal;
use super::watch::{Watch, Watching};
use super::wishes::Wish;
use crate::EngineConfig;
use crate::call::{Call, lock};
use crate::core::Core;
use crate::dispatch::shutting_down;
use crate::generation::Ended;
use crate::plugin::PluginConfig;
use jackfield_message::{ByteString, Reply};
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// Topic of the steps.
const TOPIC: &str = "jackfield.plugins";
/// The poll beside the events.
const POLL: Duration = Duration::from_secs(1);
/// A file that keeps changing is tried after this all the same.
pub(super) const RESTLESS: Duration = Duration::from_secs(2);
/// Builds remove a file and write it anew: it counts as gone only after this.
const GONE: Duration = Duration::from_millis(500);

/// What the manager's thread is told.
pub(crate) enum Request {
    /// Something happened in a folder.
    Hint,
    /// A built-in command; its call is answered when it is done.
    Wish(Wish, Arc<Call>),
    /// New settings of all plugins, by id.
    Configure(HashMap<String, PluginConfig>),
    /// A generation has drained and is closed or retired.
    Ended { path: PathBuf, name: (String, u64, String), ended: Ended, us: Duration },
    /// Tell when every file of the start was looked at.
    Ready(SyncSender<()>),
}

/// The thread that decides what serves. One at a time: swaps of different plugins follow each other.
pub(crate) struct Manager {
    pub(super) core: Arc<Core>,
    pub(super) config: EngineConfig,
    pub(super) copies: Copies,
    requests: Receiver<Request>,
}

impl Manager {
    pub fn new(core: Arc<Core>, config: EngineConfig, requests: Receiver<Request>) -> std::io::Result<Self> {
        let copies = Copies::open(&config.copies)?;
        Ok(Self { core, config, copies, requests })
    }

    /// The thread's work. It ends when nobody can ask for anything any more.
    pub fn run(mut self) {
        let core = Arc::downgrade(&self.core);
        // Thousands of events while a file is written are one hint.
        let hinted = Arc::new(AtomicBool::new(false));
        let is_hinted = hinted.clone();
        let mut watching = Watching::start(self.config.watch, move || {
            if let Some(core) = core.upgrade().filter(|_| !is_hinted.swap(true, Ordering::AcqRel)) {
                let _ = core.request(Request::Hint);
            }
        });
        let mut waiting_for_ready = Vec::new();
        let mut first = true;
        loop {
            if first || self.config.watch != Watch::Off {
                self.look(&mut watching, first);
                first = false;
            }
            let next = self.work();
            if next.is_none() {
                for ready in waiting_for_ready.drain(..) {
                    let ready: SyncSender<()> = ready;
                    let _ = ready.send(());
                }
            }
            let wait = next.map_or(POLL, |at| at.saturating_duration_since(Instant::now()).min(POLL));
            let mut request = match self.requests.recv_timeout(wait) {
                Ok(request) => Some(request),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // Everything that has come meanwhile, before the next look: many hints are one.
            while let Some(now) = request {
                match now {
                    Request::Hint => hinted.store(false, Ordering::Release),
                    Request::Wish(wish, call) => {
                        let reply = if self.is_stopping() { Ok(shutting_down()) } else { self.grant(wish) };
                        call.answer(reply.unwrap_or_else(Reply::from));
                    }
                    Request::Configure(_) if self.is_stopping() => {}
                    Request::Configure(plugins) => self.configure(plugins),
                    Request::Ended { path, name, ended, us } => self.ended(&path, &name, ended, us),
                    Request::Ready(ready) => waiting_for_ready.push(ready),
                }
                request = self.requests.try_recv().ok();
            }
        }
    }

    /// Does what is due; gives when the next thing will be.
    fn work(&self) -> Option<Instant> {
        let paths: Vec<_> = lock(&self.core.registry).records.iter().map(|record| record.path.clone()).collect();
        let mut next: Option<Instant> = None;
        for path in paths {
            if self.is_stopping() {
                break;
            }
            if let Some(at) = self.work_on(&path) {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        next
    }

    fn is_stopping(&self) -> bool {
        !self.core.accepting.load(Ordering::Acquire)
    }

    fn work_on(&self, path: &Path) -> Option<Instant> {
        let now = Instant::now();
        let settle = self.config.settle;
        {
            let mut registry = lock(&self.core.registry);
            let record = registry.get_mut(path)?;
            if let Some(since) = record.missing_since {
                let gone = since + GONE.max(settle);
                if now < gone {
                    return Some(gone);
                }
                drop(registry);
                if self.unload(path, "its file is gone") {
                    self.retry_blocked(Block::Plugin);
                }
                self.forget(path);
                return None;
            }
            let live = record.live();
            if record.is_free_again()
                && let Some(watched) = &mut record.watched
            {
                watched.pending = true;
            }
            let watched = record.watched.as_mut().filter(|watched| watched.pending)?;
            let due = (watched.changed_at + settle).min(watched.first_changed_at + RESTLESS);
            if now < due {
                return Some(due);
            }
            if live >= self.config.live_generations.max(2) {
                // Further changes coalesce until an old generation has ended, which wakes the manager.
                return None;
            }
            watched.pending = false;
        }
        self.tell(path, Step::Settled, None, Duration::ZERO, None);
        self.load(path, false)
    }

    /// Reads, proves and swaps; gives when to try again.
    pub(super) fn load(&self, path: &Path, explicit: bool) -> Option<Instant> {
        let begun = Instant::now();
        let again = |manager: &Self| {
            let at = Instant::now();
            let mut registry = lock(&manager.core.registry);
            let watched = registry.get_mut(path)?.watched.as_mut()?;
            watched.pending = true;
            watched.changed_at = at;
            Some(at + manager.config.settle)
        };
        let (bytes, signature) = match files::read(path) {
            Ok(read) => read,
            Err(Some(reason)) => {
                self.refuse(path, None, Refusal::at(Step::Proved, reason));
                return None;
            }
            Err(None) => return again(self),
        };
        let hash = blake3::hash(&bytes);
        if !explicit && self.is_known(path, &hash) {
            return None;
        }
        let proof = match proof::prove(&bytes) {
            Ok(proof) => proof,
            // Perhaps it is still being written.
            Err(_) if !explicit && signature.age() < RESTLESS && !self.is_restless(path) => return again(self),
            Err(reason) => {
                self.refuse(path, Some(hash), Refusal::at(Step::Proved, reason));
                return None;
            }
        };
        self.tell(path, Step::Proved, None, begun.elapsed(), None);
        match self.swap(path, &bytes, hash, proof) {
            Ok(_) => self.retry_blocked(Block::Plugin),
            Err(refusal) => self.refuse(path, Some(hash), refusal),
        }
        None
    }

    /// Whether a content needs nothing: it serves already, was refused already, or was unloaded by command.
    fn is_known(&self, path: &Path, hash: &blake3::Hash) -> bool {
        let mut registry = lock(&self.core.registry);
        let Some(record) = registry.get_mut(path) else { return false };
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
        watched.is_none_or(|watched| watched.first_changed_at.elapsed() >= RESTLESS)
    }

    /// What stood in the way may be gone: those who were refused for it are looked at again.
    pub(super) fn retry_blocked(&self, by: Block) {
        let mut retry = false;
        for record in &mut lock(&self.core.registry).records {
            if record.refused.as_ref().is_some_and(|refused| refused.blocked == Some(by))
                && let Some(watched) = &mut record.watched
            {
                watched.pending = true;
                retry = true;
            }
        }
        if retry {
            let _ = self.core.request(Request::Hint);
        }
    }

    /// A file is gone; its record stays only as long as something of it is in the process.
    fn forget(&self, path: &Path) {
        lock(&self.core.registry)
            .records
            .retain(|record| record.path != path || record.old.iter().any(|old| old.ended != Some(Ended::Closed)));
        if let Some(record) = lock(&self.core.registry).get_mut(path) {
            record.watched = None;
            record.refused = None;
            record.unloaded_hash = None;
        }
    }

    fn ended(&self, path: &Path, (id, number, version): &(String, u64, String), ended: Ended, us: Duration) {
        if let Some(record) = lock(&self.core.registry).get_mut(path) {
            record.ended(*number, ended.clone());
        }
        let name = Some((id.as_str(), *number, version.as_str()));
        match ended {
            Ended::Closed => self.tell(path, Step::Closed, name, us, None),
            Ended::Retired(why) => self.tell(path, Step::Retired, name, us, Some(&why)),
        }
        self.retry_blocked(Block::Generation(*number));
    }

    /// A step: an event, and a log line with the same fields.
    pub(super) fn tell(
        &self,
        path: &Path,
        step: Step,
        generation: Option<(&str, u64, &str)>,
        took: Duration,
        reason: Option<&str>,
    ) {
        let file = path.display();
        let (plugin, number, version) =
            generation.map_or((None, None, None), |(id, number, version)| (Some(id), Some(number), Some(version)));
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let step_name = step.as_str();
        match step {
            Step::Refused => {
                tracing::error!(plugin, %file, generation = number, version, step = step_name, us, reason, "plugin")
            }
            Step::Retired => {
                tracing::warn!(plugin, %file, generation = number, version, step = step_name, us, reason, "plugin")
            }
            Step::Swapped | Step::Unloaded => {
                tracing::info!(plugin, %file, generation = number, version, step = step_name, us, reason, "plugin");
            }
            _ => tracing::debug!(plugin, %file, generation = number, version, step = step_name, us, reason, "plugin"),
        }
        if self.core.topics.has_subscriber(TOPIC) {
            let event = json!({
                "plugin": plugin, "file": file.to_string(), "generation": number, "version": version, "step": step_name,
                "us": us, "reason": reason,
            });
            self.core.topics.publish(TOPIC, ByteString::from(event.to_string()));
        }
    }
}
