use crate::{ByteString, Bytes};
use std::ops::Deref;
use std::time::Instant;

/// One connection as the engine sees it; unique in the process. 0 is no connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// Binary data beside JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Name given by the sender; may be empty.
    pub name: ByteString,
    /// Media type; may be empty.
    pub content_type: ByteString,
    /// The whole data.
    pub bytes: Bytes,
}

/// Attachments in order. Mostly there are none, and nothing is looked at when they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachments(Option<Box<[Attachment]>>);

impl Deref for Attachments {
    type Target = [Attachment];

    #[inline]
    fn deref(&self) -> &[Attachment] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl IntoIterator for Attachments {
    type Item = Attachment;
    type IntoIter = std::vec::IntoIter<Attachment>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.unwrap_or_default().into_iter()
    }
}

impl<T: Into<Box<[Attachment]>>> From<T> for Attachments {
    fn from(attachments: T) -> Self {
        Self(Some(attachments.into()).filter(|attachments| !attachments.is_empty()))
    }
}

/// One request, routed by its key.
///
/// Key and params are places in one text, mostly the message that they came in: a command is moved often, and each share in
/// a text is counted by the processor's slow means.
#[derive(Clone, Debug)]
pub struct Command {
    text: ByteString,
    places: Places,
    /// Binary data that came with it.
    pub attachments: Attachments,
    /// The connection it came from.
    pub session: SessionId,
    /// Wire format, such as "zeiss".
    pub dialect: &'static str,
    /// When it has to be answered.
    pub deadline: Option<Instant>,
    /// What else is known of its sender. `None`: nothing, as of most.
    pub sender: Option<Box<Sender>>,
}

/// Who sent a command.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// Who the caller is; empty: anonymous.
    pub principal: ByteString,
    /// W3C trace id in hexadecimal; may be empty.
    pub trace_id: ByteString,
}

/// Where in a text of less than 4 GiB a command's key and params are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    key: Place,
    params: Place,
}

/// From the lower half to the upper one. In one piece, because a processor waits where two that were just written are read
/// as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(u64);

impl Command {
    /// A command of its own text, without attachments, sender and deadline. `params` is one JSON text; less than 4 GiB with
    /// the key.
    pub fn new(key: &str, params: &str) -> Self {
        let mut text = String::with_capacity(key.len() + params.len());
        text.push_str(key);
        text.push_str(params);
        // A longer one is cut in two at a wrong place, and is no command.
        let end = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (key_end, end) = (end(key.len()), end(text.len()));
        let (key, params) = (Place::new(0, key_end), Place::new(key_end, end));
        Self::of_message(text.into(), Places { key, params })
    }

    /// The same in the message that it came in.
    pub fn of_message(text: ByteString, places: Places) -> Self {
        let (attachments, session) = (Attachments::default(), SessionId::default());
        Self { text, places, attachments, session, dialect: "", deadline: None, sender: None }
    }

    /// Top-level JSON key, or the method / service / consumer of another dialect. Empty: for the catch-all.
    pub fn key(&self) -> &str {
        self.places.key.in_text(&self.text)
    }

    /// One JSON text, checked with [`crate::json`]; never parsed on the way.
    pub fn params(&self) -> &str {
        self.places.params.in_text(&self.text)
    }

    /// How much of memory its text takes: the whole message that it came in.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Who the caller is; empty: anonymous.
    pub fn principal(&self) -> &str {
        self.sender.as_ref().map_or("", |sender| &sender.principal)
    }

    /// W3C trace id in hexadecimal; may be empty.
    pub fn trace_id(&self) -> &str {
        self.sender.as_ref().map_or("", |sender| &sender.trace_id)
    }
}

impl Places {
    /// Those of `key` and `params`, if both lie in `text`.
    pub fn of(key: &str, params: &str, text: &str) -> Option<Self> {
        Some(Self { key: Place::of(key, text)?, params: Place::of(params, text)? })
    }

    /// Those from and to here.
    #[inline]
    pub(crate) fn at(key: (usize, usize), params: (usize, usize)) -> Option<Self> {
        Some(Self { key: Place::at(key)?, params: Place::at(params)? })
    }
}

impl Place {
    fn of(part: &str, text: &str) -> Option<Self> {
        let from = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        let to = from.checked_add(part.len()).filter(|to| *to <= text.len())?;
        Self::at((from, to))
    }

    #[inline]
    fn at((from, to): (usize, usize)) -> Option<Self> {
        Some(Self::new(u32::try_from(from).ok()?, u32::try_from(to).ok()?))
    }

    #[inline]
    fn new(from: u32, to: u32) -> Self {
        Self(u64::from(to) << 32 | u64::from(from))
    }

    fn in_text(self, text: &str) -> &str {
        text.get(self.0 as u32 as usize..(self.0 >> 32) as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_params_are_those_given_wherever_they_lie() {
        let message = ByteString::from(r#"{"key": [1]}"#);
        let whole: &str = &message;
        for (key, params) in [(&whole[2..5], &whole[8..11]), ("", whole), ("key", "{}")] {
            let command = Command::new(key, params);
            assert_eq!((command.key(), command.params()), (key, params));
        }
        let places = Places::of(&whole[2..5], &whole[8..11], whole).unwrap();
        let command = Command::of_message(message.clone(), places);
        assert_eq!((command.key(), command.params(), command.text_bytes()), ("key", "[1]", 12));
        assert_eq!(command.params().as_ptr(), whole[8..].as_ptr(), "copied");
        assert!(Places::of("key", &whole[8..11], whole).is_none(), "it lies elsewhere");
    }
}
