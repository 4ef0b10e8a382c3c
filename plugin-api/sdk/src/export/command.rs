//! A command of the host.

use super::tables::{bytes, element, read, str_bytes, text};
use crate::{Attachment, Token};
use jackfield_plugin_api::{jf_attachment, jf_command};

/// A command, copied as far as both sides know it; what it points to is the host's and valid while this lives.
pub(crate) struct RawCommand(jf_command);

// SAFETY: what it points to is only read, and stays valid on every thread until the token is finished.
unsafe impl Send for RawCommand {}
// SAFETY: as above.
unsafe impl Sync for RawCommand {}

impl RawCommand {
    /// # Safety
    /// `command` is a command as plugin.h describes it, and the result is dropped before `handle` has returned or the
    /// token is finished, whichever is later.
    pub unsafe fn new(command: *const jf_command) -> Self {
        // SAFETY: as promised by the caller.
        Self(unsafe { read(command) })
    }

    pub fn token(&self) -> Token {
        Token(self.0.token)
    }

    pub fn key(&self) -> &str {
        // SAFETY: valid while `self` lives (`new`); the same below.
        unsafe { text(self.0.key) }
    }

    pub fn params(&self) -> &str {
        // SAFETY: valid while `self` lives, and the host has checked that it is UTF-8 (plugin.h, `jf_command.params`).
        // Checking it again would cost a pass over the whole payload.
        unsafe { std::str::from_utf8_unchecked(str_bytes(self.0.params)) }
    }

    pub fn attachment_count(&self) -> usize {
        if self.0.attachments.is_null() { 0 } else { self.0.attachment_count as usize }
    }

    pub fn attachment(&self, index: usize) -> Option<Attachment<'_>> {
        // SAFETY: as in `key`; the array has `attachment_count` elements.
        let raw: jf_attachment = unsafe { element(self.0.attachments, self.attachment_count(), index) }?;
        // SAFETY: as in `key`.
        Some(unsafe {
            Attachment { name: text(raw.name), content_type: text(raw.content_type), bytes: bytes(raw.bytes) }
        })
    }

    pub fn session(&self) -> u64 {
        self.0.session
    }

    pub fn principal(&self) -> &str {
        // SAFETY: as in `key`.
        unsafe { text(self.0.principal) }
    }

    pub fn dialect(&self) -> &str {
        // SAFETY: as in `key`.
        unsafe { text(self.0.dialect) }
    }

    pub fn trace_id(&self) -> &str {
        // SAFETY: as in `key`.
        unsafe { text(self.0.trace_id) }
    }

    pub fn deadline_ns(&self) -> u64 {
        self.0.deadline_ns
    }
}
