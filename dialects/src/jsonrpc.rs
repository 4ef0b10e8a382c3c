//! JSON-RPC 2.0 (jsonrpc.org/specification, of 2013-01-04), whole, and what the README shows beyond it: progress, cancel,
//! events, and binary messages as attachments.

mod attachments;
mod envelope;
mod params;
mod words;

use crate::{Action, Dialect, Frame, Frames, Keys, Request, Wishes};
use attachments::{Collected, Collecting};
use envelope::Envelope;
use jackfield_message::{ByteString, Command, ErrorCode, Event, Failure, Places, Progress, Reply, json};
use serde_json::value::RawValue;
use slab::Slab;
use std::borrow::Cow;

/// The request that this dialect and the session do themselves.
const CANCEL: &str = "jackfield.cancel";

/// How a listener wants it.
#[derive(Clone, Debug)]
pub struct JsonRpcOptions {
    /// Deepest JSON nesting; anything deeper is malformed.
    pub nesting: usize,
    /// Most requests in one batch.
    pub batch: usize,
    /// Most attachments of one message.
    pub attachments: usize,
    /// Most bytes of all attachments of one message.
    pub attachment_bytes: usize,
    /// The transport has binary messages.
    pub binary: bool,
    /// Answers in one line, for transports on which a line end may end one.
    pub one_line: bool,
}

impl Default for JsonRpcOptions {
    /// As on a WebSocket where nothing else is configured.
    fn default() -> Self {
        let (nesting, batch) = (json::DEFAULT_NESTING, 256);
        Self { nesting, batch, attachments: 16, attachment_bytes: 256 << 20, binary: true, one_line: false }
    }
}

/// The dialect on one connection.
#[derive(Debug)]
pub struct JsonRpc {
    options: JsonRpcOptions,
    /// Requests that are not answered, by their numbers.
    flights: Slab<Flight>,
    batches: Slab<Batch>,
    /// The request whose attachments are awaited.
    collecting: Option<Collecting>,
}

/// What its answer needs.
#[derive(Debug)]
struct Flight {
    /// As it was written; none: a notification, which is not answered.
    id: Option<Box<str>>,
    /// The mark that progress is told with, as it was written.
    progress: Option<Box<str>>,
    batch: Option<usize>,
}

/// The answers to a batch go out as one.
#[derive(Debug, Default)]
struct Batch {
    /// Requests that are not answered, and 1 while it is read.
    open: usize,
    answers: Vec<String>,
}

/// What is wrong with a request, and the id to say it to.
struct Wrong {
    id: Option<Box<str>>,
    failure: Box<Failure>,
}

impl JsonRpc {
    /// For a new connection.
    pub fn new(options: JsonRpcOptions) -> Self {
        Self { options, flights: Slab::new(), batches: Slab::new(), collecting: None }
    }

    /// A text comes. What stands between a request and its attachments is no attachment, and ends the request.
    #[inline]
    pub(crate) fn interrupt(&mut self, actions: &mut Vec<Action>) {
        if self.collecting.is_some() {
            self.give_up(actions);
        }
    }

    #[cold]
    fn give_up(&mut self, actions: &mut Vec<Action>) {
        let Some(interrupted) = self.collecting.take() else { return };
        if let Some(wrong) = interrupted.give_up().filter(|wrong| wrong.id.is_some()) {
            self.refuse(wrong, None, actions);
        }
        actions.push(Action::Attachments { expected: false });
    }

    fn on_text(&mut self, text: ByteString, keys: &dyn Keys, actions: &mut Vec<Action>) {
        self.interrupt(actions);
        let mut envelope = Envelope::default();
        match json::scan(&text, self.options.nesting, |member| envelope.see(member)) {
            Ok(json::Kind::Object) => {
                let (count, places) = (envelope.announced(), envelope.places(&text));
                self.request(text, places, keys, None, actions);
                self.pass_over(count, actions);
            }
            Ok(json::Kind::Array) => self.batch(&text, keys, actions),
            Ok(_) => self.refuse(Wrong::invalid("a request is an object, or an array of them"), None, actions),
            Err(why) => {
                let failure = Failure::new(ErrorCode::Malformed, format!("Parse error: {why}."));
                self.refuse(Wrong { id: None, failure: failure.into() }, None, actions);
            }
        }
    }

    fn batch(&mut self, text: &str, keys: &dyn Keys, actions: &mut Vec<Action>) {
        // It was checked already, so what is left to find is its parts.
        let requests: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
        let limit = self.options.batch;
        if requests.is_empty() {
            return self.refuse(Wrong::invalid("an empty batch"), None, actions);
        }
        if requests.len() > limit {
            let what = format!("a batch of {} requests, more than {limit} (limit batch)", requests.len());
            return self.refuse(Wrong::invalid(&what), None, actions);
        }
        let batch = self.batches.insert(Batch { open: 1, answers: Vec::new() });
        let mut announced = 0u32;
        for request in requests {
            let text = ByteString::from(request.get());
            let mut envelope = Envelope::default();
            match json::scan(&text, self.options.nesting, |member| envelope.see(member)) {
                Ok(json::Kind::Object) => {
                    announced = announced.saturating_add(envelope.announced());
                    let places = envelope.places(&text);
                    self.request(text, places, keys, Some(batch), actions);
                }
                _ => self.refuse(Wrong::invalid("a request is an object"), Some(batch), actions),
            }
        }
        if let Some(frame) = self.close_one(batch) {
            actions.push(Action::Answer { in_turn: false, frame });
        }
        self.pass_over(announced, actions);
    }

    /// Attachments come also behind a request that has no use for them.
    fn pass_over(&mut self, count: u32, actions: &mut Vec<Action>) {
        if count > 0 && self.options.binary && self.collecting.is_none() {
            self.collecting = Some(Collecting::passing_over(count));
            actions.push(Action::Attachments { expected: true });
        }
    }

    fn request(
        &mut self,
        text: ByteString,
        places: Result<envelope::Places, Wrong>,
        keys: &dyn Keys,
        batch: Option<usize>,
        actions: &mut Vec<Action>,
    ) {
        let places = match places {
            Ok(places) => places,
            Err(wrong) => return self.refuse(wrong, batch, actions),
        };
        let id: Option<Box<str>> = places.id.as_ref().map(|id| id.of(&text).into());
        let progress: Option<Box<str>> = places.progress.as_ref().map(|mark| mark.of(&text).into());
        let (count, in_batch) = (places.attachments, batch.is_some());
        match self.asked(text, places, keys, in_batch) {
            Ok(Asked::Command(command)) => {
                let wishes = Wishes { progress: progress.is_some(), patience: in_batch };
                let request = self.begin(Flight { id, progress, batch });
                actions.push(Action::Call { request, command, wishes });
            }
            Ok(Asked::Parts(command, info)) => {
                self.collecting =
                    Some(Collecting::new(Flight { id, progress, batch }, command, count, info, &self.options));
                actions.push(Action::Attachments { expected: true });
            }
            Ok(Asked::Cancel(target)) => {
                let request = self.begin(Flight { id, progress, batch });
                actions.push(Action::Cancel { request, target });
            }
            // A notification is not answered, whatever becomes of it.
            Err(failure) if id.is_some() => self.refuse(Wrong { id, failure: failure.into() }, batch, actions),
            Err(_) => {}
        }
    }

    /// What a sound request asks for.
    fn asked(
        &self,
        text: ByteString,
        places: envelope::Places,
        keys: &dyn Keys,
        in_batch: bool,
    ) -> Result<Asked, Failure> {
        let (found, inside) = {
            let method = envelope::unquoted(places.method.of(&text));
            let params = places.params.as_ref().map(|params| params.of(&text));
            if method == CANCEL {
                let target = params.and_then(params::cancelled_id).ok_or_else(params::no_id)?;
                let target = self.flights.iter().find(|(_, flight)| flight.id.as_deref() == Some(target));
                return Ok(Asked::Cancel(target.map(|(number, _)| number as u32)));
            }
            let params = match params {
                Some(params) if params.starts_with('[') => {
                    params::named(params, &method, || keys.param_order(&method))?
                }
                Some(params) => Cow::Borrowed(params),
                None => Cow::Borrowed("{}"),
            };
            let (params, inside) = attachments::in_params(params, &self.options)?;
            match Places::of(&method, &params, &text) {
                Some(here) => (Ok(here), inside),
                None => (Err(Command::new(&method, &params)), inside),
            }
        };
        let info = places.attachment_info.map(|info| info.of(&text).into());
        let mut command = found.map_or_else(|built| built, |here| Command::of_message(text, here));
        command.dialect = self.name();
        if places.attachments == 0 {
            command.attachments = inside;
            return Ok(Asked::Command(command));
        }
        attachments::may_follow(places.attachments, in_batch, !inside.is_empty(), &self.options)?;
        Ok(Asked::Parts(command, info))
    }

    fn begin(&mut self, flight: Flight) -> Request {
        if let Some(batch) = flight.batch.and_then(|batch| self.batches.get_mut(batch)) {
            batch.open += 1;
        }
        Request::Numbered(self.flights.insert(flight) as u32)
    }

    fn refuse(&mut self, wrong: Wrong, batch: Option<usize>, actions: &mut Vec<Action>) {
        let answer = words::failure(wrong.id.as_deref().unwrap_or("null"), &wrong.failure);
        match batch.and_then(|batch| self.batches.get_mut(batch)) {
            Some(batch) => batch.answers.push(answer),
            None => actions.push(Action::Answer { in_turn: false, frame: self.frame(answer) }),
        }
    }

    /// One request less is open in a batch; its answers, if it was the last.
    fn close_one(&mut self, number: usize) -> Option<Frame> {
        let batch = self.batches.get_mut(number)?;
        batch.open -= 1;
        if batch.open > 0 {
            return None;
        }
        let answers = self.batches.remove(number).answers;
        (!answers.is_empty()).then(|| self.frame(format!("[{}]", answers.join(","))))
    }

    fn frame(&self, text: String) -> Frame {
        let text =
            if self.options.one_line && text.contains(['\r', '\n']) { text.replace(['\r', '\n'], " ") } else { text };
        Frame::Text(text.into())
    }
}

/// What a sound request asks for.
enum Asked {
    Command(Command),
    /// A command whose attachments follow, and what is said of them.
    Parts(Command, Option<Box<str>>),
    Cancel(Option<u32>),
}

impl Wrong {
    fn invalid(what: &str) -> Self {
        Self { id: None, failure: words::invalid(what).into() }
    }
}

impl Dialect for JsonRpc {
    fn name(&self) -> &'static str {
        "jsonrpc"
    }

    fn on_message(&mut self, message: Frame, keys: &dyn Keys, actions: &mut Vec<Action>) {
        let bytes = match message {
            Frame::Text(text) => return self.on_text(text, keys, actions),
            Frame::Binary(bytes) => bytes,
        };
        if !self.options.binary {
            let failure = Failure::new(ErrorCode::Malformed, "Parse error: the message is not UTF-8.");
            return self.refuse(Wrong { id: None, failure: failure.into() }, None, actions);
        }
        let Some(collecting) = self.collecting.take() else {
            return self.refuse(Wrong::invalid("a binary message that no request has announced"), None, actions);
        };
        match collecting.take(bytes) {
            Collected::More(collecting) => self.collecting = Some(collecting),
            Collected::Refused(wrong, collecting) => {
                if wrong.id.is_some() {
                    self.refuse(wrong, None, actions);
                }
                self.collecting = collecting;
            }
            Collected::Whole(flight, command) => {
                let wishes = Wishes { progress: flight.progress.is_some(), patience: false };
                let request = self.begin(flight);
                actions.push(Action::Call { request, command, wishes });
            }
            Collected::Ended => {}
        }
        if self.collecting.is_none() {
            actions.push(Action::Attachments { expected: false });
        }
    }

    fn on_reply(&mut self, request: Request, reply: Reply, frames: &mut dyn Frames) {
        let Request::Numbered(number) = request else { return };
        let Some(flight) = self.flights.try_remove(number as usize) else { return };
        let Some(batch) = flight.batch else {
            if let Some(id) = flight.id {
                let (text, attachments) = words::reply(&id, reply, self.options.binary);
                frames.push(self.frame(text));
                attachments.into_iter().for_each(|attachment| frames.push(Frame::Binary(attachment.bytes)));
            }
            return;
        };
        if let (Some(id), Some(batch)) = (flight.id, self.batches.get_mut(batch)) {
            batch.answers.push(words::reply(&id, reply, false).0);
        }
        if let Some(frame) = self.close_one(batch) {
            frames.push(frame);
        }
    }

    fn on_refusal(&mut self, failure: &Failure) -> Option<Frame> {
        Some(self.frame(words::failure("null", failure)))
    }

    fn on_progress(&mut self, request: u32, progress: &Progress, frames: &mut dyn Frames) {
        if let Some(Flight { progress: Some(mark), .. }) = self.flights.get(request as usize) {
            frames.push(self.frame(words::progress(mark, progress)));
        }
    }

    fn has_events(&self) -> bool {
        true
    }

    fn on_event(&mut self, subscription: u64, event: &Event, dropped: u64, frames: &mut dyn Frames) {
        let text = match dropped {
            0 if !self.options.one_line => {
                event.in_words(self.name(), subscription, || words::event(subscription, event, 0))
            }
            _ => words::event(subscription, event, dropped).into(),
        };
        frames.push(if self.options.one_line { self.frame(text.to_string()) } else { Frame::Text(text) });
    }

    fn on_closed(&mut self, subscription: u64, frames: &mut dyn Frames) {
        frames.push(self.frame(words::closed(subscription)));
    }
}
