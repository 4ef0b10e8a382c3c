use super::read::{MAX_STORY, MAX_TEXT, Unusable, copy, elements, lossy_text, own, read_struct, text, with_struct};
use crate::Limits;
use crate::host::Ledger;
use jackfield_message::json::Letters;
use jackfield_message::{
    Attachment, Attachments, ByteString, Bytes, Culprit, ErrorCode, Failure, Plain, Reply, Success, json,
};
use jackfield_plugin_api as abi;
use std::sync::Arc;

/// This much of a plugin's error message is passed on.
const MAX_MESSAGE: usize = 16 << 10;

/// Whose reply it is.
pub(super) trait Maker {
    fn limits(&self) -> &Limits;

    /// Takes over a buffer, which is given back as the maker wants it.
    ///
    /// # Safety
    /// The maker gives up `buf`: it is readable until `release` was called, once.
    unsafe fn own(&self, buf: abi::jf_buf, max: usize) -> Result<Bytes, Unusable>;

    /// What the caller is told when it answers with `status`.
    fn failure(&self, status: abi::jf_status, message: &str) -> Failure;
}

impl Maker for Arc<Ledger> {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    unsafe fn own(&self, buf: abi::jf_buf, max: usize) -> Result<Bytes, Unusable> {
        // SAFETY: promised by the caller.
        unsafe { own(buf, max, self) }
    }

    fn failure(&self, status: abi::jf_status, message: &str) -> Failure {
        failure(status, message, self)
    }
}

/// Copies, takes over and checks a reply. Buffers that were handed over are given back also on an error. Written
/// where it stays, because each move of something that was just made stalls the processor.
///
/// # Safety
/// `reply` is null or points to a reply as the ABI describes it.
pub(super) unsafe fn read_reply(
    reply: *const abi::jf_reply,
    maker: &impl Maker,
    into: &mut Option<Reply>,
) -> Result<(), Unusable> {
    // SAFETY: promised by the caller, also for everything that is reachable from here.
    unsafe { with_struct(reply, |raw| read(raw, maker, into))? }
}

/// # Safety
/// As for [`read_reply`].
unsafe fn read(raw: &abi::jf_reply, maker: &impl Maker, into: &mut Option<Reply>) -> Result<(), Unusable> {
    // SAFETY: promised by the caller.
    unsafe {
        let (max, nesting) = (maker.limits().attachment_bytes, maker.limits().nesting);
        let json = if raw.json_buf.ptr.is_null() && raw.json_buf.release.is_none() {
            copy(abi::jf_bytes { ptr: raw.json.ptr.cast(), len: raw.json.len }, max)
        } else {
            maker.own(raw.json_buf, max)
        };
        // Read before any fault of the JSON is told: they may own buffers too.
        let attachments =
            if raw.attachment_count == 0 { Ok(Attachments::default()) } else { read_attachments(raw, maker) };
        let json = json_text(json.map_err(|why| in_part("JSON", limited(why)))?, nesting)?;
        let attachments = attachments?;
        if raw.status == abi::JF_OK {
            let json = if json.is_empty() { ByteString::from_static("null") } else { json };
            *into = Some(Reply { outcome: Ok(Success { json, attachments, plain: Plain::Result }) });
            return Ok(());
        }
        let message = text(raw.message, MAX_STORY).map_err(|why| in_part("message", why))?;
        let mut failure = maker.failure(raw.status, &message[..message.floor_char_boundary(MAX_MESSAGE)]);
        failure.plugin_code = raw.code;
        failure.details = json;
        if !failure.details.is_empty() {
            // Plain clients get the message alone; this is where its reason can be found.
            tracing::info!(
                plugin = failure.plugin, generation = failure.generation, code = raw.code, message = failure.message,
                details = %&failure.details[..failure.details.floor_char_boundary(1024)], "a command failed"
            );
        }
        *into = Some(failure.into());
        Ok(())
    }
}

/// A text of owned or copied bytes, which have to be nothing or one JSON text. That they are UTF-8 is mostly found out on the way.
#[inline(always)]
fn json_text(bytes: Bytes, nesting: usize) -> Result<ByteString, Unusable> {
    match json::check_bytes(&bytes, nesting) {
        // SAFETY: they are ASCII, as was just found.
        Some(Letters::Ascii) => Ok(unsafe { ByteString::from_bytes_unchecked(bytes) }),
        letters => text_of_letters(bytes, letters, nesting),
    }
}

#[inline(never)]
fn text_of_letters(bytes: Bytes, letters: Option<Letters>, nesting: usize) -> Result<ByteString, Unusable> {
    let text = ByteString::try_from(bytes).map_err(|_| in_part("JSON", Unusable::new("a text that is not UTF-8")))?;
    if letters.is_some() || text.is_empty() || json::check(&text, nesting).is_ok() {
        Ok(text)
    } else {
        Err(Unusable::new("a reply whose JSON is malformed or nested too deeply"))
    }
}

/// # Safety
/// As for [`read_reply`].
#[inline(never)]
unsafe fn read_attachments(raw: &abi::jf_reply, maker: &impl Maker) -> Result<Attachments, Unusable> {
    // SAFETY: promised by the caller.
    unsafe {
        let pointers =
            elements(raw.attachments, raw.attachment_count).map_err(|why| in_part("list of attachments", why))?;
        let (count, most) = (pointers.len(), maker.limits().attachments);
        let mut first_fault = (count > most).then(|| {
            Unusable::too_large(format!("a reply with {count} attachments, more than {most} (limit attachments)"))
        });
        let mut attachments = Vec::with_capacity(count.min(most));
        // All are read even after a fault: each may own a buffer that must be given back. Nothing is copied then.
        for &pointer in pointers {
            let max = if first_fault.is_none() { maker.limits().attachment_bytes } else { 0 };
            match read_attachment(pointer, max, maker) {
                Ok(attachment) => attachments.push(attachment),
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        first_fault.map_or(Ok(attachments.into()), Err)
    }
}

/// # Safety
/// As for [`read_reply`].
unsafe fn read_attachment(
    pointer: *const abi::jf_reply_attachment,
    max: usize,
    maker: &impl Maker,
) -> Result<Attachment, Unusable> {
    // SAFETY: promised by the caller.
    unsafe {
        let read = || {
            let raw = read_struct(pointer)?;
            let owns = !raw.buf.ptr.is_null() || raw.buf.release.is_some();
            let bytes = if owns { maker.own(raw.buf, max) } else { copy(raw.bytes, max) }.map_err(limited)?;
            let text = |text| Ok(lossy_text(text, MAX_TEXT)?.into_owned().into());
            Ok(Attachment { name: text(raw.name)?, content_type: text(raw.content_type)?, bytes })
        };
        read().map_err(|why| in_part("attachment", why))
    }
}

/// Names the part of the reply that cannot be used.
fn in_part(part: &str, why: Unusable) -> Unusable {
    Unusable { what: format!("a reply whose {part} has {}", why.what).into(), ..why }
}

/// Names the limit that a length is over.
fn limited(why: Unusable) -> Unusable {
    let limit = if why.too_large { " (limit attachment_bytes)" } else { "" };
    Unusable { what: format!("{}{limit}", why.what).into(), ..why }
}

/// The failures that plugins and host tell each other: the status, what clients are told, and in words where the plugin
/// gives none.
#[rustfmt::skip]
const FAILURES: [(abi::jf_status, ErrorCode, &str); 18] = [
    (abi::JF_E_INTERNAL, ErrorCode::Internal, FAULT),
    (abi::JF_E_INVALID_PARAMS, ErrorCode::InvalidParams, "its params do not fit"),
    (abi::JF_E_UNKNOWN_KEY, ErrorCode::UnknownKey, "it does not know the command"),
    (abi::JF_E_BUSY, ErrorCode::Busy, "it is busy"),
    (abi::JF_E_CANCELLED, ErrorCode::Cancelled, "it was cancelled"),
    (abi::JF_E_DEADLINE, ErrorCode::Deadline, "its time limit has passed"),
    (abi::JF_E_TOO_LARGE, ErrorCode::TooLarge, "something is too large"),
    (abi::JF_E_PANIC, ErrorCode::PluginPanicked, "it panicked"),
    (abi::JF_E_SHUTTING_DOWN, ErrorCode::ShuttingDown, "the server is stopping"),
    (abi::JF_E_CYCLE, ErrorCode::Cycle, "it would wait for itself"),
    (abi::JF_E_UNAVAILABLE, ErrorCode::Unavailable, "something that it needs is not there"),
    (abi::JF_E_OUTCOME_UNKNOWN, ErrorCode::OutcomeUnknown, "nobody knows whether it took effect"),
    (abi::JF_E_PLUGIN_GONE, ErrorCode::PluginGone, "a plugin that it needs is gone"),
    (abi::JF_E_PLUGIN_CRASHED, ErrorCode::PluginCrashed, "a plugin's process ended under it"),
    (abi::JF_E_FORBIDDEN, ErrorCode::Forbidden, "it is not allowed"),
    (abi::JF_E_UNAUTHENTICATED, ErrorCode::Unauthenticated, "the caller is not known"),
    (abi::JF_E_FAILED, ErrorCode::PluginFailed, "it gave no reason"),
    (abi::JF_E_NOT_FOUND, ErrorCode::PluginFailed, "what it looks for is not there"),
];
const FAULT: &str = "a fault of its own";

/// What a plugin is told of a failure.
pub fn status_of(code: ErrorCode) -> abi::jf_status {
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
    let failure = failure_of(status, message, || format!("plugin '{}'", ledger.plugin()));
    if failure.code == ErrorCode::PluginPanicked {
        ledger.note_panic();
    }
    failure.of_plugin(ledger.plugin(), ledger.number)
}

/// The same for whoever `who` names.
pub(super) fn failure_of(status: abi::jf_status, message: &str, who: impl FnOnce() -> String) -> Failure {
    let known = FAILURES.iter().find(|(of, ..)| *of == status);
    let (code, name) = known.map_or((ErrorCode::Internal, FAULT), |(_, code, name)| (*code, *name));
    let message = match message {
        "" => format!("The command failed in {} (status {status}): {name}.", who()),
        message => message.to_owned(),
    };
    let failure = Failure::new(code, message);
    if code == ErrorCode::Internal { failure.blame(Culprit::Plugin) } else { failure }
}

/// What the caller is told when the plugin's reply cannot be used.
pub(super) fn unusable(why: Unusable, ledger: &Ledger) -> Reply {
    let message = format!("Plugin '{}' answered with {}.", ledger.plugin(), why.what);
    let code = if why.too_large { ErrorCode::TooLarge } else { ErrorCode::Internal };
    Failure::new(code, message).blame(Culprit::Plugin).of_plugin(ledger.plugin(), ledger.number).into()
}
