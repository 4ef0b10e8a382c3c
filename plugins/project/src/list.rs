//! `project.list`: one kind of things, a part at a time.

use crate::model::{Import, documents};
use crate::records::Records;
use jackfield_plugin::{Call, Failure, Store};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;
/// A list ends early behind this.
const MAX_BYTES: usize = 8 << 20;

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Series,
    Images,
    Stages,
    Elements,
    Clipboard,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    kind: Kind,
    #[serde(default)]
    offset: u64,
    limit: Option<u64>,
}

#[derive(Serialize)]
pub struct List {
    kind: Kind,
    offset: u64,
    /// How many there are in all.
    total: u64,
    items: Vec<Box<RawValue>>,
    /// The offset of the next part.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

pub fn list(store: &Store, call: &Call, params: &Params) -> Result<List, Failure> {
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let (total, items) = match params.kind {
        Kind::Series => series(store, params.offset, limit)?,
        Kind::Images => (store.count("images")?, documents(store, "images", params.offset, limit)?),
        Kind::Stages => (store.count("stages")?, documents(store, "stages", params.offset, limit)?),
        Kind::Elements => elements(store, call, false, params.offset, limit)?,
        Kind::Clipboard => elements(store, call, true, params.offset, limit)?,
    };
    let mut bytes = 0;
    let mut fits = |item: &RawValue| {
        bytes += item.get().len();
        bytes <= MAX_BYTES
    };
    // One is always given, so that whoever asks for the next part gets on.
    let count = items.iter().enumerate().take_while(|(at, item)| fits(item) || *at == 0).count();
    let items: Vec<_> = items.into_iter().take(count).collect();
    let end = params.offset.saturating_add(items.len() as u64);
    let next = (end < total && !items.is_empty()).then_some(end);
    Ok(List { kind: params.kind, offset: params.offset, total, items, next })
}

type Part = (u64, Vec<Box<RawValue>>);

/// Series have no id of their own: it is made from the name.
fn series(store: &Store, offset: u64, limit: u64) -> Result<Part, Failure> {
    let mut items = Vec::new();
    for mut item in documents::<Value>(store, "series", offset, limit)? {
        item["id"] = Value::from(format!("series/{}", item["name"].as_str().unwrap_or_default()));
        items.push(raw(&item)?);
    }
    Ok((store.count("series")?, items))
}

fn elements(store: &Store, call: &Call, clipboard: bool, offset: u64, limit: u64) -> Result<Part, Failure> {
    let imports: Vec<Import> =
        Import::all(store)?.into_iter().filter(|import| import.is_clipboard() == clipboard).collect();
    let total = imports.iter().map(|import| import.elements).sum();
    let (mut items, mut line, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut before = 0;
    for import in &imports {
        let end = before + import.elements;
        let want = limit - items.len() as u64;
        if want > 0 && offset < end && bytes <= MAX_BYTES {
            let mut records = Records::open(store, import, offset.saturating_sub(before))?;
            for _ in 0..want {
                if call.is_cancelled() {
                    return Err(Failure::cancelled());
                }
                let Some(item) = records.head(&mut line)? else { break };
                let item = raw(&item)?;
                bytes += item.get().len();
                items.push(item);
                if bytes > MAX_BYTES {
                    break;
                }
            }
        }
        before = end;
    }
    Ok((total, items))
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>, Failure> {
    serde_json::value::to_raw_value(value).map_err(|error| Failure::internal(error.to_string()))
}
