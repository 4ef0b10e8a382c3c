use super::copies::Copies;
use super::prepare::{Cause, Looked};
use super::registry::Block;
use super::step::Step;
use super::told::Name;
use super::watch::{Watch, Watching};
use super::wishes::Wish;
use crate::EngineConfig;
use crate::call::{Call, lock};
use crate::core::Core;
use crate::dispatch::shutting_down;
use crate::generation::Ended;
use crate::plugin::PluginConfig;
use jackfield_message::{ByteString, Reply};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

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
    Ended { path: PathBuf, name: Name, ended: Ended, us: Duration },
    /// A generation has panicked.
    Panicked(PathBuf, u64),
    /// A SERIAL command of a generation has been answered for, and its handler does not return.
    Stuck { generation: u64, key: ByteString },
    /// The application has given keys up.
    KeysFreed,
    /// Tell when every file of the start was looked at.
    Ready(SyncSender<()>),
}

/// The thread that decides what serves. One at a time: swaps of different plugins follow each other.
pub(crate) struct Manager {
    pub(super) core: Arc<Core>,
    pub(super) config: EngineConfig,
    pub(super) copies: Copies,
    /// Until each file that was there at the start was looked into.
    starting: AtomicBool,
}

impl Manager {
    pub fn new(core: Arc<Core>, config: EngineConfig) -> std::io::Result<Self> {
        let copies = Copies::open(&config.copies)?;
        Ok(Self { core, config, copies, starting: AtomicBool::new(true) })
    }

    /// The thread's work. It ends when nobody can ask for anything any more.
    pub fn run(mut self, requests: &Receiver<Request>) {
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
                self.starting.store(false, Ordering::Release);
                for ready in waiting_for_ready.drain(..) {
                    let ready: SyncSender<()> = ready;
                    let _ = ready.send(());
                }
            }
            let trials = if self.is_stopping() { None } else { self.work_on_trials() };
            let next = next.into_iter().chain(trials).min();
            let wait = next.map_or(POLL, |at| at.saturating_duration_since(Instant::now()).min(POLL));
            let mut request = match requests.recv_timeout(wait) {
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
                    _ if self.is_stopping() => {}
                    Request::KeysFreed => self.retry_blocked(Block::Plugin),
                    Request::Panicked(path, generation) => self.panicked(&path, generation),
                    Request::Stuck { generation, key } => self.stuck(generation, &key),
                }
                request = requests.try_recv().ok();
            }
        }
    }

    /// Does what is due; gives when the next thing will be.
    fn work(&self) -> Option<Instant> {
        let paths: Vec<_> = lock(&self.core.registry).records.iter().map(|record| record.path.clone()).collect();
        let mut next: Option<Instant> = None;
        let mut later = |at: Option<Instant>| next = next.into_iter().chain(at).min();
        let mut due = Vec::new();
        for path in if self.is_stopping() { Vec::new() } else { paths } {
            match self.work_on(&path) {
                Due::Now => due.push(path),
                Due::At(at) => later(Some(at)),
                Due::No => {}
            }
        }
        for (_, looked) in if self.is_stopping() { Vec::new() } else { self.prepare_all(&due) } {
            match looked {
                Looked::Ready(prepared) if self.is_stopping() => Copies::remove(&prepared.copy),
                Looked::Ready(prepared) => self.swap_or_refuse(prepared),
                Looked::Again(at) => later(at),
                Looked::Over => {}
            }
        }
        next
    }

    pub(super) fn is_starting(&self) -> bool {
        self.starting.load(Ordering::Acquire)
    }

    pub(super) fn is_stopping(&self) -> bool {
        !self.core.accepting.load(Ordering::Acquire)
    }

    fn work_on(&self, path: &Path) -> Due {
        let now = Instant::now();
        let settle = self.config.settle;
        {
            let mut registry = lock(&self.core.registry);
            let Some(record) = registry.get_mut(path) else { return Due::No };
            if let Some(since) = record.missing_since {
                let gone = since + GONE.max(settle);
                if now < gone {
                    return Due::At(gone);
                }
                drop(registry);
                if self.unload(path, "its file is gone") {
                    self.retry_blocked(Block::Plugin);
                }
                self.forget(path);
                return Due::No;
            }
            let live = record.live();
            if record.is_free_again()
                && let Some(watched) = &mut record.watched
            {
                watched.pending = true;
            }
            let Some(watched) = record.watched.as_mut().filter(|watched| watched.pending) else { return Due::No };
            let due = (watched.changed_at + settle).min(watched.first_changed_at + RESTLESS);
            if now < due {
                return Due::At(due);
            }
            if live >= self.config.live_generations.max(2) {
                // Further changes coalesce until an old generation has ended, which wakes the manager.
                return Due::No;
            }
            watched.pending = false;
        }
        self.core.tell(path, Step::Settled, None, Duration::ZERO, None);
        Due::Now
    }

    /// Looks into a file, and swaps it in.
    pub(super) fn load(&self, path: &Path, cause: Cause) {
        if let Looked::Ready(prepared) = self.prepare(path, cause) {
            self.swap_or_refuse(prepared);
        }
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

    fn ended(&self, path: &Path, name: &Name, ended: Ended, us: Duration) {
        if let Some(record) = lock(&self.core.registry).get_mut(path) {
            record.ended(name.generation, ended.clone());
        }
        match ended {
            Ended::Closed => self.core.tell(path, Step::Closed, Some(name), us, None),
            Ended::Retired(why) => self.core.tell(path, Step::Retired, Some(name), us, Some(&why)),
        }
        self.retry_blocked(Block::Generation(name.generation));
        self.retry_stuck(path);
    }
}

/// When a file is to be looked into.
enum Due {
    Now,
    At(Instant),
    No,
}
