//! How a value that does not fit is told.

use super::Schema;
use jackfield_message::Misfit;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Value, json};
use std::io::{self, Write};

/// A value or rule is told whole up to this many bytes of JSON.
const TOLD_BYTES: usize = 256;

impl Schema {
    /// What one fault comes to: for each name that is missing or too many, one of its own.
    pub(super) fn misfits(&self, error: &ValidationError<'_>) -> Vec<Misfit> {
        let at = error.instance_path().as_str();
        match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                vec![Misfit { path: below(at, name), expected: "a value: it is required".into(), value: None }]
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let expected = self.names(error);
                let misfit = |name: &String| Misfit {
                    path: below(at, name),
                    expected: expected.clone(),
                    value: error.instance().get(name).map(cut),
                };
                unexpected.iter().take(super::TOLD).map(misfit).collect()
            }
            _ => vec![Misfit { path: at.to_owned(), expected: self.rule(error), value: Some(cut(error.instance())) }],
        }
    }

    /// The rule that was broken, as the schema has it.
    fn rule(&self, error: &ValidationError<'_>) -> Value {
        let place = error.schema_path().as_str();
        let keyword = place.rsplit('/').next().unwrap_or_default();
        match self.text.pointer(place) {
            Some(Value::Bool(false)) => "nothing: no value is valid here".into(),
            Some(rule) if is_short(rule) => json!({ keyword: rule }),
            _ => format!("what the schema says under {place}").into(),
        }
    }

    /// What may stand where a name is too many.
    fn names(&self, error: &ValidationError<'_>) -> Value {
        let beside = error.schema_path().as_str().rsplit_once('/').map_or("", |(beside, _)| beside);
        let known = self.text.pointer(beside).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let names: Vec<_> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let words = format!("one of the names {}", names.join(", "));
        if names.is_empty() || words.len() > TOLD_BYTES { "no such name".into() } else { words.into() }
    }
}

/// For people.
pub(super) fn sentence(misfit: &Misfit, key: &str) -> String {
    let Misfit { path, expected, value } = misfit;
    let what = match path.strip_prefix('/') {
        None => format!("The params of '{key}' are"),
        Some(_) => format!("Parameter '{path}' of '{key}' is"),
    };
    let Some(value) = value else {
        let name = path.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        return match path.matches('/').count() {
            1 => format!("Missing parameter '{name}' in '{key}' request."),
            _ => format!("{what} missing."),
        };
    };
    let expected = match expected {
        Value::String(words) => words.clone(),
        rule => rule.to_string(),
    };
    format!("{what} {value}, expected {expected}.")
}

fn below(path: &str, name: &str) -> String {
    let name = &name[..name.floor_char_boundary(TOLD_BYTES)];
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The value, or the beginning of its text where that is long.
pub(super) fn cut(value: &Value) -> Value {
    let mut room = Room(Vec::new());
    if serde_json::to_writer(&mut room, value).is_ok() {
        return value.clone();
    }
    let beginning = match value {
        Value::String(text) => &text[..text.floor_char_boundary(TOLD_BYTES)],
        _ => &String::from_utf8_lossy(&room.0),
    };
    format!("{}...", beginning.trim_end_matches('\u{FFFD}')).into()
}

fn is_short(value: &Value) -> bool {
    serde_json::to_writer(Room(Vec::new()), value).is_ok()
}

/// Takes so much and no more, so that a long value is not written out to be cut.
struct Room(Vec<u8>);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match bytes.len().min(TOLD_BYTES - self.0.len()) {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            taken => {
                self.0.extend_from_slice(&bytes[..taken]);
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
