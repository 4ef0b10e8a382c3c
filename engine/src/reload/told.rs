//! What is told of a swap: each step is an event on `jackfield.plugins`, a log line with the same fields, and a figure. Keys of
//! the application are told there, too: whoever keeps what there is to call listens to one topic.

use super::manager::Manager;
use super::registry::Refused;
use super::step::Step;
use super::swap::Refusal;
use crate::call::lock;
use crate::core::Core;
use jackfield_message::ByteString;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Topic of the steps.
const TOPIC: &str = "jackfield.plugins";

/// Which generation a step is about.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub plugin: String,
    pub generation: u64,
    pub version: String,
}

impl Core {
    /// A step: an event, and a log line with the same fields.
    pub fn tell(&self, path: &Path, step: Step, name: Option<&Name>, took: Duration, reason: Option<&str>) {
        let file = path.display();
        let (plugin, generation) = (name.map(|name| name.plugin.as_str()), name.map(|name| name.generation));
        let version = name.map(|name| name.version.as_str());
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let step = step.as_str();
        match Weight::of(step, reason) {
            Weight::Error => tracing::error!(plugin, %file, generation, version, step, us, reason, "plugin"),
            Weight::Warn => tracing::warn!(plugin, %file, generation, version, step, us, reason, "plugin"),
            Weight::Info => tracing::info!(plugin, %file, generation, version, step, us, reason, "plugin"),
            Weight::Debug => tracing::debug!(plugin, %file, generation, version, step, us, reason, "plugin"),
        }
        let event = json!({
            "plugin": plugin, "file": file.to_string(), "generation": generation, "version": version, "step": step,
            "us": us, "reason": reason,
        });
        self.topics.publish(TOPIC, ByteString::from(event.to_string()));
    }

    /// That a key of the application came or went: an event of the same form, of no plugin and no file, with the key.
    pub fn tell_key(&self, key: &str, step: Step) {
        let event = json!({
            "plugin": null, "file": "", "generation": null, "version": null, "step": step.as_str(), "us": 0, "reason": null,
            "key": key,
        });
        self.topics.publish(TOPIC, ByteString::from(event.to_string()));
    }
}

/// How much a step matters to an operator.
enum Weight {
    Error,
    Warn,
    Info,
    Debug,
}

impl Weight {
    fn of(step: &str, reason: Option<&str>) -> Self {
        match (step, reason) {
            ("refused" | "rolled-back", _) | ("saved", Some(_)) => Self::Error,
            ("retired", _) => Self::Warn,
            ("swapped" | "unloaded" | "restored", _) => Self::Info,
            (_, Some(_)) => Self::Warn,
            _ => Self::Debug,
        }
    }
}

/// Measures and tells the steps of one file's swap.
pub(super) struct Steps<'a> {
    core: &'a Core,
    path: &'a Path,
    last: Instant,
}

impl<'a> Steps<'a> {
    pub fn begin(core: &'a Core, path: &'a Path) -> Self {
        Self { core, path, last: Instant::now() }
    }

    /// A step is done: an event, a log line with the same fields, and how long it took.
    pub fn done(&mut self, step: Step, name: Option<&Name>) {
        self.done_because(step, name, None);
    }

    /// The same, with something to say about it.
    pub fn done_because(&mut self, step: Step, name: Option<&Name>, reason: Option<&str>) {
        let took = self.last.elapsed();
        self.last = Instant::now();
        self.core.tell(self.path, step, name, took, reason);
    }
}

impl Manager {
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
        let serving = record.current.as_ref().map(|generation| generation.name());
        drop(registry);
        if !same {
            let reason = format!("{step}: {reason}");
            self.core.tell(path, Step::Refused, serving.as_ref(), Duration::ZERO, Some(&reason));
        }
    }
}
