//! What serves: put in place in one moment, taken away, and closed later.

use super::copies::Copies;
use super::manager::{Manager, Request};
use super::registry::Old;
use super::step::Step;
use crate::call::lock;
use crate::generation::{Ended, Generation};
use crate::router::{PluginEntry, Slot, Table};
use jackfield_message::{ErrorCode, Reply};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Manager {
    /// The one moment of the swap: queue, then table, then the old gate.
    pub(super) fn put_in_place(&self, path: &Path, hash: blake3::Hash, new: &Arc<Generation>) {
        if new.is_stateful() {
            self.core.keep.states.began(&new.plugin.id);
        }
        let mut registry = lock(&self.core.registry);
        let Some(record) = registry.get_mut(path) else { return };
        let old = record.current.replace(new.clone());
        record.hash = Some(hash);
        record.refused = None;
        record.refused_hash = None;
        record.unloaded_hash = None;
        record.stuck = None;
        if let Some(old) = &old {
            let version = old.descriptor.version.clone();
            record.old.push(Old { number: old.number, version, generation: Some(old.clone()), ended: None });
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
                new.plugin.id,
                call.command.key()
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
        record.trial = None;
        record.stuck = None;
        record.old.push(Old { number: old.number, version, generation: Some(old.clone()), ended: None });
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
        self.core.keep.trials.end(path);
        self.core.tell(path, Step::Unloaded, Some(&old.name()), begun.elapsed(), Some(why));
        self.close_later(&old);
        true
    }

    /// Drains and closes a generation on a thread of its own, and reports back.
    pub(super) fn close_later(&self, old: &Arc<Generation>) {
        old.ledger.calls.drain();
        self.core.tell(&old.file, Step::Draining, Some(&old.name()), Duration::ZERO, None);
        let (old, core) = (old.clone(), Arc::downgrade(&self.core));
        // Named after it: what its last code does is its own fault.
        let thread_name = format!("jf-close-{}", old.number);
        let closer = move || {
            let Some(core) = core.upgrade() else { return };
            let begun = Instant::now();
            if old.is_stateful()
                && !old.has_unsaved_state()
                && let Err(error) = core.keep.states.synchronise(&old.plugin.id)
            {
                tracing::warn!(plugin = old.plugin.id, %error, "the state that was handed over is not on the disk yet");
            }
            let ended = old.drain_and_close(&core);
            if ended == Ended::Closed {
                Copies::remove(&old.copy);
            }
            let (path, name) = (old.file.clone(), old.name());
            drop(old);
            let _ = core.request(Request::Ended { path, name, ended, us: begun.elapsed() });
        };
        match self.core.spawner.spawn(thread_name, closer) {
            Ok(thread) => {
                let mut closers = lock(&self.core.closers);
                closers.retain(|closer| !closer.is_finished());
                closers.push(thread);
            }
            Err(error) => tracing::error!(%error, "a generation cannot be closed: no thread for it; it stays"),
        }
    }
}

impl Table {
    /// The table of what serves now.
    pub fn of(registry: &super::Registry) -> Self {
        // Between the look at a plugin's keys and its start the application may have registered one of them: it has it.
        let mut table = Self::with_builtins();
        table.application = registry.application.clone();
        for generation in registry.records.iter().filter_map(|record| record.current.as_ref()) {
            for (index, command) in generation.descriptor.commands.iter().enumerate() {
                let (plugin, generation) = (generation.plugin.clone(), generation.clone());
                let slot = Slot::Plugin(PluginEntry { plugin, generation, command: index });
                if command.is_catch_all() {
                    table.catch_all = Some(slot);
                } else if !table.application.contains_key(&command.key) {
                    table.slots.insert(command.key.clone(), slot);
                }
            }
        }
        table.catch_all = table.application.get("").cloned().or(table.catch_all);
        table
    }
}
