use crate::call::Call;
use jackfield_message::{Attachment, Command};
use jackfield_plugin_api as abi;
use std::sync::Arc;
use std::time::Instant;

/// A command as the plugin sees it, with everything that its pointers point into.
pub struct CommandFrame {
    raw: abi::jf_command,
    _attachments: Box<[abi::jf_attachment]>,
    _pointers: Box<[*const abi::jf_attachment]>,
    _call: Arc<Call>,
}

// SAFETY: the pointers lead into this struct and into the call that it shares; nobody changes either.
unsafe impl Send for CommandFrame {}
// SAFETY: as above.
unsafe impl Sync for CommandFrame {}

impl CommandFrame {
    pub(crate) fn new(call: Arc<Call>, token: u64) -> Arc<Self> {
        let attachments: Box<[_]> = call.command.attachments.iter().map(attachment).collect();
        let pointers: Box<[_]> = attachments.iter().map(|attachment| attachment as *const _).collect();
        let raw = raw(&call.command, token, &pointers);
        Arc::new(Self { raw, _attachments: attachments, _pointers: pointers, _call: call })
    }

    /// For the callee, as long as this lives.
    pub fn as_ptr(&self) -> *const abi::jf_command {
        &self.raw
    }
}

/// Shows `command` to `handle` without an allocation where it has no attachments.
#[inline(always)]
pub(super) fn with_inline<T>(command: &Command, token: u64, handle: impl FnOnce(*const abi::jf_command) -> T) -> T {
    if command.attachments.is_empty() {
        return handle(&raw(command, token, &[]));
    }
    with_attachments(command, token, handle)
}

#[inline(never)]
fn with_attachments<T>(command: &Command, token: u64, handle: impl FnOnce(*const abi::jf_command) -> T) -> T {
    let attachments: Vec<_> = command.attachments.iter().map(attachment).collect();
    let pointers: Vec<_> = attachments.iter().map(|attachment| attachment as *const _).collect();
    handle(&raw(command, token, &pointers))
}

#[inline(always)]
fn raw(command: &Command, token: u64, attachments: &[*const abi::jf_attachment]) -> abi::jf_command {
    abi::jf_command {
        struct_size: size_of::<abi::jf_command>() as u32,
        attachment_count: attachments.len() as u32,
        token,
        key: abi::jf_str::new(command.key()),
        params: abi::jf_str::new(command.params()),
        attachments: attachments.as_ptr(),
        session: command.session.0,
        principal: abi::jf_str::new(command.principal()),
        dialect: abi::jf_str::new(command.dialect),
        trace_id: abi::jf_str::new(command.trace_id()),
        deadline_ns: command.deadline.map_or(0, monotonic_ns),
    }
}

fn attachment(attachment: &Attachment) -> abi::jf_attachment {
    abi::jf_attachment {
        struct_size: size_of::<abi::jf_attachment>() as u32,
        flags: 0,
        name: abi::jf_str::new(&attachment.name),
        content_type: abi::jf_str::new(&attachment.content_type),
        bytes: abi::jf_bytes::new(&attachment.bytes),
    }
}

/// A moment of the engine's clock on the clock that a plugin can read itself.
#[inline(never)]
fn monotonic_ns(moment: Instant) -> u64 {
    let left = moment.saturating_duration_since(Instant::now());
    u64::try_from((now() + left).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(unix)]
fn now() -> std::time::Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    std::time::Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// Windows: the time since this process first asked; a plugin compares it with the time left only.
#[cfg(not(unix))]
fn now() -> std::time::Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
