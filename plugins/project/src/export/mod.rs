//! `project.export`: elements as text, in their order.

mod csv;
mod gxml;
mod record;
mod xml;

use crate::documents::{Documents, Import};
use crate::get::{of_stage, unknown};
use crate::params::{ElementKind, Export, Format};
use crate::records::Records;
use crate::selection::{Of, Selection, select};
use jackfield_plugin::Failure;
use serde::Serialize;
use serde_json::json;

/// Most bytes of text.
const BYTES: usize = 8 << 20;

#[derive(Serialize)]
pub struct Exported {
    format: Format,
    content_type: &'static str,
    /// In the text.
    elements: u64,
    /// With no offset and limit.
    total: u64,
    text: String,
    warnings: Vec<String>,
}

/// A way to write elements.
trait Writer {
    const CONTENT_TYPE: &'static str;

    /// Elements of this import follow. `whole`: from its first one on.
    fn import(&mut self, import: &Import, whole: bool) -> Result<(), Failure>;

    /// The next one of `records`.
    fn element(&mut self, records: &mut Records) -> Result<(), Failure>;

    /// Bytes written so far.
    fn len(&self) -> usize;

    /// The text, and what is to be told about it.
    fn finish(self) -> Result<(String, Vec<String>), Failure>;
}

pub fn export(documents: &Documents, params: &Export) -> Result<Exported, Failure> {
    let of = match (params.kind, &params.stage, &params.import) {
        (Some(ElementKind::Elements), None, None) => Of::Stages,
        (Some(ElementKind::Clipboard), None, None) => Of::Clipboard,
        (None, Some(id), None) => {
            of_stage(documents, id)?.ok_or_else(|| unknown("project.export", id, &["stage-N"]))?
        }
        (None, None, Some(id)) => {
            documents.get("imports", id)?.map(Of::Import).ok_or_else(|| unknown("project.export", id, &["import-N"]))?
        }
        _ => {
            let text = "Params of 'project.export': expected one of kind (elements or clipboard), stage and import.";
            return Err(Failure::invalid_params(text).details(json!({"expected": ["kind", "stage", "import"]})));
        }
    };
    let offset = params.offset.unwrap_or_default();
    let selection = select(documents, of, offset, params.limit.unwrap_or(u64::MAX))?;
    match params.format {
        Format::Gxml => write(documents, params, &selection, gxml::Gxml::default()),
        Format::Csv => write(documents, params, &selection, csv::Csv::new()?),
    }
}

fn write<W: Writer>(
    documents: &Documents,
    params: &Export,
    selection: &Selection,
    mut writer: W,
) -> Result<Exported, Failure> {
    let mut elements = 0;
    for part in &selection.parts {
        let import: Import = documents.named("imports", &part.import, "the list of imports")?;
        writer.import(&import, part.from == 0)?;
        if part.from == part.to {
            continue;
        }
        let mut records = Records::open(documents, import, part.from)?;
        for _ in part.from..part.to {
            writer.element(&mut records)?;
            if writer.len() > BYTES {
                return Err(too_large(params, selection.total, elements, &records.id()));
            }
            elements += 1;
        }
    }
    let (text, warnings) = writer.finish()?;
    Ok(Exported {
        format: params.format,
        content_type: W::CONTENT_TYPE,
        elements,
        total: selection.total,
        text,
        warnings,
    })
}

/// `fit`: how many elements there was room for.
fn too_large(params: &Export, total: u64, fit: u64, id: &str) -> Failure {
    let offset = params.offset.unwrap_or_default();
    let mib = BYTES >> 20;
    if fit == 0 {
        return alone(id);
    }
    let text = format!(
        "The export is larger than {mib} MiB: {fit} of {total} elements fit from offset {offset} on. \
         Export them with limit {fit}, then go on at offset {}.",
        offset.saturating_add(fit)
    );
    Failure::too_large(text).details(json!({"path": "/limit", "expected": {"offset": offset, "limit": fit}}))
}

/// One element is too large.
fn alone(id: &str) -> Failure {
    let import = id.split('/').next().unwrap_or_default();
    Failure::too_large(format!(
        "Element '{id}' alone is larger than {} MiB; leave it out by offset and limit. \
         project.blob with the id '{import}' gives its record.",
        BYTES >> 20
    ))
    .details(json!({"element": id}))
}
