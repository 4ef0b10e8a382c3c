//! What the server offers to a plugin.

use crate::Store;
use crate::export::host::HostTable;
use jackfield_plugin_api as abi;
use std::fmt;
use std::sync::Arc;

/// How urgent a line in the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the author of the plugin.
    Debug,
    /// For the operator, normal.
    Info,
    /// For the operator, something is odd and was handled.
    Warn,
    /// For the operator, something was not done.
    Error,
}

impl Level {
    pub(crate) const fn raw(self) -> i32 {
        match self {
            Self::Debug => abi::JF_LOG_DEBUG,
            Self::Info => abi::JF_LOG_INFO,
            Self::Warn => abi::JF_LOG_WARN,
            Self::Error => abi::JF_LOG_ERROR,
        }
    }
}

/// The server, as a plugin reaches it. Cheap to clone; usable on any thread.
#[derive(Clone)]
pub struct Host(Arc<HostTable>);

impl Host {
    pub(crate) fn new(table: HostTable) -> Self {
        Self(Arc::new(table))
    }

    pub(crate) fn table(&self) -> &HostTable {
        &self.0
    }

    /// Writes a line into the server's log; the plugin's name is added there.
    pub fn log(&self, level: Level, text: impl fmt::Display) {
        self.0.log(level, &text.to_string());
    }

    /// Logs for the author.
    pub fn debug(&self, text: impl fmt::Display) {
        self.log(Level::Debug, text);
    }

    /// Logs what is normal.
    pub fn info(&self, text: impl fmt::Display) {
        self.log(Level::Info, text);
    }

    /// Logs what is odd.
    pub fn warn(&self, text: impl fmt::Display) {
        self.log(Level::Warn, text);
    }

    /// Logs what was not done.
    pub fn error(&self, text: impl fmt::Display) {
        self.log(Level::Error, text);
    }

    /// The durable documents and blobs (`jackfield.store/1`); `None` where the server has no store.
    pub fn store(&self) -> Option<Store> {
        Store::of(self)
    }
}
