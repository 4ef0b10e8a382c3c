//! The documents of the project, and how they are read. The layout: `plugins/README.md`.

use jackfield_plugin::{Command, Failure, Store};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Number, json};
use std::collections::BTreeMap;

/// Elements by type.
pub type ByType = BTreeMap<String, u64>;

#[derive(Deserialize)]
pub struct Series {
    pub name: String,
    /// In mm.
    pub focal_length: Number,
    pub images: u64,
    pub created_at: u64,
}

#[derive(Deserialize)]
pub struct Image {
    pub id: String,
    pub series: String,
    pub file: String,
    pub format: String,
    pub width: u32,
    pub height: u32,
    pub bytes: u64,
    pub blob: String,
    pub thumbnail: String,
    pub imported_at: u64,
}

#[derive(Deserialize)]
pub struct Stage {
    pub id: String,
    pub index: u64,
    pub name: String,
    pub import: String,
}

#[derive(Deserialize)]
pub struct Counts {
    nominal: ByType,
    measured: ByType,
}

impl Counts {
    /// Adds both groups to `sum`.
    pub fn add_to(&self, sum: &mut ByType) {
        for (kind, count) in self.nominal.iter().chain(&self.measured) {
            match sum.get_mut(kind) {
                Some(sum) => *sum = sum.saturating_add(*count),
                None => drop(sum.insert(kind.clone(), *count)),
            }
        }
    }
}

/// What every import tells in few words.
#[derive(Deserialize)]
pub struct ImportHead {
    pub id: String,
    /// `None`: its elements are in the clipboard.
    pub stage: Option<String>,
    pub counts: Counts,
    pub elements: u64,
}

/// All that is needed to read an import's records.
#[derive(Deserialize)]
pub struct Import {
    pub id: String,
    pub header: BTreeMap<String, String>,
    pub header_other: Option<Box<RawValue>>,
    pub other: Option<Box<RawValue>>,
    pub elements: u64,
    pub blob: String,
    /// Number of the page's first element, and where its line begins.
    pub pages: Vec<(u64, u64)>,
}

/// The store, as one command sees it: whoever reads much is asked whether the command was given up.
pub struct Documents<'a> {
    pub store: &'a Store,
    command: Command<'a>,
}

impl<'a> Documents<'a> {
    pub fn new(store: &'a Store, command: Command<'a>) -> Self {
        Self { store, command }
    }

    /// Fails once the command was given up.
    pub fn go_on(&self) -> Result<(), Failure> {
        if self.command.is_cancelled() { Err(Failure::cancelled()) } else { Ok(()) }
    }

    /// A document; `None` where there is none.
    pub fn get<T: DeserializeOwned>(&self, collection: &str, id: &str) -> Result<Option<T>, Failure> {
        // The store takes no such names.
        if id.is_empty() || id.len() > 512 {
            return Ok(None);
        }
        let Some(json) = self.store.get(collection, id)? else { return Ok(None) };
        parse(collection, id, &json).map(Some)
    }

    /// A document that another one, `by`, names.
    pub fn named<T: DeserializeOwned>(&self, collection: &str, id: &str, by: &str) -> Result<T, Failure> {
        self.get(collection, id)?
            .ok_or_else(|| damaged(by, format!("it names '{id}' of '{collection}', which is not there")))
    }

    /// Up to `limit` documents after the first `offset`, in the order in which they were first put. `take` must not call
    /// the store.
    pub fn each<T: DeserializeOwned>(
        &self,
        collection: &str,
        offset: u64,
        limit: u64,
        mut take: impl FnMut(T),
    ) -> Result<(), Failure> {
        let mut end = Ok(());
        self.store.list(collection, offset, limit, |id, json| {
            end = self.go_on().and_then(|()| parse(collection, id, json)).map(&mut take);
            end.is_ok()
        })?;
        end
    }
}

fn parse<T: DeserializeOwned>(collection: &str, id: &str, json: &str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| damaged(&document(collection, id), error))
}

/// How a document is called in errors.
pub fn document(collection: &str, id: &str) -> String {
    format!("the document '{id}' of '{collection}'")
}

/// What is stored is not what it should be: neither the caller's fault nor this plugin's.
pub fn damaged(what: &str, why: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("The project is damaged: {what}: {why}."))
        .details(json!({"damaged": what, "reason": why.to_string()}))
}
