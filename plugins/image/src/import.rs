//! One import, from bytes to documents.

use crate::decode::decode;
use crate::metadata::{self, Metadata};
use jackfield_plugin::{Batch, Call, Failure, Status, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Written to a blob at once.
const PIECE: usize = 1 << 20;

/// Why an import failed.
pub enum Why {
    /// The image or a param.
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

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        match error.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(error) => Self::Store(Status::Internal, error.to_string()),
        }
    }
}

/// What is asked for.
pub struct Request<'a> {
    /// Name of the file, for people.
    pub file: &'a str,
    pub bytes: &'a [u8],
    pub series: &'a str,
    /// In mm.
    pub focal_length: f64,
    /// Most pixels.
    pub pixels: u64,
}

/// The document of a measurement series.
#[derive(Serialize, Deserialize)]
struct Series {
    name: String,
    /// In mm.
    focal_length: f64,
    /// How many there are.
    images: u64,
    /// In seconds since 1970.
    created_at: u64,
}

/// The document of an image.
#[derive(Serialize)]
struct Document<'a> {
    id: &'a str,
    series: &'a str,
    file: &'a str,
    format: &'static str,
    width: u32,
    height: u32,
    bytes: u64,
    /// As the caller gave it, in mm.
    focal_length: f64,
    exif: Metadata,
    blob: &'a str,
    thumbnail: &'a str,
    imported_at: u64,
}

/// What the caller is told.
#[derive(Serialize)]
pub struct Imported {
    id: String,
    series: String,
    width: u32,
    height: u32,
    format: &'static str,
    warnings: Vec<String>,
}

/// What those who watch are told.
#[derive(Serialize)]
pub struct Event<'a> {
    id: &'a str,
    series: &'a str,
    file: &'a str,
    format: &'static str,
    width: u32,
    height: u32,
}

impl Imported {
    /// Of an import from `file`.
    pub fn event<'a>(&'a self, file: &'a str) -> Event<'a> {
        let Self { id, series, format, width, height, .. } = self;
        Event { id, series, file, format, width: *width, height: *height }
    }
}

/// Decodes an image and puts it into the store, all or nothing.
pub fn import(store: &Store, call: &Call, request: &Request) -> Result<Imported, Why> {
    let Request { file, bytes, series, focal_length, pixels } = *request;
    let mut warnings = Vec::new();
    step(call, 1, "decoding")?;
    let decoded = decode(bytes, pixels).map_err(Why::Content)?;
    let exif = metadata::read(bytes).unwrap_or_else(|error| {
        warnings.push(format!("The EXIF data could not be read: {error}."));
        Metadata::default()
    });
    let (format, width, height) = (decoded.format, decoded.width, decoded.height);
    step(call, 2, "making a thumbnail")?;
    let small = decoded.thumbnail().map_err(Why::Content)?;
    step(call, 3, "storing")?;
    let batch = store.begin()?;
    let blob = write(call, &batch, bytes)?;
    let thumbnail = write(call, &batch, &small)?;
    let id = next_id(store, &batch)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let new = || Series { name: series.to_owned(), focal_length, images: 0, created_at: now };
    let mut of: Series = store.get_json("series", series)?.unwrap_or_else(new);
    of.images = of.images.saturating_add(1);
    if of.focal_length != focal_length {
        let theirs = of.focal_length;
        warnings
            .push(format!("The series '{series}' keeps its focal length of {theirs} mm; {focal_length} mm was given."));
    }
    if let Some(written) = exif.focal_length.filter(|written| (written - focal_length).abs() > 0.05 * focal_length) {
        warnings.push(format!("The camera wrote a focal length of {written} mm; {focal_length} mm was given."));
    }
    let document = Document {
        id: &id,
        series,
        file,
        format,
        width,
        height,
        bytes: bytes.len() as u64,
        focal_length,
        exif,
        blob: &blob,
        thumbnail: &thumbnail,
        imported_at: now,
    };
    batch.put_json("series", series, &of, &[])?;
    batch.put_json("images", &id, &document, &[&blob, &thumbnail])?;
    step(call, 4, "stored")?;
    batch.commit()?;
    Ok(Imported { id, series: series.to_owned(), width, height, format, warnings })
}

/// Tells how far it is, and ends it when it was given up.
fn step(call: &Call, done: u64, text: &str) -> Result<(), Why> {
    call.progress(done, 4, text);
    if call.is_cancelled() { Err(Why::Cancelled) } else { Ok(()) }
}

fn write(call: &Call, batch: &Batch, bytes: &[u8]) -> Result<String, Why> {
    let mut blob = batch.blob()?;
    for piece in bytes.chunks(PIECE) {
        blob.write_all(piece)?;
        if call.is_cancelled() {
            return Err(Why::Cancelled);
        }
    }
    Ok(blob.finish()?)
}

/// A new id, such as "image-1". The number is taken with the batch: one that fails leaves no gap.
fn next_id(store: &Store, batch: &Batch) -> Result<String, StoreError> {
    #[derive(Default, Serialize, Deserialize)]
    struct Counter {
        last: u64,
    }
    let Counter { last } = store.get_json("counters", "image")?.unwrap_or_default();
    let last = last.saturating_add(1);
    batch.put_json("counters", "image", &Counter { last }, &[])?;
    Ok(format!("image-{last}"))
}
