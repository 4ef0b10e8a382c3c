//! A command of the host.

use super::tables::{bytes, element, read, str_bytes, text};
use crate::{Attachment, Token};
use jackfield_plugin_api::{jf_attachment, jf_command};

/// A command where the host has it, valid while this lives; a copy only of one that is shorter than this SDK knows it.
pub(crate) struct RawCommand {
    command: *const jf_command,
    /// What `command` points to then.
    _copy: Option<Box<jf_command>>,
}

// SAFETY: what it points to is only read, and stays valid on every thread until the token is finished.
unsafe impl Send for RawCommand {}
// SAFETY: as above.
unsafe impl Sync for RawCommand {}

impl RawCommand {
    /// # Safety
    /// `command` is a command as plugin.h describes it, and the result is dropped before `handle` has returned or the
    /// token is finished, whichever is later.
    pub unsafe fn new(command: *const jf_command) -> Self {
        // SAFETY: as promised by the caller; it begins with its size.
        if unsafe { command.cast::<u32>().read() } as usize >= size_of::<jf_command>() {
            return Self { command, _copy: None };
        }
        // SAFETY: as promised by the caller.
        let copy = Box::new(unsafe { read(command) });
        Self { command: &raw const *copy, _copy: Some(copy) }
    }

    fn raw(&self) -> &jf_command {
        // SAFETY: the host's, valid as `new` was promised, or the copy, which lives as long as `self`.
        unsafe { &*self.command }
    }

    pub fn token(&self) -> Token {
        Token(self.raw().token)
    }

    pub fn key(&self) -> &str {
        // SAFETY: valid while `self` lives (`new`); the same below.
        unsafe { text(self.raw().key) }
    }

    pub fn params(&self) -> &str {
        // SAFETY: valid while `self` lives, and the host has checked that it is UTF-8 (plugin.h, `jf_command.params`).
        // Checking it again would cost a pass over the whole payload.
        unsafe { std::str::from_utf8_unchecked(str_bytes(self.raw().params)) }
    }

    pub fn attachment_count(&self) -> usize {
        if self.raw().attachments.is_null() { 0 } else { self.raw().attachment_count as usize }
    }

    pub fn attachment(&self, index: usize) -> Option<Attachment<'_>> {
        // SAFETY: as in `key`; the array has `attachment_count` elements.
        let raw: jf_attachment = unsafe { element(self.raw().attachments, self.attachment_count(), index) }?;
        // SAFETY: as in `key`.
        Some(unsafe {
            Attachment { name: text(raw.name), content_type: text(raw.content_type), bytes: bytes(raw.bytes) }
        })
    }

    pub fn session(&self) -> u64 {
        self.raw().session
    }

    pub fn principal(&self) -> &str {
        // SAFETY: as in `key`.
        unsafe { text(self.raw().principal) }
    }

    pub fn dialect(&self) -> &str {
        // SAFETY: as in `key`.
        unsafe { text(self.raw().dialect) }
    }

    pub fn trace_id(&self) -> &str {
        // SAFETY: as in `key`.
        unsafe { text(self.raw().trace_id) }
    }

    pub fn deadline_ns(&self) -> u64 {
        self.raw().deadline_ns
    }
}
