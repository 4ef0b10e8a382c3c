use crate::{Attachment, ByteString, ErrorCode, Failure};

/// The answer to a command: exactly one for each.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Result or failure. Boxed, so that the good case stays small.
    pub outcome: Result<Success, Box<Failure>>,
}

/// What a command gave.
#[derive(Clone, Debug, Default)]
pub struct Success {
    /// One JSON text, checked.
    pub json: ByteString,
    /// Binary data beside it.
    pub attachments: Vec<Attachment>,
    /// The key is flagged ACK_ONLY: dialects without structured results give the bare acknowledgement.
    pub ack_only: bool,
}

impl Reply {
    /// A result without attachments.
    pub fn ok(json: impl Into<ByteString>) -> Self {
        Self { outcome: Ok(Success { json: json.into(), ..Success::default() }) }
    }

    /// A failure.
    pub fn error(code: ErrorCode, message: impl Into<String>) -> Self {
        Failure::new(code, message).into()
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        Self { outcome: Err(Box::new(failure)) }
    }
}
