//! Durable documents and blobs: SQLite for the documents, one file a blob, both under the data folder.
//!
//! ```text
//! lock            held while a server runs on the folder
//! store.sqlite    documents, the blobs' names, and which document refers to which blob
//! blobs/ab/abc…   the blobs, each under the SHA-256 of its content
//! tmp/            blobs being written; emptied at start
//! ```
//! What `commit` has acknowledged is on disk: blob files are synchronised and renamed into place before the documents that
//! refer to them are committed. A blob lives as long as a document refers to it, or a batch is under way that may.

mod batch;
mod blobs;
mod data_folder;
mod database;
#[cfg(test)]
mod tests;

pub use data_folder::DataFolder;

use blobs::Blobs;
use database::Database;
use jackfield_engine::services::{Store, StoreBatch, StoreError};
use jackfield_message::Bytes;
use rusqlite::OptionalExtension;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest name of a collection or document, in bytes.
pub const NAME_BYTES: usize = 512;
/// Most bytes of documents that a batch may hold before it is committed.
pub const STAGED_BYTES: usize = 64 << 20;

/// A page of `list`: so many documents, or the one that goes over so many bytes.
const PAGE_DOCUMENTS: i64 = 256;
const PAGE_BYTES: usize = 4 << 20;

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server, or another store of this process, has it.
    #[error("the data folder {} is in use by another server{}: stop that one, or choose another folder as `data`",
        folder.display(), holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, where that can be read.
        holder: Option<u32>,
    },
    /// The operating system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Database {
        /// What was tried.
        what: &'static str,
        /// The database file.
        path: PathBuf,
        /// Its reason.
        source: rusqlite::Error,
    },
    /// Written by a newer server.
    #[error("{} has schema version {found}, this server knows versions up to {known}: use a newer server, or another \
        folder as `data`", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this server knows.
        known: i64,
    },
    /// A database, but not one of a store.
    #[error("{} is a database of another program, not a store: choose another folder as `data`", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
}

impl OpenError {
    /// Whether another folder would do.
    pub fn wants_another_folder(&self) -> bool {
        matches!(self, Self::InUse { .. } | Self::Newer { .. } | Self::Foreign { .. })
    }
}

/// The store of a data folder. Cheap to share; the folder is released when the store and all its batches are gone.
pub struct SqliteStore {
    shared: Arc<Shared>,
}

/// What the store, its batches and blob writers share. Fields are dropped in this order: the lock goes last.
struct Shared {
    database: Database,
    blobs: Blobs,
    folder: DataFolder,
}

impl SqliteStore {
    /// Opens the store in `data`, which is created where missing, and sweeps out what an interrupted run has left.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let folder = DataFolder::open(data)?;
        let database = Database::open(&folder.path().join("store.sqlite"))?;
        data_folder::sync(folder.path())?;
        let blobs = Blobs::open(folder.path())?;
        blobs.sweep(&database)?;
        Ok(Self { shared: Arc::new(Shared { database, blobs, folder }) })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.shared.folder.path()
    }
}

impl Store for SqliteStore {
    fn begin(&self) -> Result<Box<dyn StoreBatch>, StoreError> {
        Ok(Box::new(batch::Batch::new(Arc::clone(&self.shared))))
    }

    fn get(&self, collection: &str, id: &str) -> Result<Bytes, StoreError> {
        check_document_name(collection, id)?;
        let found = self.shared.database.read(|connection| {
            connection
                .prepare_cached("SELECT json FROM documents WHERE collection = ?1 AND id = ?2")?
                .query_row((collection, id), |row| row.get::<_, String>(0))
                .optional()
        })?;
        found.map(Bytes::from).ok_or(StoreError::NotFound)
    }

    /// Documents that are put or removed meanwhile may be seen or not; none is seen twice.
    fn list(
        &self,
        collection: &str,
        offset: u64,
        limit: u64,
        each: &mut dyn FnMut(&str, &str) -> bool,
    ) -> Result<(), StoreError> {
        check_name("collection", collection)?;
        let mut skip = i64::try_from(offset).unwrap_or(i64::MAX);
        let mut left = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut after = 0;
        while left > 0 {
            let page = self.page(collection, after, left.min(PAGE_DOCUMENTS), skip)?;
            let Some(&(last, ..)) = page.last() else { return Ok(()) };
            for (_, id, json) in &page {
                if !each(id, json) {
                    return Ok(());
                }
            }
            (after, skip, left) = (last, 0, left.saturating_sub_unsigned(page.len() as u64));
        }
        Ok(())
    }

    fn count(&self, collection: &str) -> Result<u64, StoreError> {
        check_name("collection", collection)?;
        let count = self.shared.database.read(|connection| {
            connection
                .prepare_cached("SELECT COUNT(*) FROM documents WHERE collection = ?1")?
                .query_row([collection], |row| row.get::<_, i64>(0))
        })?;
        Ok(count.unsigned_abs())
    }

    fn blob_size(&self, name: &str) -> Result<u64, StoreError> {
        blobs::check_name(name)?;
        self.shared.database.blob_size(name)?.ok_or(StoreError::NotFound)
    }

    fn blob_read(&self, name: &str, offset: u64, len: u64) -> Result<Bytes, StoreError> {
        let size = self.blob_size(name)?;
        let offset = offset.min(size);
        let read = self.shared.blobs.read(name, offset, len.min(size - offset));
        // Removed since the size was read: that is no fault of the disk.
        if read.is_err() { self.blob_size(name).and(read) } else { read }
    }
}

impl SqliteStore {
    /// The next documents behind the place `after`. Not all that are asked for where they are large; none at the end.
    fn page(
        &self,
        collection: &str,
        after: i64,
        limit: i64,
        skip: i64,
    ) -> Result<Vec<(i64, String, String)>, StoreError> {
        self.shared.database.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, id, json FROM documents WHERE collection = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3 OFFSET ?4",
            )?;
            let mut rows = statement.query((collection, after, limit, skip))?;
            let (mut page, mut bytes) = (Vec::new(), 0);
            while bytes < PAGE_BYTES
                && let Some(row) = rows.next()?
            {
                let (id, json): (String, String) = (row.get(1)?, row.get(2)?);
                bytes += id.len() + json.len();
                page.push((row.get(0)?, id, json));
            }
            Ok(page)
        })
    }
}

fn check_document_name(collection: &str, id: &str) -> Result<(), StoreError> {
    check_name("collection", collection)?;
    check_name("id", id)
}

fn check_name(what: &str, name: &str) -> Result<(), StoreError> {
    let wrong = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > NAME_BYTES {
        format!("has {} bytes", name.len())
    } else if let Some(control) = name.chars().find(|character| character.is_control()) {
        format!("contains the control character {control:?}")
    } else {
        return Ok(());
    };
    Err(StoreError::Invalid(format!(
        "the name of the {what} {wrong}; valid are 1 to {NAME_BYTES} bytes without control characters"
    )))
}

/// A poisoned mutex only means that another thread panicked: what these guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(what: &str, path: &Path, why: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("cannot {what} {}: {why}", path.display()))
}
