use crate::{ByteString, Bytes};
use std::sync::Arc;
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
#[derive(Clone, Debug)]
pub struct Command {
    /// Top-level JSON key, or the method / service / consumer of another dialect. Empty: for the catch-all.
    pub key: ByteString,
    /// One JSON text, checked with [`crate::json`]; never parsed on the way.
    pub params: ByteString,
    /// Binary data that came with it.
    pub attachments: Vec<Attachment>,
    /// The connection it came from.
    pub session: SessionId,
    /// Who the caller is; empty: anonymous.
    pub principal: Arc<str>,
    /// Wire format, such as "zeiss".
    pub dialect: &'static str,
    /// W3C trace id in hexadecimal; may be empty.
    pub trace_id: ByteString,
    /// When it has to be answered.
    pub deadline: Option<Instant>,
}

impl Command {
    /// A command without attachments, principal, trace and deadline.
    pub fn new(key: impl Into<ByteString>, params: impl Into<ByteString>) -> Self {
        Self {
            key: key.into(),
            params: params.into(),
            attachments: Vec::new(),
            session: SessionId::default(),
            principal: Arc::default(),
            dialect: "",
            trace_id: ByteString::new(),
            deadline: None,
        }
    }
}
