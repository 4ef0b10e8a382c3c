//! The configuration of an engine inside a host application: only what that says, nothing that is looked up.

use super::layers::{Layers, Origin};
use super::{Config, ConfigError, file};
use std::path::{Path, PathBuf};
use toml::Value;

/// One thing that a host application says of its configuration.
#[derive(Clone, Debug)]
pub enum Piece {
    /// TOML. Relative paths are relative to the current folder.
    Text(String),
    /// A file of TOML, as it was read. Relative paths in it are relative to its folder.
    File {
        /// Where it is.
        path: PathBuf,
        /// What it says.
        text: String,
    },
    /// One value, by its dotted key.
    Value {
        /// Such as `limits.nesting`.
        key: String,
        /// As in an environment variable: TOML, or a bare string.
        value: String,
    },
}

impl Piece {
    /// Reads a file.
    pub fn file(path: PathBuf) -> Result<Self, ConfigError> {
        Ok(Self::File { text: file::text(&path)?, path })
    }
}

impl Config {
    /// Puts pieces on each other, later ones over earlier ones. Neither environment nor files are looked up; listeners are
    /// those that are named, and there may be none. `data` is where the data is where nobody says so.
    pub fn of_pieces(pieces: &[Piece], data: &Path) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        layers.set(vec!["listen".to_owned()], Value::Array(Vec::new()), Origin::Default);
        layers.set(vec!["http".to_owned(), "quit".to_owned()], "never".into(), Origin::Default);
        let text = data.to_str().ok_or_else(|| {
            ConfigError::invalid("configuration", format!("the path {} is not UTF-8", data.display()))
        })?;
        layers.set(vec!["data".to_owned()], text.into(), Origin::Default);
        let mut texts = 0;
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    texts += 1;
                    file::read_text(&mut layers, text, texts)?;
                }
                Piece::File { path, text } => file::read_file_text(&mut layers, text, path)?,
                Piece::Value { key, value } => {
                    let path = key.split('.').map(str::to_owned).collect();
                    layers.said(path, value, Origin::Value(key.clone()))?;
                }
            }
        }
        let (mut config, origins) = layers.merge()?;
        config.origins = origins;
        Ok(config)
    }
}
