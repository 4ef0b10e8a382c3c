//! `project.blob`: bytes as they are.

use crate::documents::{Documents, Image, Import, damaged, document};
use crate::get::unknown;
use crate::params::{Blob, Encoding};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jackfield_plugin::{Failure, StoreError};
use serde::Serialize;
use serde_json::json;
use std::io::{Read, Seek, SeekFrom};

/// Most bytes of an attachment: what servers take and send, unless told otherwise.
const ATTACHMENT: u64 = 256 << 20;
const BASE64: u64 = 64 << 20;
const PIECE: u64 = 1 << 20;

#[derive(Serialize)]
pub struct Answer {
    pub content_type: &'static str,
    /// Sent with this.
    bytes: u64,
    /// Of the whole blob.
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

#[derive(Serialize)]
pub struct Reference {
    #[serde(rename = "$attachment")]
    pub attachment: usize,
}

pub struct Found {
    pub answer: Answer,
    /// Name of the attachment.
    pub name: String,
    pub attachment: Option<Vec<u8>>,
}

pub fn blob(documents: &Documents, params: &Blob) -> Result<Found, Failure> {
    let id = &params.id;
    let thumbnail = params.thumbnail.unwrap_or_default();
    let (blob, what, name, known) = if let Some(image) = documents.get::<Image>("images", id)? {
        let what = document("images", id);
        if thumbnail {
            (image.thumbnail, what, format!("{id}-thumbnail"), None)
        } else {
            let file = image.file.rsplit(['/', '\\']).next().unwrap_or_default();
            (image.blob, what, file.to_owned(), Some(content_type(&image.format)))
        }
    } else if let Some(import) = documents.get::<Import>("imports", id)? {
        if thumbnail {
            let text = format!("Params of 'project.blob': the import '{id}' has no thumbnail, images have.");
            return Err(Failure::invalid_params(text).details(json!({"path": "/thumbnail", "expected": false})));
        }
        (import.blob, document("imports", id), format!("{id}.ndjson"), Some("application/x-ndjson"))
    } else {
        return Err(unknown("project.blob", id, &["image-N", "import-N"]));
    };
    let (bytes, size) = read(documents, params, &blob, &what)?;
    let content_type = known.unwrap_or_else(|| content_type(thumbnail_format(&bytes)));
    let name = if thumbnail { format!("{name}.{}", thumbnail_format(&bytes)) } else { name };
    let mut answer = Answer { content_type, bytes: bytes.len() as u64, size, blob: None, base64: None };
    let attachment = match params.encoding.unwrap_or_default() {
        Encoding::Attachment => Some(bytes),
        Encoding::Base64 => {
            answer.base64 = Some(STANDARD.encode(bytes));
            None
        }
    };
    Ok(Found { answer, name, attachment })
}

/// What is asked for of the blob, and the size of all of it.
fn read(documents: &Documents, params: &Blob, blob: &str, what: &str) -> Result<(Vec<u8>, u64), Failure> {
    let failure = |error| match error {
        StoreError::NotFound(text) | StoreError::Invalid(text) => damaged(what, text),
        other => other.into(),
    };
    let mut reader = documents.store.blob(blob).map_err(failure)?;
    let size = reader.size();
    let offset = params.offset.unwrap_or_default().min(size);
    let length = params.length.unwrap_or(u64::MAX).min(size - offset);
    let (most, which) = match params.encoding.unwrap_or_default() {
        Encoding::Attachment => (ATTACHMENT, "an attachment"),
        Encoding::Base64 => (BASE64, "base64"),
    };
    if length > most {
        let text = format!(
            "These are {length} bytes of '{}', {which} may have {most}; ask for them in parts with offset and length.",
            params.id
        );
        return Err(Failure::too_large(text).details(json!({"path": "/length", "bytes": length, "expected": most})));
    }
    let mut bytes = Vec::new();
    let failure = |error: std::io::Error| match error.downcast::<StoreError>() {
        Ok(error) => failure(error),
        Err(error) => damaged(what, error),
    };
    reader.seek(SeekFrom::Start(offset)).map_err(failure)?;
    while (bytes.len() as u64) < length {
        documents.go_on()?;
        let piece = PIECE.min(length - bytes.len() as u64);
        reader.by_ref().take(piece).read_to_end(&mut bytes).map_err(failure)?;
    }
    Ok((bytes, size))
}

/// Thumbnails are JPEG, or PNG where there is transparency.
fn thumbnail_format(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\x89PNG") { "png" } else { "jpeg" }
}

fn content_type(format: &str) -> &'static str {
    match format {
        "jpeg" => "image/jpeg",
        "png" => "image/png",
        "tiff" => "image/tiff",
        "bmp" => "image/bmp",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}
