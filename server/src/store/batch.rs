//! A batch: changes gathered in memory, blobs written to files of their own, all made visible in one short transaction.

use super::blobs::{self, Pin};
use super::{STAGED_BYTES, Shared, check_document_name, lock, unavailable};
use jackfield_engine::services::{BlobWriter, StoreBatch, StoreError};
use jackfield_message::json;
use rusqlite::{OptionalExtension, Transaction};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex};
use tempfile::NamedTempFile;

/// What a change or a blob costs beside its texts, in bytes.
const CHANGE_BYTES: usize = 128;

pub(super) struct Batch {
    shared: Arc<Shared>,
    staged: Arc<Mutex<Staged>>,
}

/// Shared with the writers of the batch's blobs, which may outlive it.
#[derive(Default)]
struct Staged {
    changes: Vec<Change>,
    /// The blobs that the batch may refer to, and their sizes.
    blobs: HashMap<String, (u64, Pin)>,
    bytes: usize,
    ended: bool,
}

enum Change {
    Put { collection: String, id: String, json: String, blobs: Vec<String> },
    Remove { collection: String, id: String },
}

impl Staged {
    /// Counts what is about to be added.
    fn charge(&mut self, bytes: usize) -> Result<(), StoreError> {
        if self.ended {
            return Err(StoreError::Invalid("the batch has ended".to_owned()));
        }
        let bytes = self.bytes.saturating_add(bytes).saturating_add(CHANGE_BYTES);
        if bytes > STAGED_BYTES {
            return Err(StoreError::TooLarge(format!(
                "the batch would hold {bytes} bytes before it is committed; the limit is {STAGED_BYTES}: commit in \
                 parts, or put large content into blobs"
            )));
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Batch {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, staged: Arc::default() }
    }

    /// Makes sure that the batch holds `name`, which a document is going to refer to.
    fn hold(&self, staged: &mut Staged, collection: &str, id: &str, name: &str) -> Result<(), StoreError> {
        if staged.blobs.contains_key(name) {
            return Ok(());
        }
        blobs::check_name(name)?;
        // Pinned before the look at the database: if it is there now, its file cannot go any more.
        let pin = Pin::new(&self.shared, name);
        let size = self.shared.database.blob_size(name)?.ok_or_else(|| {
            StoreError::Invalid(format!(
                "document {id:?} in {collection:?} refers to blob {name}, which is neither in the store nor part of \
                 this batch"
            ))
        })?;
        staged.blobs.insert(name.to_owned(), (size, pin));
        Ok(())
    }
}

impl StoreBatch for Batch {
    fn put(&mut self, collection: &str, id: &str, json: &str, blobs: &[&str]) -> Result<(), StoreError> {
        check_document_name(collection, id)?;
        json::check(json, json::DEFAULT_NESTING).map_err(|why| {
            StoreError::Invalid(format!("the content of document {id:?} in {collection:?} is not JSON: {why}"))
        })?;
        let mut staged = lock(&self.staged);
        let names: usize = blobs.iter().map(|name| name.len() + CHANGE_BYTES).sum();
        staged.charge(collection.len() + id.len() + json.len() + names)?;
        for name in blobs {
            self.hold(&mut staged, collection, id, name)?;
        }
        staged.changes.push(Change::Put {
            collection: collection.to_owned(),
            id: id.to_owned(),
            json: json.to_owned(),
            blobs: blobs.iter().map(|&name| name.to_owned()).collect(),
        });
        Ok(())
    }

    fn remove(&mut self, collection: &str, id: &str) -> Result<(), StoreError> {
        check_document_name(collection, id)?;
        let mut staged = lock(&self.staged);
        staged.charge(collection.len() + id.len())?;
        staged.changes.push(Change::Remove { collection: collection.to_owned(), id: id.to_owned() });
        Ok(())
    }

    fn blob(&mut self) -> Result<Box<dyn BlobWriter>, StoreError> {
        Ok(Box::new(Writer {
            shared: Arc::clone(&self.shared),
            staged: Arc::clone(&self.staged),
            file: BufWriter::with_capacity(64 << 10, self.shared.blobs.temp()?),
            hash: Sha256::new(),
            size: 0,
        }))
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let staged = end(&self.staged);
        let removed = self.shared.database.write(|transaction| apply(transaction, &staged))?;
        drop(staged);
        for name in removed {
            blobs::release(&self.shared, &name);
        }
        Ok(())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        end(&self.staged);
    }
}

/// Takes what is staged; writers that finish later find that the batch has ended.
fn end(staged: &Mutex<Staged>) -> Staged {
    std::mem::replace(&mut *lock(staged), Staged { ended: true, ..Staged::default() })
}

/// Makes the changes, in order. Gives the blobs that no document refers to any more.
fn apply(transaction: &Transaction, staged: &Staged) -> rusqlite::Result<Vec<String>> {
    let mut loose = Vec::new();
    for change in &staged.changes {
        match change {
            Change::Put { collection, id, json, blobs } => {
                let document: i64 = transaction
                    .prepare_cached(
                        "INSERT INTO documents (collection, id, json) VALUES (?1, ?2, ?3)
                         ON CONFLICT (collection, id) DO UPDATE SET json = excluded.json RETURNING seq",
                    )?
                    .query_row((collection, id, json), |row| row.get(0))?;
                loose.extend(unlink(transaction, document)?);
                for name in blobs {
                    let size = staged.blobs.get(name).map_or(0, |&(size, _)| size);
                    transaction
                        .prepare_cached("INSERT OR IGNORE INTO blobs (name, size) VALUES (?1, ?2)")?
                        .execute((name, size.cast_signed()))?;
                    transaction
                        .prepare_cached("INSERT OR IGNORE INTO refs (document, blob) VALUES (?1, ?2)")?
                        .execute((document, name))?;
                }
            }
            Change::Remove { collection, id } => {
                let document: Option<i64> = transaction
                    .prepare_cached("SELECT seq FROM documents WHERE collection = ?1 AND id = ?2")?
                    .query_row((collection, id), |row| row.get(0))
                    .optional()?;
                let Some(document) = document else { continue };
                loose.extend(unlink(transaction, document)?);
                transaction.prepare_cached("DELETE FROM documents WHERE seq = ?1")?.execute([document])?;
            }
        }
    }
    let mut delete = transaction
        .prepare_cached("DELETE FROM blobs WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM refs WHERE blob = ?1)")?;
    let mut removed = Vec::new();
    for name in loose {
        if delete.execute([&name])? > 0 {
            removed.push(name);
        }
    }
    Ok(removed)
}

/// Removes a document's references; gives the blobs that it referred to.
fn unlink(transaction: &Transaction, document: i64) -> rusqlite::Result<Vec<String>> {
    transaction
        .prepare_cached("DELETE FROM refs WHERE document = ?1 RETURNING blob")?
        .query_map([document], |row| row.get(0))?
        .collect()
}

/// A blob on its way into `tmp/`. Dropped unfinished, its file goes.
struct Writer {
    shared: Arc<Shared>,
    staged: Arc<Mutex<Staged>>,
    file: BufWriter<NamedTempFile>,
    hash: Sha256,
    size: u64,
}

impl BlobWriter for Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(|why| unavailable("write", self.file.get_ref().path(), why))?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<String, StoreError> {
        let Self { shared, staged, mut file, hash, size } = *self;
        file.flush().map_err(|why| unavailable("write", file.get_ref().path(), why))?;
        let (file, _) = file.into_parts();
        let name = hash.finalize().iter().fold(String::with_capacity(64), |mut name, byte| {
            // Writing to a String does not fail.
            let _ = write!(name, "{byte:02x}");
            name
        });
        lock(&staged).charge(name.len())?;
        let pin = Pin::new(&shared, &name);
        shared.blobs.place(file, &name)?;
        let mut staged = lock(&staged);
        if staged.ended {
            return Err(StoreError::Invalid("the batch has ended".to_owned()));
        }
        staged.blobs.entry(name.clone()).or_insert((size, pin));
        Ok(name)
    }
}
