//! EXIF: what the camera wrote into the file.

use exif::{Error, Exif, In, Reader, Tag, Value};
use serde::Serialize;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest text that is kept, in characters.
const MAX_TEXT: usize = 200;

/// The EXIF fields that are kept; what the file does not have is left out.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// When it was taken: `YYYY:MM:DD hh:mm:ss`, in the camera's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// 1 to 8; 1 is upright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<u32>,
    /// In mm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal_length: Option<f64>,
    /// For a 35 mm film with the same angle of view, in mm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal_length_35mm: Option<u32>,
    /// In s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f_number: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iso: Option<u32>,
}

/// The metadata of an image file. An error is a text for people; having none is no error.
pub fn read(bytes: &[u8]) -> Result<Metadata, String> {
    // As with decoders: not ours, and it must not take the plugin down.
    let read = catch_unwind(AssertUnwindSafe(|| Reader::new().read_from_container(&mut Cursor::new(bytes))));
    match read {
        Ok(Ok(exif)) => Ok(Metadata::of(&exif)),
        Ok(Err(Error::NotFound(_) | Error::BlankValue(_))) => Ok(Metadata::default()),
        // BMP has none.
        Ok(Err(Error::InvalidFormat("Unknown image format"))) => Ok(Metadata::default()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its reader failed".into()),
    }
}

impl Metadata {
    fn of(exif: &Exif) -> Self {
        let value = |tag: Tag| exif.get_field(tag, In::PRIMARY).map(|field| &field.value);
        let text = |tag| value(tag).and_then(text);
        let number = |tag| value(tag).and_then(number);
        let whole = |tag| value(tag).and_then(|value| value.get_uint(0));
        Self {
            make: text(Tag::Make),
            model: text(Tag::Model),
            lens: text(Tag::LensModel),
            date: text(Tag::DateTimeOriginal).or_else(|| text(Tag::DateTime)),
            orientation: whole(Tag::Orientation),
            focal_length: number(Tag::FocalLength),
            focal_length_35mm: whole(Tag::FocalLengthIn35mmFilm),
            exposure_time: number(Tag::ExposureTime),
            f_number: number(Tag::FNumber),
            iso: whole(Tag::PhotographicSensitivity),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    let Value::Ascii(lines) = value else { return None };
    let text: String = String::from_utf8_lossy(lines.first()?).trim().chars().take(MAX_TEXT).collect();
    Some(text).filter(|text| !text.is_empty())
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Rational(numbers) => numbers.first()?.to_f64(),
        Value::Float(numbers) => f64::from(*numbers.first()?),
        Value::Double(numbers) => *numbers.first()?,
        _ => return None,
    };
    // A denominator of 0 is how cameras say that they do not know.
    Some(number).filter(|number| number.is_finite())
}
