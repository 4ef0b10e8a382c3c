//! Every effective value with its origin, for `config check`.

use super::layers::{Path, dotted, leaves};
use super::{Config, ConfigError, Origin};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use toml::Value;

/// As TOML, the origins as comments.
pub fn report(config: &Config) -> Result<String, ConfigError> {
    let file = config.file().map_or("none found".to_owned(), |file| file.display().to_string());
    let mut text = format!("# config file: {file}\n");
    for (path, value, origin) in values(config)? {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{} = {value}  # {origin}", dotted(&path));
    }
    Ok(text)
}

/// As one JSON value: `{"file": PATH or null, "values": [{"key", "value", "origin"}]}`.
pub fn report_json(config: &Config) -> Result<serde_json::Value, ConfigError> {
    let values = values(config)?.into_iter().map(|(path, value, origin)| {
        serde_json::json!({ "key": dotted(&path), "value": value, "origin": origin.to_string() })
    });
    Ok(serde_json::json!({ "file": config.file(), "values": values.collect::<Vec<_>>() }))
}

/// The keys whose values differ, as the file spells them, in order.
pub fn changes(old: &Config, new: &Config) -> Result<Vec<String>, ConfigError> {
    let values = |config: &Config, other: &Config| {
        // A plugin that only the other speaks of has the default settings.
        let mut config = config.clone();
        for id in other.plugin.keys() {
            config.plugin.entry(id.clone()).or_default();
        }
        Ok::<BTreeMap<Path, Value>, ConfigError>(leaves(&config)?.into_iter().collect())
    };
    let (old, new) = (values(old, new)?, values(new, old)?);
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)).collect();
    Ok(keys.into_iter().map(|key| dotted(key)).collect())
}

fn values(config: &Config) -> Result<Vec<(Path, Value, &Origin)>, ConfigError> {
    let with_origin = |(path, value): (Path, Value)| {
        let origin = config.origins.get(&path).unwrap_or(&Origin::Default);
        (path, value, origin)
    };
    Ok(leaves(config)?.into_iter().map(with_origin).collect())
}
