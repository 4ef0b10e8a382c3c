//! Reading what the other side hands over: structs that may be shorter than ours, borrowed texts and bytes.

use jackfield_plugin_api::*;
use std::mem::MaybeUninit;

/// A struct of the ABI that can be read as far as the other side knows it.
///
/// # Safety
/// `repr(C)`, begins with `struct_size: u32`, and all bytes zero is a value of it.
pub(crate) unsafe trait Table: Sized {}

// SAFETY: each is repr(C), begins with `struct_size: u32`, and holds only integers, pointers, optional function pointers
// and value types of these, for all of which zero is a value.
unsafe impl Table for jf_host {}
// SAFETY: as above.
unsafe impl Table for jf_plugin {}
// SAFETY: as above.
unsafe impl Table for jf_command {}
// SAFETY: as above.
unsafe impl Table for jf_attachment {}
// SAFETY: as above.
unsafe impl Table for jf_reply {}
// SAFETY: as above.
unsafe impl Table for jf_reply_attachment {}
// SAFETY: as above.
unsafe impl Table for jf_store_v1 {}
// SAFETY: as above.
unsafe impl Table for jf_sink {}
// SAFETY: as above.
unsafe impl Table for jf_state_v1 {}
// SAFETY: as above.
unsafe impl Table for jf_thread_v1 {}
// SAFETY: as above.
unsafe impl Table for jf_topics_v1 {}
// SAFETY: as above.
unsafe impl Table for jf_call_v1 {}

/// A copy of `*from`; what lies beyond its `struct_size` is zero. Sizes are multiples of 8, so a field is whole or absent.
///
/// # Safety
/// `from` points to a struct of that kind with at least `struct_size` readable bytes.
pub(crate) unsafe fn read<T: Table>(from: *const T) -> T {
    // SAFETY: as promised by the caller.
    let size = unsafe { from.cast::<u32>().read() } as usize;
    if size >= size_of::<T>() {
        // SAFETY: all of it is readable, by the caller's promise. Of a copy of known size only what is used is made.
        return unsafe { from.read() };
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: the caller promises the bytes up to `struct_size`, which is the first field and less than the copy has; zero
    // or copied, every byte makes a value (trait `Table`).
    unsafe {
        copy.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(from.cast(), size & !7);
        copy.assume_init()
    }
}

/// The bytes of a borrowed text; empty for NULL.
///
/// # Safety
/// They stay valid for `'a`.
pub(crate) unsafe fn str_bytes<'a>(raw: jf_str) -> &'a [u8] {
    // SAFETY: as promised by the caller.
    unsafe { bytes(jf_bytes { ptr: raw.ptr.cast(), len: raw.len }) }
}

/// A borrowed text; empty for NULL. Not checked for UTF-8: the host has done that, and promises it.
///
/// # Safety
/// It stays valid for `'a`.
pub(crate) unsafe fn text<'a>(raw: jf_str) -> &'a str {
    // SAFETY: as promised by the caller; what a host hands over is valid UTF-8 (plugin.h, "Strings").
    unsafe { std::str::from_utf8_unchecked(str_bytes(raw)) }
}

/// Borrowed bytes; empty for NULL.
///
/// # Safety
/// They stay valid for `'a`.
pub(crate) unsafe fn bytes<'a>(raw: jf_bytes) -> &'a [u8] {
    if raw.ptr.is_null() || raw.len == 0 {
        return &[];
    }
    // SAFETY: not null, and valid for `len` bytes as promised by the caller.
    unsafe { std::slice::from_raw_parts(raw.ptr, raw.len) }
}

/// The element `index` of an array of pointers to structs, copied; `None` beyond `count` or for NULL.
///
/// # Safety
/// `array` is NULL or has `count` elements, each NULL or as [`read`] wants it.
pub(crate) unsafe fn element<T: Table>(array: *const *const T, count: usize, index: usize) -> Option<T> {
    if array.is_null() || index >= count {
        return None;
    }
    // SAFETY: inside the array; what is there is NULL or readable, as promised by the caller.
    unsafe {
        let element = array.add(index).read();
        (!element.is_null()).then(|| read(element))
    }
}
