//! One import, from bytes to documents.

use super::gxml::{self, Counts, Fault, Page, Summary};
use super::source::Source;
use jackfield_plugin::{Batch, Call, Failure, Status, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// What becomes of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They wait in the project's clipboard.
    Clipboard,
    /// They become the elements of a new stage.
    NewStage,
}

impl Mode {
    pub const NAMES: [&str; 2] = ["clipboard", "new_stage"];

    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "clipboard" => Some(Self::Clipboard),
            "new_stage" => Some(Self::NewStage),
            _ => None,
        }
    }
}

/// Why an import failed.
pub enum Why {
    /// The file.
    Content(String),
    /// The store, with its kind.
    Store(Status, String),
    Cancelled,
}

impl From<StoreError> for Why {
    fn from(error: StoreError) -> Self {
        let failure = Failure::from(error);
        Self::Store(failure.status, failure.message)
    }
}

impl From<Fault> for Why {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Content(text) => Self::Content(text),
            Fault::Source(text) => Self::Content(format!("the file could not be read to its end: {text}")),
            Fault::Cancelled => Self::Cancelled,
            Fault::Sink(error) => match error.downcast::<StoreError>() {
                Ok(error) => error.into(),
                Err(error) => Self::Store(Status::Internal, error.to_string()),
            },
        }
    }
}

/// The document of an import.
#[derive(Serialize)]
struct Document<'a> {
    id: &'a str,
    file: &'a str,
    import_mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    header: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header_other: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<Box<RawValue>>,
    counts: &'a Counts,
    elements: u64,
    unknown: &'a BTreeMap<String, u64>,
    blob: &'a str,
    pages: Vec<Page>,
    imported_at: u64,
}

/// The document of a stage.
#[derive(Serialize)]
struct Stage<'a> {
    id: &'a str,
    index: u64,
    name: &'a str,
    import: &'a str,
}

/// What the caller is told.
#[derive(Serialize)]
pub struct Imported {
    id: String,
    import_mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    elements: u64,
    counts: Counts,
    unknown: BTreeMap<String, u64>,
    warnings: Vec<String>,
}

/// What those who watch are told.
#[derive(Serialize)]
pub struct Event<'a> {
    id: &'a str,
    file: &'a str,
    import_mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    elements: u64,
    counts: &'a Counts,
}

impl Imported {
    /// Of an import from `file`.
    pub fn event<'a>(&'a self, file: &'a str) -> Event<'a> {
        let Self { id, import_mode, stage, elements, counts, .. } = self;
        Event { id, file, import_mode: *import_mode, stage: stage.as_deref(), elements: *elements, counts }
    }
}

/// Reads `source` and puts what is in it into the store, all or nothing. `file` is its name, for people.
pub fn import(store: &Store, call: &Call, source: Source, file: &str, mode: Mode) -> Result<Imported, Why> {
    let total = source.size();
    let batch = store.begin()?;
    let mut blob = batch.blob()?;
    let tick = |read: u64| {
        call.progress(read, total, "reading elements");
        !call.is_cancelled()
    };
    let summary = gxml::read(source, &mut blob, tick)?;
    let blob = blob.finish()?;
    call.progress(total, total, "storing");
    if call.is_cancelled() {
        return Err(Why::Cancelled);
    }
    let id = next_id(store, &batch, "import")?;
    let stage = match mode {
        Mode::Clipboard => None,
        Mode::NewStage => {
            let stage = next_id(store, &batch, "stage")?;
            let index = store.count("stages")?;
            let name = stem(file);
            batch.put_json("stages", &stage, &Stage { id: &stage, index, name, import: &id }, &[])?;
            Some(stage)
        }
    };
    let warnings = warnings(&summary);
    let Summary { header, header_other, other, elements, counts, unknown, pages } = summary;
    let document = Document {
        id: &id,
        file,
        import_mode: mode,
        stage: stage.as_deref(),
        header,
        header_other: list(header_other)?,
        other: list(other)?,
        counts: &counts,
        elements,
        unknown: &unknown,
        blob: &blob,
        pages,
        imported_at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
    };
    batch.put_json("imports", &id, &document, &[&blob])?;
    batch.commit()?;
    Ok(Imported { id, import_mode: mode, stage, elements, counts, unknown, warnings })
}

/// A new id, such as "import-1". The number is taken with the batch: one that fails leaves no gap.
fn next_id(store: &Store, batch: &Batch, kind: &str) -> Result<String, StoreError> {
    #[derive(Default, Serialize, Deserialize)]
    struct Counter {
        last: u64,
    }
    let Counter { last } = store.get_json("counters", kind)?.unwrap_or_default();
    let last = last.saturating_add(1);
    batch.put_json("counters", kind, &Counter { last }, &[])?;
    Ok(format!("{kind}-{last}"))
}

/// A file's name without folder and ending.
fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.rsplit_once('.').map(|(stem, _)| stem).filter(|stem| !stem.is_empty()).unwrap_or(name)
}

fn list(json: String) -> Result<Option<Box<RawValue>>, Why> {
    let raw = |json| RawValue::from_string(json).map_err(|error| Why::Store(Status::Internal, error.to_string()));
    if json.is_empty() { Ok(None) } else { raw(json).map(Some) }
}

fn warnings(summary: &Summary) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, expected) in [("length_unit", "mm"), ("angle_unit", "deg")] {
        match summary.header.get(name) {
            Some(unit) if unit == expected => {}
            Some(unit) => {
                warnings.push(format!("The {name} is '{unit}', not '{expected}'; numbers are kept as they are."))
            }
            None => warnings.push(format!("The header names no {name}; '{expected}' is usual.")),
        }
    }
    if !summary.unknown.is_empty() {
        let tags: Vec<&str> = summary.unknown.keys().take(10).map(String::as_str).collect();
        let more = if summary.unknown.len() > tags.len() { ", ..." } else { "" };
        warnings.push(format!("Unknown tags were kept as they are: {}{more}.", tags.join(", ")));
    }
    warnings
}
