//! A file in the plugin folder, and the contents that take turns in it.

use super::subject::Subject;
use super::watch::{Seen, Watch};
use crate::put::Way;
use crate::server::Home;
use std::fs;
use std::path::{Path, PathBuf};

/// A plugin under swap. Its number is its place among all of them.
pub struct Target {
    /// What it is.
    pub subject: Subject,
    /// Its number.
    pub number: usize,
    /// Its file.
    pub file: PathBuf,
    /// Times that a new content was put in place.
    pub turn: usize,
    variants: Vec<(&'static str, PathBuf)>,
}

impl Target {
    /// Builds the subjects, with the first version of each in the plugin folder of `home`.
    pub fn all(subjects: &[Subject], home: &Home, optimised: bool) -> Vec<Self> {
        let deps = home.path().join("deps");
        fs::create_dir_all(&deps).expect("a folder can be made in a temporary folder");
        let target = |(number, subject): (usize, &Subject)| {
            let variants = subject.build(&deps, optimised);
            let file = home.install(&variants[0].1, subject.id);
            Self { subject: *subject, number, file, turn: 0, variants }
        };
        subjects.iter().enumerate().map(target).collect()
    }

    /// What a [`Watch`] wants to know of them.
    pub fn files(targets: &[Self]) -> Vec<(String, PathBuf)> {
        targets.iter().map(|target| (target.subject.id.to_owned(), target.file.clone())).collect()
    }

    /// The version that is in place.
    pub fn version(&self) -> &'static str {
        self.variants[self.turn % self.variants.len()].0
    }

    /// The file of the next version, which the caller puts in place.
    pub fn advance(&mut self) -> &Path {
        self.turn += 1;
        &self.variants[self.turn % self.variants.len()].1
    }

    /// Puts the next version in place.
    pub fn put(&mut self, way: Way) -> Result<(), String> {
        let file = self.file.clone();
        way.put(self.advance(), &file).map_err(|e| format!("{} cannot be put in place: {e}", file.display()))
    }

    /// Puts the next version in place; all ways take turns with all versions.
    pub fn put_next(&mut self) -> Result<(), String> {
        self.put(Way::ALL[self.turn % Way::ALL.len()])
    }

    /// Waits until what was put in place serves.
    pub fn swapped(&self, watch: &Watch) -> Result<Seen, String> {
        let turns = self.turn as u64 + 1;
        let seen = watch.wait_for(self.number, |seen| seen.served >= turns || !seen.refused.is_empty())?;
        match seen.serving.as_ref().map(|(_, version)| version.as_str()) {
            _ if !seen.refused.is_empty() => Err(format!("{}: {}", self.subject.id, seen.refused.join("; "))),
            Some(version) if seen.served == turns && version == self.version() => Ok(seen),
            _ => Err(format!("{}: {} was put in place as number {turns}: {seen:?}", self.subject.id, self.version())),
        }
    }

    /// Waits until nothing of replaced versions is under way.
    pub fn settled(&self, watch: &Watch) -> Result<Seen, String> {
        self.swapped(watch)?;
        watch.wait_for(self.number, |seen| seen.draining.is_empty())
    }
}
