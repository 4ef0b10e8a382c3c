//! The blob files, and who still needs one that no committed document refers to.

use super::database::Database;
use super::{OpenError, Shared, data_folder, lock, unavailable};
use jackfield_engine::services::StoreError;
use jackfield_message::Bytes;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::NamedTempFile;

/// The folders of blobs.
pub(super) struct Blobs {
    folder: PathBuf,
    tmp: PathBuf,
    /// How many batches under way hold each blob.
    pins: Mutex<HashMap<String, usize>>,
}

impl Blobs {
    /// Makes the folders where missing.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let (folder, tmp) = (data.join("blobs"), data.join("tmp"));
        data_folder::create(&folder)?;
        data_folder::create(&tmp)?;
        Ok(Self { folder, tmp, pins: Mutex::default() })
    }

    /// Removes what an interrupted run has left: unfinished files, and blobs that no document refers to. Files that are
    /// not named like blobs are not ours, and stay. A blob whose file has gone is told in the log.
    pub fn sweep(&self, database: &Database) -> Result<(), OpenError> {
        data_folder::empty(&self.tmp)?;
        let mut missing = database.blob_names()?;
        let failed = |what, path: &Path, source| OpenError::Io { what, path: path.to_owned(), source };
        for fan in fs::read_dir(&self.folder).map_err(|source| failed("read the folder", &self.folder, source))? {
            let fan = fan.map_err(|source| failed("read the folder", &self.folder, source))?.path();
            if !fan.is_dir() {
                continue;
            }
            for file in fs::read_dir(&fan).map_err(|source| failed("read the folder", &fan, source))? {
                let file = file.map_err(|source| failed("read the folder", &fan, source))?;
                let Ok(name) = file.file_name().into_string() else { continue };
                if is_name(&name) && !missing.remove(&name) {
                    fs::remove_file(file.path()).map_err(|source| failed("remove", &file.path(), source))?;
                    tracing::info!(blob = name, "removed a blob that no document refers to");
                }
            }
        }
        for name in missing {
            tracing::error!(blob = name, file = %self.path(&name).display(), "a stored blob has lost its file");
        }
        Ok(())
    }

    /// A new file for a blob whose name is not known yet; it is gone when dropped.
    pub fn temp(&self) -> Result<NamedTempFile, StoreError> {
        NamedTempFile::new_in(&self.tmp).map_err(|why| unavailable("create a file in", &self.tmp, why))
    }

    /// Gives a written file its name, durably. The caller holds a pin on the name. A file that is there already is
    /// replaced by the same content.
    pub fn place(&self, temp: NamedTempFile, name: &str) -> Result<(), StoreError> {
        temp.as_file().sync_all().map_err(|why| unavailable("synchronise", temp.path(), why))?;
        let (fan, path) = (self.fan(name), self.path(name));
        match fs::create_dir(&fan) {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => return Err(unavailable("create", &fan, why)),
            _ => {}
        }
        temp.persist(&path).map_err(|why| unavailable("create", &path, why.error))?;
        // Both always: another writer may have made them a moment ago and not have synchronised them yet.
        for folder in [&fan, &self.folder] {
            data_folder::sync_names(folder).map_err(|why| unavailable("synchronise the folder", folder, why))?;
        }
        Ok(())
    }

    /// Reads `len` bytes at `offset`, which must lie within the blob.
    pub fn read(&self, name: &str, offset: u64, len: u64) -> Result<Bytes, StoreError> {
        let path = self.path(name);
        let mut bytes = Vec::new();
        usize::try_from(len)
            .ok()
            .and_then(|len| bytes.try_reserve_exact(len).ok())
            .ok_or_else(|| StoreError::TooLarge(format!("no memory for {len} bytes of blob {name}")))?;
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            file.take(len).read_to_end(&mut bytes)
        };
        match read() {
            Err(why) => Err(unavailable("read", &path, why)),
            Ok(read) if (read as u64) < len => {
                Err(unavailable("read", &path, "the file is shorter than the store knows"))
            }
            Ok(_) => Ok(Bytes::from(bytes)),
        }
    }

    fn fan(&self, name: &str) -> PathBuf {
        self.folder.join(&name[..2])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.fan(name).join(name)
    }
}

/// Keeps a blob's file while a batch may still come to refer to it. The last pin that goes takes the file with it,
/// unless a committed document refers to it by then.
pub(super) struct Pin {
    shared: Arc<Shared>,
    name: String,
}

impl Pin {
    /// Pins a (valid) name, whether its file is there yet or not.
    pub fn new(shared: &Arc<Shared>, name: &str) -> Self {
        *lock(&shared.blobs.pins).entry(name.to_owned()).or_default() += 1;
        Self { shared: Arc::clone(shared), name: name.to_owned() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = lock(&self.shared.blobs.pins);
        if let Some(count) = pins.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.name);
                // Still under the lock: nobody can pin it between the look at the database and the removal, and
                // nobody commits a reference to it without a pin.
                remove_if_loose(&self.shared, &self.name);
            }
        }
    }
}

/// Removes the file of a blob that was referred to until now, unless it is pinned or referred to again.
pub(super) fn release(shared: &Shared, name: &str) {
    let pins = lock(&shared.blobs.pins);
    if !pins.contains_key(name) {
        remove_if_loose(shared, name);
    }
}

/// A file that cannot be removed now is swept out at the next start: told, but nobody's failure.
fn remove_if_loose(shared: &Shared, name: &str) {
    let removed = match shared.database.blob_size(name) {
        Ok(Some(_)) => return,
        Ok(None) => match fs::remove_file(shared.blobs.path(name)) {
            Err(why) if why.kind() != ErrorKind::NotFound => Err(why.to_string()),
            _ => Ok(()),
        },
        Err(why) => Err(why.to_string()),
    };
    if let Err(why) = removed {
        tracing::warn!(blob = name, why, "could not remove a blob that no document refers to");
    }
}

/// Checks that `name` is a SHA-256 in lower-case hexadecimal, and so safe as a file name.
pub(super) fn check_name(name: &str) -> Result<(), StoreError> {
    if is_name(name) {
        return Ok(());
    }
    let start: String = name.chars().take(80).collect();
    Err(StoreError::Invalid(format!("{start:?} is no name of a blob; valid is a SHA-256 in lower-case hexadecimal")))
}

fn is_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
