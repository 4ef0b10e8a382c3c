//! Bytes that go out as a buffer.

use super::library::guarded;
use jackfield_message::Bytes;
use jackfield_plugin_api as abi;
use std::ffi::c_void;

/// Hands bytes to the other side, which gives them back through `release`.
pub fn lend(bytes: Bytes) -> abi::jf_buf {
    extern "C" fn release(ctx: *mut c_void, _: *const u8, _: usize) {
        // SAFETY: `ctx` was made below and is given back once, by contract.
        guarded((), || drop(unsafe { Box::from_raw(ctx.cast::<Bytes>()) }));
    }
    let (ptr, len) = (bytes.as_ptr(), bytes.len());
    abi::jf_buf { ptr, len, release: Some(release), ctx: Box::into_raw(Box::new(bytes)).cast() }
}
