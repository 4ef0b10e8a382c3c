//! Durable documents and blobs, in safe Rust.

use crate::export::store::StoreTable;
use crate::{Buffer, Host, Status, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

/// Why the store could not do something; the text says what was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// No such blob.
    NotFound(String),
    /// An empty or over-long name, JSON that is none, a blob that is not there: the plugin's fault.
    Invalid(String),
    /// Larger than a limit of the server.
    TooLarge(String),
    /// The disk or the database.
    Unavailable(String),
    /// Called by an inline command, which must not block.
    WrongThread(String),
    /// A document is no JSON of the type that was asked for, or a value cannot be written as JSON.
    Json(String),
    /// Anything else, such as a server that is stopping.
    Other(Status, String),
}

impl StoreError {
    fn new(status: Status, what: impl FnOnce() -> String) -> Self {
        let text = format!("store: {}: {status}", what());
        match status {
            Status::NotFound => Self::NotFound(text),
            Status::Invalid => Self::Invalid(text),
            Status::TooLarge => Self::TooLarge(text),
            Status::Unavailable => Self::Unavailable(text),
            Status::WrongThread => Self::WrongThread(text),
            other => Self::Other(other, text),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotFound(text)
        | Self::Invalid(text)
        | Self::TooLarge(text)
        | Self::Unavailable(text)
        | Self::WrongThread(text)
        | Self::Json(text)
        | Self::Other(_, text)) = self;
        out.write_str(text)
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NotFound(_) => io::ErrorKind::NotFound,
            StoreError::Invalid(_) | StoreError::Json(_) => io::ErrorKind::InvalidInput,
            StoreError::TooLarge(_) => io::ErrorKind::FileTooLarge,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// The server's store: collections of JSON documents, and blobs named by the hash of their content. Cheap to clone, usable
/// on any thread but that of an inline command; may block on the disk.
#[derive(Clone)]
pub struct Store(Arc<StoreTable>);

impl Store {
    pub(crate) fn of(host: &Host) -> Option<Self> {
        StoreTable::of(host).map(|table| Self(Arc::new(table)))
    }

    /// Begins a batch: changes that become durable and visible together.
    pub fn begin(&self) -> Result<Batch, StoreError> {
        let handle = self.0.begin().map_err(|status| StoreError::new(status, || "begin a batch".into()))?;
        Ok(Batch { store: self.clone(), handle, open: true })
    }

    /// A document; `None` where there is none.
    pub fn get(&self, collection: &str, id: &str) -> Result<Option<Text>, StoreError> {
        let what = || format!("get '{id}' of '{collection}'");
        match self.0.get(collection, id) {
            Ok(json) => json.into_text().map(Some).ok_or_else(|| StoreError::new(Status::Internal, what)),
            Err(Status::NotFound) => Ok(None),
            Err(status) => Err(StoreError::new(status, what)),
        }
    }

    /// A document as a value; `None` where there is none.
    pub fn get_json<T: DeserializeOwned>(&self, collection: &str, id: &str) -> Result<Option<T>, StoreError> {
        let Some(json) = self.get(collection, id)? else { return Ok(None) };
        serde_json::from_str(&json)
            .map(Some)
            .map_err(|error| StoreError::Json(format!("store: document '{id}' of '{collection}': {error}")))
    }

    /// Calls `each(id, json)` for up to `limit` documents after the first `offset`, in the order in which they were first
    /// put, until it returns false. `each` must not call the store.
    pub fn list(
        &self,
        collection: &str,
        offset: u64,
        limit: u64,
        each: impl FnMut(&str, &str) -> bool,
    ) -> Result<(), StoreError> {
        let what = || format!("list '{collection}'");
        self.0.list(collection, offset, limit, each).map_err(|status| StoreError::new(status, what))
    }

    /// Number of documents in a collection.
    pub fn count(&self, collection: &str) -> Result<u64, StoreError> {
        self.0.count(collection).map_err(|status| StoreError::new(status, || format!("count '{collection}'")))
    }

    /// Size of a blob in bytes.
    pub fn blob_size(&self, name: &str) -> Result<u64, StoreError> {
        self.0.blob_size(name).map_err(|status| StoreError::new(status, || format!("size of blob '{name}'")))
    }

    /// Up to `len` bytes of a blob from `offset`; shorter only at its end.
    pub fn blob_read(&self, name: &str, offset: u64, len: u64) -> Result<Buffer, StoreError> {
        let what = || format!("read blob '{name}' at {offset}");
        self.0.blob_read(name, offset, len).map_err(|status| StoreError::new(status, what))
    }

    /// Reads a blob as a file.
    pub fn blob(&self, name: &str) -> Result<BlobReader, StoreError> {
        let size = self.blob_size(name)?;
        Ok(BlobReader { store: self.clone(), name: name.to_owned(), size, at: 0, chunk: None })
    }
}

/// Changes that become durable and visible together, by [`commit`](Self::commit). Dropped without it: nothing happened.
pub struct Batch {
    store: Store,
    handle: u64,
    open: bool,
}

impl Batch {
    /// Puts a document (one JSON text), in place of an older one. `blobs` are the names of those that it refers to; a blob
    /// lives as long as a document refers to it.
    pub fn put(&self, collection: &str, id: &str, json: &str, blobs: &[&str]) -> Result<(), StoreError> {
        let what = || format!("put '{id}' into '{collection}'");
        self.store.0.put(self.handle, collection, id, json, blobs).map_err(|status| StoreError::new(status, what))
    }

    /// Puts a value as a document.
    pub fn put_json<T: Serialize + ?Sized>(
        &self,
        collection: &str,
        id: &str,
        value: &T,
        blobs: &[&str],
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(value)
            .map_err(|error| StoreError::Json(format!("store: put '{id}' into '{collection}': {error}")))?;
        self.put(collection, id, &json, blobs)
    }

    /// Removes a document; one that is not there is no error.
    pub fn remove(&self, collection: &str, id: &str) -> Result<(), StoreError> {
        let what = || format!("remove '{id}' of '{collection}'");
        self.store.0.remove(self.handle, collection, id).map_err(|status| StoreError::new(status, what))
    }

    /// Begins a blob. Several may be written at once.
    pub fn blob(&self) -> Result<BlobWriter<'_>, StoreError> {
        match self.store.0.blob_begin(self.handle) {
            Ok(handle) => Ok(BlobWriter { batch: self, handle }),
            Err(status) => Err(StoreError::new(status, || "begin a blob".into())),
        }
    }

    /// Durable and visible as a whole when it returns `Ok`; on an error nothing of it is.
    pub fn commit(mut self) -> Result<(), StoreError> {
        self.open = false;
        self.store.0.commit(self.handle).map_err(|status| StoreError::new(status, || "commit a batch".into()))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if self.open {
            // Nothing can be done about an error here: what was not committed is not there.
            let _ = self.store.0.abort(self.handle);
        }
    }
}

/// A blob being written. Given up with its batch unless [`finish`](Self::finish)ed.
pub struct BlobWriter<'b> {
    batch: &'b Batch,
    handle: u64,
}

impl BlobWriter<'_> {
    /// Ends the blob; gives its name, to be kept in a document and named in [`Batch::put`].
    pub fn finish(self) -> Result<String, StoreError> {
        let store = &self.batch.store.0;
        store.blob_finish(self.handle).map_err(|status| StoreError::new(status, || "finish a blob".into()))
    }
}

impl Write for BlobWriter<'_> {
    /// Writes all of `bytes`, or fails with a [`StoreError`] inside.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let store = &self.batch.store.0;
        match store.blob_write(self.handle, bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(status) => Err(StoreError::new(status, || format!("write {} bytes of a blob", bytes.len())).into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A blob as a file to read. Fetches pieces of 256 KiB.
pub struct BlobReader {
    store: Store,
    name: String,
    size: u64,
    at: u64,
    /// Where the piece begins, and the piece.
    chunk: Option<(u64, Buffer)>,
}

impl BlobReader {
    const CHUNK: u64 = 256 << 10;

    /// Size of the blob in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Read for BlobReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || out.is_empty() {
            return Ok(0);
        }
        let (start, bytes) = match self.chunk.take() {
            Some((start, bytes)) if (start..start + bytes.len() as u64).contains(&self.at) => (start, bytes),
            _ => (self.at, self.store.blob_read(&self.name, self.at, Self::CHUNK)?),
        };
        // Smaller than a chunk, so that it fits.
        let rest = bytes.get((self.at - start) as usize..).unwrap_or_default();
        if rest.is_empty() {
            let text = format!("blob '{}' ends at {} instead of {}", self.name, self.at, self.size);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        self.at += len as u64;
        self.chunk = Some((start, bytes));
        Ok(len)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("blob '{}': seek before its beginning", self.name))
        })?;
        Ok(self.at)
    }
}
