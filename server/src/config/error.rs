use std::io;
use std::path::PathBuf;

/// Why there is no configuration: always the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config file {}{}: {source}", path.display(), named_by.as_ref()
        .map(|name| format!(" (named by {name})")).unwrap_or_default())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The flag or variable that names it; none where it was found.
        named_by: Option<&'static str>,
        /// The system's reason.
        source: io::Error,
    },
    /// A text that is no TOML, an unknown name, or a value that is not valid.
    #[error("{place}: {why}")]
    Invalid {
        /// The file (and line), variable or flag.
        place: String,
        /// What is wrong, and what would be valid.
        why: String,
    },
}

impl ConfigError {
    pub(super) fn invalid(place: impl ToString, why: impl ToString) -> Self {
        Self::Invalid { place: place.to_string(), why: why.to_string().trim_end().to_owned() }
    }
}
