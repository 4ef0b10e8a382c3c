//! Which content a probe has found sound: kept by hash, so that an unchanged file is not tried again at the next start.

use crate::call::lock;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// So many are remembered.
const MOST: usize = 512;

pub(crate) struct Verdicts {
    file: Option<PathBuf>,
    /// Of this version: another one loads plugins in another way.
    version: String,
    sound: Mutex<VecDeque<String>>,
}

impl Verdicts {
    pub fn open(keep: Option<&Path>, version: &str) -> Self {
        let file = keep.map(|keep| keep.join("probed"));
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let mut lines = text.lines();
        let same = lines.next() == Some(version);
        let sound = lines.filter(|_| same).take(MOST).map(str::to_owned).collect();
        Self { file, version: version.to_owned(), sound: Mutex::new(sound) }
    }

    pub fn is_sound(&self, hash: &blake3::Hash) -> bool {
        let hash = hash.to_hex();
        lock(&self.sound).iter().any(|known| known == hash.as_str())
    }

    pub fn note_sound(&self, hash: &blake3::Hash) {
        let mut sound = lock(&self.sound);
        sound.push_back(hash.to_hex().to_string());
        while sound.len() > MOST {
            sound.pop_front();
        }
        let Some(file) = &self.file else { return };
        let mut text = self.version.clone();
        for hash in &*sound {
            text.push('\n');
            text.push_str(hash);
        }
        if let Err(error) = super::replace(file, &[text.as_bytes()]) {
            tracing::debug!(file = %file.display(), %error, "the verdicts of probes are not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_outlive_the_process_and_not_the_version() {
        let keep = tempfile::tempdir().unwrap();
        let hashes: Vec<_> = (0..MOST + 1).map(|number| blake3::hash(&number.to_ne_bytes())).collect();
        let verdicts = Verdicts::open(Some(keep.path()), "1");
        hashes.iter().for_each(|hash| verdicts.note_sound(hash));
        let again = Verdicts::open(Some(keep.path()), "1");
        assert!(again.is_sound(&hashes[1]) && again.is_sound(&hashes[MOST]) && !again.is_sound(&hashes[0]));
        assert!(!Verdicts::open(Some(keep.path()), "2").is_sound(&hashes[1]));
    }
}
