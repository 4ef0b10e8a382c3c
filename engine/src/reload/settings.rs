//! Changed settings: a swap, from the same file, of each plugin that they concern.

use super::manager::Manager;
use super::registry::{Block, Record};
use crate::call::lock;
use crate::plugin::PluginConfig;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

impl Manager {
    /// Takes new settings of all plugins over. Plugins whose own have changed are looked at again: what serves is swapped or,
    /// if it is disabled now, unloaded; what was refused is tried again. All others are left alone.
    pub(super) fn configure(&mut self, plugins: HashMap<String, PluginConfig>) {
        let before = std::mem::replace(&mut self.config.plugins, plugins);
        let now = &self.config.plugins;
        let default = PluginConfig::default();
        let differs = |id: &&String| before.get(*id).unwrap_or(&default) != now.get(*id).unwrap_or(&default);
        let changed: BTreeSet<_> = before.keys().chain(now.keys()).filter(differs).cloned().collect();
        for id in changed {
            self.settings_changed(&id);
        }
    }

    fn settings_changed(&self, id: &str) {
        let disabled = self.config(id).disabled;
        let mut serves: Vec<PathBuf> = Vec::new();
        let mut known = false;
        for record in &mut lock(&self.core.registry).records {
            let was_refused = record.refused.is_some() && record.candidate.as_deref() == Some(id);
            known |= was_refused || record.id() == Some(id);
            let is_current = record.current.as_ref().is_some_and(|current| current.plugin.id == id);
            if is_current || was_refused {
                // It was refused with other settings.
                record.refused_hash = None;
                if let Some(watched) = &mut record.watched {
                    watched.pending = true;
                }
            }
            if is_current {
                serves.push(record.path.clone());
            }
        }
        if known {
            tracing::info!(plugin = id, "the settings of a plugin have changed");
        } else if !disabled {
            tracing::warn!(plugin = id, "the configuration speaks of a plugin that does not serve");
        }
        for path in serves.iter().filter(|_| disabled) {
            if self.unload(path, "the configuration disables it") {
                self.retry_blocked(Block::Plugin);
            }
        }
    }

    /// Whether a file's plugin serves with settings that are not the operator's any more.
    pub(super) fn has_old_settings(&self, record: &Record) -> bool {
        record.current.as_ref().is_some_and(|current| current.config != self.config(&current.plugin.id))
    }
}
