//! A command that is answered later.

use crate::call::Part;
use crate::commands::to_json;
use crate::export::command::RawCommand;
use crate::{Command, Failure, Host, Status, Token};
use serde::Serialize;
use std::borrow::Cow;

/// A command that is answered later, from any thread. Dropped without an answer it answers
/// [`Status::Cancelled`]; dropped by a panic, [`Status::Panic`].
#[must_use = "dropping it answers the command with CANCELLED"]
pub struct Pending {
    raw: RawCommand,
    host: Host,
    parts: Vec<Part<'static>>,
    answered: bool,
}

impl Pending {
    pub(crate) fn new(raw: RawCommand, host: Host) -> Self {
        Self { raw, host, parts: Vec::new(), answered: false }
    }

    /// What came with the command; it stays valid until the answer.
    pub fn command(&self) -> Command<'_> {
        Command::new(&self.raw, &self.host)
    }

    /// Names this command, for [`Plugin::cancel`](crate::Plugin::cancel).
    pub fn token(&self) -> Token {
        self.raw.token()
    }

    /// Adds an attachment to the reply and gives its number, from 0. Sent only with a success.
    pub fn attach(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        content_type: impl Into<Cow<'static, str>>,
        bytes: impl Into<Cow<'static, [u8]>>,
    ) -> usize {
        self.parts.push(Part { name: name.into(), content_type: content_type.into(), bytes: bytes.into() });
        self.parts.len() - 1
    }

    /// Answers the command.
    pub fn reply<R: Serialize>(mut self, result: Result<R, Failure>) {
        let json = result.and_then(|result| to_json(&result)).map(Cow::Owned);
        self.answer(json);
    }

    fn answer(&mut self, json: Result<Cow<'_, str>, Failure>) {
        self.answered = true;
        self.host.table().answer(self.raw.token(), json, std::mem::take(&mut self.parts));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let key = self.raw.key();
        let failure = if std::thread::panicking() {
            Failure::new(Status::Panic, format!("A panic left '{key}' unanswered."))
        } else {
            Failure::new(Status::Cancelled, format!("The plugin gave up '{key}' without an answer."))
        };
        self.answer(Err(failure));
    }
}
