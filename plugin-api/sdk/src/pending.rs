//! A command that is answered later.

use crate::call::Part;
use crate::commands::to_json;
use crate::export::command::RawCommand;
use crate::{Command, Failure, Host, Reply, Status, Token};
use serde::Serialize;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

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

    /// Calls another command on behalf of this one; `done` gets this one back with the reply, to be answered then. A call that
    /// is refused answers this one with the reason.
    pub fn call(self, key: &str, params: &(impl Serialize + ?Sized), done: impl FnOnce(Self, &Reply) + Send + 'static) {
        let outgoing = self.command().outgoing(key);
        let waiting = Arc::new(Mutex::new(Some(self)));
        let taken = waiting.clone();
        let take = |place: &Mutex<Option<Self>>| place.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sent = outgoing.send(params, move |reply| {
            if let Some(pending) = take(&taken) {
                done(pending, reply);
            }
        });
        if let Err(status) = sent
            && let Some(pending) = take(&waiting)
        {
            pending.reply::<()>(Err(Failure::new(status, format!("The command '{key}' cannot be called: {status}."))));
        }
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
