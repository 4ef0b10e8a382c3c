//! What the server offers to a plugin.

use crate::commands::to_json;
use crate::export::host::HostTable;
use crate::{Outgoing, Reply, Status, Store, Token};
use jackfield_plugin_api as abi;
use serde::Serialize;
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

    /// Publishes `data` on `topic` (parts joined by dots, not beginning with `jackfield.`). Never blocks; from the beginning of
    /// [`Plugin::start`](crate::Plugin::start) until [`Plugin::stop`](crate::Plugin::stop), also from inline commands. `Ok`
    /// also where nobody listens; [`Status::Invalid`] for a bad topic, [`Status::TooLarge`] for more than a subscriber may
    /// have waiting.
    pub fn publish(&self, topic: &str, data: &(impl Serialize + ?Sized)) -> Result<(), Status> {
        let data = to_json(data).map_err(|failure| failure.status)?;
        self.publish_json(topic, &data)
    }

    /// A command to call that is made on behalf of no other; see [`Command::outgoing`](crate::Command::outgoing).
    pub fn outgoing<'a>(&self, key: &'a str) -> Outgoing<'a> {
        Outgoing::new(self, Token(0), key)
    }

    /// Calls a command on behalf of no other: [`outgoing`](Self::outgoing) without options.
    pub fn call(
        &self,
        key: &str,
        params: &(impl Serialize + ?Sized),
        done: impl FnOnce(&Reply) + Send + 'static,
    ) -> Result<(), Status> {
        self.outgoing(key).send(params, done)
    }

    /// The durable documents and blobs (`jackfield.store/1`); `None` where the server has no store.
    pub fn store(&self) -> Option<Store> {
        Store::of(self)
    }
}
