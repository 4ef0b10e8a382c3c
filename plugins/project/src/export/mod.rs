//! `project.export`: elements as a text, GXML or CSV.

mod csv;
mod element;
mod gxml;

use crate::model::{Import, code, is_id, not_found};
use crate::records::Records;
use element::Element;
use jackfield_plugin::{Call, Failure, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Longest text.
const MAX_BYTES: usize = 8 << 20;

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Gxml,
    Csv,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    All,
    /// Those of stages.
    Elements,
    Clipboard,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    format: Format,
    import: Option<String>,
    stage: Option<String>,
    kind: Option<Kind>,
    #[serde(default)]
    offset: u64,
    limit: Option<u64>,
}

#[derive(Serialize)]
pub struct Export {
    format: Format,
    content_type: &'static str,
    /// How many are in the text.
    elements: u64,
    /// How many there would be without offset and limit.
    total: u64,
    text: String,
}

/// Turns elements into a text.
trait Writer {
    /// `id` is that of `project.get`.
    fn element(&mut self, id: &str, element: &Element) -> Result<(), Failure>;
    /// Bytes so far.
    fn len(&self) -> usize;
    fn finish(self: Box<Self>) -> Result<String, Failure>;
}

pub fn export(store: &Store, call: &Call, params: &Params) -> Result<Export, Failure> {
    let imports = imports(store, params)?;
    let total: u64 = imports.iter().map(|import| import.elements).sum();
    let end = params.limit.map_or(total, |limit| params.offset.saturating_add(limit).min(total));
    let (mut writer, content_type): (Box<dyn Writer>, _) = match params.format {
        Format::Gxml => (Box::new(gxml::Gxml::new(&imports)?), "application/xml"),
        Format::Csv => (Box::new(csv::Table::new()?), "text/csv"),
    };
    let (mut before, mut count, mut line) = (0, 0, Vec::new());
    for import in &imports {
        let range = params.offset.max(before)..end.min(before + import.elements);
        if !range.is_empty() {
            let first = range.start - before;
            let mut records = Records::open(store, import, first)?;
            for index in first..range.end - before {
                if call.is_cancelled() {
                    return Err(Failure::cancelled());
                }
                let whole = records.next(MAX_BYTES, &mut line)?;
                let id = format!("{}/{index}", import.id);
                if whole != Some(true) {
                    return Err(too_large(&id, count, params.offset));
                }
                let element: Element = serde_json::from_slice(&line)
                    .map_err(|error| Failure::internal(format!("The record of '{id}' is broken: {error}.")))?;
                writer.element(&id, &element)?;
                if writer.len() > MAX_BYTES {
                    return Err(too_large(&id, count, params.offset));
                }
                count += 1;
            }
        }
        before += import.elements;
    }
    Ok(Export { format: params.format, content_type, elements: count, total, text: writer.finish()? })
}

/// What is to be exported.
fn imports(store: &Store, params: &Params) -> Result<Vec<Import>, Failure> {
    #[derive(Deserialize)]
    struct Stage {
        import: String,
    }
    match (&params.import, &params.stage, params.kind) {
        (Some(import), None, None) => Ok(vec![Import::get(store, import)?]),
        (None, Some(stage), None) => {
            let Stage { import } = is_id(stage)
                .then(|| store.get_json("stages", stage))
                .transpose()?
                .flatten()
                .ok_or_else(|| not_found("stage", stage))?;
            Ok(vec![Import::get(store, &import)?])
        }
        (None, None, kind) => {
            let mut imports = Import::all(store)?;
            match kind.unwrap_or_default() {
                Kind::All => {}
                Kind::Elements => imports.retain(|import| !import.is_clipboard()),
                Kind::Clipboard => imports.retain(Import::is_clipboard),
            }
            Ok(imports)
        }
        _ => Err(Failure::invalid_params(
            "More than one of 'import', 'stage' and 'kind' is given; one or none is expected.",
        )
        .code(code::PARAMS)),
    }
}

fn too_large(id: &str, count: u64, offset: u64) -> Failure {
    let limit = MAX_BYTES >> 20;
    let (text, details) = if count == 0 {
        let text = format!("The element '{id}' alone is larger than {limit} MiB; read it with project.blob.");
        (text, json!({"element": id, "limit": MAX_BYTES}))
    } else {
        let text = format!(
            "The export is larger than {limit} MiB with element '{id}'; ask for parts with 'offset' and 'limit', the \
             first being offset {offset} and limit {count}."
        );
        (text, json!({"element": id, "limit": MAX_BYTES, "expected": {"offset": offset, "limit": count}}))
    };
    Failure::too_large(text).code(code::TOO_LARGE).details(details)
}
