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

/// What the caller is told when a plugin answers with `status`.
pub(crate) fn failure(status: abi::jf_status, message: &str, ledger: &Ledger) -> Failure {
    use ErrorCode as E;
    let (code, name) = match status {
        abi::JF_E_INVALID_PARAMS => (E::InvalidParams, "its params do not fit"),
        abi::JF_E_UNKNOWN_KEY => (E::UnknownKey, "the plugin does not know the command"),
        abi::JF_E_BUSY => (E::Busy, "the plugin is busy"),
        abi::JF_E_CANCELLED => (E::Cancelled, "it was cancelled"),
        abi::JF_E_DEADLINE => (E::Deadline, "its time limit has passed"),
        abi::JF_E_TOO_LARGE => (E::TooLarge, "something is too large"),
        abi::JF_E_PANIC => (E::PluginPanicked, "the plugin panicked"),
        abi::JF_E_SHUTTING_DOWN => (E::ShuttingDown, "the server is stopping"),
        abi::JF_E_CYCLE => (E::Cycle, "it would wait for itself"),
        abi::JF_E_UNAVAILABLE => (E::Unavailable, "something that it needs is not there"),
        abi::JF_E_OUTCOME_UNKNOWN => (E::OutcomeUnknown, "nobody knows whether it took effect"),
        abi::JF_E_PLUGIN_GONE => (E::PluginGone, "a plugin that it needs is gone"),
        abi::JF_E_PLUGIN_CRASHED => (E::PluginCrashed, "a plugin's process ended under it"),
        abi::JF_E_FORBIDDEN => (E::Forbidden, "it is not allowed"),
        abi::JF_E_UNAUTHENTICATED => (E::Unauthenticated, "the caller is not known"),
        abi::JF_E_FAILED => (E::PluginFailed, "the plugin gave no reason"),
        _ => (E::Internal, "a fault of the plugin"),
    };
    if code == E::PluginPanicked {
        ledger.note_panic();
    }
    let message = if message.is_empty() {
        format!("The command failed in plugin '{}' (status {status}): {name}.", ledger.plugin())
    } else {
        message.to_owned()
    };
    let failure = Failure::new(code, message).of_plugin(ledger.plugin(), ledger.number);
    if code == E::Internal { failure.blame(Culprit::Plugin) } else { failure }
}

/// What the caller is told when the plugin's reply cannot be used.
pub(super) fn unusable(why: Unusable, ledger: &Ledger) -> Reply {
    let message = format!("Plugin '{}' answered with {}.", ledger.plugin(), why.0);
    Failure::new(ErrorCode::Internal, message).blame(Culprit::Plugin).of_plugin(ledger.plugin(), ledger.number).into()
}
