//! The swap: from a proved file to a generation that serves, or to a refusal with the old one untouched.

use super::copies::Copies;
use super::manager::Manager;
use super::proof::{self, Proof};
use super::registry::{Block, Old, Refused};
use super::step::Step;
use crate::Limits;
use crate::call::lock;
use crate::generation::{Candidate, Ended, Failed, Generation};
use crate::host::free_thread_keys;
use crate::plugin::{PluginConfig, PluginSlot};
use crate::queue::Queue;
use crate::router::{PluginEntry, Slot, Table};
use jackfield_message::{ErrorCode, Reply};
use jackfield_plugin_api as abi;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Thread keys that must be left before another library is loaded: what std, the plugin and its libraries may take at once.
const RESERVED_KEYS: usize = 24;

/// Why a candidate does not serve.
pub(super) struct Refusal {
    step: Step,
    reason: String,
    blocked: Option<Block>,
    /// Its library had to stay in the process.
    retired: bool,
}

impl Refusal {
    pub fn at(step: Step, reason: impl Into<String>) -> Self {
        Self { step, reason: reason.into(), blocked: None, retired: false }
    }

    /// Why, for the operator.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        let kept = if failed.retired { " (its library stays in the process)" } else { "" };
        let reason = format!("{}{kept}", failed.reason);
        Self { retired: failed.retired, ..Self::at(failed.step, reason) }
    }
}

/// Measures and tells the steps of one file's swap.
pub(super) struct Steps<'a> {
    manager: &'a Manager,
    path: &'a Path,
    last: Instant,
}

impl<'a> Steps<'a> {
    pub fn begin(manager: &'a Manager, path: &'a Path) -> Self {
        Self { manager, path, last: Instant::now() }
    }

    /// A step is done: an event, a log line with the same fields, and how long it took.
    fn done(&mut self, step: Step, generation: Option<(&str, u64, &str)>) {
        let us = self.last.elapsed();
        self.last = Instant::now();
        self.manager.tell(self.path, step, generation, us, None);
    }
}

impl Manager {
    /// Loads the content of a file and puts it in the place of what the file served before.
    pub(super) fn swap(&self, path: &Path, bytes: &[u8], hash: blake3::Hash, proof: Proof) -> Result<u64, Refusal> {
        let mut steps = Steps::begin(self, path);
        let number = self.core.next_generation();
        let copy = self
            .copies
            .write(path, number, &hash, bytes)
            .map_err(|error| Refusal::at(Step::Copied, format!("its private copy cannot be written: {error}")))?;
        steps.done(Step::Copied, None);
        if let Some(keys) = free_thread_keys().filter(|keys| *keys < RESERVED_KEYS) {
            Copies::remove(&copy);
            return Err(Refusal::at(
                Step::Loaded,
                format!(
                    "only {keys} thread-local keys are left in the process; at least {RESERVED_KEYS} are kept free. Restart the server to go on"
                ),
            ));
        }
        self.swap_copy(path, &copy, number, hash, proof, &mut steps).inspect_err(|refusal| {
            if !refusal.retired {
                return Copies::remove(&copy);
            }
            // What had to stay in the process keeps its file, for debuggers, and is told of.
            if let Some(record) = lock(&self.core.registry).get_mut(path) {
                let ended = Some(Ended::Retired(refusal.reason.clone()));
                record.old.push(Old { number, version: String::new(), draining: None, ended });
            }
        })
    }

    fn swap_copy(
        &self,
        path: &Path,
        copy: &Path,
        number: u64,
        hash: blake3::Hash,
        proof: Proof,
        steps: &mut Steps<'_>,
    ) -> Result<u64, Refusal> {
        let (candidate, brought) = {
            // What a load brings into the process can be told only while no other engine in it loads.
            static LOADING: Mutex<()> = Mutex::new(());
            let _alone = lock(&LOADING);
            let before = mapped_libraries();
            let candidate = Candidate::load(number, copy, &self.core)?;
            (candidate, brought_thread_locals(&before, copy))
        };
        if let Err(mut refusal) = self.admit(path, &candidate) {
            refusal.retired = candidate.discard() != Ended::Closed;
            return Err(refusal);
        }
        let (id, version) = (candidate.descriptor.id.clone(), candidate.descriptor.version.clone());
        let config = self.config(&id);
        for key in config.deadlines.keys() {
            if !candidate.descriptor.commands.iter().any(|command| command.key == key.as_str()) {
                tracing::warn!(
                    plugin = id,
                    key,
                    "the configuration has a deadline for a command that the plugin does not have"
                );
            }
        }
        steps.done(Step::Loaded, Some((&id, number, &version)));
        let slot = self.slot_for(path, &id);
        let unclosable = (proof.thread_locals || brought)
            .then_some("it has INLINE commands and thread-locals, which I/O threads may hold");
        let new = candidate.create(&slot, &config, unclosable)?;
        steps.done(Step::Created, Some((&id, number, &version)));
        let old = lock(&self.core.registry).get(path).and_then(|record| record.current.clone());
        let exclusive = |generation: &Generation| generation.descriptor.flags & abi::JF_PLUGIN_EXCLUSIVE != 0;
        match &old {
            Some(old) if exclusive(old) || exclusive(&new) => self.start_exclusive(path, old, &new, steps)?,
            _ => new.start(Limits::seconds(self.core.limits.lifecycle_s))?,
        }
        steps.done(Step::Started, Some((&id, number, &version)));
        // An id that changes with the file is an unload and a load.
        let old = old.filter(|old| old.plugin.id == id || !self.unload(path, "its file holds another plugin now"));
        self.put_in_place(path, hash, &new);
        steps.done(Step::Swapped, Some((&id, number, &version)));
        if let Some(old) = old {
            self.close_later(path, &old);
        }
        Ok(number)
    }

    /// Whether a plugin may serve here, beside all the others.
    fn admit(&self, path: &Path, candidate: &Candidate) -> Result<(), Refusal> {
        let descriptor = &candidate.descriptor;
        let id = &descriptor.id;
        if self.config(id).disabled {
            return Err(Refusal::at(
                Step::Loaded,
                format!("the configuration disables it ([plugin.{id}] disabled = true)"),
            ));
        }
        if descriptor.flags & abi::JF_PLUGIN_STATEFUL != 0 {
            return Err(Refusal::at(Step::Loaded, "it is STATEFUL, and this version cannot hand state over"));
        }
        let blocked_by = |by, reason| Err(Refusal { blocked: Some(by), ..Refusal::at(Step::Loaded, reason) });
        let blocked = |reason: String| blocked_by(Block::Plugin, reason);
        let registry = lock(&self.core.registry);
        // An unloaded generation may still run commands; what is EXCLUSIVE waits for its end.
        let draining = registry.records.iter().flat_map(|record| &record.old).filter_map(|old| old.draining.as_ref());
        let exclusive = |flags: u32| flags & abi::JF_PLUGIN_EXCLUSIVE != 0;
        let stands_in_the_way = |old: &&Arc<Generation>| {
            let either = exclusive(old.descriptor.flags) || exclusive(descriptor.flags);
            old.plugin.id == *id && either && old.is_started()
        };
        if let Some(old) = draining.into_iter().find(stands_in_the_way) {
            let reason = format!("'{id}' is EXCLUSIVE, and its generation {} has not stopped yet", old.number);
            return blocked_by(Block::Generation(old.number), reason);
        }
        let others = registry.records.iter().filter(|record| record.path != path);
        for (other, generation) in others.filter_map(|record| Some((record, record.current.as_ref()?))) {
            let other_id = &generation.plugin.id;
            if other_id == id {
                return blocked(format!("the plugin '{id}' is served already, from {}", other.path.display()));
            }
            for command in &descriptor.commands {
                if generation.info(&command.key).is_some() {
                    let what = if command.key.is_empty() {
                        "be the one catch-all".to_owned()
                    } else {
                        format!("serve the key '{}'", command.key)
                    };
                    return blocked(format!(
                        "'{id}' wants to {what}, which '{other_id}' ({}) does already",
                        other.path.display()
                    ));
                }
            }
        }
        Ok(())
    }

    /// EXCLUSIVE: the old generation stops before the new one starts. Outside commands wait meanwhile, within `hold_ms`; on
    /// any failure the old one goes on, with the queue.
    fn start_exclusive(
        &self,
        path: &Path,
        old: &Arc<Generation>,
        new: &Arc<Generation>,
        steps: &mut Steps<'_>,
    ) -> Result<(), Refusal> {
        let name = |generation: &Arc<Generation>| {
            (generation.plugin.id.clone(), generation.number, generation.descriptor.version.clone())
        };
        let (id, number, version) = name(old);
        let as_old = Some((id.as_str(), number, version.as_str()));
        let hold_ms = self.core.limits.hold_ms;
        let lifecycle = Limits::seconds(self.core.limits.lifecycle_s);
        let until = Instant::now() + Duration::from_millis(hold_ms);
        let left = || until.saturating_duration_since(Instant::now()).min(lifecycle);
        let back_to_old = |why: Refusal| {
            old.gate().reopen();
            old.plugin.queue.wake();
            why
        };
        old.gate().hold();
        steps.done(Step::Held, as_old);
        if !old.ledger.wait_no_commands(Duration::from_millis(hold_ms)) || !old.gate().close_if_empty() {
            let inside = old.gate().inside();
            let reason = format!(
                "not drained: {inside} commands of the old version still ran after {hold_ms} ms (limit hold_ms); it is \
                 tried again when they have ended"
            );
            let refusal = Refusal { blocked: Some(Block::Commands), ..Refusal::at(Step::Drained, reason) };
            let refusal = back_to_old(refusal);
            new.give_up();
            return Err(refusal);
        }
        steps.done(Step::Drained, as_old);
        let stopped = old.stop_only(left()).map_err(|late| {
            Refusal::at(Step::Stopped, format!("the old version's {late} (limits hold_ms, lifecycle_s)"))
        });
        if stopped.is_ok() {
            steps.done(Step::Stopped, as_old);
        }
        let was_stopped = stopped.is_ok();
        stopped.and_then(|()| new.start(left()).map_err(Refusal::from)).map_err(|refusal| {
            let refusal = match old.start_again() {
                Ok(()) => back_to_old(refusal),
                Err(error) => {
                    // A stopped plugin may not be given commands.
                    self.unload(path, &format!("it did not start again after a refused swap: {error}"));
                    refusal
                }
            };
            if !was_stopped {
                new.give_up();
            }
            refusal
        })
    }

    /// The slot that lives on through swaps, or a new one.
    fn slot_for(&self, path: &Path, id: &str) -> Arc<PluginSlot> {
        let registry = lock(&self.core.registry);
        let serving = registry.get(path).and_then(|record| record.current.as_ref());
        if let Some(same) = serving.filter(|serving| serving.plugin.id == id) {
            return same.plugin.clone();
        }
        Arc::new(PluginSlot {
            number: self.core.next_plugin(),
            id: id.to_owned(),
            queue: Queue::new(self.core.limits.plugin_queue),
            inbox: Arc::default(),
        })
    }

    fn config(&self, id: &str) -> Arc<PluginConfig> {
        Arc::new(self.config.plugins.get(id).cloned().unwrap_or_default())
    }

    /// The one moment of the swap: queue, then table, then the old gate.
    fn put_in_place(&self, path: &Path, hash: blake3::Hash, new: &Arc<Generation>) {
        let mut registry = lock(&self.core.registry);
        let Some(record) = registry.get_mut(path) else { return };
        let old = record.current.replace(new.clone());
        record.hash = Some(hash);
        record.refused = None;
        record.refused_hash = None;
        record.unloaded_hash = None;
        if let Some(old) = &old {
            let version = old.descriptor.version.clone();
            record.old.push(Old { number: old.number, version, draining: Some(old.clone()), ended: None });
        }
        // Queue first: a command that was routed by the old table then waits where the new generation looks for it.
        let orphans = new.plugin.queue.serve(new);
        new.plugin.inbox.serve(&self.core.topics, new);
        self.core.router.publish(Table::of(&registry));
        drop(registry);
        if let Some(old) = old {
            old.gate().close();
            old.plugin.queue.wake();
        }
        for call in orphans {
            let message = format!(
                "Plugin '{}' was replaced and no longer has the command '{}'.",
                new.plugin.id, call.command.key
            );
            call.answer(Reply::error(ErrorCode::PluginGone, message));
        }
    }

    /// Takes a plugin's keys away; what waits is answered, what runs is drained.
    pub(super) fn unload(&self, path: &Path, why: &str) -> bool {
        let mut registry = lock(&self.core.registry);
        let Some(record) = registry.get_mut(path) else { return false };
        let Some(old) = record.current.take() else { return false };
        let version = old.descriptor.version.clone();
        record.hash = None;
        record.old.push(Old { number: old.number, version: version.clone(), draining: Some(old.clone()), ended: None });
        let waiting = old.plugin.queue.close();
        old.plugin.inbox.close();
        self.core.router.publish(Table::of(&registry));
        drop(registry);
        let begun = Instant::now();
        for call in waiting {
            let message = format!("Plugin '{}' was unloaded: {why}.", old.plugin.id);
            call.answer(Reply::error(ErrorCode::PluginGone, message));
        }
        old.gate().close();
        old.plugin.queue.wake();
        let name = Some((old.plugin.id.as_str(), old.number, version.as_str()));
        self.tell(path, Step::Unloaded, name, begun.elapsed(), Some(why));
        self.close_later(path, &old);
        true
    }

    /// Drains and closes a generation on a thread of its own, and reports back.
    fn close_later(&self, path: &Path, old: &Arc<Generation>) {
        let name = (old.plugin.id.clone(), old.number, old.descriptor.version.clone());
        old.ledger.calls.drain();
        self.tell(path, Step::Draining, Some((&name.0, name.1, &name.2)), Duration::ZERO, None);
        let (old, core, path) = (old.clone(), Arc::downgrade(&self.core), path.to_owned());
        let closer = move || {
            let begun = Instant::now();
            let ended = old.drain_and_close();
            if ended == Ended::Closed {
                Copies::remove(&old.copy);
            }
            drop(old);
            if let Some(core) = core.upgrade() {
                let _ = core.request(super::Request::Ended { path, name, ended, us: begun.elapsed() });
            }
        };
        match std::thread::Builder::new().name("jf-close".to_owned()).spawn(closer) {
            Ok(thread) => {
                let mut closers = lock(&self.core.closers);
                closers.retain(|closer| !closer.is_finished());
                closers.push(thread);
            }
            Err(error) => tracing::error!(%error, "a generation cannot be closed: no thread for it; it stays"),
        }
    }

    /// Notes a refusal, and says it.
    pub(super) fn refuse(&self, path: &Path, hash: Option<blake3::Hash>, refusal: Refusal) {
        let Refusal { step, reason, blocked, .. } = refusal;
        let mut registry = lock(&self.core.registry);
        let Some(record) = registry.get_mut(path) else { return };
        // One that another plugin blocks is tried again and again; that is told once.
        let same = record.refused_hash == hash
            && record.refused.as_ref().is_some_and(|refused| refused.blocked.is_some() && refused.reason == reason);
        record.refused_hash = hash;
        record.refused = Some(Refused { step, reason: reason.clone(), at: SystemTime::now(), blocked });
        let serving = record
            .current
            .as_ref()
            .map(|generation| (generation.plugin.id.clone(), generation.number, generation.descriptor.version.clone()));
        drop(registry);
        if !same {
            let serving = serving.as_ref().map(|(id, number, version)| (id.as_str(), *number, version.as_str()));
            self.tell(path, Step::Refused, serving, Duration::ZERO, Some(&format!("{step}: {reason}")));
        }
    }
}

impl Table {
    /// The table of what serves now.
    pub(super) fn of(registry: &super::Registry) -> Self {
        let mut table = Self::with_builtins();
        for generation in registry.records.iter().filter_map(|record| record.current.as_ref()) {
            for command in &generation.descriptor.commands {
                let slot = Slot::Plugin(PluginEntry {
                    plugin: generation.plugin.clone(),
                    generation: generation.clone(),
                    class: command.class,
                    flags: command.flags,
                });
                if command.is_catch_all() {
                    table.catch_all = Some(slot);
                } else {
                    table.slots.insert(command.key.clone(), slot);
                }
            }
        }
        table
    }
}

/// The libraries in the process, by file.
fn mapped_libraries() -> Vec<PathBuf> {
    libraries_in(&std::fs::read_to_string("/proc/self/maps").unwrap_or_default())
}

/// What is mapped to run. A file is the same library still when it is removed meanwhile.
fn libraries_in(maps: &str) -> Vec<PathBuf> {
    let runs = |line: &&str| line.split(' ').nth(1).is_some_and(|permissions| permissions.contains('x'));
    let file = |line: &str| {
        let path = &line[line.find('/')?..];
        Some(PathBuf::from(path.strip_suffix(" (deleted)").unwrap_or(path)))
    };
    let mut paths: Vec<_> = maps.lines().filter(runs).filter_map(file).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Whether a library that came into the process with the plugin may leave something in threads.
fn brought_thread_locals(before: &[PathBuf], copy: &Path) -> bool {
    mapped_libraries()
        .iter()
        .filter(|path| before.binary_search(path).is_err() && *path != copy)
        .any(|path| std::fs::read(path).map_or(true, |bytes| proof::may_have_thread_locals(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_what_runs_also_when_their_files_are_gone() {
        let maps = "7f00-7f01 r--p 00000000 08:01 1    /lib/a.so\n7f01-7f02 r-xp 00001000 08:01 1    /lib/a.so\n\
                    7f03-7f04 r-xp 00000000 08:01 2    /tmp/b c.so (deleted)\n7f05-7f06 rw-s 00000000 08:01 3    /data/store-shm\n\
                    7f07-7f08 r-xp 00000000 00:00 0    [vdso]\n7f09-7f0a rwxp 00000000 00:00 0\n";
        assert_eq!(libraries_in(maps), [PathBuf::from("/lib/a.so"), PathBuf::from("/tmp/b c.so")]);
    }
}
