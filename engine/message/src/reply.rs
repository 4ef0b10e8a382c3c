use crate::{Attachments, ByteString, ErrorCode, Failure};

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
    pub attachments: Attachments,
    /// What dialects without structured results give.
    pub plain: Plain,
}

/// What a client gets whose dialect has no structured results. As wide as a pointer: replies are moved a lot, and with a
/// narrow field in it a move falls into odd pieces, for which the processor waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u64)]
pub enum Plain {
    /// The result.
    #[default]
    Result,
    /// The bare acknowledgement: the key is flagged ACK_ONLY.
    Acknowledgement,
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
