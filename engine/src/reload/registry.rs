//! What is loaded, what was, and what is refused: one record a file. Written by the manager, read by everybody.

use super::files::Signature;
use super::step::Step;
use crate::generation::{Ended, Generation};
use crate::host::free_thread_keys;
use crate::router::OfApplication;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Closed generations that are still told of, a plugin.
const TOLD_CLOSED: usize = 2;

/// What stands in the way of a plugin: it is tried again when that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// Another plugin, which has its id or a key of it.
    Plugin,
    /// A generation of the same plugin that has not stopped yet, by number.
    Generation(u64),
    /// Commands of the version that serves.
    Commands,
    /// The disk: looked at again after a while.
    Disk,
}

/// Why a file does not serve what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub step: Step,
    pub reason: String,
    pub at: SystemTime,
    pub blocked: Option<Block>,
}

/// A generation that does not serve any more.
pub(crate) struct Old {
    pub number: u64,
    pub version: String,
    /// As long as it is in the process.
    pub generation: Option<Arc<Generation>>,
    /// `None` while it drains.
    pub ended: Option<Ended>,
}

impl Old {
    /// The generation, while it drains.
    pub fn draining(&self) -> Option<&Arc<Generation>> {
        self.generation.as_ref().filter(|_| self.ended.is_none())
    }
}

/// What serves has to prove itself.
pub(crate) struct Trial {
    pub generation: u64,
    pub version: String,
    pub until: Instant,
}

/// How a file came to its present content, and when to look at it next.
pub(crate) struct Watched {
    pub signature: Signature,
    pub changed_at: Instant,
    /// When this round of changes began.
    pub first_changed_at: Instant,
    /// Not looked at yet since it changed.
    pub pending: bool,
}

/// A file in a plugin folder.
pub(crate) struct Record {
    pub path: PathBuf,
    /// Position for "who is second": folder, then name.
    pub folder: usize,
    pub watched: Option<Watched>,
    /// When the file was found missing.
    pub missing_since: Option<Instant>,
    /// Content of the current generation.
    pub hash: Option<blake3::Hash>,
    /// Content that was refused.
    pub refused_hash: Option<blake3::Hash>,
    pub refused: Option<Refused>,
    /// Id of the plugin in the content that was loaded last, though it may have been refused.
    pub candidate: Option<String>,
    /// Unloaded by command: stays so until it is loaded by command or its content changes.
    pub unloaded_hash: Option<blake3::Hash>,
    /// Who that was.
    pub unloaded_id: Option<String>,
    pub current: Option<Arc<Generation>>,
    pub trial: Option<Trial>,
    /// The generation that serves is stuck: a fresh one is to take its place.
    pub stuck: Option<u64>,
    pub old: Vec<Old>,
}

impl Record {
    pub fn new(path: PathBuf, folder: usize) -> Self {
        Self {
            path,
            folder,
            watched: None,
            missing_since: None,
            hash: None,
            refused_hash: None,
            refused: None,
            candidate: None,
            unloaded_hash: None,
            unloaded_id: None,
            current: None,
            trial: None,
            stuck: None,
            old: Vec::new(),
        }
    }

    /// The id of the plugin that serves, or that was unloaded by command.
    pub fn id(&self) -> Option<&str> {
        let unloaded = || self.unloaded_id.as_deref().filter(|_| self.unloaded_hash.is_some());
        self.current.as_ref().map(|generation| generation.plugin.id.as_str()).or_else(unloaded)
    }

    /// A swap found commands that did not end in time, and now they have; or a disk that may be better now.
    pub fn is_free_again(&self) -> bool {
        const DISK: Duration = Duration::from_secs(5);
        self.refused.as_ref().is_some_and(|refused| match refused.blocked {
            Some(Block::Commands) => self.current.as_ref().is_some_and(|current| current.gate().inside() == 0),
            Some(Block::Disk) => refused.at.elapsed().is_ok_and(|since| since >= DISK),
            Some(Block::Plugin | Block::Generation(_)) | None => false,
        })
    }

    /// Generations in the process that can still answer: the current one and those that drain.
    pub fn live(&self) -> usize {
        usize::from(self.current.is_some()) + self.old.iter().filter(|old| old.draining().is_some()).count()
    }

    /// Old generations in which commands are still inside.
    pub fn stuck_behind(&self) -> usize {
        self.old.iter().filter_map(|old| old.generation.as_ref()).filter(|old| old.gate().inside() > 0).count()
    }

    /// Notes how a generation ended, and forgets closed ones beyond the last few.
    pub fn ended(&mut self, number: u64, ended: Ended) {
        if let Some(old) = self.old.iter_mut().find(|old| old.number == number) {
            old.generation.take_if(|_| ended == Ended::Closed);
            old.ended = Some(ended);
        }
        let mut closed = self.old.iter().filter(|old| old.ended == Some(Ended::Closed)).count();
        self.old.retain(|old| {
            let forget = old.ended == Some(Ended::Closed) && closed > TOLD_CLOSED;
            closed -= usize::from(forget);
            !forget
        });
    }

    fn report(&self) -> Value {
        let current = self.current.as_ref();
        let state = match (current, &self.refused) {
            (Some(_), _) => "serving",
            (None, Some(_)) => "refused",
            (None, None) => "unloaded",
        };
        let keys: Vec<_> = current.map_or(Vec::new(), |generation| {
            let commands = generation.descriptor.commands.iter();
            commands
                .map(|command| {
                    let class = generation.class_of(&command.key).unwrap_or(command.class);
                    json!({"key": &*command.key, "class": class.as_str(), "help": command.help})
                })
                .collect()
        });
        let generations: Vec<_> = current
            .map(|generation| {
                report_generation(generation, if generation.gate().is_held() { "held" } else { "serving" })
            })
            .into_iter()
            .chain(self.old.iter().rev().map(Old::report))
            .collect();
        let mut report = json!({
            "id": self.id(),
            "name": current.map(|generation| generation.descriptor.name.as_str()),
            "version": current.map(|generation| generation.descriptor.version.as_str()),
            "license": current.map(|generation| generation.descriptor.license.as_str()),
            "build": current.map(|generation| generation.descriptor.build.as_str()),
            "abi": current.map(|generation| format!("1.{}", generation.descriptor.abi_minor)),
            "file": self.path.to_string_lossy(),
            "state": state,
            "generation": current.map(|generation| generation.number),
            "keys": keys,
            "generations": generations,
        });
        if let (Some(refused), Some(report)) = (&self.refused, report.as_object_mut()) {
            let at = refused.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            report.insert(
                "refused".to_owned(),
                json!({"step": refused.step.as_str(), "reason": refused.reason, "at": (at * 1000.0).round() / 1000.0}),
            );
        }
        report
    }
}

impl Old {
    fn report(&self) -> Value {
        let (state, mapped, why) = match &self.ended {
            None => ("draining", true, None),
            Some(Ended::Retired(why)) => ("retired", true, Some(why)),
            Some(Ended::Closed) => ("closed", false, None),
        };
        if let Some(generation) = &self.generation {
            let mut report = report_generation(generation, state);
            report["why"] = why.map(String::as_str).into();
            return report;
        }
        json!({
            "generation": self.number, "version": self.version, "state": state, "in_flight": 0, "buffers": 0,
            "threads": 0, "mapped": mapped, "why": why,
        })
    }
}

fn report_generation(generation: &Generation, state: &str) -> Value {
    let (in_flight, buffers, threads) = generation.load();
    json!({
        "generation": generation.number, "version": generation.descriptor.version, "state": state,
        "in_flight": in_flight, "buffers": buffers, "threads": threads, "mapped": true, "why": null,
        "misuses": generation.ledger.misuses(),
    })
}

/// All files, in order.
#[derive(Default)]
pub(crate) struct Registry {
    pub records: Vec<Record>,
    /// Folders that cannot be used, and why.
    pub folders: Vec<(PathBuf, Refused)>,
    /// What the application has registered.
    pub application: OfApplication,
}

impl Registry {
    pub fn get(&self, path: &std::path::Path) -> Option<&Record> {
        self.records.iter().find(|record| record.path == path)
    }

    pub fn get_mut(&mut self, path: &std::path::Path) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.path == path)
    }

    /// Current and draining generations of a plugin.
    pub fn generations_of(&self, plugin: u64) -> Vec<Arc<Generation>> {
        let all = self
            .records
            .iter()
            .flat_map(|record| record.current.iter().chain(record.old.iter().filter_map(Old::draining)));
        all.filter(|generation| generation.plugin.number == plugin).cloned().collect()
    }

    /// What `jackfield.plugins` answers.
    pub fn report(&self) -> Value {
        let folders = self.folders.iter().map(|(path, refused)| {
            let mut record = Record::new(path.clone(), 0);
            record.refused = Some(refused.clone());
            record.report()
        });
        let plugins: Vec<_> = folders.chain(self.records.iter().map(Record::report)).collect();
        json!({"plugins": plugins, "reload_budget": free_thread_keys()})
    }
}
