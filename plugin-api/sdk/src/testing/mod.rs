//! Runs a plugin without a server: through its real entry function and C tables, with a store in memory.
//!
//! ```no_run
//! # use jackfield_plugin::{*, testing::{Attachment, Bench}};
//! # fn promises<Camera: Plugin>() {
//! let bench = Bench::<Camera>::new(r#"{"port": 1}"#).unwrap();
//! assert_eq!(bench.call("snap", r#"{"exposure_ms": 20}"#).success()["width"], 640);
//! assert_eq!(bench.call("snap", "{}").status, Err(Status::InvalidParams));
//! bench.run_examples().unwrap();
//! # }
//! ```
//!
//! A [stateful](crate::Stateful) plugin is tested against what older versions saved by [`Bench::restored`], and against
//! other versions that are there as types by [`Bench::hand_over`].
//!
//! As with the server, each command runs on a thread of its own, the thread that owns the bench being the control thread;
//! commands may be called from several threads at once. What the server would check (schemas, limits, who may do what) is
//! not checked here; JSON, tokens, states and threads are.

mod bench;
pub(crate) mod calls;
pub(crate) mod desk;
mod handover;
pub(crate) mod memory;

pub use bench::Bench;
pub use handover::SavedState;

use crate::Status;

/// A command for [`Bench::send`]. The rest is `..Request::default()`.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The key; empty for a catch-all.
    pub key: String,
    /// One JSON text.
    pub params: String,
    /// Binary data beside it.
    pub attachments: Vec<Attachment>,
    /// The connection it came from.
    pub session: u64,
    /// Who the caller is.
    pub principal: String,
    /// The wire format.
    pub dialect: String,
    /// W3C trace id.
    pub trace_id: String,
    /// Told to the handler, not acted on; 0: none.
    pub deadline_ns: u64,
    /// The caller has given up before the handler begins.
    pub cancelled: bool,
}

/// Binary data beside JSON, of a request or a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// May be empty.
    pub name: String,
    /// Media type; may be empty.
    pub content_type: String,
    /// The whole data.
    pub bytes: Vec<u8>,
}

impl Attachment {
    /// An attachment.
    pub fn new(name: impl Into<String>, content_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), content_type: content_type.into(), bytes: bytes.into() }
    }
}

/// How far a command was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Done of `total`.
    pub done: u64,
    /// 0: not known.
    pub total: u64,
    /// What is being done.
    pub text: String,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `Ok`, or how it failed.
    pub status: Result<(), Status>,
    /// The plugin's own error number.
    pub code: i64,
    /// Text of a failure.
    pub message: String,
    /// Result, or details of a failure, byte for byte; "null" where there is none.
    pub json: String,
    /// Of a success.
    pub attachments: Vec<Attachment>,
    /// All progress in order.
    pub progress: Vec<Progress>,
}

impl Outcome {
    /// A result, for [`Bench::answer_calls`].
    pub fn ok(json: impl ToString) -> Self {
        Self { status: Ok(()), json: json.to_string(), ..Self::failed(Status::Internal, "") }
    }

    /// A failure.
    pub fn failed(status: Status, message: impl Into<String>) -> Self {
        Self {
            status: Err(status),
            code: 0,
            message: message.into(),
            json: "null".into(),
            attachments: Vec::new(),
            progress: Vec::new(),
        }
    }

    /// The result as a value.
    ///
    /// # Panics
    /// If the command failed, with its text.
    #[track_caller]
    pub fn success(&self) -> serde_json::Value {
        match self.status {
            Ok(()) => serde_json::from_str(&self.json).expect("the bench takes only JSON as a reply"),
            Err(status) => panic!("the command failed: {status}: {}", self.message),
        }
    }
}

/// Why a plugin could not be made, or could not hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// "load", "enter", "create", "save", "restore" or "start".
    pub step: &'static str,
    /// How it failed.
    pub status: Status,
    /// The plugin's text for the operator; what "save" and "enter" have to say stands in the log.
    pub why: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}: {}", self.step, self.status, self.why)
    }
}

impl std::error::Error for Refused {}
