//! Value types and status numbers shared by all C headers (`types.h`).

use core::ffi::{c_char, c_void};

/// Result of a call across the ABI: JF_OK, JF_PENDING (from `handle` only), or an error from the fixed list below. Any other
/// number is read as JF_E_INTERNAL.
pub type jf_status = i32;

/// Done.
pub const JF_OK: jf_status = 0;
/// Returned by `handle` only: the answer will come later through the token.
pub const JF_PENDING: jf_status = 1;
/// An argument of this call is not usable: a null where none is allowed, a NULL with a length, invalid UTF-8 or JSON.
pub const JF_E_INVALID: jf_status = -1;
/// The command could not be done; the reason is in the message. What a plugin answers when nothing below fits better.
pub const JF_E_FAILED: jf_status = -2;
/// The command's params are missing something or have a wrong type.
pub const JF_E_INVALID_PARAMS: jf_status = -3;
/// No such command.
pub const JF_E_UNKNOWN_KEY: jf_status = -4;
/// A queue is full; the same call may succeed later.
pub const JF_E_BUSY: jf_status = -5;
/// The command was given up because its caller asked for that.
pub const JF_E_CANCELLED: jf_status = -6;
/// The command's time limit has passed.
pub const JF_E_DEADLINE: jf_status = -7;
/// Larger than a limit of the host.
pub const JF_E_TOO_LARGE: jf_status = -8;
/// The token (or handle) is finished, unknown, or belongs to somebody else. Harmless; counted and logged by the host.
pub const JF_E_STALE: jf_status = -9;
/// Not allowed in this state, such as a reply from within `create`.
pub const JF_E_WRONG_STATE: jf_status = -10;
/// Not allowed on this thread, such as a blocking service from within an INLINE command.
pub const JF_E_WRONG_THREAD: jf_status = -11;
/// The service or extension is not there.
pub const JF_E_NO_SERVICE: jf_status = -12;
/// Made for another version.
pub const JF_E_VERSION: jf_status = -13;
/// The saved state cannot be taken over.
pub const JF_E_STATE: jf_status = -14;
/// A panic or exception was stopped at the edge of the plugin.
pub const JF_E_PANIC: jf_status = -15;
/// A fault of the side that answers.
pub const JF_E_INTERNAL: jf_status = -16;
/// The host is stopping.
pub const JF_E_SHUTTING_DOWN: jf_status = -17;
/// No such document, blob or thing.
pub const JF_E_NOT_FOUND: jf_status = -18;
/// The call would wait for itself.
pub const JF_E_CYCLE: jf_status = -19;
/// What the command needs is not there now: a device, a disk, a connection.
pub const JF_E_UNAVAILABLE: jf_status = -20;
/// Nobody knows whether the command took effect.
pub const JF_E_OUTCOME_UNKNOWN: jf_status = -21;
/// The plugin that would have answered was unloaded.
pub const JF_E_PLUGIN_GONE: jf_status = -22;
/// The plugin's process ended under the command.
pub const JF_E_PLUGIN_CRASHED: jf_status = -23;
/// The caller may not do this.
pub const JF_E_FORBIDDEN: jf_status = -24;
/// The caller is not known.
pub const JF_E_UNAUTHENTICATED: jf_status = -25;

/// Names one command in flight: a slot and a counter, never an address. It stays harmless after its command is finished:
/// every use of a finished token answers JF_E_STALE. 0 names no command.
pub type jf_token = u64;

/// Borrowed UTF-8 text, not ended by a NUL. `ptr` may be NULL only with `len` 0. Valid as long as the function or struct
/// that hands it over says; where nothing is said, until the call returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jf_str {
    /// First byte.
    pub ptr: *const c_char,
    /// Length in bytes.
    pub len: usize,
}

/// Borrowed bytes. `ptr` may be NULL only with `len` 0. Valid as for jf_str.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jf_bytes {
    /// First byte.
    pub ptr: *const u8,
    /// Length in bytes.
    pub len: usize,
}

/// Owned bytes with the way to give them back. Who takes a jf_buf calls `release(ctx, ptr, len)` exactly once, unless
/// `release` is NULL (static data, or none). The engine gives a plugin's back on the control thread of its generation, a host
/// application's on any thread. Nobody frees the other side's memory in any other way.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jf_buf {
    /// First byte; may be NULL only with `len` 0.
    pub ptr: *const u8,
    /// Length in bytes.
    pub len: usize,
    /// Gives the bytes back; NULL: nothing to give back.
    pub release: Option<unsafe extern "C" fn(ctx: *mut c_void, ptr: *const u8, len: usize)>,
    /// Handed to `release` unchanged.
    pub ctx: *mut c_void,
}

impl jf_str {
    /// No text.
    pub const EMPTY: Self = Self { ptr: core::ptr::null(), len: 0 };

    /// Borrows `text`; the caller keeps it alive as long as the receiver may read it.
    pub const fn new(text: &str) -> Self {
        Self { ptr: text.as_ptr().cast(), len: text.len() }
    }
}

impl jf_bytes {
    /// No bytes.
    pub const EMPTY: Self = Self { ptr: core::ptr::null(), len: 0 };

    /// Borrows `bytes`; the caller keeps them alive as long as the receiver may read them.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }
}

impl jf_buf {
    /// No bytes, nothing to release.
    pub const EMPTY: Self = Self { ptr: core::ptr::null(), len: 0, release: None, ctx: core::ptr::null_mut() };
}
