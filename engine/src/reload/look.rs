//! Looking at the plugin folders: what is there, what has changed, what has gone. Nothing is read here.

use super::files::{self, Found};
use super::manager::{Manager, RESTLESS};
use super::registry::{Record, Refused, Watched};
use super::step::Step;
use super::swap::Refusal;
use super::watch::Watching;
use crate::call::lock;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

impl Manager {
    /// Compares the folders with the records; what has changed is marked, nothing is read yet.
    pub(super) fn look(&self, watching: &mut Watching, first: bool) {
        // Before anything is looked at: what changes afterwards makes an event.
        watching.follow(&self.config.folders);
        let mut folders = Vec::new();
        let mut present = Vec::new();
        let mut unusable = Vec::new();
        for (index, folder) in self.config.folders.iter().enumerate() {
            if let Err(reason) = files::check_folder(folder) {
                if folder.exists() {
                    unusable.push(index);
                }
                folders.push((folder.clone(), Refusal::at(Step::Seen, reason)));
                continue;
            }
            match files::list(folder) {
                Ok(paths) => present.extend(paths.into_iter().map(|path| (index, path))),
                Err(error) => {
                    unusable.push(index);
                    folders.push((folder.clone(), Refusal::at(Step::Seen, format!("it cannot be listed: {error}"))));
                }
            }
        }
        self.note_folders(folders);
        for (folder, path) in &present {
            self.note(*folder, path, first);
        }
        let now = Instant::now();
        for record in &mut lock(&self.core.registry).records {
            // In a folder that is there and cannot be used, nothing is known to have gone.
            let there = present.iter().any(|(_, path)| *path == record.path) || unusable.contains(&record.folder);
            record.missing_since = if there { None } else { record.missing_since.or(Some(now)) };
        }
    }

    fn note_folders(&self, refused: Vec<(PathBuf, Refusal)>) {
        let mut registry = lock(&self.core.registry);
        let before = std::mem::take(&mut registry.folders);
        let mut news = Vec::new();
        for (path, refusal) in refused {
            let reason = refusal.reason().to_owned();
            let known = before.iter().find(|(folder, refused)| *folder == path && refused.reason == reason);
            let at = known.map_or_else(SystemTime::now, |(_, refused)| refused.at);
            if known.is_none() {
                news.push((path.clone(), reason.clone()));
            }
            registry.folders.push((path, Refused { step: Step::Seen, reason, at, blocked: None }));
        }
        drop(registry);
        for (path, reason) in news {
            self.core.tell(&path, Step::Refused, None, Duration::ZERO, Some(&reason));
        }
    }

    /// Notes whether a file is new or has changed.
    pub(super) fn note(&self, folder: usize, path: &Path, first: bool) {
        let now = Instant::now();
        let mut registry = lock(&self.core.registry);
        let record = match registry.get_mut(path) {
            Some(record) => record,
            None => {
                registry.records.push(Record::new(path.to_owned(), folder));
                registry.records.sort_by(|a, b| (a.folder, &a.path).cmp(&(b.folder, &b.path)));
                match registry.get_mut(path) {
                    Some(record) => record,
                    None => return,
                }
            }
        };
        let signature = match files::look(path) {
            Found::File(signature) => signature,
            // The next look does not find it in the folder, or finds what took its place.
            Found::Gone => return,
            Found::Unusable(reason) => {
                record.watched = None;
                let told = record.refused.as_ref().is_some_and(|refused| refused.reason == reason);
                drop(registry);
                if !told {
                    self.refuse(path, None, Refusal::at(Step::Seen, reason));
                }
                return;
            }
        };
        match &mut record.watched {
            Some(watched) if watched.signature == signature => {}
            Some(watched) => {
                let first_changed_at = if watched.pending { watched.first_changed_at } else { now };
                let seen = !watched.pending;
                *watched = Watched { signature, changed_at: now, first_changed_at, pending: true };
                drop(registry);
                if seen {
                    self.core.tell(path, Step::Seen, None, Duration::ZERO, None);
                }
            }
            none => {
                // At start-up, what was not touched lately needs no settling.
                let settled = first && signature.age() >= RESTLESS;
                let changed_at = if settled { now.checked_sub(self.config.settle).unwrap_or(now) } else { now };
                *none = Some(Watched { signature, changed_at, first_changed_at: changed_at, pending: true });
                drop(registry);
                self.core.tell(path, Step::Seen, None, Duration::ZERO, None);
            }
        }
    }
}
