//! `jackfield.store/1` as a C plugin sees it, over a store in memory.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::services::{BlobWriter, Store, StoreBatch, StoreError};
use jackfield_message::Bytes;
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard};
use support::{Setup, desk_version};

#[derive(Clone, Default)]
struct Memory {
    content: Arc<Mutex<Content>>,
}

#[derive(Clone, Default)]
struct Content {
    documents: Vec<(String, String, String)>,
    blobs: Vec<(String, Vec<u8>)>,
}

impl Memory {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap()
    }
}

impl Store for Memory {
    fn begin(&self) -> Result<Box<dyn StoreBatch>, StoreError> {
        Ok(Box::new(Batch { memory: self.clone(), puts: Vec::new() }))
    }

    fn get(&self, collection: &str, id: &str) -> Result<Bytes, StoreError> {
        let content = self.content();
        let found = content.documents.iter().find(|(of, name, _)| of == collection && name == id);
        found.map(|(.., json)| Bytes::from(json.clone())).ok_or(StoreError::NotFound)
    }

    fn list(
        &self,
        collection: &str,
        offset: u64,
        limit: u64,
        each: &mut dyn FnMut(&str, &str) -> bool,
    ) -> Result<(), StoreError> {
        let documents = self.content().documents.clone();
        let of = documents.iter().filter(|(of, ..)| of == collection);
        for (_, id, json) in of.skip(offset as usize).take(limit as usize) {
            if !each(id, json) {
                break;
            }
        }
        Ok(())
    }

    fn count(&self, collection: &str) -> Result<u64, StoreError> {
        Ok(self.content().documents.iter().filter(|(of, ..)| of == collection).count() as u64)
    }

    fn blob_size(&self, name: &str) -> Result<u64, StoreError> {
        Ok(self.blob_read(name, 0, u64::MAX)?.len() as u64)
    }

    fn blob_read(&self, name: &str, offset: u64, len: u64) -> Result<Bytes, StoreError> {
        let content = self.content();
        let (_, bytes) = content.blobs.iter().find(|(found, _)| found == name).ok_or(StoreError::NotFound)?;
        Ok(bytes.iter().skip(offset as usize).take(len as usize).copied().collect())
    }
}

struct Batch {
    memory: Memory,
    puts: Vec<(String, String, String)>,
}

impl StoreBatch for Batch {
    fn put(&mut self, collection: &str, id: &str, json: &str, _: &[&str]) -> Result<(), StoreError> {
        self.puts.push((collection.to_owned(), id.to_owned(), json.to_owned()));
        Ok(())
    }

    fn remove(&mut self, _: &str, _: &str) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("not needed here".to_owned()))
    }

    fn blob(&mut self) -> Result<Box<dyn BlobWriter>, StoreError> {
        Ok(Box::new(Blob { memory: self.memory.clone(), bytes: Vec::new() }))
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.memory.content().documents.extend(self.puts);
        Ok(())
    }
}

struct Blob {
    memory: Memory,
    bytes: Vec<u8>,
}

impl BlobWriter for Blob {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<String, StoreError> {
        let name = format!("{:064x}", self.bytes.len());
        self.memory.content().blobs.push((name.clone(), self.bytes));
        Ok(name)
    }
}

#[test]
fn batches_blobs_and_handles_keep_their_promises() {
    let memory = Memory::default();
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.config.store = Some(Arc::new(memory.clone()));
    let bench = setup.start();
    let params = json!({"do": "store"});
    let answer = bench.call("desk.serial", &params);
    assert_eq!(answer.json(), params, "the document comes back");
    for line in [
        "blob 0 0",
        "finish 0",
        "put 0",
        // Not visible before the commit.
        "count 0 0",
        "commit 0",
        "stale -9 -9",
        "aborted 0 0",
        "abort 0",
        "list 0",
        "size 0 3",
        "read 0 bc",
        "missing -18",
        "bad -1",
    ] {
        assert_eq!(bench.wire.wait_for(line.split(' ').next().unwrap()), line);
    }
    assert_eq!(bench.wire.wait_for("each"), r#"each a {"do":"store"}"#);
    assert!(!bench.wire.has("each"), "what was aborted is not there");
    assert_eq!(memory.content().documents.len(), 1);
    // The document was lent to the plugin, which handed it on: it goes back like any other buffer.
    drop(answer);
    bench.until("desk.so", "without buffers", |plugin| plugin["generations"][0]["buffers"] == 0);
}

#[test]
fn inline_commands_may_not_use_it_and_without_a_store_there_is_none() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.config.store = Some(Arc::new(Memory::default()));
    let bench = setup.start();
    let answer = bench.call("desk.inline", &json!({"do": "store"}));
    assert!(answer.failure().message.contains("-11"), "{}", answer.failure().message);
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let answer = bench.call("desk.serial", &json!({"do": "store"}));
    assert!(answer.failure().message.contains("-12"), "{}", answer.failure().message);
}
