//! The parts list: the only place that wires the parts of a server together.

use crate::config::Config;
use crate::store::{OpenError, SqliteStore};
use std::process::ExitCode;

/// Why a server could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data folder.
    #[error(transparent)]
    Store(#[from] OpenError),
}

impl AppError {
    /// 1: failed.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::FAILURE
    }
}

/// Runs a server to its end.
pub fn run(config: Config) -> Result<ExitCode, AppError> {
    let store = SqliteStore::open(&config.data)?;
    tracing::info!(data = %store.folder().display(), "opened the store");
    Ok(ExitCode::SUCCESS)
}
