//! Binary data of requests: binary messages behind their text, or base64 in the params.

use super::{Flight, JsonRpcOptions, Wrong, words};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jackfield_message::{Attachment, Attachments, ByteString, Bytes, Command, ErrorCode, Failure};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// A request whose attachments are on their way.
#[derive(Debug)]
pub(super) struct Collecting {
    /// Binary messages that are still to come.
    left: u32,
    /// None: it was refused, and what comes is passed over.
    awaiting: Option<Awaiting>,
}

#[derive(Debug)]
struct Awaiting {
    flight: Flight,
    command: Command,
    parts: Vec<Attachment>,
    /// What the sender says of them.
    info: Vec<Info>,
    /// How many bytes all of them may have, and how many of these may still come.
    limit: usize,
    room: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    name: String,
    content_type: String,
}

/// What a binary message led to.
pub(super) enum Collected {
    /// More are to come.
    More(Collecting),
    /// The request is refused; what is left of it is passed over.
    Refused(Wrong, Option<Collecting>),
    /// All are here.
    Whole(Flight, Command),
    /// The last one that was passed over.
    Ended,
}

impl Collecting {
    /// `info`: a list of objects with `name` and `content_type`.
    pub fn new(flight: Flight, command: Command, count: u32, info: Option<Box<str>>, options: &JsonRpcOptions) -> Self {
        let info = info.and_then(|info| serde_json::from_str(&info).ok()).unwrap_or_default();
        let (limit, room) = (options.attachment_bytes, options.attachment_bytes);
        Self { left: count, awaiting: Some(Awaiting { flight, command, parts: Vec::new(), info, limit, room }) }
    }

    /// For requests that have no use for them.
    pub fn passing_over(count: u32) -> Self {
        Self { left: count, awaiting: None }
    }

    /// The next binary message.
    pub fn take(mut self, bytes: Bytes) -> Collected {
        self.left -= 1;
        let Some(awaiting) = &mut self.awaiting else {
            return if self.left == 0 { Collected::Ended } else { Collected::More(self) };
        };
        let Some(room) = awaiting.room.checked_sub(bytes.len()) else {
            let text = format!("The attachments have more than {} bytes (limit attachment_bytes).", awaiting.limit);
            let wrong =
                Wrong { id: awaiting.flight.id.take(), failure: Failure::new(ErrorCode::TooLarge, text).into() };
            self.awaiting = None;
            return Collected::Refused(wrong, (self.left > 0).then_some(self));
        };
        awaiting.room = room;
        let info = awaiting.info.get_mut(awaiting.parts.len()).map(std::mem::take);
        let Info { name, content_type } = info.unwrap_or_default();
        awaiting.parts.push(Attachment { name: name.into(), content_type: content_type.into(), bytes });
        match self.awaiting {
            Some(Awaiting { flight, mut command, parts, .. }) if self.left == 0 => {
                command.attachments = parts.into();
                Collected::Whole(flight, command)
            }
            awaiting => Collected::More(Self { awaiting, ..self }),
        }
    }

    /// Another message has come in between; what to say about the request.
    pub fn give_up(self) -> Option<Wrong> {
        let Awaiting { flight, parts, .. } = self.awaiting?;
        let (came, count) = (parts.len(), parts.len() + self.left as usize);
        let failure = words::invalid(&format!("{came} of {count} attachments came before another message"));
        Some(Wrong { id: flight.id, failure: failure.into() })
    }
}

/// Whether `count` binary messages may follow a request; `inside`: attachments stand in its params as well.
pub(super) fn may_follow(count: u32, in_batch: bool, inside: bool, options: &JsonRpcOptions) -> Result<(), Failure> {
    if in_batch {
        return Err(words::invalid("a request with attachments stands in a batch"));
    }
    if !options.binary {
        return Err(words::invalid(
            "there are no binary messages here; {\"$base64\": \"...\"} may stand in the params",
        ));
    }
    if inside {
        return Err(words::invalid("it has attachments in its params, and others behind it"));
    }
    let limit = options.attachments;
    if count as usize > limit {
        let text = format!("The request has {count} attachments, more than {limit} (limit attachments).");
        return Err(Failure::new(ErrorCode::TooLarge, text));
    }
    Ok(())
}

/// The name of the one member of an object that is an attachment, or stands for one.
const BASE64: &str = "$base64";
const ATTACHMENT: &str = "$attachment";

/// Takes base64 out of params: `{"$attachment": INDEX}` stands there instead.
pub(super) fn in_params<'a>(
    params: Cow<'a, str>,
    options: &JsonRpcOptions,
) -> Result<(Cow<'a, str>, Attachments), Failure> {
    if memchr::memmem::find(params.as_bytes(), BASE64.as_bytes()).is_none() {
        return Ok((params, Attachments::default()));
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&params) else { return Ok((params, Attachments::default())) };
    let mut found = Vec::new();
    // What stands for an attachment already would stand for another one afterwards.
    let mixed = refers(&value);
    take_base64(&mut value, &mut found)?;
    if found.is_empty() {
        return Ok((params, Attachments::default()));
    }
    if mixed {
        return Err(words::invalid("{\"$attachment\": ...} stands in its params beside {\"$base64\": ...}"));
    }
    let bytes: usize = found.iter().map(|part| part.bytes.len()).sum();
    let (count, limit) = (found.len(), options.attachments);
    let too_large = |text| Err(Failure::new(ErrorCode::TooLarge, text));
    if count > limit {
        return too_large(format!("The request has {count} attachments, more than {limit} (limit attachments)."));
    }
    if bytes > options.attachment_bytes {
        let limit = options.attachment_bytes;
        return too_large(format!("The attachments have {bytes} bytes, more than {limit} (limit attachment_bytes)."));
    }
    Ok((Cow::Owned(value.to_string()), found.into()))
}

/// Whether an attachment is referred to anywhere.
fn refers(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.len() == 1 && members.contains_key(ATTACHMENT) || members.values().any(refers)
        }
        Value::Array(elements) => elements.iter().any(refers),
        _ => false,
    }
}

/// As deep as the params were let in.
fn take_base64(value: &mut Value, found: &mut Vec<Attachment>) -> Result<(), Failure> {
    match value {
        Value::Object(members) => match encoded(members) {
            Some(text) => {
                let bytes = STANDARD.decode(text).map_err(|why| {
                    Failure::new(ErrorCode::InvalidParams, format!("A text under '{BASE64}' is no base64: {why}."))
                })?;
                let (name, content_type) = (ByteString::new(), ByteString::new());
                found.push(Attachment { name, content_type, bytes: bytes.into() });
                *value = json!({ ATTACHMENT: found.len() - 1 });
                Ok(())
            }
            None => members.values_mut().try_for_each(|member| take_base64(member, found)),
        },
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| take_base64(element, found)),
        _ => Ok(()),
    }
}

fn encoded(members: &Map<String, Value>) -> Option<&str> {
    if members.len() == 1 { members.get(BASE64)?.as_str() } else { None }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
