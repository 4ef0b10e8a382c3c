//! The plain dialect of the IPC examples of ZEISS INSPECT (repository ZEISS/zeiss-inspect-app-examples): a request is one JSON
//! text whose top-level key is the command, an answer is one line of text. What the original servers answer stands in
//! `tests/fixtures/zeiss`; where they died or closed with 1011, this answers an error.

use crate::{Action, Close, Dialect, Frame, Frames, Keys, Request, Wishes};
use jackfield_message::{ByteString, Command, Failure, Places, Plain, Reply, json};

const MALFORMED: &str = "Error: Malformed JSON message.";
const NOT_TEXT: &str = "Error: The message is not text (JSON in UTF-8).";
const QUIT_CLOSE: Close = Close { code: 1000, reason: "Closing connection." };

/// The original client takes at most 1,024 bytes of an answer.
const UNKNOWN_BYTES: usize = 900;

/// How a listener wants it.
#[derive(Clone, Debug)]
pub struct ZeissOptions {
    /// The bare acknowledgement.
    pub ack: ByteString,
    /// Texts that begin with `quit` ask for the server's end.
    pub quit_word: bool,
    /// Results in one line, for transports on which a line end may end an answer. JSON has raw line ends between its tokens
    /// only, so a blank does as well.
    pub one_line: bool,
    /// Deepest JSON nesting; anything deeper is malformed.
    pub nesting: usize,
}

/// The dialect on one connection.
#[derive(Debug)]
pub struct Zeiss {
    options: ZeissOptions,
    /// Another dialect is spoken beside this one: texts that are its are given back.
    beside_jsonrpc: bool,
}

/// A text that is no command.
pub(crate) enum Refused {
    /// What its sender is told.
    Answer(ByteString),
    /// It is no JSON.
    Malformed(ByteString),
    /// It is a request of JSON-RPC: an array, or an object with a member `jsonrpc`.
    JsonRpc(ByteString),
}

impl Zeiss {
    /// For a new connection.
    pub fn new(options: ZeissOptions) -> Self {
        Self { options, beside_jsonrpc: false }
    }

    /// For a connection on which JSON-RPC is spoken too.
    pub(crate) fn beside_jsonrpc(options: ZeissOptions) -> Self {
        Self { options, beside_jsonrpc: true }
    }

    /// The command that a text asks for, or what else it is.
    fn command(&self, text: ByteString, keys: &dyn Keys) -> Result<Command, Refused> {
        let mut command = match self.find(&text, keys) {
            Ok(Found::Here(places)) => Command::of_message(text, places),
            Ok(Found::Escaped(command)) => *command,
            Ok(Found::JsonRpc) => return Err(Refused::JsonRpc(text)),
            Ok(Found::Malformed) => return Err(Refused::Malformed(text)),
            Err(answer) => return Err(Refused::Answer(answer)),
        };
        command.dialect = self.name();
        Ok(command)
    }

    /// Takes a text and adds what is to be done about it, if that is for this dialect to say.
    pub(crate) fn on_text(
        &mut self,
        text: ByteString,
        keys: &dyn Keys,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refused> {
        // A prefix of the raw text, before any JSON, as in the original: "quitter" counts, " quit" does not.
        if self.options.quit_word && text.starts_with("quit") {
            actions.push(Action::Quit {
                granted: Frame::Text(ByteString::from_static("bye")),
                refused: Frame::Text(unknown_request(&text)),
                close: QUIT_CLOSE,
            });
            return Ok(());
        }
        let command = self.command(text, keys)?;
        actions.push(Action::Call { request: Request::InTurn, command, wishes: Wishes::default() });
        Ok(())
    }

    fn find(&self, text: &str, keys: &dyn Keys) -> Result<Found, ByteString> {
        let mut matches = Matches { beside_jsonrpc: self.beside_jsonrpc, ..Matches::default() };
        let Ok(kind) = json::scan(text, self.options.nesting, |member| matches.see(member, keys)) else {
            return Ok(Found::Malformed);
        };
        if matches.jsonrpc || self.beside_jsonrpc && kind == json::Kind::Array {
            return Ok(Found::JsonRpc);
        }
        let copied = match matches.choose()? {
            Some(member) => match member.places() {
                Some(places) => return Ok(Found::Here(places)),
                None => Command::new(&member.key(), member.value()),
            },
            None if keys.catches_all() => {
                let whole = trim(text);
                match Places::of(&whole[..0], whole, text) {
                    Some(places) => return Ok(Found::Here(places)),
                    None => Command::new("", whole),
                }
            }
            None => return Err(unknown_request(text)),
        };
        Ok(Found::Escaped(Box::new(copied)))
    }
}

/// What a text is.
enum Found {
    Here(Places),
    /// Its key is not written as it is.
    Escaped(Box<Command>),
    JsonRpc,
    Malformed,
}

/// The answer to a text without a command.
pub(crate) fn answer(text: ByteString) -> Action {
    Action::Answer { in_turn: true, frame: Frame::Text(text) }
}

/// The answer to a text that is no JSON.
pub(crate) fn malformed() -> Action {
    answer(ByteString::from_static(MALFORMED))
}

/// The answer to a message that is no text.
pub(crate) fn not_text() -> Action {
    answer(ByteString::from_static(NOT_TEXT))
}

impl Dialect for Zeiss {
    fn name(&self) -> &'static str {
        "zeiss"
    }

    fn on_message(&mut self, message: Frame, keys: &dyn Keys, actions: &mut Vec<Action>) {
        let Frame::Text(text) = message else { return actions.push(not_text()) };
        match self.on_text(text, keys, actions) {
            Ok(()) => {}
            Err(Refused::Answer(text)) => actions.push(answer(text)),
            Err(Refused::Malformed(_) | Refused::JsonRpc(_)) => actions.push(malformed()),
        }
    }

    /// Attachments of a result have no place in this format; its JSON goes out alone.
    fn on_reply(&mut self, _request: Request, reply: Reply, frames: &mut dyn Frames) {
        frames.push(Frame::Text(match reply.outcome {
            Ok(success) if success.plain == Plain::Acknowledgement => self.options.ack.clone(),
            Ok(success) if self.options.one_line => one_line(success.json),
            Ok(success) => success.json,
            Err(failure) => error_text(&failure),
        }));
    }

    fn on_refusal(&mut self, failure: &Failure) -> Option<Frame> {
        Some(Frame::Text(error_text(failure)))
    }
}

fn one_line(json: ByteString) -> ByteString {
    if json.contains(['\r', '\n']) { json.replace(['\r', '\n'], " ").into() } else { json }
}

fn error_text(failure: &Failure) -> ByteString {
    format!("Error: {}", failure.message).into()
}

fn unknown_request(text: &str) -> ByteString {
    let text = text.trim();
    format!("Error: Unknown request:\n{}", &text[..text.floor_char_boundary(UNKNOWN_BYTES)]).into()
}

/// Without the white space that JSON allows around a value.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// The registered members of a request. One is the rule; a list is made only for more.
#[derive(Default)]
struct Matches<'a> {
    first: Option<json::Member<'a>>,
    more: Vec<json::Member<'a>>,
    /// Whether to look for the mark of JSON-RPC, and whether it was seen.
    beside_jsonrpc: bool,
    jsonrpc: bool,
}

impl<'a> Matches<'a> {
    /// Of several members with one key the last counts.
    fn see(&mut self, member: json::Member<'a>, keys: &dyn Keys) {
        let key = member.key();
        self.jsonrpc |= self.beside_jsonrpc && key == "jsonrpc";
        if key.is_empty() || !keys.is_command(&key) {
            return;
        }
        if self.first.is_none() {
            self.first = Some(member);
            return;
        }
        if let Some(seen) = self.first.iter_mut().chain(&mut self.more).find(|seen| seen.key() == key) {
            *seen = member;
        } else {
            self.more.push(member);
        }
    }

    /// The one that routes. `image` wins over `elements`, as in the original; anything else that is not one is an error.
    fn choose(&self) -> Result<Option<&json::Member<'a>>, ByteString> {
        let Some(first) = &self.first else { return Ok(None) };
        match &*self.more {
            [] => return Ok(Some(first)),
            [second] => match (&*first.key(), &*second.key()) {
                ("image", "elements") => return Ok(Some(first)),
                ("elements", "image") => return Ok(Some(second)),
                _ => {}
            },
            _ => {}
        }
        let names: Vec<_> =
            std::iter::once(first).chain(&self.more).map(|found| format!("'{}'", found.key())).collect();
        Err(format!("Error: Several commands in one request: {}. Send one at a time.", names.join(", ")).into())
    }
}
