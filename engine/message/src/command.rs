use crate::{ByteString, Bytes};
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

/// One request, routed by its key.
///
/// Key and params are places in one text, mostly the message that they came in: a command is moved often, and each share in
/// a text is counted by the processor's slow means.
#[derive(Clone, Debug)]
pub struct Command {
    text: ByteString,
    key: Place,
    params: Place,
    /// Binary data that came with it.
    pub attachments: Box<[Attachment]>,
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

/// Bytes of a text.
#[derive(Clone, Copy, Debug)]
struct Place {
    from: usize,
    to: usize,
}

impl Command {
    /// A command of its own text, without attachments, sender and deadline. `params` is one JSON text.
    pub fn new(key: &str, params: &str) -> Self {
        let (key_end, end) = (key.len(), key.len() + params.len());
        let mut text = String::with_capacity(end);
        text.push_str(key);
        text.push_str(params);
        Self::at(text.into(), Place { from: 0, to: key_end }, Place { from: key_end, to: end })
    }

    /// The same, where `key` and `params` lie in `text`, the message that they came in. What lies elsewhere is copied.
    pub fn of_message(text: &ByteString, key: &str, params: &str) -> Self {
        match (Place::of(key, text), Place::of(params, text)) {
            (Some(key), Some(params)) => Self::at(text.clone(), key, params),
            _ => Self::new(key, params),
        }
    }

    fn at(text: ByteString, key: Place, params: Place) -> Self {
        let (attachments, session) = (Box::default(), SessionId::default());
        Self { text, key, params, attachments, session, dialect: "", deadline: None, sender: None }
    }

    /// Top-level JSON key, or the method / service / consumer of another dialect. Empty: for the catch-all.
    pub fn key(&self) -> &str {
        &self.text[self.key.from..self.key.to]
    }

    /// One JSON text, checked with [`crate::json`]; never parsed on the way.
    pub fn params(&self) -> &str {
        &self.text[self.params.from..self.params.to]
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

impl Place {
    /// Where `part` lies in `text`, if it does.
    fn of(part: &str, text: &str) -> Option<Self> {
        let from = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        let to = from.checked_add(part.len())?;
        (to <= text.len()).then_some(Self { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_params_are_those_given_wherever_they_lie() {
        let message = ByteString::from(r#"{"key": [1]}"#);
        let whole: &str = &message;
        for (key, params) in [(&whole[2..5], &whole[8..11]), ("other", &whole[8..11]), ("", whole), ("key", "{}")] {
            let command = Command::of_message(&message, key, params);
            assert_eq!((command.key(), command.params()), (key, params));
        }
        let command = Command::of_message(&message, &whole[2..5], &whole[8..11]);
        assert_eq!(command.params().as_ptr(), whole[8..].as_ptr(), "copied");
        assert_eq!((Command::new("a", "b").key(), Command::new("a", "b").params()), ("a", "b"));
    }
}
