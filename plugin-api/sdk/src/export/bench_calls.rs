//! `jackfield.topics/1` and `jackfield.call/1` of the test host: the tables over `testing::calls`.

use super::bench::{desk, raw};
use super::tables::{bytes, element, text};
use crate::Status;
use crate::testing::desk::Phase;
use crate::testing::{Attachment, Outcome};
use jackfield_plugin_api::*;
use std::ffi::c_void;

pub(crate) static TOPICS_TABLE: jf_topics_v1 =
    jf_topics_v1 { struct_size: size_of::<jf_topics_v1>() as u32, flags: 0, publish: Some(publish) };

pub(crate) static CALL_TABLE: jf_call_v1 =
    jf_call_v1 { struct_size: size_of::<jf_call_v1>() as u32, flags: 0, call: Some(call) };

type Done = unsafe extern "C" fn(ctx: *mut c_void, reply: *const jf_reply);

/// A plugin that waits for a reply.
pub(crate) struct Waiting {
    done: Done,
    ctx: *mut c_void,
}

// SAFETY: it goes to the control thread, where the plugin expects it.
unsafe impl Send for Waiting {}

impl Waiting {
    pub fn finish(self, outcome: &Outcome) {
        let attachments: Vec<_> = outcome
            .attachments
            .iter()
            .map(|attachment| jf_reply_attachment {
                struct_size: size_of::<jf_reply_attachment>() as u32,
                flags: 0,
                name: jf_str::new(&attachment.name),
                content_type: jf_str::new(&attachment.content_type),
                bytes: jf_bytes::new(&attachment.bytes),
                buf: jf_buf::EMPTY,
            })
            .collect();
        let pointers: Vec<*const jf_reply_attachment> = attachments.iter().map(std::ptr::from_ref).collect();
        let reply = jf_reply {
            struct_size: size_of::<jf_reply>() as u32,
            status: outcome.status.map_or_else(Status::raw, |()| JF_OK),
            code: outcome.code,
            message: jf_str::new(&outcome.message),
            json: jf_str::new(&outcome.json),
            json_buf: jf_buf::EMPTY,
            attachments: pointers.as_ptr(),
            attachment_count: pointers.len(),
        };
        // SAFETY: given with each other, and called once; the reply lives until the call returns.
        unsafe { (self.done)(self.ctx, &reply) }
    }
}

// SAFETY, for both functions below: the plugin calls with the table it was given, and with texts and attachments that live
// until the call returns (plugin.h).

unsafe extern "C" fn publish(host: *const jf_host, topic: jf_str, data: jf_str) -> jf_status {
    // SAFETY: see above.
    let (desk, topic, data) = unsafe { (desk(host), text(topic), text(data)) };
    match desk.phase() {
        Phase::Running => raw(desk.calls.publish(topic, data)),
        _ => JF_E_WRONG_STATE,
    }
}

unsafe extern "C" fn call(
    host: *const jf_host,
    parent: jf_token,
    key: jf_str,
    params: jf_str,
    attachments: *const *const jf_attachment,
    attachment_count: usize,
    _timeout_ms: u64,
    done: Option<Done>,
    ctx: *mut c_void,
) -> jf_status {
    let Some(done) = done else { return JF_E_INVALID };
    // SAFETY: see above.
    let (desk, key, params) = unsafe { (desk(host), text(key), text(params)) };
    if desk.phase() != Phase::Running {
        return JF_E_WRONG_STATE;
    }
    let mut request = match desk.request_for(parent) {
        Ok(request) => request,
        Err(status) => return status.raw(),
    };
    if serde_json::from_str::<serde::de::IgnoredAny>(params).is_err() {
        return JF_E_INVALID;
    }
    (request.key, request.params) = (key.to_owned(), params.to_owned());
    for index in 0..attachment_count {
        // SAFETY: see above.
        let attachment: Option<jf_attachment> = unsafe { element(attachments, attachment_count, index) };
        let Some(one) = attachment else { return JF_E_INVALID };
        // SAFETY: see above.
        request.attachments.push(unsafe { Attachment::new(text(one.name), text(one.content_type), bytes(one.bytes)) });
    }
    raw(desk.call(request, Waiting { done, ctx }))
}
