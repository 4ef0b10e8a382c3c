//! Why a command failed, as its caller is told.

use crate::{Status, StoreError};
use serde_json::Value;
use std::fmt;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Which kind.
    pub status: Status,
    /// The plugin's own error number, passed on to the caller; 0: none.
    pub code: i64,
    /// For people: what, where, which value, what would be valid. Plain clients get "Error: " and this text.
    pub message: String,
    /// For programs.
    pub details: Option<Value>,
}

impl Failure {
    /// A failure without code and details.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, code: 0, message: message.into(), details: None }
    }

    /// The command could not be done. The usual choice.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Status::Failed, message)
    }

    /// The caller's params do not fit.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(Status::InvalidParams, message)
    }

    /// What the caller names does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Status::NotFound, message)
    }

    /// Larger than a limit.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Status::TooLarge, message)
    }

    /// A device, disk or connection is not there now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Status::Unavailable, message)
    }

    /// The plugin's own fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Status::Internal, message)
    }

    /// Given up, because [`is_cancelled`](crate::Command::is_cancelled) said so.
    pub fn cancelled() -> Self {
        Self::new(Status::Cancelled, "cancelled")
    }

    /// Adds the plugin's own error number.
    #[must_use]
    pub fn code(mut self, code: i64) -> Self {
        self.code = code;
        self
    }

    /// Adds details for programs.
    #[must_use]
    pub fn details(mut self, details: impl Into<Value>) -> Self {
        self.details = Some(details.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.status, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    /// What is not there, too large or unavailable keeps its kind; every other way is the plugin's fault.
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::NotFound(_) => Status::NotFound,
            StoreError::TooLarge(_) => Status::TooLarge,
            StoreError::Unavailable(_) => Status::Unavailable,
            _ => Status::Internal,
        };
        Self::new(status, error.to_string())
    }
}
