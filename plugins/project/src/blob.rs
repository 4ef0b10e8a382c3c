//! `project.blob`: the bytes of an image, of its thumbnail, or of an import's records.

use crate::model::{Import, code, is_id, not_found};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jackfield_plugin::{Call, Failure, Store};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most bytes of one reply.
const MAX_ATTACHMENT: u64 = 64 << 20;
const MAX_BASE64: u64 = 8 << 20;

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    #[default]
    Attachment,
    Base64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    id: String,
    #[serde(default)]
    thumbnail: bool,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    offset: u64,
    length: Option<u64>,
}

#[derive(Deserialize)]
struct Image {
    format: String,
    blob: String,
    thumbnail: String,
}

pub fn blob(store: &Store, call: &Call, params: &Params) -> Result<Value, Failure> {
    let id = params.id.as_str();
    let (blob, format) = find(store, id, params.thumbnail)?;
    let size = store.blob_size(&blob)?;
    let limit = if params.encoding == Encoding::Base64 { MAX_BASE64 } else { MAX_ATTACHMENT };
    let rest = size.saturating_sub(params.offset);
    let length = params.length.map_or(rest, |length| length.min(rest));
    if length > limit {
        let text = format!(
            "'{id}' has {length} bytes from {}, more than {limit}; ask for parts with 'offset' and 'length'.",
            params.offset
        );
        return Err(Failure::too_large(text).code(code::TOO_LARGE).details(json!({"size": size, "limit": limit})));
    }
    let bytes = store.blob_read(&blob, params.offset, length)?;
    let content_type = match &format {
        Some(format) => format!("image/{format}"),
        // A thumbnail is one of two, and begins as such.
        None if params.thumbnail && store.blob_read(&blob, 0, 1)?.starts_with(b"\x89") => "image/png".into(),
        None if params.thumbnail => "image/jpeg".into(),
        None => "application/x-ndjson".into(),
    };
    let content = match params.encoding {
        Encoding::Base64 => json!(STANDARD.encode(&*bytes)),
        Encoding::Attachment => {
            let number = call.attach(id.to_owned(), content_type.clone(), bytes.to_vec());
            json!({"$attachment": number})
        }
    };
    Ok(json!({"blob": content, "content_type": content_type, "offset": params.offset, "bytes": length, "size": size}))
}

/// The blob's name, and the image format where it is known.
fn find(store: &Store, id: &str, thumbnail: bool) -> Result<(String, Option<String>), Failure> {
    if is_id(id)
        && let Some(image) = store.get_json::<Image>("images", id)?
    {
        return Ok(if thumbnail { (image.thumbnail, None) } else { (image.blob, Some(image.format)) });
    }
    if thumbnail || !is_id(id) {
        return Err(not_found("image", id).details(json!({"path": "/id", "expected": ["image-1"]})));
    }
    match Import::get(store, id) {
        Ok(import) => Ok((import.blob, None)),
        Err(failure) if failure.code == code::NOT_FOUND => {
            Err(not_found("image or import", id).details(json!({"path": "/id", "expected": ["image-1", "import-1"]})))
        }
        Err(failure) => Err(failure),
    }
}
