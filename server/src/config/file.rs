//! The file's layer: TOML, with the line of every value.

use super::layers::{Layers, Origin, Path};
use super::{Config, ConfigError};
use std::fs;
use std::io::{self, Read};
use std::path::{self, PathBuf};
use toml::Value;
use toml::de::{DeTable, DeValue};

/// What is longer is no configuration: a device, or a file taken for another.
const MOST_BYTES: u64 = 1 << 20;

/// Reads the file into `layers`. Relative paths in it are relative to its folder.
pub(super) fn read(layers: &mut Layers, file: &path::Path) -> Result<(), ConfigError> {
    read_file_text(layers, &text(file)?, file)
}

/// The text of a file.
pub(super) fn text(file: &path::Path) -> Result<String, ConfigError> {
    let mut text = String::new();
    fs::File::open(file)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .and_then(|length| match length as u64 > MOST_BYTES {
            true => Err(io::Error::other(format!("it is longer than {MOST_BYTES} bytes"))),
            false => Ok(text),
        })
        .map_err(|source| ConfigError::Read { path: file.to_owned(), named_by: None, source })
}

/// Reads a text that was in a file.
pub(super) fn read_file_text(layers: &mut Layers, text: &str, file: &path::Path) -> Result<(), ConfigError> {
    let origin = |line| Origin::File { path: file.to_owned(), line };
    for (path, mut value, origin) in values(text, file.display(), &origin)? {
        if let ["data"] | ["plugins", "folders"] = &*path.iter().map(String::as_str).collect::<Vec<_>>() {
            resolve(&mut value, file);
        }
        layers.set(path, value, origin);
    }
    Ok(())
}

/// Reads a text that is in no file.
pub(super) fn read_text(layers: &mut Layers, text: &str, number: usize) -> Result<(), ConfigError> {
    for (path, value, origin) in values(text, "configuration text", &|line| Origin::Text { number, line })? {
        layers.set(path, value, origin);
    }
    Ok(())
}

/// All values of a text; `place` names it, `origin` a line of it.
fn values(
    text: &str,
    place: impl ToString,
    origin: &dyn Fn(usize) -> Origin,
) -> Result<Vec<(Path, Value, Origin)>, ConfigError> {
    let wrong = |why: toml::de::Error| ConfigError::invalid(place.to_string(), why);
    let spans = DeTable::parse(text).map_err(wrong)?;
    let table: toml::Table = toml::from_str(text).map_err(wrong)?;
    let mut values = Vec::new();
    flatten(&mut values, &mut Vec::new(), table, spans.get_ref(), text, origin);
    // Ranges before types: they say what is valid.
    for (path, value, origin) in &values {
        super::ranges::check(path, value).map_err(|why| ConfigError::invalid(origin, why))?;
    }
    toml::from_str::<Config>(text).map_err(wrong)?;
    Ok(values)
}

/// All values of `table` with their places; `spans` is the same table.
fn flatten(
    into: &mut Vec<(Path, Value, Origin)>,
    path: &mut Path,
    table: toml::Table,
    spans: &DeTable<'_>,
    text: &str,
    origin: &dyn Fn(usize) -> Origin,
) {
    for ((key, value), (span_key, span)) in table.into_iter().zip(spans) {
        path.push(key);
        match (value, span.get_ref()) {
            (Value::Table(table), DeValue::Table(spans)) if !table.is_empty() => {
                flatten(into, path, table, spans, text, origin);
            }
            (value, _) => {
                let line = 1 + text.as_bytes()[..span_key.span().start].iter().filter(|&&byte| byte == b'\n').count();
                into.push((path.clone(), value, origin(line)));
            }
        }
        path.pop();
    }
}

fn resolve(value: &mut Value, file: &path::Path) {
    match value {
        Value::String(path) => {
            let resolved: PathBuf = file.parent().unwrap_or(path::Path::new("")).join(&*path);
            // The file's own folder may have a name that TOML cannot hold: then the path stays as it is written.
            if let Some(resolved) = resolved.to_str() {
                *path = resolved.to_owned();
            }
        }
        Value::Array(paths) => paths.iter_mut().for_each(|path| resolve(path, file)),
        _ => {}
    }
}
