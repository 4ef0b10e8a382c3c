//! The folder that a server keeps its data in: made where missing, readable by its user alone, locked while in use.

use super::OpenError;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A locked data folder. Dropping it releases the lock, as does the end of the process, however it ends.
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates `path` where missing (mode 0700 on Unix) and locks it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        create(path)?;
        let lock_path = path.join("lock");
        let failed = |what, source| OpenError::Io { what, path: lock_path.clone(), source };
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|source| failed("open", source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { folder: path.to_owned(), holder: holder(&mut lock) });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock", source)),
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(|source| failed("write", source))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The process that wrote the lock file. Windows does not let a locked file be read: unknown there.
fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Makes a folder, its parents too, for this user alone; the new name is on disk when it returns.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| OpenError::Io {
        what: "create the folder",
        path: path.to_owned(),
        source,
    })?;
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync(Path::new(".")),
        Some(parent) => sync(parent),
        None => Ok(()),
    }
}

/// Brings the names in a folder to the disk.
pub(super) fn sync(path: &Path) -> Result<(), OpenError> {
    sync_names(path).map_err(|source| OpenError::Io { what: "synchronise the folder", path: path.to_owned(), source })
}

/// The same, with the bare reason. Windows has no such call: there the file system orders renames itself.
pub(super) fn sync_names(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Removes everything in a folder.
pub(super) fn empty(path: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path, source| OpenError::Io { what: "empty the folder", path: path.to_owned(), source };
    for entry in fs::read_dir(path).map_err(|source| failed(path, source))? {
        let entry = entry.map_err(|source| failed(path, source))?;
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        removed.map_err(|source| failed(&entry.path(), source))?;
    }
    Ok(())
}
