//! The C face of `jackfield.call/1`.

use super::library::guarded;
use super::read::{MAX_TEXT, Unusable, copy, elements, lossy_text, read_struct, text, within};
use super::reply::raw_status;
use super::table::ledger;
use crate::Limits;
use crate::host::{Done, Ledger, Phase};
use crate::nested::Request;
use jackfield_message::{Attachment, Reply, json};
use jackfield_plugin_api as abi;
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

pub(super) static TABLE: abi::jf_call_v1 =
    abi::jf_call_v1 { struct_size: size_of::<abi::jf_call_v1>() as u32, flags: 0, call: Some(call) };

type RawDone = unsafe extern "C" fn(ctx: *mut c_void, reply: *const abi::jf_reply);

#[allow(clippy::too_many_arguments, reason = "the ABI's")]
unsafe extern "C" fn call(
    host: *const abi::jf_host,
    parent: abi::jf_token,
    key: abi::jf_str,
    params: abi::jf_str,
    attachments: *const *const abi::jf_attachment,
    attachment_count: usize,
    timeout_ms: u64,
    done: Option<RawDone>,
    ctx: *mut c_void,
) -> abi::jf_status {
    guarded(abi::JF_E_INTERNAL, || {
        // SAFETY: the plugin's own table.
        let (Some(ledger), Some(done)) = (unsafe { ledger(host) }, done) else { return abi::JF_E_INVALID };
        if !ledger.is_in(Phase::Running, Phase::Running) {
            return abi::JF_E_WRONG_STATE;
        }
        let Some(core) = ledger.core.upgrade() else { return abi::JF_E_WRONG_STATE };
        // SAFETY: texts, array and attachments are borrowed for the call.
        let request = match unsafe { read_request(key, params, attachments, attachment_count, ledger) } {
            Ok(request) => request,
            Err(status) => return status,
        };
        let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms));
        let request = Request { parent, timeout, ..request };
        // SAFETY: `done` and `ctx` belong together, and are the plugin's until `done` was called or it was destroyed.
        let done = unsafe { safe_done(done, ctx) };
        core.call(ledger, request, done).err().unwrap_or(abi::JF_OK)
    })
}

/// # Safety
/// Everything is borrowed for this call.
unsafe fn read_request(
    key: abi::jf_str,
    params: abi::jf_str,
    attachments: *const *const abi::jf_attachment,
    attachment_count: usize,
    ledger: &Arc<Ledger>,
) -> Result<Request, abi::jf_status> {
    let limits = &ledger.limits;
    let bad = |why: Unusable| {
        tracing::warn!(plugin = ledger.plugin(), generation = ledger.number, why = %why.what, "a call cannot be made");
        if why.too_large { abi::JF_E_TOO_LARGE } else { abi::JF_E_INVALID }
    };
    // What reaches a command is no larger than what a client can send.
    // SAFETY: promised by the caller.
    let (key, params) =
        unsafe { (text(key, MAX_TEXT).map_err(bad)?, text(params, limits.message_bytes).map_err(bad)?) };
    if json::check(params, limits.nesting).is_err() {
        return Err(bad(Unusable::new("params that are malformed JSON or nested too deeply")));
    }
    // SAFETY: promised by the caller.
    let attachments = unsafe { read_attachments(attachments, attachment_count, limits) }.map_err(bad)?;
    Ok(Request { parent: 0, key: key.into(), params: params.into(), attachments, timeout: None })
}

/// Copies the attachments of a command that is to be called.
///
/// # Safety
/// Everything is borrowed for this call.
pub(super) unsafe fn read_attachments(
    attachments: *const *const abi::jf_attachment,
    count: usize,
    limits: &Limits,
) -> Result<Vec<Attachment>, Unusable> {
    within(count, limits.attachments)?;
    // SAFETY: promised by the caller.
    let pointers = unsafe { elements(attachments, count) }?;
    let mut copies = Vec::with_capacity(pointers.len());
    for &pointer in pointers {
        // SAFETY: promised by the caller.
        let raw = unsafe { read_struct(pointer) }?;
        // SAFETY: as above.
        copies.push(unsafe {
            Attachment {
                name: lossy_text(raw.name, MAX_TEXT)?.into_owned().into(),
                content_type: lossy_text(raw.content_type, MAX_TEXT)?.into_owned().into(),
                bytes: copy(raw.bytes, limits.attachment_bytes)?,
            }
        });
    }
    Ok(copies)
}

/// # Safety
/// `done` may be called with `ctx` once, on the plugin's control thread, before the plugin is destroyed: as the result is.
unsafe fn safe_done(done: RawDone, ctx: *mut c_void) -> Done {
    struct Context(*mut c_void);
    // SAFETY: it goes to the control thread, where the plugin expects it.
    unsafe impl Send for Context {}
    let context = Context(ctx);
    Box::new(move |reply| {
        let Context(ctx) = { context };
        // SAFETY: promised by the caller; the reply and all that it borrows live until the call returns.
        with_raw_reply(&reply, |raw| unsafe { done(ctx, raw) });
    })
}

/// Shows a reply as the ABI describes it.
pub fn with_raw_reply(reply: &Reply, show: impl FnOnce(*const abi::jf_reply)) {
    let attachments = reply.outcome.as_ref().map_or(&[][..], |success| &success.attachments);
    let raw: Vec<_> = attachments
        .iter()
        .map(|attachment| abi::jf_reply_attachment {
            struct_size: size_of::<abi::jf_reply_attachment>() as u32,
            flags: 0,
            name: abi::jf_str::new(&attachment.name),
            content_type: abi::jf_str::new(&attachment.content_type),
            bytes: abi::jf_bytes::new(&attachment.bytes),
            buf: abi::jf_buf::EMPTY,
        })
        .collect();
    let pointers: Vec<_> = raw.iter().map(std::ptr::from_ref).collect();
    let (code, message, json) = match &reply.outcome {
        Ok(success) => (0, "", &success.json),
        Err(failure) => (failure.plugin_code, failure.message.as_str(), &failure.details),
    };
    show(&abi::jf_reply {
        struct_size: size_of::<abi::jf_reply>() as u32,
        status: raw_status(reply),
        code,
        message: abi::jf_str::new(message),
        json: abi::jf_str::new(json),
        json_buf: abi::jf_buf::EMPTY,
        attachments: pointers.as_ptr(),
        attachment_count: pointers.len(),
    });
}
