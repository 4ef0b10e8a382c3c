//! `project.get`: one thing, whole.

use crate::model::{Import, code, is_id, not_found};
use crate::records::Records;
use jackfield_plugin::{Failure, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

/// Largest element.
const MAX_BYTES: usize = 8 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    id: String,
}

#[derive(Serialize)]
pub struct Thing {
    kind: &'static str,
    id: String,
    /// Its document or record, as it is stored: numbers keep their digits.
    value: Box<RawValue>,
}

pub fn get(store: &Store, Params { id }: Params) -> Result<Thing, Failure> {
    if let Some(name) = id.strip_prefix("series/").filter(|name| is_id(name)) {
        let value = store.get_json("series", name)?.ok_or_else(|| not_found("series", name))?;
        return Ok(Thing { kind: "series", value, id });
    }
    if let Some((import, index)) = id.split_once('/')
        && let Ok(index) = index.parse()
    {
        let value = element(store, &id, import, index)?;
        return Ok(Thing { kind: "element", value, id });
    }
    if is_id(&id) {
        for (kind, collection) in
            [("image", "images"), ("import", "imports"), ("stage", "stages"), ("series", "series")]
        {
            if let Some(value) = store.get_json(collection, &id)? {
                return Ok(Thing { kind, id, value });
            }
        }
    }
    let expected = ["image-1", "import-1", "stage-1", "series/NAME", "import-1/0"];
    Err(not_found("image, import, stage, series or element", &id).details(json!({"path": "/id", "expected": expected})))
}

fn element(store: &Store, id: &str, import: &str, index: u64) -> Result<Box<RawValue>, Failure> {
    let import = Import::get(store, import)?;
    let mut line = Vec::new();
    if index >= import.elements {
        let last = import.elements.checked_sub(1);
        return Err(not_found("element", id).details(json!({"path": "/id", "last": last})));
    }
    match Records::open(store, &import, index)?.next(MAX_BYTES, &mut line)? {
        Some(true) => serde_json::from_slice(&line)
            .map_err(|error| Failure::internal(format!("The record of '{id}' is broken: {error}."))),
        Some(false) => {
            let text = format!(
                "The element '{id}' is larger than {} MiB; read it from the records of its import, with project.blob, \
                 'offset' and 'length'.",
                MAX_BYTES >> 20
            );
            Err(Failure::too_large(text).code(code::TOO_LARGE).details(json!({"limit": MAX_BYTES, "blob": import.id})))
        }
        None => Err(Failure::internal(format!("The records of '{}' end before '{id}'.", import.id))),
    }
}
