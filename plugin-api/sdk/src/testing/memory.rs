//! `jackfield.store/1` in memory: the promises of the real one without the disk.

use crate::Status;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(crate) struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    last_handle: u64,
    /// In the order in which they were first put.
    collections: BTreeMap<String, Vec<Document>>,
    blobs: HashMap<String, Vec<u8>>,
    batches: HashMap<u64, Batch>,
    /// Blobs being written: their batch, and what there is.
    writers: HashMap<u64, (u64, Vec<u8>)>,
}

struct Document {
    id: String,
    json: String,
    blobs: Vec<String>,
}

#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    blobs: HashMap<String, Vec<u8>>,
}

enum Change {
    Put(String, Document),
    Remove(String, String),
}

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn begin(&self) -> u64 {
        let mut inner = self.inner();
        let handle = inner.handle();
        inner.batches.insert(handle, Batch::default());
        handle
    }

    pub fn put(&self, batch: u64, collection: &str, id: &str, json: &str, blobs: &[&str]) -> Result<(), Status> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let batch = inner.batches.get_mut(&batch).ok_or(Status::Stale)?;
        check_name(collection)?;
        check_name(id)?;
        serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(|_| Status::Invalid)?;
        if !blobs.iter().all(|name| batch.blobs.contains_key(*name) || inner.blobs.contains_key(*name)) {
            return Err(Status::Invalid);
        }
        let blobs = blobs.iter().map(|name| (*name).to_owned()).collect();
        batch.changes.push(Change::Put(collection.into(), Document { id: id.into(), json: json.into(), blobs }));
        Ok(())
    }

    pub fn remove(&self, batch: u64, collection: &str, id: &str) -> Result<(), Status> {
        check_name(collection)?;
        check_name(id)?;
        let mut inner = self.inner();
        let batch = inner.batches.get_mut(&batch).ok_or(Status::Stale)?;
        batch.changes.push(Change::Remove(collection.into(), id.into()));
        Ok(())
    }

    pub fn blob_begin(&self, batch: u64) -> Result<u64, Status> {
        let mut inner = self.inner();
        if !inner.batches.contains_key(&batch) {
            return Err(Status::Stale);
        }
        let handle = inner.handle();
        inner.writers.insert(handle, (batch, Vec::new()));
        Ok(handle)
    }

    pub fn blob_write(&self, blob: u64, bytes: &[u8]) -> Result<(), Status> {
        let mut inner = self.inner();
        let (_, content) = inner.writers.get_mut(&blob).ok_or(Status::Stale)?;
        content.extend_from_slice(bytes);
        Ok(())
    }

    pub fn blob_finish(&self, blob: u64) -> Result<String, Status> {
        let mut inner = self.inner();
        let (batch, content) = inner.writers.remove(&blob).ok_or(Status::Stale)?;
        let batch = inner.batches.get_mut(&batch).ok_or(Status::Stale)?;
        let name = name_of(&content);
        batch.blobs.insert(name.clone(), content);
        Ok(name)
    }

    pub fn commit(&self, batch: u64) -> Result<(), Status> {
        let mut inner = self.inner();
        let done = inner.end(batch)?;
        inner.blobs.extend(done.blobs);
        for change in done.changes {
            match change {
                Change::Put(collection, document) => {
                    let documents = inner.collections.entry(collection).or_default();
                    match documents.iter_mut().find(|older| older.id == document.id) {
                        Some(older) => *older = document,
                        None => documents.push(document),
                    }
                }
                Change::Remove(collection, id) => {
                    if let Some(documents) = inner.collections.get_mut(&collection) {
                        documents.retain(|document| document.id != id);
                    }
                }
            }
        }
        inner.sweep();
        Ok(())
    }

    pub fn abort(&self, batch: u64) -> Result<(), Status> {
        self.inner().end(batch).map(drop)
    }

    pub fn get(&self, collection: &str, id: &str) -> Result<String, Status> {
        let inner = self.inner();
        let document = inner.documents(collection).iter().find(|document| document.id == id);
        document.map(|document| document.json.clone()).ok_or(Status::NotFound)
    }

    /// Ids and texts of a part of a collection, as it is now.
    pub fn list(&self, collection: &str, offset: u64, limit: u64) -> Vec<(String, String)> {
        let [offset, limit] = [offset, limit].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let inner = self.inner();
        let part = inner.documents(collection).iter().skip(offset).take(limit);
        part.map(|document| (document.id.clone(), document.json.clone())).collect()
    }

    pub fn count(&self, collection: &str) -> u64 {
        self.inner().documents(collection).len() as u64
    }

    pub fn blob_size(&self, name: &str) -> Result<u64, Status> {
        self.inner().blobs.get(name).map(|content| content.len() as u64).ok_or(Status::NotFound)
    }

    pub fn blob_read(&self, name: &str, offset: u64, len: u64) -> Result<Vec<u8>, Status> {
        let inner = self.inner();
        let content = inner.blobs.get(name).ok_or(Status::NotFound)?;
        let [start, end] =
            [offset, offset.saturating_add(len)].map(|at| usize::try_from(at).unwrap_or(usize::MAX).min(content.len()));
        Ok(content[start..end].to_vec())
    }
}

impl Inner {
    fn handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    fn documents(&self, collection: &str) -> &[Document] {
        self.collections.get(collection).map_or(&[], Vec::as_slice)
    }

    /// Ends a batch, and the blobs that it had begun.
    fn end(&mut self, batch: u64) -> Result<Batch, Status> {
        let done = self.batches.remove(&batch).ok_or(Status::Stale)?;
        self.writers.retain(|_, (of, _)| *of != batch);
        Ok(done)
    }

    /// Forgets blobs that no document refers to, here or in an open batch.
    fn sweep(&mut self) {
        let put = self.batches.values().flat_map(|batch| &batch.changes).filter_map(|change| match change {
            Change::Put(_, document) => Some(document),
            Change::Remove(..) => None,
        });
        let documents = self.collections.values().flatten().chain(put);
        let live: Vec<&String> = documents.flat_map(|document| &document.blobs).collect();
        self.blobs.retain(|name, _| live.contains(&name));
    }
}

fn check_name(name: &str) -> Result<(), Status> {
    if name.is_empty() || name.len() > 512 { Err(Status::Invalid) } else { Ok(()) }
}

/// 64 hexadecimal digits that depend on the content: four FNV-1a sums with different beginnings. The real store uses
/// SHA-256; this one is for tests, where nobody makes collisions.
fn name_of(content: &[u8]) -> String {
    let sum = |seed: u64| {
        let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        content.iter().fold(start, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    };
    (0..4).map(|seed| format!("{:016x}", sum(seed))).collect()
}
