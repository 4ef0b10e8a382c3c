//! Commands that a plugin calls, and their replies.

use crate::call::Part;
use crate::commands::to_json;
use crate::export::calls::RawReply;
use crate::{Attachment, Failure, Host, Status, Token};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::time::Duration;

/// A command of any plugin, or of the server, about to be called: from [`Host::outgoing`] or, on behalf of a command,
/// [`Command::outgoing`](crate::Command::outgoing).
#[must_use = "nothing is called before `send`"]
pub struct Outgoing<'a> {
    host: Host,
    parent: Token,
    key: &'a str,
    timeout: Option<Duration>,
    parts: Vec<Part<'a>>,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn new(host: &Host, parent: Token, key: &'a str) -> Self {
        Self { host: host.clone(), parent, key, timeout: None, parts: Vec::new() }
    }

    /// How long it may take; over it the reply is [`Status::Deadline`]. The server's limit for nested calls unless told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Adds an attachment; the first is `{"$attachment": 0}` in the params.
    pub fn attach(
        mut self,
        name: impl Into<Cow<'a, str>>,
        content_type: impl Into<Cow<'a, str>>,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Self {
        self.parts.push(Part { name: name.into(), content_type: content_type.into(), bytes: bytes.into() });
        self
    }

    /// Calls it. `Ok`: `done` is called once, on the control thread, when the reply has come, at the latest before
    /// [`Plugin::stop`](crate::Plugin::stop). An error: `done` is dropped. That is [`Status::Cycle`] where the call would
    /// wait for what it is made for, and [`Status::Stale`] where that is answered already; `plugin.h` lists the others.
    ///
    /// Do not wait for `done` on the control thread, and better on no other: answer through a
    /// [`Pending`](crate::Pending) instead.
    pub fn send(
        self,
        params: &(impl Serialize + ?Sized),
        done: impl FnOnce(&Reply) + Send + 'static,
    ) -> Result<(), Status> {
        let params = to_json(params).map_err(|failure| failure.status)?;
        // 0 is the server's limit; what is shorter than a millisecond is one.
        let timeout_ms =
            self.timeout.map_or(0, |timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1));
        self.host.call_json(self.parent, self.key, &params, &self.parts, timeout_ms, Box::new(done))
    }
}

/// The reply to a call. Borrowed from the server while `done` runs.
pub struct Reply(RawReply);

impl Reply {
    pub(crate) fn new(raw: RawReply) -> Self {
        Self(raw)
    }

    /// `Ok`, or how it failed.
    pub fn status(&self) -> Result<(), Status> {
        self.0.status()
    }

    /// The result as one JSON text; of a failure its details, empty where there are none.
    pub fn json(&self) -> &str {
        self.0.json()
    }

    /// The result as a value, or the failure with its text, number and details, fit to be passed on.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        match self.status() {
            Ok(()) => serde_json::from_str(self.json())
                .map_err(|error| Failure::internal(format!("The reply to a call is not as expected: {error}."))),
            Err(status) => {
                let details = serde_json::from_str(self.json()).ok();
                Err(Failure { status, code: self.0.code(), message: self.0.message().to_owned(), details })
            }
        }
    }

    /// Number of attachments.
    pub fn attachment_count(&self) -> usize {
        self.0.attachment_count()
    }

    /// The attachment with this number, from 0.
    pub fn attachment(&self, index: usize) -> Option<Attachment<'_>> {
        self.0.attachment(index)
    }
}
