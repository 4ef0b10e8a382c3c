use super::read::{Unusable, copy, elements, lossy_text, own, read_struct, text, utf8};
use crate::host::Ledger;
use jackfield_message::{Attachment, ByteString, Bytes, Culprit, ErrorCode, Failure, Reply, Success, json};
use jackfield_plugin_api as abi;
use std::sync::Arc;

/// Longest error message from a plugin that is passed on.
const MAX_MESSAGE: usize = 16 << 10;

/// Copies, takes over and checks a plugin's reply. Buffers that were handed over are given back also on an error.
///
/// # Safety
/// `reply` is null or points to a reply as the ABI describes it.
pub(super) unsafe fn read_reply(reply: *const abi::jf_reply, ledger: &Arc<Ledger>) -> Result<Reply, Unusable> {
    // SAFETY: promised by the caller, also for everything that is reachable from here.
    unsafe {
        let raw = read_struct(reply)?;
        let json = if raw.json_buf.ptr.is_null() && raw.json_buf.release.is_none() {
            text(raw.json).map(|json| Bytes::copy_from_slice(json.as_bytes()))
        } else {
            own(raw.json_buf, ledger)
        };
        // Read before any fault of the JSON is told: they may own buffers too.
        let attachments = read_attachments(&raw, ledger);
        let (json, attachments) = (utf8(json?)?, attachments?);
        if json.len() > ledger.limits.attachment_bytes {
            return Err(Unusable("a reply whose JSON is larger than the limit `attachment_bytes`"));
        }
        if !json.is_empty() && json::check(&json, ledger.limits.nesting).is_err() {
            return Err(Unusable("a reply whose JSON is malformed or nested too deeply"));
        }
        if raw.status == abi::JF_OK {
            let json = if json.is_empty() { ByteString::from_static("null") } else { json };
            return Ok(Reply { outcome: Ok(Success { json, attachments, ack_only: false }) });
        }
        let message = text(raw.message)?;
        let mut failure = failure(raw.status, &message[..message.floor_char_boundary(MAX_MESSAGE)], ledger);
        failure.plugin_code = raw.code;
        failure.details = json;
        if !failure.details.is_empty() {
            // Plain clients get the message alone; this is where its reason can be found.
            tracing::info!(
                plugin = ledger.plugin(), generation = ledger.number, code = raw.code, message = failure.message,
                details = %&failure.details[..failure.details.floor_char_boundary(1024)], "a command failed"
            );
        }
        Ok(failure.into())
    }
}

/// # Safety
/// As for [`read_reply`].
unsafe fn read_attachments(raw: &abi::jf_reply, ledger: &Arc<Ledger>) -> Result<Vec<Attachment>, Unusable> {
    // SAFETY: promised by the caller.
    unsafe {
        let pointers = elements(raw.attachments, raw.attachment_count)?;
        let mut first_fault = None;
        let mut attachments = Vec::with_capacity(pointers.len());
        // All are read even after a fault: each may own a buffer that must be given back.
        for &pointer in pointers {
            match read_attachment(pointer, ledger) {
                Ok(attachment) => attachments.push(attachment),
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        if attachments.len() > ledger.limits.attachments {
            first_fault = first_fault.or(Some(Unusable("more attachments than the limit `attachments`")));
        }
        first_fault.map_or(Ok(attachments), Err)
    }
}

/// # Safety
/// As for [`read_reply`].
unsafe fn read_attachment(
    pointer: *const abi::jf_reply_attachment,
    ledger: &Arc<Ledger>,
) -> Result<Attachment, Unusable> {
    // SAFETY: promised by the caller.
    unsafe {
        let raw = read_struct(pointer)?;
        let bytes =
            if raw.buf.ptr.is_null() && raw.buf.release.is_none() { copy(raw.bytes)? } else { own(raw.buf, ledger)? };
        if bytes.len() > ledger.limits.attachment_bytes {
            return Err(Unusable("an attachment larger than the limit `attachment_bytes`"));
        }
        Ok(Attachment {
            name: lossy_text(raw.name).into_owned().into(),
            content_type: lossy_text(raw.content_type).into_owned().into(),
            bytes,
        })
    }
}

/// The failures that plugins and host tell each other: the status, what clients are told, and in words where the plugin
/// gives none.
#[rustfmt::skip]
const FAILURES: [(abi::jf_status, ErrorCode, &str); 17] = [
    (abi::JF_E_INTERNAL, ErrorCode::Internal, FAULT),
    (abi::JF_E_INVALID_PARAMS, ErrorCode::InvalidParams, "its params do not fit"),
    (abi::JF_E_UNKNOWN_KEY, ErrorCode::UnknownKey, "the plugin does not know the command"),
    (abi::JF_E_BUSY, ErrorCode::Busy, "the plugin is busy"),
    (abi::JF_E_CANCELLED, ErrorCode::Cancelled, "it was cancelled"),
    (abi::JF_E_DEADLINE, ErrorCode::Deadline, "its time limit has passed"),
    (abi::JF_E_TOO_LARGE, ErrorCode::TooLarge, "something is too large"),
    (abi::JF_E_PANIC, ErrorCode::PluginPanicked, "the plugin panicked"),
    (abi::JF_E_SHUTTING_DOWN, ErrorCode::ShuttingDown, "the server is stopping"),
    (abi::JF_E_CYCLE, ErrorCode::Cycle, "it would wait for itself"),
    (abi::JF_E_UNAVAILABLE, ErrorCode::Unavailable, "something that it needs is not there"),
    (abi::JF_E_OUTCOME_UNKNOWN, ErrorCode::OutcomeUnknown, "nobody knows whether it took effect"),
    (abi::JF_E_PLUGIN_GONE, ErrorCode::PluginGone, "a plugin that it needs is gone"),
    (abi::JF_E_PLUGIN_CRASHED, ErrorCode::PluginCrashed, "a plugin's process ended under it"),
    (abi::JF_E_FORBIDDEN, ErrorCode::Forbidden, "it is not allowed"),
    (abi::JF_E_UNAUTHENTICATED, ErrorCode::Unauthenticated, "the caller is not known"),
    (abi::JF_E_FAILED, ErrorCode::PluginFailed, "the plugin gave no reason"),
];
const FAULT: &str = "a fault of the plugin";

/// What a plugin is told of a failure.
pub(crate) fn status_of(code: ErrorCode) -> abi::jf_status {
    match FAILURES.iter().find(|(_, of, _)| *of == code) {
        Some((status, ..)) => *status,
        // Of bytes from a client only.
        None => abi::JF_E_INVALID,
    }
}

/// The status of a reply on its way to a plugin.
pub(super) fn raw_status(reply: &Reply) -> abi::jf_status {
    reply.outcome.as_ref().map_or_else(|failure| status_of(failure.code), |_| abi::JF_OK)
}

/// What the caller is told when a plugin answers with `status`.
pub(crate) fn failure(status: abi::jf_status, message: &str, ledger: &Ledger) -> Failure {
    let known = FAILURES.iter().find(|(of, ..)| *of == status);
    let (code, name) = known.map_or((ErrorCode::Internal, FAULT), |(_, code, name)| (*code, *name));
    let message = if message.is_empty() {
        format!("The command failed in plugin '{}' (status {status}): {name}.", ledger.plugin())
    } else {
        message.to_owned()
    };
    let failure = Failure::new(code, message).of_plugin(ledger.plugin(), ledger.number);
    if code == ErrorCode::Internal { failure.blame(Culprit::Plugin) } else { failure }
}

/// What the caller is told when the plugin's reply cannot be used.
pub(super) fn unusable(why: Unusable, ledger: &Ledger) -> Reply {
    let message = format!("Plugin '{}' answered with {}.", ledger.plugin(), why.0);
    Failure::new(ErrorCode::Internal, message).blame(Culprit::Plugin).of_plugin(ledger.plugin(), ledger.number).into()
}
