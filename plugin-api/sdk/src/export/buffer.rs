//! Owned bytes that cross the ABI.

use super::guard::guard;
use jackfield_plugin_api::jf_buf;
use std::ffi::c_void;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;

/// Hands `vec` over without a copy; whoever takes it releases it.
pub(crate) fn into_buf(vec: Vec<u8>) -> jf_buf {
    let vec = ManuallyDrop::new(vec);
    let ctx = std::ptr::without_provenance_mut(vec.capacity());
    jf_buf { ptr: vec.as_ptr(), len: vec.len(), release: Some(release), ctx }
}

unsafe extern "C" fn release(ctx: *mut c_void, ptr: *const u8, len: usize) {
    // Dropping bytes does not panic; an allocator's check may.
    let _ = guard(|| {
        // SAFETY: pointer, length and capacity are those of the Vec that `into_buf` forgot, and the taker calls this once
        // with what it was given.
        drop(unsafe { Vec::from_raw_parts(ptr.cast_mut(), len, ctx.addr()) });
    });
}

/// Bytes of the server's, such as a part of a blob. Given back when dropped.
pub struct Buffer(jf_buf);

// SAFETY: the bytes are only read, and `release` may be called on any thread (plugin.h).
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Takes over what a call put into `raw`.
    ///
    /// # Safety
    /// `raw` was handed over by the other side, and nobody else releases it.
    pub(crate) unsafe fn new(raw: jf_buf) -> Self {
        Self(raw)
    }

    /// As text; `None` if it is not UTF-8.
    pub fn into_text(self) -> Option<Text> {
        std::str::from_utf8(&self).is_ok().then_some(Text(self))
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let raw = jackfield_plugin_api::jf_bytes { ptr: self.0.ptr, len: self.0.len };
        // SAFETY: owned by `self` until dropped.
        unsafe { super::tables::bytes(raw) }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Buffer({} bytes)", self.len())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: called once, with what came with it.
            unsafe { release(self.0.ctx, self.0.ptr, self.0.len) }
        }
    }
}

/// Text of the server's, such as a document. Given back when dropped.
#[derive(Debug)]
pub struct Text(Buffer);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        // SAFETY: checked when made, and the bytes do not change.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }
}
