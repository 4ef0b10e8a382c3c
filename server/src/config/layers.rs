//! The layers: each a list of values with their places, later ones over earlier ones.

use super::lookup::{self, World};
use super::{Config, ConfigError, Flags, Format, ranges};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{self, PathBuf};
use toml::{Table, Value};

/// What all environment variables of the configuration begin with.
const PREFIX: &str = "JACKFIELD_";

/// Keys from the outermost table on.
pub(super) type Path = Vec<String>;

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody has said otherwise.
    Default,
    /// The config file.
    File {
        /// Its path.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// An environment variable, by its name.
    Variable(String),
    /// A flag, as it is written.
    Flag(&'static str),
    /// A text that a host application gave, by its number from 1.
    Text {
        /// Which one.
        number: usize,
        /// The line of the key, from 1.
        line: usize,
    },
    /// A single value that a host application gave, by its key.
    Value(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { path, line } => write!(out, "{}:{line}", path.display()),
            Self::Variable(name) => write!(out, "${name}"),
            Self::Flag(flag) => out.write_str(flag),
            Self::Text { number: 1, line } => write!(out, "configuration text:{line}"),
            Self::Text { number, line } => write!(out, "configuration text {number}:{line}"),
            Self::Value(key) => write!(out, "value of {key}"),
        }
    }
}

/// All values that were said, each in the word of the highest layer.
#[derive(Default)]
pub(super) struct Layers {
    values: BTreeMap<Path, (Value, Origin)>,
}

impl Layers {
    /// Sets a value that is no table, or an empty one. What lies at, above or below its path gives way.
    pub fn set(&mut self, path: Path, value: Value, origin: Origin) {
        let adds_nothing = value.is_table() && self.values.keys().any(|other| other.starts_with(&path));
        if !adds_nothing {
            self.values.retain(|other, _| !other.starts_with(&path) && !path.starts_with(other));
            self.values.insert(path, (value, origin));
        }
    }

    fn set_all(&mut self, path: Path, value: Value, origin: &Origin) {
        match value {
            Value::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    let mut path = path.clone();
                    path.push(key);
                    self.set_all(path, value, origin);
                }
            }
            value => self.set(path, value, origin.clone()),
        }
    }

    /// Defaults that depend on where the program runs.
    pub fn defaults(&mut self, world: &World) -> Result<(), ConfigError> {
        let data = utf8(&world.current_dir.join("jackfield-data"), &Origin::Default)?;
        self.set(vec!["data".to_owned()], data, Origin::Default);
        if let Some(folder) = lookup::plugin_folder(world) {
            let folders = Value::Array(vec![utf8(&folder, &Origin::Default)?]);
            self.set(vec!["plugins".to_owned(), "folders".to_owned()], folders, Origin::Default);
        }
        Ok(())
    }

    /// `JACKFIELD_LIMITS__NESTING=64`: `__` separates the keys, which are lower case.
    pub fn variables(&mut self, world: &World) -> Result<(), ConfigError> {
        for (name, value) in &world.variables {
            let Some(key) = name.strip_prefix(PREFIX).filter(|_| name != lookup::CONFIG_VARIABLE) else { continue };
            let origin = Origin::Variable(name.clone());
            let text = value.to_str().ok_or_else(|| ConfigError::invalid(&origin, "is not UTF-8"))?;
            self.said(key.split("__").map(str::to_lowercase).collect(), text, origin)?;
        }
        Ok(())
    }

    /// One value as people write it: TOML; what is none, or does not fit as such, is a string; where a list is wanted,
    /// strings separated by commas.
    pub fn said(&mut self, path: Path, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let list = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let readings = [
            toml_value(text),
            Some(Value::String(text.to_owned())),
            Some(Value::Array(list.map(|part| Value::String(part.to_owned())).collect())),
        ];
        let mut errors = Vec::new();
        let value = readings.into_iter().flatten().find(|value| match fits(&path, value) {
            Ok(()) => true,
            Err(why) => {
                errors.push(why);
                false
            }
        });
        let Some(value) = value else {
            // Where a list is wanted, in serde's words, only what is wrong with one says anything.
            let wants_list = errors.iter().any(|why| why.ends_with("expected a sequence"));
            let why = if wants_list { errors.pop() } else { errors.into_iter().next() };
            return Err(ConfigError::invalid(&origin, why.unwrap_or_default()));
        };
        self.set_all(path, value, &origin);
        Ok(())
    }

    /// The command line.
    pub fn flags(&mut self, flags: &Flags) -> Result<(), ConfigError> {
        let mut set = |path: &[&str], flag, value: Value| {
            let (path, origin): (Path, _) = (path.iter().map(|&key| key.to_owned()).collect(), Origin::Flag(flag));
            fits(&path, &value).map_err(|why| ConfigError::invalid(&origin, why))?;
            self.set(path, value, origin);
            Ok::<_, ConfigError>(())
        };
        if !flags.listen.is_empty() {
            set(&["listen"], "--listen", flags.listen.clone().into())?;
        }
        if let Some(data) = &flags.data {
            set(&["data"], "--data", utf8(data, &Origin::Flag("--data"))?)?;
        }
        if !flags.plugins.is_empty() {
            let folders = flags.plugins.iter().map(|folder| utf8(folder, &Origin::Flag("--plugins")));
            set(&["plugins", "folders"], "--plugins", Value::Array(folders.collect::<Result<_, _>>()?))?;
        }
        if let Some(format) = flags.log {
            let format = if format == Format::Json { "json" } else { "text" };
            set(&["log", "format"], "--log", format.into())?;
        }
        if let Some((flag, level)) = flags.level {
            set(&["log", "level"], flag, format!("{level:?}").to_lowercase().into())?;
        }
        Ok(())
    }

    /// The configuration, and where each value is from.
    pub fn merge(self) -> Result<(Config, BTreeMap<Path, Origin>), ConfigError> {
        let (mut table, mut origins) = (Table::new(), BTreeMap::new());
        for (path, (value, origin)) in self.values {
            insert(&mut table, &path, value);
            origins.insert(path, origin);
        }
        let config = table.try_into().map_err(|why: toml::de::Error| ConfigError::invalid("configuration", why))?;
        Ok((config, origins))
    }
}

/// Whether the value is valid at its place, said alone.
fn fits(path: &Path, value: &Value) -> Result<(), String> {
    check_all(path, value)?;
    let mut table = Table::new();
    insert(&mut table, path, value.clone());
    table.try_into::<Config>().map(drop).map_err(|why| why.message().to_owned())
}

fn check_all(path: &Path, value: &Value) -> Result<(), String> {
    if let Value::Table(table) = value {
        return table.iter().try_for_each(|(key, value)| {
            let mut path = path.clone();
            path.push(key.clone());
            check_all(&path, value)
        });
    }
    ranges::check(path, value)
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => drop(table.insert(key.clone(), value)),
        [key, rest @ ..] => {
            let inner = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn toml_value(text: &str) -> Option<Value> {
    text.parse().ok()
}

fn utf8(path: &path::Path, origin: &Origin) -> Result<Value, ConfigError> {
    let wrong = || ConfigError::invalid(origin, format!("the path {} is not UTF-8", path.display()));
    path.to_str().map(|path| Value::String(path.to_owned())).ok_or_else(wrong)
}

/// A path as TOML writes it.
pub(super) fn dotted(path: &[String]) -> String {
    let bare = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let part = |key: &String| if bare(key) { key.clone() } else { Value::String(key.clone()).to_string() };
    path.iter().map(part).collect::<Vec<_>>().join(".")
}

/// All values of the configuration as TOML, each with its path.
pub(super) fn leaves(config: &impl Serialize) -> Result<Vec<(Path, Value)>, ConfigError> {
    let table = Table::try_from(config).map_err(|why| ConfigError::invalid("configuration", why))?;
    let mut layers = Layers::default();
    layers.set_all(Vec::new(), Value::Table(table), &Origin::Default);
    Ok(layers.values.into_iter().map(|(path, (value, _))| (path, value)).filter(|(_, v)| !v.is_table()).collect())
}
