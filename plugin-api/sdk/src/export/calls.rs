//! The services `jackfield.topics/1` and `jackfield.call/1` as safe calls.

use super::guard::guard;
use super::host::{CALL, TOPICS};
use super::tables::{bytes, element, read, str_bytes, text};
use crate::call::Part;
use crate::{Attachment, Host, Reply, Status, Token};
use jackfield_plugin_api::*;
use std::ffi::c_void;

pub(crate) type Done = Box<dyn FnOnce(&Reply) + Send>;

/// What `ctx` points to while a call is out.
struct Out {
    done: Done,
    host: Host,
}

/// The reply to a call, copied as far as both sides know it; what it points to is the host's and valid while this lives.
pub(crate) struct RawReply(jf_reply);

impl Host {
    pub(crate) fn publish_json(&self, topic: &str, data: &str) -> Result<(), Status> {
        let table = self.table();
        let publish = table.service(TOPICS).and_then(|topics| topics.publish).ok_or(Status::NoService)?;
        // SAFETY: the table belongs to this host; the texts live until the call returns.
        Status::check(unsafe { publish(table.raw(), jf_str::new(topic), jf_str::new(data)) })
    }

    /// `done` is called once, later, if this is `Ok`; else it is dropped.
    pub(crate) fn call_json(
        &self,
        parent: Token,
        key: &str,
        params: &str,
        parts: &[Part<'_>],
        timeout_ms: u64,
        done: Done,
    ) -> Result<(), Status> {
        let table = self.table();
        let call = table.service(CALL).and_then(|calls| calls.call).ok_or(Status::NoService)?;
        let attachments: Vec<_> = parts.iter().map(attachment).collect();
        let pointers: Vec<*const jf_attachment> = attachments.iter().map(std::ptr::from_ref).collect();
        let out = Box::into_raw(Box::new(Out { done, host: self.clone() }));
        let (key, params, list) = (jf_str::new(key), jf_str::new(params), pointers.as_ptr());
        // SAFETY: the table belongs to this host; all that is borrowed lives until the call returns; `finish` takes `out`.
        let status = unsafe {
            call(table.raw(), parent.0, key, params, list, pointers.len(), timeout_ms, Some(finish), out.cast())
        };
        Status::check(status).inspect_err(|_| {
            // SAFETY: the host does not call `finish` for what it did not take, so it is still ours.
            drop(unsafe { Box::from_raw(out) });
        })
    }
}

fn attachment(part: &Part<'_>) -> jf_attachment {
    jf_attachment {
        struct_size: size_of::<jf_attachment>() as u32,
        flags: 0,
        name: jf_str::new(&part.name),
        content_type: jf_str::new(&part.content_type),
        bytes: jf_bytes::new(&part.bytes),
    }
}

unsafe extern "C" fn finish(ctx: *mut c_void, reply: *const jf_reply) {
    // SAFETY: `call_json` gave it away, and the host gives it back once.
    let Out { done, host } = *unsafe { Box::from_raw(ctx.cast::<Out>()) };
    // SAFETY: borrowed until we return, and so is the copy: `done` gets no more than a reference.
    let reply = Reply::new(RawReply(unsafe { read(reply) }));
    if let Err(why) = guard(|| done(&reply)) {
        host.error(format_args!("what was to be done with the reply to a call panicked: {why}"));
    }
}

impl RawReply {
    pub fn status(&self) -> Result<(), Status> {
        Status::check(self.0.status)
    }

    pub fn code(&self) -> i64 {
        self.0.code
    }

    pub fn message(&self) -> &str {
        // SAFETY: valid while `self` lives; the same below.
        unsafe { text(self.0.message) }
    }

    pub fn json(&self) -> &str {
        // SAFETY: as above. The host has checked that it is UTF-8: another look would cost a pass over the whole payload.
        unsafe { std::str::from_utf8_unchecked(str_bytes(self.0.json)) }
    }

    pub fn attachment_count(&self) -> usize {
        if self.0.attachments.is_null() { 0 } else { self.0.attachment_count }
    }

    pub fn attachment(&self, index: usize) -> Option<Attachment<'_>> {
        // SAFETY: as above; the array has `attachment_count` elements.
        let raw: jf_reply_attachment = unsafe { element(self.0.attachments, self.attachment_count(), index) }?;
        // SAFETY: as above.
        Some(unsafe {
            Attachment { name: text(raw.name), content_type: text(raw.content_type), bytes: bytes(raw.bytes) }
        })
    }
}
