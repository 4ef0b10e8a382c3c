//! What the engine passes on to plugins but does not do itself. The server, or a host application, implements these traits;
//! `host/ffi` gives them their C face.

use jackfield_message::Bytes;
use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Why the store could not do something.
#[derive(Debug)]
pub enum StoreError {
    /// No such document or blob.
    NotFound,
    /// The caller's fault: an empty or over-long name, JSON that is none, a blob that is not there.
    Invalid(String),
    /// Larger than a limit.
    TooLarge(String),
    /// The disk or the database: what, where, why.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => out.write_str("not found"),
            Self::Invalid(why) | Self::TooLarge(why) | Self::Unavailable(why) => out.write_str(why),
        }
    }
}

impl std::error::Error for StoreError {}

/// Durable documents and blobs (`jackfield.store/1`). Shared by all threads; may block on the disk.
pub trait Store: Send + Sync {
    /// Begins a batch. Dropping it without `commit` leaves nothing behind.
    fn begin(&self) -> Result<Box<dyn StoreBatch>, StoreError>;

    /// Reads a document.
    fn get(&self, collection: &str, id: &str) -> Result<Bytes, StoreError>;

    /// Calls `each(id, json)` for up to `limit` documents in the order in which they were first put, after the first
    /// `offset`, until it returns false.
    fn list(
        &self,
        collection: &str,
        offset: u64,
        limit: u64,
        each: &mut dyn FnMut(&str, &str) -> bool,
    ) -> Result<(), StoreError>;

    /// Number of documents in a collection.
    fn count(&self, collection: &str) -> Result<u64, StoreError>;

    /// Size of a blob in bytes.
    fn blob_size(&self, name: &str) -> Result<u64, StoreError>;

    /// Reads up to `len` bytes from `offset`; shorter only at the end of the blob.
    fn blob_read(&self, name: &str, offset: u64, len: u64) -> Result<Bytes, StoreError>;
}

/// Changes that become durable and visible together.
pub trait StoreBatch: Send {
    /// Puts a document (one JSON text), in place of an older one. `blobs` are the names of those that it refers to.
    fn put(&mut self, collection: &str, id: &str, json: &str, blobs: &[&str]) -> Result<(), StoreError>;

    /// Removes a document; one that is not there is no error.
    fn remove(&mut self, collection: &str, id: &str) -> Result<(), StoreError>;

    /// Begins a blob. It lives on only if this batch is committed.
    fn blob(&mut self) -> Result<Box<dyn BlobWriter>, StoreError>;

    /// On disk when it returns `Ok`; on an error nothing of it is.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A blob being written.
pub trait BlobWriter: Send {
    /// Adds bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Ends it; gives its name, the SHA-256 of its content in lower-case hexadecimal.
    fn finish(self: Box<Self>) -> Result<String, StoreError>;
}

/// A service of the host application, passed through to plugins as it is.
#[derive(Clone)]
pub struct OpaqueService {
    /// Where its table lies. Not looked at here.
    pub address: usize,
    /// Keeps that alive.
    pub owner: Arc<dyn Any + Send + Sync>,
}

/// Why a probe did not find a library sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// What the library did: crashed, hung, exited, or is no plugin. A reason for the operator.
    #[error("{0}")]
    Refused(String),
    /// The probe itself could not be made: no process, no helper program. Says nothing about the library.
    #[error("{0}")]
    Unavailable(String),
}

/// Loads candidates in a process of their own first: one that crashes there is a refused candidate, not an outage.
pub trait Probe: Send + Sync {
    /// Loads `library`, calls its entry function, reads its descriptor and unloads it again, in another process; never
    /// `create`. Blocks, no longer than `limit`; leaves nothing running. Called from several threads at once.
    fn probe(&self, library: &Path, limit: Duration) -> Result<(), ProbeError>;
}

/// The thread-local keys (`pthread_key_create`) of the process. A copy of Rust's std takes one a load and never gives it
/// back; whoever owns the process can.
pub trait ThreadKeys: Send + Sync {
    /// Deletes the keys whose destructor lies in `library`, which is mapped still and of which no thread is left; gives
    /// their number.
    fn release(&self, library: &Path) -> usize;
}
