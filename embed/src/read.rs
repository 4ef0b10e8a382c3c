//! The application's structs, copied: they may be shorter or longer than this library knows them.

use crate::api::client::{jf_request, jf_subscription};
use crate::api::commands::jf_handler;
use crate::edge::Fault;
use jackfield_engine::raw::{self, Copyable};
use std::mem::offset_of;

// SAFETY: integers, raw pointers and Option<fn> only, after a size.
unsafe impl Copyable for jf_handler {
    const MIN_SIZE: usize = offset_of!(jf_handler, cancel);
}

// SAFETY: as above.
unsafe impl Copyable for jf_request {
    const MIN_SIZE: usize = offset_of!(jf_request, userdata);
}

// SAFETY: as above.
unsafe impl Copyable for jf_subscription {
    const MIN_SIZE: usize = offset_of!(jf_subscription, release);
}

/// Copies a struct, the argument `name`; what the application does not have is zero.
///
/// # Safety
/// As for [`raw::read_struct`].
pub(crate) unsafe fn read<T: Copyable>(pointer: *const T, name: &str) -> Result<T, Fault> {
    // SAFETY: promised by the caller.
    unsafe { raw::read_struct(pointer) }.map_err(|why| Fault::invalid(format!("`{name}` is {}.", why.what)))
}
