//! The documents that `image` and `elements` write, as far as they are needed here. The layout: `plugins/README.md`.

use jackfield_plugin::{Failure, Store};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Numbers of this plugin's errors.
pub mod code {
    pub const NOT_FOUND: i64 = 1;
    pub const TOO_LARGE: i64 = 2;
    pub const PARAMS: i64 = 3;
}

/// Elements by group and tag.
#[derive(Deserialize)]
pub struct Counts {
    pub nominal: BTreeMap<String, u64>,
    pub measured: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
pub struct Import {
    pub id: String,
    pub import_mode: String,
    pub header: BTreeMap<String, String>,
    pub header_other: Option<Box<RawValue>>,
    pub other: Option<Box<RawValue>>,
    pub counts: Counts,
    pub elements: u64,
    pub blob: String,
    /// First element and byte of each page.
    pub pages: Vec<(u64, u64)>,
}

impl Import {
    pub fn is_clipboard(&self) -> bool {
        self.import_mode == "clipboard"
    }

    pub fn get(store: &Store, id: &str) -> Result<Self, Failure> {
        let found = if is_id(id) { store.get_json("imports", id)? } else { None };
        found.ok_or_else(|| not_found("import", id))
    }

    /// All imports, in their order.
    pub fn all(store: &Store) -> Result<Vec<Self>, Failure> {
        documents(store, "imports", 0, u64::MAX)
    }
}

/// The documents of a collection, of `limit` after the first `offset`.
pub fn documents<T: DeserializeOwned>(
    store: &Store,
    collection: &str,
    offset: u64,
    limit: u64,
) -> Result<Vec<T>, Failure> {
    let (mut documents, mut broken) = (Vec::new(), None);
    store.list(collection, offset, limit, |id, json| match serde_json::from_str(json) {
        Ok(document) => {
            documents.push(document);
            true
        }
        Err(error) => {
            broken = Some(Failure::internal(format!("The document '{id}' of '{collection}' is broken: {error}.")));
            false
        }
    })?;
    broken.map_or(Ok(documents), Err)
}

/// Whether the store can have a document of this id; it takes none that is empty or longer.
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 512
}

pub fn not_found(what: &str, id: &str) -> Failure {
    Failure::not_found(format!("There is no {what} '{id}' in the project.")).code(code::NOT_FOUND)
}
