//! `project.list`: a part of what there is.

use crate::documents::{ByType, Documents, Image, Import, ImportHead, Series, Stage, document};
use crate::element::head;
use crate::params::{Kind, List};
use crate::records::Records;
use crate::selection::{Of, select};
use jackfield_plugin::Failure;
use serde::Serialize;
use serde_json::json;

const DEFAULT: u64 = 100;
const LIMIT: u64 = 10_000;
/// Of text; a name may have a million characters.
const BYTES: usize = 8 << 20;

#[derive(Serialize)]
pub struct Listed {
    kind: Kind,
    total: u64,
    offset: u64,
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Series {
        id: String,
        name: String,
        focal_length: serde_json::Number,
        images: u64,
        created_at: u64,
    },
    Image {
        id: String,
        series: String,
        file: String,
        format: String,
        width: u32,
        height: u32,
        bytes: u64,
        imported_at: u64,
    },
    Stage {
        id: String,
        index: u64,
        name: String,
        import: String,
        elements: u64,
        by_type: ByType,
    },
    Element {
        id: String,
        element_id: Option<u64>,
        name: Option<String>,
        group: String,
        r#type: String,
        state: Option<String>,
        import: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        stage: Option<String>,
    },
}

pub fn list(documents: &Documents, params: &List) -> Result<Listed, Failure> {
    let offset = params.offset.unwrap_or_default();
    let limit = params.limit.unwrap_or(DEFAULT);
    if limit > LIMIT {
        let text = format!("Params of 'project.list': limit is {limit}, expected at most {LIMIT}.");
        return Err(Failure::invalid_params(text).details(json!({"path": "/limit", "expected": {"maximum": LIMIT}})));
    }
    let mut items = Vec::new();
    let total = match params.kind {
        Kind::Series => {
            documents.each("series", offset, limit, |series: Series| {
                let Series { name, focal_length, images, created_at } = series;
                items.push(Item::Series { id: format!("series/{name}"), name, focal_length, images, created_at });
            })?;
            documents.store.count("series")?
        }
        Kind::Images => {
            documents.each("images", offset, limit, |image: Image| {
                let Image { id, series, file, format, width, height, bytes, imported_at, .. } = image;
                items.push(Item::Image { id, series, file, format, width, height, bytes, imported_at });
            })?;
            documents.store.count("images")?
        }
        Kind::Stages => {
            let mut stages = Vec::new();
            documents.each("stages", offset, limit, |stage: Stage| stages.push(stage))?;
            for Stage { id, index, name, import } in stages {
                documents.go_on()?;
                let of: ImportHead = documents.named("imports", &import, &document("stages", &id))?;
                let mut by_type = ByType::new();
                of.counts.add_to(&mut by_type);
                items.push(Item::Stage { id, index, name, import, elements: of.elements, by_type });
            }
            documents.store.count("stages")?
        }
        Kind::Elements => elements(documents, Of::Stages, offset, limit, &mut items)?,
        Kind::Clipboard => elements(documents, Of::Clipboard, offset, limit, &mut items)?,
    };
    Ok(Listed { kind: params.kind, total, offset, items })
}

/// Lists elements up to the limit, and no more than [`BYTES`] of text, but one at least; gives how many there are.
fn elements(documents: &Documents, of: Of, offset: u64, limit: u64, items: &mut Vec<Item>) -> Result<u64, Failure> {
    let selection = select(documents, of, offset, limit)?;
    let (mut line, mut bytes) = (Vec::new(), 0);
    for part in selection.parts.iter().filter(|part| part.from < part.to) {
        let import: Import = documents.named("imports", &part.import, "the list of imports")?;
        let mut records = Records::open(documents, import, part.from)?;
        for _ in part.from..part.to {
            let head = head::read(&mut records, &mut line)?;
            bytes += head.len();
            if bytes > BYTES && !items.is_empty() {
                return Ok(selection.total);
            }
            items.push(Item::Element {
                id: records.id(),
                element_id: head.id,
                name: head.name,
                group: head.group,
                r#type: head.kind,
                state: head.state,
                import: part.import.clone(),
                stage: part.stage.clone(),
            });
        }
    }
    Ok(selection.total)
}
