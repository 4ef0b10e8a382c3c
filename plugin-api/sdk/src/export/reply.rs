//! The answer to a command.

use super::buffer::into_buf;
use super::host::HostTable;
use crate::call::Part;
use crate::{Failure, Token};
use jackfield_plugin_api::*;
use std::borrow::Cow;

/// From this size on, bytes that we own pass to the host as they are; below it, its copy is cheaper than a release on
/// another thread.
const OWNED_FROM: usize = 4096;

impl HostTable {
    /// Answers a command. Gives what `handle` is to return: the status of the answer, or why the host did not take it.
    pub fn answer(&self, token: Token, json: Result<Cow<'_, str>, Failure>, parts: Vec<Part<'_>>) -> jf_status {
        let taken = match json {
            Ok(json) => self.succeed(token, json, parts).map(|()| JF_OK),
            Err(failure) => self.fail(token, &failure).map(|()| failure.status.raw()),
        };
        taken.unwrap_or_else(|status| status.raw())
    }

    fn succeed(&self, token: Token, json: Cow<'_, str>, parts: Vec<Part<'_>>) -> Result<(), crate::Status> {
        let mut reply = empty(JF_OK);
        let (borrowed, owned) = split(as_bytes(json));
        reply.json = jf_str { ptr: borrowed.as_ptr().cast(), len: borrowed.len() };
        reply.json_buf = owned;
        if parts.is_empty() { self.reply(token, &reply) } else { self.reply_with(token, reply, parts) }
    }

    /// On its own, because few replies have parts.
    #[inline(never)]
    fn reply_with(&self, token: Token, mut reply: jf_reply, parts: Vec<Part<'_>>) -> Result<(), crate::Status> {
        let parts = parts.into_iter().map(|part| ((part.name, part.content_type), split(part.bytes)));
        let (texts, data): (Vec<_>, Vec<_>) = parts.unzip();
        let attachments: Vec<_> = texts
            .iter()
            .zip(&data)
            .map(|((name, content_type), (borrowed, owned))| jf_reply_attachment {
                struct_size: size_of::<jf_reply_attachment>() as u32,
                flags: 0,
                name: jf_str::new(name),
                content_type: jf_str::new(content_type),
                bytes: jf_bytes::new(borrowed),
                buf: *owned,
            })
            .collect();
        let pointers: Vec<*const jf_reply_attachment> = attachments.iter().map(std::ptr::from_ref).collect();
        reply.attachments = pointers.as_ptr();
        reply.attachment_count = pointers.len();
        self.reply(token, &reply)
    }

    #[inline(never)]
    fn fail(&self, token: Token, failure: &Failure) -> Result<(), crate::Status> {
        let details = failure.details.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut reply = empty(failure.status.raw());
        reply.code = failure.code;
        reply.message = jf_str::new(&failure.message);
        reply.json = jf_str::new(&details);
        self.reply(token, &reply)
    }
}

fn empty(status: jf_status) -> jf_reply {
    jf_reply {
        struct_size: size_of::<jf_reply>() as u32,
        status,
        code: 0,
        message: jf_str::EMPTY,
        json: jf_str::EMPTY,
        json_buf: jf_buf::EMPTY,
        attachments: std::ptr::null(),
        attachment_count: 0,
    }
}

fn as_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// What the host is to copy, and what it is to take over: one of both is empty.
fn split(bytes: Cow<'_, [u8]>) -> (Cow<'_, [u8]>, jf_buf) {
    match bytes {
        Cow::Owned(vec) if vec.len() >= OWNED_FROM => (Cow::Borrowed(&[]), into_buf(vec)),
        small => (small, jf_buf::EMPTY),
    }
}
