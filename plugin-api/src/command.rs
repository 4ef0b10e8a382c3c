//! A command: what is said of it beforehand, how it comes, and its reply (`command.h`). Plugins and host applications take
//! commands by the same structs.

use crate::types::*;

/* ---- log levels ---- */

/// For the author of the handler.
pub const JF_LOG_DEBUG: i32 = 10;
/// For the operator, normal.
pub const JF_LOG_INFO: i32 = 20;
/// For the operator, something is odd and was handled.
pub const JF_LOG_WARN: i32 = 30;
/// For the operator, something was not done.
pub const JF_LOG_ERROR: i32 = 40;

/* ---- command classes: where `handle` runs ---- */

/// On one thread that is there for such commands: of a plugin's instance, or of the host application. Excludes only other
/// SERIAL commands of the same.
pub const JF_SERIAL: u32 = 0;
/// On one of some worker threads, any number at once.
pub const JF_CONCURRENT: u32 = 1;
/// On the thread that reads the client's socket, on several of them at once. For short work that never blocks. The reply
/// of a plugin must be made, or returned, before `handle` returns: JF_PENDING is an error there. A key of a plugin that is slow
/// again and again is moved to CONCURRENT, with an event.
pub const JF_INLINE: u32 = 2;
/// On the thread on which the host application polls (`jf_engine_poll`), one at a time. Not for plugins.
pub const JF_HOST_THREAD: u32 = 3;

/* ---- flags of a command; unknown bits are ignored ---- */

/// Clients of dialects without structured results get the bare acknowledgement instead of the result.
pub const JF_COMMAND_ACK_ONLY: u32 = 1;
/// Changes nothing.
pub const JF_COMMAND_READ_ONLY: u32 = 2;
/// The key is empty: gets every message that no key matches, whole, as params. One at most is served.
pub const JF_COMMAND_CATCH_ALL: u32 = 4;
/// Is cancelled when the session that sent it ends.
pub const JF_COMMAND_CANCEL_ON_DISCONNECT: u32 = 8;
/// Doing it twice is the same as doing it once.
pub const JF_COMMAND_IDEMPOTENT: u32 = 16;

/// What is said of one command. A plugin's is static until it is unloaded, and the schemas, names of params and examples of
/// all its commands have at most 1 MiB together; a host application's is copied.
#[repr(C)]
pub struct jf_command_info {
    /// Size of this struct as its maker knows it.
    pub struct_size: u32,
    /// JF_SERIAL, JF_CONCURRENT, JF_INLINE or, of a host application only, JF_HOST_THREAD.
    pub command_class: u32,
    /// JF_COMMAND_*.
    pub flags: u32,
    /// Number of `param_order`.
    pub param_count: u32,
    /// The key: 1 to 128 bytes without control characters; not beginning with `jackfield.` or `rpc.`. Empty only with
    /// JF_COMMAND_CATCH_ALL.
    pub key: jf_str,
    /// One line for people.
    pub help: jf_str,
    /// JSON Schema of the params (an object, `true` or `false`); empty: anything. Without a draft named in `$schema`, draft
    /// 2020-12; a schema that refers to other documents, or cannot be compiled, is refused with its command. Params that do not fit
    /// are answered JF_E_INVALID_PARAMS by the engine and `handle` is not called, but for clients of the plain dialect
    /// (`zeiss`), or where the operator has turned that off for a plugin: so check them all the same. An attachment stands in params
    /// as {"$attachment": N}.
    pub params_schema: jf_str,
    /// JSON Schema of the result, in the same way; results are not held against it.
    pub result_schema: jf_str,
    /// Names of the params in the order for callers that give them by position; none empty or twice.
    pub param_order: *const jf_str,
    /// Example params, each a JSON text.
    pub examples: *const jf_str,
    /// Number of `examples`.
    pub example_count: usize,
}

/// Binary data beside the JSON of a command. Borrowed, valid as long as its command.
#[repr(C)]
pub struct jf_attachment {
    /// Size of this struct as its maker knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// Name given by the client; may be empty.
    pub name: jf_str,
    /// Media type; may be empty.
    pub content_type: jf_str,
    /// The whole data in one piece.
    pub bytes: jf_bytes,
}

/// A command for `handle`. Borrowed: valid until `handle` has returned and the token is finished.
#[repr(C)]
pub struct jf_command {
    /// Size of this struct as its maker knows it.
    pub struct_size: u32,
    /// Number of `attachments`.
    pub attachment_count: u32,
    /// Names this command where it is answered, told of, asked about and cancelled.
    pub token: jf_token,
    /// The key that was called.
    pub key: jf_str,
    /// One JSON text, checked by the engine: UTF-8, well formed, no deeper than its limit. Catch-all: the whole message.
    pub params: jf_str,
    /// Array of pointers.
    pub attachments: *const *const jf_attachment,
    /// The connection it came from; 0: none.
    pub session: u64,
    /// Who the caller is; empty: anonymous.
    pub principal: jf_str,
    /// The wire format it came in, such as "zeiss".
    pub dialect: jf_str,
    /// W3C trace id in hexadecimal; may be empty.
    pub trace_id: jf_str,
    /// When it has to be answered, on the monotonic clock (Linux: CLOCK_MONOTONIC), in nanoseconds; 0: no limit.
    pub deadline_ns: u64,
}

/// An attachment of a reply.
#[repr(C)]
pub struct jf_reply_attachment {
    /// Size of this struct as its maker knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// May be empty; copied.
    pub name: jf_str,
    /// Media type; may be empty; copied.
    pub content_type: jf_str,
    /// Borrowed data: copied while the reply is made.
    pub bytes: jf_bytes,
    /// Owned data: wins over `bytes` when its `ptr` is set.
    pub buf: jf_buf,
}

/// The answer to a command.
#[repr(C)]
pub struct jf_reply {
    /// Size of this struct as its maker knows it.
    pub struct_size: u32,
    /// JF_OK, or why the command failed.
    pub status: jf_status,
    /// The handler's own error number, passed on to the caller; 0: none.
    pub code: i64,
    /// For people, when `status` is an error: what, where, which value, what would be valid. Plain clients get "Error: "
    /// and this text. Copied.
    pub message: jf_str,
    /// One JSON text: the result, or details of the error; empty: null. Borrowed: copied while the reply
    /// is made.
    pub json: jf_str,
    /// The same as an owned buffer: wins over `json` when its `ptr` is set.
    pub json_buf: jf_buf,
    /// Array of pointers; borrowed while the reply is made.
    pub attachments: *const *const jf_reply_attachment,
    /// Number of `attachments`.
    pub attachment_count: usize,
}
