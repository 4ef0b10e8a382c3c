//! Optional abilities, looked up by id with a revision, in both directions (`plugin.h`).

use crate::{command::*, plugin::*, types::*};
use core::ffi::c_void;

/// Id of [`jf_store_v1`], a service of the host.
pub const SERVICE_STORE: &str = "jackfield.store/1";
/// Id of [`jf_topics_v1`], a service of the host.
pub const SERVICE_TOPICS: &str = "jackfield.topics/1";
/// Id of [`jf_call_v1`], a service of the host.
pub const SERVICE_CALL: &str = "jackfield.call/1";
/// Id of [`jf_state_v1`], an extension of the plugin.
pub const EXTENSION_STATE: &str = "jackfield.state/1";
/// Id of [`jf_events_v1`], an extension of the plugin.
pub const EXTENSION_TOPICS: &str = "jackfield.topics/1";
/// Id of [`jf_thread_v1`], an extension of the plugin.
pub const EXTENSION_THREAD: &str = "jackfield.thread/1";

/// Length in bytes of a blob's name: SHA-256 in lower-case hexadecimal.
pub const JF_BLOB_NAME_LEN: usize = 64;

/// Service JF_SERVICE_STORE: durable documents and blobs. A batch is invisible until `commit` has returned JF_OK, and is on
/// disk then. Blobs are named by the hash of their content and live as long as a document refers to them. Any thread but
/// that of an INLINE command (JF_E_WRONG_THREAD); all functions may block on the disk. From `create` until `destroy`
/// (JF_E_WRONG_STATE outside). Handles are numbers: a finished one answers JF_E_STALE. Errors beside those named:
/// JF_E_INVALID, JF_E_TOO_LARGE, JF_E_UNAVAILABLE (the disk), JF_E_INTERNAL.
#[repr(C)]
pub struct jf_store_v1 {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// Begins a batch; `*batch` is its handle until `commit` or `abort`.
    pub begin: Option<unsafe extern "C" fn(host: *const jf_host, batch: *mut u64) -> jf_status>,
    /// Puts a document: `json` (one JSON text) under `id` in `collection`, in place of an older one. `blobs` are the names
    /// of the blobs that it refers to, `blob_count` of them. All borrowed.
    pub put: Option<
        unsafe extern "C" fn(
            host: *const jf_host,
            batch: u64,
            collection: jf_str,
            id: jf_str,
            json: jf_str,
            blobs: *const jf_str,
            blob_count: usize,
        ) -> jf_status,
    >,
    /// Removes a document; removing what is not there is JF_OK.
    pub remove:
        Option<unsafe extern "C" fn(host: *const jf_host, batch: u64, collection: jf_str, id: jf_str) -> jf_status>,
    /// Begins a blob of this batch; `*blob` is its handle until `blob_finish`, `commit` or `abort`.
    pub blob_begin: Option<unsafe extern "C" fn(host: *const jf_host, batch: u64, blob: *mut u64) -> jf_status>,
    /// Adds bytes to a blob.
    pub blob_write: Option<unsafe extern "C" fn(host: *const jf_host, blob: u64, bytes: jf_bytes) -> jf_status>,
    /// Ends a blob and writes its name, JF_BLOB_NAME_LEN bytes without a NUL, to `name`.
    pub blob_finish: Option<unsafe extern "C" fn(host: *const jf_host, blob: u64, name: *mut u8) -> jf_status>,
    /// Makes the batch durable and visible as a whole, or (on any error) not at all. Ends the batch.
    pub commit: Option<unsafe extern "C" fn(host: *const jf_host, batch: u64) -> jf_status>,
    /// Gives the batch up. Ends it.
    pub abort: Option<unsafe extern "C" fn(host: *const jf_host, batch: u64) -> jf_status>,
    /// Reads a document into `*json` (owned by the caller, who releases it). JF_E_NOT_FOUND.
    pub get: Option<
        unsafe extern "C" fn(host: *const jf_host, collection: jf_str, id: jf_str, json: *mut jf_buf) -> jf_status,
    >,
    /// Calls `each` for up to `limit` documents of a collection, in the order in which they were first put, after the
    /// first `offset`. `id` and `json` are borrowed during `each`, which returns 0 to go on and anything else to end.
    /// `each` must not call the store.
    pub list: Option<
        unsafe extern "C" fn(
            host: *const jf_host,
            collection: jf_str,
            offset: u64,
            limit: u64,
            each: Option<unsafe extern "C" fn(ctx: *mut c_void, id: jf_str, json: jf_str) -> i32>,
            ctx: *mut c_void,
        ) -> jf_status,
    >,
    /// Number of documents in a collection.
    pub count: Option<unsafe extern "C" fn(host: *const jf_host, collection: jf_str, count: *mut u64) -> jf_status>,
    /// Size of a blob in bytes. JF_E_NOT_FOUND.
    pub blob_size: Option<unsafe extern "C" fn(host: *const jf_host, name: jf_str, size: *mut u64) -> jf_status>,
    /// Reads up to `len` bytes of a blob from `offset` into `*bytes` (owned by the caller, who releases it); shorter only
    /// at the end of the blob. JF_E_NOT_FOUND.
    pub blob_read: Option<
        unsafe extern "C" fn(
            host: *const jf_host,
            name: jf_str,
            offset: u64,
            len: u64,
            bytes: *mut jf_buf,
        ) -> jf_status,
    >,
}

/// Service JF_SERVICE_TOPICS: publishes events. Any thread, also that of an INLINE command; never blocks. From the call of
/// `start` until that of `stop` (JF_E_WRONG_STATE outside).
#[repr(C)]
pub struct jf_topics_v1 {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// Publishes `data` (one JSON text) on `topic`: 1 to 256 bytes, parts joined by dots, none of them empty, without `*` and
    /// control characters, not beginning with `jackfield.`. Both borrowed: copied during the call. JF_OK, also where nobody
    /// listens; a full subscriber loses its oldest events and is told. JF_E_INVALID: no such topic, no JSON, or nested
    /// deeper than the host's limit; JF_E_TOO_LARGE: larger than a subscriber's whole queue; JF_E_WRONG_STATE.
    pub publish: Option<unsafe extern "C" fn(host: *const jf_host, topic: jf_str, data: jf_str) -> jf_status>,
}

/// Service JF_SERVICE_CALL: calls another command, of any plugin or of the host. Asynchronous only. Any thread; from the call
/// of `start` until that of `stop` (JF_E_WRONG_STATE outside), and, once the generation is replaced or unloaded, only on behalf
/// of commands that are inside.
///
/// `done` is called exactly once for each call that was taken, on the generation's control thread, never from within `call`,
/// and before `stop`: calls that are out then are cancelled, and end with JF_E_OUTCOME_UNKNOWN where no answer has come. A call
/// made on another thread may find `done` at work when it returns. Do not wait for `done` on the control thread (`start`, an
/// event, another `done`), and better on no other: a command that returns JF_PENDING and answers in `done` holds no thread. A
/// swap of an EXCLUSIVE plugin waits for its calls to other plugins as it does for its commands.
#[repr(C)]
pub struct jf_call_v1 {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// Calls `key` with `params` (one JSON text) and `attachment_count` attachments (an array of pointers): all borrowed,
    /// copied during the call.
    ///
    /// `parent` is the token of the command on whose behalf it is, or 0. Session, principal, dialect and trace are taken over
    /// from it, its deadline too where that is the earlier one; when it is cancelled or past its deadline, the call is
    /// cancelled. It must not be answered yet. `timeout_ms` 0 is the host's limit for nested calls; over it `done` gets
    /// JF_E_DEADLINE. What is called never runs on the calling thread, also when it is INLINE.
    ///
    /// `done` gets `ctx` and the reply, whose parts are borrowed until it returns: `json` is the result, or the details of an
    /// error; `json_buf` and `buf` are never set. JF_OK: `done` will come. Any other: it will not. JF_E_CYCLE: the key is SERIAL
    /// and the parent, or a command further up the chain of calls, is an unfinished SERIAL command of the same instance; or the
    /// chain is 64 calls long. JF_E_UNKNOWN_KEY; JF_E_BUSY: the target's queue is full, or as many calls are out;
    /// JF_E_STALE: `parent` is answered or unknown; JF_E_WRONG_THREAD: `parent` is an INLINE command, which is answered before
    /// `done` could come; JF_E_CANCELLED: `parent` is to be given up; JF_E_INVALID: a text, the JSON or `done`;
    /// JF_E_TOO_LARGE: params or attachments; JF_E_PLUGIN_GONE, JF_E_UNAVAILABLE: the target is being unloaded, or gets no
    /// threads; JF_E_SHUTTING_DOWN: the host is stopping, and there is no parent; JF_E_WRONG_STATE.
    pub call: Option<
        unsafe extern "C" fn(
            host: *const jf_host,
            parent: jf_token,
            key: jf_str,
            params: jf_str,
            attachments: *const *const jf_attachment,
            attachment_count: usize,
            timeout_ms: u64,
            done: Option<unsafe extern "C" fn(ctx: *mut c_void, reply: *const jf_reply)>,
            ctx: *mut c_void,
        ) -> jf_status,
    >,
}

/// Where `save` writes the state to. Valid during `save`.
#[repr(C)]
pub struct jf_sink {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// The host's own.
    pub ctx: *mut c_void,
    /// Adds bytes. JF_OK, or JF_E_TOO_LARGE: give up, the swap is refused.
    pub write: Option<unsafe extern "C" fn(sink: *const jf_sink, bytes: jf_bytes) -> jf_status>,
}

/// Extension JF_EXTENSION_STATE of a STATEFUL plugin: the state goes from the old version to the new one, and to disk at an
/// orderly stop. Control thread, between `stop` and `destroy` (`save`) or between `create` and `start` (`restore`), each
/// within `lifecycle_s`.
#[repr(C)]
pub struct jf_state_v1 {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// Number of the schema that `save` writes; chosen by the plugin, higher is newer.
    pub schema: u32,
    /// Writes the whole state to `sink`, in any number of pieces. The instance keeps it: `start` may follow. JF_OK, or an
    /// error: the swap is refused. Why, is for `log`.
    pub save: Option<unsafe extern "C" fn(instance: *mut c_void, sink: *const jf_sink) -> jf_status>,
    /// Takes over a state that version `version` wrote with schema number `schema`, lower or (where an older version is put
    /// back) higher than its own. All borrowed. Called only with something saved. JF_OK; JF_E_STATE, with `*why` for the
    /// operator: cannot, the swap is refused.
    pub restore: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            schema: u32,
            version: jf_str,
            bytes: jf_bytes,
            why: *mut jf_buf,
        ) -> jf_status,
    >,
}

/// Extension JF_EXTENSION_TOPICS: gets the events of the topics that the descriptor names; required where it names any. The
/// subscription is the plugin's, not a generation's: what is published during a swap waits, in the plugin's bounded queue, for
/// the generation that serves next. Each event is given to one generation, once, in order.
#[repr(C)]
pub struct jf_events_v1 {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// One event: `data` is one JSON text; `dropped` events before it were lost, because the queue was full. Both texts are
    /// borrowed until the call returns. Control thread, after `start` has returned and before `stop`; may overlap `handle`.
    /// Meanwhile `stop` waits, within its `lifecycle_s`. Required.
    pub event: Option<unsafe extern "C" fn(instance: *mut c_void, topic: jf_str, data: jf_str, dropped: u64)>,
}

/// Extension JF_EXTENSION_THREAD: hooks for runtimes that want to know their threads (Python, JVM).
#[repr(C)]
pub struct jf_thread_v1 {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// First call on each thread of the generation, before `create` on the control thread. An error: that generation is
    /// refused.
    pub enter: Option<unsafe extern "C" fn() -> jf_status>,
    /// Last call on each thread of the generation; on the control thread after `destroy`. Not on a thread whose `enter`
    /// gave an error.
    pub leave: Option<unsafe extern "C" fn()>,
}
