//! `project.get`: one thing whole.

use crate::documents::{Documents, Import, ImportHead, Stage, damaged, document};
use crate::element::whole;
use crate::records::Records;
use crate::selection::Of;
use jackfield_plugin::Failure;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Kinds of ids, as callers are told.
pub const IDS: [&str; 5] = ["image-N", "series/NAME or NAME", "stage-N", "import-N", "import-N/M (an element)"];

#[derive(Serialize)]
pub struct Got {
    kind: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    item: Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    points_omitted: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Document(BTreeMap<String, Box<RawValue>>),
    Record(Box<RawValue>),
}

pub fn get(documents: &Documents, id: &str) -> Result<Got, Failure> {
    let series = id.strip_prefix("series/").map(|name| ("series", "series", name));
    let exact = [("image", "images", id), ("stage", "stages", id), ("import", "imports", id)];
    for (kind, collection, id) in series.into_iter().chain(exact) {
        if let Some(got) = stored(documents, kind, collection, id)? {
            return Ok(got);
        }
    }
    if let Some(got) = element(documents, id)? {
        return Ok(got);
    }
    stored(documents, "series", "series", id)?.ok_or_else(|| unknown("project.get", id, &IDS))
}

/// Nothing has this id.
pub fn unknown(command: &str, id: &str, expected: &[&str]) -> Failure {
    let shown: String = id.chars().take(100).collect();
    let text = format!("Nothing in the project has the id '{shown}' ({command}); ids are {}.", expected.join(", "));
    Failure::not_found(text).details(json!({"path": "/id", "id": shown, "expected": expected}))
}

/// The import whose elements a stage has.
pub fn of_stage(documents: &Documents, id: &str) -> Result<Option<Of>, Failure> {
    let Some(stage) = documents.get::<Stage>("stages", id)? else { return Ok(None) };
    documents.named("imports", &stage.import, &document("stages", id)).map(|import| Some(Of::Import(import)))
}

fn stored(documents: &Documents, kind: &'static str, collection: &str, id: &str) -> Result<Option<Got>, Failure> {
    let Some(mut item) = documents.get::<BTreeMap<String, Box<RawValue>>>(collection, id)? else { return Ok(None) };
    // Where lines begin in a blob is of no use to anybody else, and long.
    item.remove("pages");
    let id = if kind == "series" { format!("series/{id}") } else { id.to_owned() };
    Ok(Some(Got { kind, id, import: None, stage: None, item: Item::Document(item), points_omitted: None }))
}

fn element(documents: &Documents, id: &str) -> Result<Option<Got>, Failure> {
    let Some((import, number)) = id.rsplit_once('/') else { return Ok(None) };
    // As it is written in a list: no sign, no zeros before it.
    let Some(number) = number.parse::<u64>().ok().filter(|parsed| parsed.to_string() == number) else {
        return Ok(None);
    };
    let Some(head) = documents.get::<ImportHead>("imports", import)? else { return Ok(None) };
    if number >= head.elements {
        let range = match head.elements {
            0 => "it has no elements".to_owned(),
            elements => format!("expected 0 to {}", elements - 1),
        };
        return Err(Failure::not_found(format!("The import '{import}' has no element {number}; {range}."))
            .details(json!({"path": "/id", "id": id, "expected": {"elements": head.elements}})));
    }
    let of: Import =
        documents.get("imports", import)?.ok_or_else(|| damaged(&document("imports", import), "it is gone"))?;
    let mut records = Records::open(documents, of, number)?;
    let (record, omitted) = whole::read(&mut records)?;
    Ok(Some(Got {
        kind: "element",
        id: id.to_owned(),
        import: Some(import.to_owned()),
        stage: head.stage,
        item: Item::Record(record),
        points_omitted: (omitted > 0).then_some(omitted),
    }))
}
