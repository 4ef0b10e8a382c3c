//! The application's structs, copied: they may be shorter or longer than this library knows them.

use crate::api::client::{jf_request, jf_subscription};
use crate::api::commands::jf_handler;
use crate::edge::Fault;
use std::mem::{MaybeUninit, offset_of};

/// Structs of integers, pointers and nullable function pointers.
///
/// # Safety
/// They begin with a `u32` size, and all-zero is a valid value.
pub(crate) unsafe trait Growing: Sized {
    /// As much as even the first version has is needed to make sense of it.
    const LEAST: usize;
    /// The argument's name, for errors.
    const NAME: &str;
}

// SAFETY: integers, raw pointers and Option<fn> only.
unsafe impl Growing for jf_handler {
    const LEAST: usize = offset_of!(jf_handler, cancel);
    const NAME: &str = "handler";
}

// SAFETY: as above.
unsafe impl Growing for jf_request {
    const LEAST: usize = offset_of!(jf_request, userdata);
    const NAME: &str = "request";
}

// SAFETY: as above.
unsafe impl Growing for jf_subscription {
    const LEAST: usize = offset_of!(jf_subscription, release);
    const NAME: &str = "subscription";
}

/// Copies a struct; what the application does not have is zero.
///
/// # Safety
/// `pointer` is null or points to a struct that begins with its size, of which as many bytes are readable.
pub(crate) unsafe fn read<T: Growing>(pointer: *const T) -> Result<T, Fault> {
    const ABSURD: usize = 1 << 16;
    let name = T::NAME;
    if pointer.is_null() {
        return Err(Fault::invalid(format!("`{name}` is NULL.")));
    }
    // SAFETY: promised by the caller; the size is read without any claim on alignment.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    if !(T::LEAST..=ABSURD).contains(&size) {
        let message = format!("`{name}` has a struct_size of {size}, which is not at least {}.", T::LEAST);
        return Err(Fault::invalid(message));
    }
    let mut whole = MaybeUninit::<T>::zeroed();
    // SAFETY: `size` bytes are readable by the caller's promise, and no more than size_of::<T>() are written; zero is valid
    // for the rest (Growing).
    Ok(unsafe {
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), whole.as_mut_ptr().cast::<u8>(), size.min(size_of::<T>()));
        whole.assume_init()
    })
}
