//! The states of STATEFUL plugins, one file a plugin: a line of JSON that says what follows, then the plugin's own bytes.

use crate::host::SavedState;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// First line of a file.
#[derive(Serialize, Deserialize)]
struct Head {
    plugin: String,
    /// Of the plugin that saved it.
    version: String,
    schema: u32,
    /// Seconds since 1970.
    saved_at: u64,
    length: usize,
    /// blake3 of this line without it, and of the bytes, in hexadecimal.
    hash: String,
}

impl Head {
    fn seal(&self, bytes: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        for field in [self.plugin.as_bytes(), self.version.as_bytes()] {
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field);
        }
        hasher.update(&self.schema.to_le_bytes()).update(&self.saved_at.to_le_bytes()).update(bytes);
        hasher.finalize().to_hex().to_string()
    }
}

/// A state as it was found.
pub(crate) struct Kept {
    pub saved: SavedState,
    pub at: SystemTime,
}

pub(crate) struct States {
    folder: Option<PathBuf>,
}

impl States {
    pub fn open(keep: Option<&Path>) -> io::Result<Self> {
        let folder = keep.map(|keep| keep.join("state"));
        folder.as_deref().map(super::make).transpose()?;
        Ok(Self { folder })
    }

    /// The last saved state of a plugin. A file that is not what was written is an error: beginning afresh in its place
    /// would lose it.
    pub fn load(&self, plugin: &str) -> Result<Option<Kept>, String> {
        let Some(path) = self.path(plugin, "state") else { return Ok(None) };
        let damaged = |what: &str| {
            let path = path.display();
            format!("the saved state {path} {what}; mend it, or remove it to begin without")
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(damaged(&format!("cannot be read: {error}"))),
        };
        let split = bytes.iter().position(|&byte| byte == b'\n').ok_or_else(|| damaged("has no first line"))?;
        let head: Head =
            serde_json::from_slice(&bytes[..split]).map_err(|error| damaged(&format!("has a bad head: {error}")))?;
        let body = &bytes[split + 1..];
        if body.len() != head.length || head.seal(body) != head.hash || head.plugin != plugin {
            return Err(damaged("is damaged: it is not what was saved"));
        }
        let saved = SavedState { schema: head.schema, version: head.version, bytes: body.to_vec() };
        Ok(Some(Kept { saved, at: UNIX_EPOCH + Duration::from_secs(head.saved_at) }))
    }

    /// Keeps a state in the place of the one before. What the plugin does from now on is not in it: see [`States::began`].
    pub fn save(&self, plugin: &str, saved: &SavedState) -> Result<(), String> {
        let Some(path) = self.path(plugin, "state") else { return Ok(()) };
        let mut head = Head {
            plugin: plugin.to_owned(),
            version: saved.version.clone(),
            schema: saved.schema,
            saved_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            length: saved.bytes.len(),
            hash: String::new(),
        };
        head.hash = head.seal(&saved.bytes);
        let failed = |error: io::Error| format!("state cannot be kept in {}: {error}", path.display());
        let mut head = serde_json::to_vec(&head).map_err(|error| failed(error.into()))?;
        head.push(b'\n');
        super::replace(&path, &[&head, &saved.bytes]).map_err(failed)?;
        self.path(plugin, "live").map_or(Ok(()), |live| super::remove(&live)).map_err(failed)
    }

    /// Brings the last saved state to the disk. May take long.
    pub fn synchronise(&self, plugin: &str) -> io::Result<()> {
        let (Some(path), Some(folder)) = (self.path(plugin, "state"), &self.folder) else { return Ok(()) };
        std::fs::File::open(path)?.sync_all()?;
        if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
    }

    /// A generation of the plugin serves: until the next save, what is kept is older than what it knows.
    pub fn began(&self, plugin: &str) {
        if let Some(live) = self.path(plugin, "live")
            && let Err(error) = super::replace(&live, &[])
        {
            tracing::warn!(plugin, file = %live.display(), %error, "a crash could not be told from an orderly stop");
        }
    }

    /// Whether the last generation ended without a save: in a crash.
    pub fn ended_unsaved(&self, plugin: &str) -> bool {
        self.path(plugin, "live").is_some_and(|live| live.exists())
    }

    fn path(&self, plugin: &str, suffix: &str) -> Option<PathBuf> {
        // An id has no separators; an appended suffix keeps "." and ".." from being folders.
        self.folder.as_ref().map(|folder| folder.join(format!("{plugin}.{suffix}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn saved(bytes: &[u8]) -> SavedState {
        SavedState { schema: 7, version: "1.2\n\"3\"".to_owned(), bytes: bytes.to_vec() }
    }

    #[test]
    fn a_state_comes_back_as_it_was_and_the_last_one_counts() {
        let keep = tempfile::tempdir().unwrap();
        let states = States::open(Some(keep.path())).unwrap();
        assert!(states.load("..").unwrap().is_none());
        for bytes in [&b""[..], b"one\n{}\n", &[0xff; 10_000]] {
            states.save("..", &saved(bytes)).unwrap();
            states.synchronise("..").unwrap();
            assert_eq!(states.load("..").unwrap().unwrap().saved, saved(bytes));
        }
        assert!(states.load(".").unwrap().is_none());
    }

    #[test]
    fn whoever_served_since_the_last_save_is_known_to_have_crashed() {
        let keep = tempfile::tempdir().unwrap();
        let states = States::open(Some(keep.path())).unwrap();
        assert!(!states.ended_unsaved("a"));
        states.began("a");
        assert!(States::open(Some(keep.path())).unwrap().ended_unsaved("a"));
        states.save("a", &saved(b"x")).unwrap();
        assert!(!states.ended_unsaved("a"));
    }

    #[test]
    fn without_a_folder_nothing_is_kept_and_nothing_fails() {
        let states = States::open(None).unwrap();
        states.save("a", &saved(b"x")).unwrap();
        states.began("a");
        states.synchronise("a").unwrap();
        assert!(states.load("a").unwrap().is_none() && !states.ended_unsaved("a"));
    }

    proptest! {
        /// Whatever happens to the file, it is either the state that was saved, or refused.
        #[test]
        fn a_damaged_state_is_never_taken_for_a_good_one(at: prop::sample::Index, byte: u8, cut in 0..2) {
            let keep = tempfile::tempdir().unwrap();
            let states = States::open(Some(keep.path())).unwrap();
            states.save("a", &saved(b"the count is 41")).unwrap();
            let path = states.path("a", "state").unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            if cut == 0 { bytes.truncate(at) } else { bytes[at] = byte }
            std::fs::write(&path, bytes).unwrap();
            if let Ok(found) = states.load("a") {
                prop_assert_eq!(found.unwrap().saved, saved(b"the count is 41"));
            }
        }
    }
}
