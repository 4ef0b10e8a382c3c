//! The configuration: defaults, below the file, below the environment, below the flags. Every value knows where it is from.
//!
//! Nothing here reads the process environment on its own: [`World`] is handed in.

mod embedded;
mod error;
mod file;
mod layers;
mod lookup;
mod ranges;
mod report;
#[cfg(test)]
mod tests;

pub use embedded::Piece;
pub use error::ConfigError;
pub use layers::Origin;
pub use lookup::World;
pub use report::{changes, report, report_json};

use crate::transport::DEFAULT_LISTENERS;
use jackfield_engine::Limits;
use layers::Layers;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The effective configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Listener URLs, as written: the transport reads them.
    pub listen: Vec<String>,
    /// The data folder.
    pub data: PathBuf,
    /// Where plugins are looked for.
    pub plugins: Plugins,
    /// Settings of single plugins, by id.
    pub plugin: BTreeMap<String, Plugin>,
    /// HTTP on the ws ports.
    pub http: Http,
    /// Every limit.
    pub limits: Limits,
    /// The log.
    pub log: Log,
    #[serde(skip)]
    origins: BTreeMap<Vec<String>, Origin>,
    #[serde(skip)]
    sources: Sources,
    #[serde(skip)]
    file: Option<PathBuf>,
}

/// Where plugins are looked for, and how changes are noticed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// Plugin folders; the first is first where two files claim one key or id.
    pub folders: Vec<PathBuf>,
    /// How changes in the folders are noticed.
    pub watch: Watch,
    /// How long a changed file must rest before it is looked at, in milliseconds.
    pub settle_ms: u64,
    /// Candidates are loaded in a process of their own first.
    pub probe: bool,
    /// Most generations of one plugin that serve at once.
    pub live_generations: usize,
}

/// How changes in plugin folders are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// The system tells; a slow poll beside it.
    Native,
    /// By polling alone.
    Poll,
    /// Only on command.
    Off,
}

/// Settings of one plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugin {
    /// Not to be loaded.
    pub disabled: bool,
    /// Worker threads for its CONCURRENT commands.
    pub threads: usize,
    /// Whether a new version that panics at once is replaced by the last good one.
    pub rollback: bool,
    /// Whether params are held against its schemas before it gets them.
    pub schema_check: bool,
    /// Deadlines of its commands: key to seconds.
    pub deadline_s: BTreeMap<String, f64>,
    /// Handed to the plugin as JSON. Dates become strings.
    #[serde(deserialize_with = "toml_as_json")]
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// HTTP on the ws ports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Origins that browsers may connect from, beside the exact own one: `https://HOST[:PORT]`.
    pub origins: Vec<String>,
    /// Who may stop the server by `quit`.
    pub quit: Quit,
}

/// Who may stop the server by `quit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quit {
    /// Clients on the same machine.
    Loopback,
    /// Nobody: it is an unknown request.
    Never,
}

/// The log, on stderr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What is told.
    pub level: Level,
    /// How it is written.
    pub format: Format,
}

/// The least important log lines that are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the command line says; what is empty says nothing.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--listen`
    pub listen: Vec<String>,
    /// `--plugins`
    pub plugins: Vec<PathBuf>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--log`
    pub log: Option<Format>,
    /// `-v` or `-q`, and the level that it stands for.
    pub level: Option<(&'static str, Level)>,
}

/// Everything that a configuration is made from, but for the content of the file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The command line.
    pub flags: Flags,
    /// The environment and the places of this process.
    pub world: World,
}

impl Config {
    /// Looks up the file, reads it, and puts the layers on each other.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let file = lookup::config_file(&sources.flags, &sources.world)?;
        let mut layers = Layers::default();
        layers.defaults(&sources.world)?;
        if let Some(path) = &file {
            file::read(&mut layers, path)?;
        }
        layers.variables(&sources.world)?;
        layers.flags(&sources.flags)?;
        let (mut config, origins) = layers.merge()?;
        (config.origins, config.sources, config.file) = (origins, sources, file);
        Ok(config)
    }

    /// Reads the same sources again: the file may have changed, or another one be first now.
    pub fn reload(&self) -> Result<Self, ConfigError> {
        Self::load(self.sources.clone())
    }

    /// The file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where a value is from. `key` as in the file: `["limits", "nesting"]`.
    pub fn origin(&self, key: &[&str]) -> &Origin {
        self.origins.iter().find(|(path, _)| path.iter().eq(key)).map_or(&Origin::Default, |(_, origin)| origin)
    }

    /// Nobody has named listeners: a loopback address that this machine does not have is then no error.
    pub fn listen_is_default(&self) -> bool {
        *self.origin(&["listen"]) == Origin::Default
    }

    /// Settings of a plugin; the defaults where it has none.
    pub fn plugin(&self, id: &str) -> Plugin {
        self.plugin.get(id).cloned().unwrap_or_default()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTENERS.map(str::to_owned).to_vec(),
            data: PathBuf::from("jackfield-data"),
            plugins: Plugins::default(),
            plugin: BTreeMap::new(),
            http: Http::default(),
            limits: Limits::default(),
            log: Log::default(),
            origins: BTreeMap::new(),
            sources: Sources::default(),
            file: None,
        }
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self { folders: Vec::new(), watch: Watch::Native, settle_ms: 60, probe: true, live_generations: 3 }
    }
}

impl Default for Plugin {
    fn default() -> Self {
        Self {
            disabled: false,
            threads: 4,
            rollback: true,
            schema_check: true,
            deadline_s: BTreeMap::new(),
            config: serde_json::Map::new(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { origins: Vec::new(), quit: Quit::Loopback }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, format: Format::Text }
    }
}

fn toml_as_json<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<serde_json::Map<String, serde_json::Value>, D::Error> {
    toml::Table::deserialize(deserializer)?
        .into_iter()
        .map(|(key, value)| Ok((key, json(value).map_err(serde::de::Error::custom)?)))
        .collect()
}

fn json(value: toml::Value) -> Result<serde_json::Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .ok_or_else(|| format!("{number} cannot be told to a plugin: JSON has finite numbers only"))?
            .into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        toml::Value::Table(table) => serde_json::Value::Object(
            table.into_iter().map(|(key, value)| Ok((key, json(value)?))).collect::<Result<_, String>>()?,
        ),
    })
}
