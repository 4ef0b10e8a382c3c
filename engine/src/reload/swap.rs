//! The swap: from a private copy to a generation that serves, or to a refusal with the old one untouched.

use super::copies::Copies;
use super::manager::Manager;
use super::prepare::Prepared;
use super::proof;
use super::registry::{Block, Old};
use super::step::Step;
use super::told::{Name, Steps};
use crate::Limits;
use crate::call::lock;
use crate::generation::{Candidate, Ended, Failed, Generation};
use crate::host::{Loaded, free_thread_keys};
use crate::plugin::{PluginConfig, PluginSlot};
use crate::queue::Queue;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Thread keys that must be left before another library is loaded: what std, the plugin and its libraries may take at once.
const RESERVED_KEYS: usize = 24;

/// Why a candidate does not serve.
pub(super) struct Refusal {
    pub(super) step: Step,
    pub(super) reason: String,
    pub(super) blocked: Option<Block>,
    /// Its library had to stay in the process.
    retired: bool,
    /// The configuration says so.
    by_operator: bool,
}

impl Refusal {
    pub fn at(step: Step, reason: impl Into<String>) -> Self {
        Self { step, reason: reason.into(), blocked: None, retired: false, by_operator: false }
    }

    /// The same, to be tried again when what stands in the way has gone.
    pub fn until(self, blocked: Block) -> Self {
        Self { blocked: Some(blocked), ..self }
    }

    /// The same, knowing what became of the candidate.
    pub fn with(self, ended: Ended) -> Self {
        Self { retired: self.retired || ended != Ended::Closed, ..self }
    }

    /// At which step.
    pub fn step(&self) -> Step {
        self.step
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

impl Manager {
    /// Loads what was prepared and puts it in the place of what its file served before; notes a refusal.
    pub(super) fn swap_or_refuse(&self, prepared: Prepared) {
        let (path, hash) = (prepared.path.clone(), prepared.hash);
        let bad = prepared.instead_of.as_ref().map(|(bad, ..)| *bad);
        match self.swap(prepared) {
            Ok(_) => self.retry_blocked(Block::Plugin),
            Err(refusal) => {
                let in_its_place = if bad.is_none() { self.good_at_start(&path, hash, &refusal) } else { None };
                self.refuse(&path, bad.or(Some(hash)), refusal);
                if let Some(good) = in_its_place {
                    self.swap_or_refuse(good);
                }
            }
        }
    }

    /// At the start, a file that is refused for what it is: what served before the stop serves on.
    pub(super) fn good_at_start(&self, path: &Path, hash: blake3::Hash, refusal: &Refusal) -> Option<Prepared> {
        if !self.is_starting() || refusal.blocked.is_some() || refusal.by_operator {
            return None;
        }
        let why = format!("{}; the last good version serves in its place", refusal.reason);
        self.prepare_good(path, hash, refusal.step, &why)
    }

    /// Loads what was prepared and puts it in the place of what its file served before.
    pub(super) fn swap(&self, prepared: Prepared) -> Result<u64, Refusal> {
        let mut steps = Steps::begin(&self.core, &prepared.path);
        self.swap_copy(&prepared, &mut steps).inspect_err(|refusal| {
            self.give_trial_back(&prepared.path);
            if !refusal.retired {
                return Copies::remove(&prepared.copy);
            }
            // What had to stay in the process keeps its file, for debuggers, and is told of.
            if let Some(record) = lock(&self.core.registry).get_mut(&prepared.path) {
                let ended = Some(Ended::Retired(refusal.reason.clone()));
                record.old.push(Old { number: prepared.number, version: String::new(), generation: None, ended });
            }
        })
    }

    fn swap_copy(&self, prepared: &Prepared, steps: &mut Steps<'_>) -> Result<u64, Refusal> {
        let Prepared { path, number, .. } = prepared;
        if let Some(keys) = free_thread_keys().filter(|keys| *keys < RESERVED_KEYS) {
            let reason = format!(
                "only {keys} thread-local keys are left in the process; at least {RESERVED_KEYS} are kept free. Restart \
                 the server to go on"
            );
            return Err(Refusal::at(Step::Loaded, reason));
        }
        let (candidate, brought) = {
            // What a load brings into the process can be told only while no other engine in it loads.
            static LOADING: Mutex<()> = Mutex::new(());
            let _alone = lock(&LOADING);
            let before = Loaded::now();
            let candidate = Candidate::load(*number, path, &prepared.copy, &self.core)?;
            (candidate, before.brought(&prepared.copy, proof::file_may_have_thread_locals))
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
        let name = Name { plugin: id.clone(), generation: *number, version };
        steps.done(Step::Loaded, Some(&name));
        self.begin_trial(prepared, &name);
        let slot = self.slot_for(path, &id);
        let unclosable = (prepared.proof.thread_locals || brought)
            .then_some("it has INLINE commands and thread-locals, which I/O threads may hold");
        let new = candidate.create(&slot, &config, unclosable)?;
        steps.done(Step::Created, Some(&name));
        let old = lock(&self.core.registry).get(path).and_then(|record| record.current.clone());
        let origin = match &old {
            Some(old) if old.is_exclusive() || new.is_exclusive() => self.hand_over(prepared, old, &new, steps)?,
            _ => self.start_alone(&new, steps)?,
        };
        steps.done_because(Step::Started, Some(&name), origin.as_deref());
        // An id that changes with the file is an unload and a load.
        let old = old.filter(|old| old.plugin.id == id || !self.unload(path, "its file holds another plugin now"));
        if let Some(old) = &old {
            self.note_good(prepared, old);
        }
        self.put_in_place(path, prepared.hash, &new);
        steps.done(Step::Swapped, Some(&name));
        self.on_trial(prepared, &new);
        if let Some((bad, step, why)) = &prepared.instead_of {
            self.tell_rolled_back(path, *bad, *step, why);
        }
        if let Some(old) = old {
            self.close_later(&old);
        }
        Ok(*number)
    }

    /// Whether a plugin may serve here, beside all the others.
    fn admit(&self, path: &Path, candidate: &Candidate) -> Result<(), Refusal> {
        let descriptor = &candidate.descriptor;
        let id = &descriptor.id;
        if let Some(record) = lock(&self.core.registry).get_mut(path) {
            record.candidate = Some(id.clone());
        }
        if self.config(id).disabled {
            let reason = format!("the configuration disables it ([plugin.{id}] disabled = true)");
            return Err(Refusal { by_operator: true, ..Refusal::at(Step::Loaded, reason) });
        }
        let blocked = |by, reason: String| Err(Refusal::at(Step::Loaded, reason).until(by));
        let registry = lock(&self.core.registry);
        // An unloaded generation may still run commands; what is EXCLUSIVE waits for its end.
        let mut draining = registry.records.iter().flat_map(|record| &record.old).filter_map(Old::draining);
        let stands_in_the_way = |old: &&Arc<Generation>| {
            old.plugin.id == *id && (old.is_exclusive() || descriptor.is_exclusive()) && old.is_at_work()
        };
        if let Some(old) = draining.find(stands_in_the_way) {
            let reason = format!(
                "'{id}' is EXCLUSIVE, and its generation {} has not stopped yet; it is loaded when it has",
                old.number
            );
            return blocked(Block::Generation(old.number), reason);
        }
        if let Some(command) =
            descriptor.commands.iter().find(|command| registry.application.contains_key(&command.key))
        {
            let reason = format!("'{id}' wants to serve the key '{}', which the application does already", command.key);
            return blocked(Block::Plugin, reason);
        }
        let others = registry.records.iter().filter(|record| record.path != path);
        for (other, generation) in others.filter_map(|record| Some((record, record.current.as_ref()?))) {
            let (other_id, other_path) = (&generation.plugin.id, other.path.display());
            if other_id == id {
                let reason = format!("the plugin '{id}' is served already, from {other_path}");
                return blocked(Block::Plugin, reason);
            }
            if let Some(command) = descriptor.commands.iter().find(|command| generation.info(&command.key).is_some()) {
                let what = if command.key.is_empty() {
                    "be the one catch-all".to_owned()
                } else {
                    format!("serve the key '{}'", command.key)
                };
                let reason = format!("'{id}' wants to {what}, which '{other_id}' ({other_path}) does already");
                return blocked(Block::Plugin, reason);
            }
        }
        Ok(())
    }

    /// Nobody has to stop for it.
    fn start_alone(&self, new: &Arc<Generation>, steps: &mut Steps<'_>) -> Result<Option<String>, Refusal> {
        let limit = Limits::seconds(self.core.limits.lifecycle_s);
        let origin = self.restore_kept(new, limit, steps, None).map_err(|refusal| refusal.with(new.give_up()))?;
        new.start(limit)?;
        Ok(origin)
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

    /// What the operator says of a plugin.
    pub(super) fn config(&self, id: &str) -> Arc<PluginConfig> {
        Arc::new(self.config.plugins.get(id).cloned().unwrap_or_default())
    }
}
