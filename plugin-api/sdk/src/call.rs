//! One command, as its handler sees it.

use crate::export::command::RawCommand;
use crate::{Host, Outgoing, Reply, Status};
use serde::Serialize;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Deref;

/// Names one command in flight. Stays harmless after the command is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// Binary data beside the JSON of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// Name given by the client; may be empty.
    pub name: &'a str,
    /// Media type; may be empty.
    pub content_type: &'a str,
    /// The whole data.
    pub bytes: &'a [u8],
}

/// What came with a command. Borrowed: nothing is copied.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    raw: &'a RawCommand,
    host: &'a Host,
}

impl<'a> Command<'a> {
    pub(crate) fn new(raw: &'a RawCommand, host: &'a Host) -> Self {
        Self { raw, host }
    }

    /// Names this command, for [`Plugin::cancel`](crate::Plugin::cancel).
    pub fn token(&self) -> Token {
        self.raw.token()
    }

    /// The key that was called; empty for a catch-all.
    pub fn key(&self) -> &'a str {
        self.raw.key()
    }

    /// The params: one JSON text, well formed, no deeper than the host's limit.
    pub fn params(&self) -> &'a str {
        self.raw.params()
    }

    /// Number of attachments.
    pub fn attachment_count(&self) -> usize {
        self.raw.attachment_count()
    }

    /// The attachment with this number, from 0; `{"$attachment": 0}` in the params refers to it.
    pub fn attachment(&self, index: usize) -> Option<Attachment<'a>> {
        self.raw.attachment(index)
    }

    /// All attachments in order.
    pub fn attachments(&self) -> impl Iterator<Item = Attachment<'a>> + use<'a> {
        let raw = self.raw;
        (0..raw.attachment_count()).filter_map(|index| raw.attachment(index))
    }

    /// The connection it came from; 0: none.
    pub fn session(&self) -> u64 {
        self.raw.session()
    }

    /// Who the caller is; empty: anonymous.
    pub fn principal(&self) -> &'a str {
        self.raw.principal()
    }

    /// The wire format it came in, such as "zeiss".
    pub fn dialect(&self) -> &'a str {
        self.raw.dialect()
    }

    /// W3C trace id in hexadecimal; may be empty.
    pub fn trace_id(&self) -> &'a str {
        self.raw.trace_id()
    }

    /// When it has to be answered, in nanoseconds of the monotonic clock (Linux: `CLOCK_MONOTONIC`); `None`: no limit.
    /// [`is_cancelled`](Self::is_cancelled) tells when it has passed.
    pub fn deadline_ns(&self) -> Option<u64> {
        Some(self.raw.deadline_ns()).filter(|&ns| ns != 0)
    }

    /// Whether the command should be given up: asked for by the caller, past its deadline, or already answered for. Cheap
    /// enough for an inner loop. The answer then is [`Failure::cancelled`](crate::Failure::cancelled), or the result.
    pub fn is_cancelled(&self) -> bool {
        self.host.table().is_cancelled(self.token())
    }

    /// A command to call on behalf of this one: with its session, principal, trace and deadline, and cancelled with it. Not
    /// for inline commands, and not when this one is answered.
    pub fn outgoing<'k>(&self, key: &'k str) -> Outgoing<'k> {
        Outgoing::new(self.host, self.token(), key)
    }

    /// Calls a command on behalf of this one: [`outgoing`](Self::outgoing) without options. The reply that depends on it is
    /// best made by a deferred command, with [`Pending::call`](crate::Pending::call).
    pub fn call(
        &self,
        key: &str,
        params: &(impl Serialize + ?Sized),
        done: impl FnOnce(&Reply) + Send + 'static,
    ) -> Result<(), Status> {
        self.outgoing(key).send(params, done)
    }

    /// Tells how far the command is: `done` of `total` (0: not known) and a short text. The host thins them out.
    pub fn progress(&self, done: u64, total: u64, text: &str) {
        self.host.table().progress(self.token(), done, total, text);
    }
}

/// An attachment of a reply on its way out.
pub(crate) struct Part<'a> {
    pub name: Cow<'a, str>,
    pub content_type: Cow<'a, str>,
    pub bytes: Cow<'a, [u8]>,
}

/// One command that is answered by returning from its handler. All that [`Command`] tells, and the reply's attachments.
pub struct Call<'a> {
    command: Command<'a>,
    parts: RefCell<Vec<Part<'a>>>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(command: Command<'a>) -> Self {
        Self { command, parts: RefCell::new(Vec::new()) }
    }

    /// Adds an attachment to the reply and gives its number, from 0, for `{"$attachment": N}` in the result. `bytes` may
    /// be borrowed from the command, or a `Vec<u8>` that then passes to the host without a copy. Sent only with a success.
    pub fn attach(
        &self,
        name: impl Into<Cow<'a, str>>,
        content_type: impl Into<Cow<'a, str>>,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> usize {
        let mut parts = self.parts.borrow_mut();
        parts.push(Part { name: name.into(), content_type: content_type.into(), bytes: bytes.into() });
        parts.len() - 1
    }

    pub(crate) fn into_parts(self) -> Vec<Part<'a>> {
        let parts = self.parts.into_inner();
        // A new one: a move of the one that was made just now stalls the processor.
        if parts.is_empty() { Vec::new() } else { parts }
    }
}

impl<'a> Deref for Call<'a> {
    type Target = Command<'a>;

    fn deref(&self) -> &Self::Target {
        &self.command
    }
}
