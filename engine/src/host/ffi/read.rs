use crate::host::Ledger;
use jackfield_message::Bytes;
use jackfield_plugin_api::{jf_buf, jf_bytes, jf_str};
use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// No single piece of data from a plugin may claim to be larger.
const SANE_LENGTH: usize = 1 << 40;

/// Longest name, help and the like. A longer one is not even looked at: a wrong length would lead out of the plugin's memory.
pub(super) const MAX_TEXT: usize = 64 << 10;

/// Longest text of which the beginning is told: an error message, a line of the log, a reason. As above.
pub(super) const MAX_STORY: usize = 1 << 20;

/// Something in a plugin's memory is not as the ABI says.
#[derive(Debug, Clone)]
pub struct Unusable {
    /// What, to be put behind "answered with".
    pub what: Cow<'static, str>,
    /// It is only larger than a limit.
    pub too_large: bool,
}

impl Unusable {
    /// What is not as it must be.
    pub const fn new(what: &'static str) -> Self {
        Self { what: Cow::Borrowed(what), too_large: false }
    }

    /// Larger than may be.
    pub fn too_large(what: impl Into<String>) -> Self {
        Self { what: Cow::Owned(what.into()), too_large: true }
    }
}

/// Copies a struct that may be shorter or longer than this host knows it: what the plugin does not have is zero.
///
/// # Safety
/// `pointer` is null or points to a struct that begins with a `u32` size and has that many readable bytes; `T` is one
/// for which all-zero is a valid value.
pub unsafe fn read_struct<T: Copyable>(pointer: *const T) -> Result<T, Unusable> {
    if pointer.is_null() {
        return Err(Unusable::new("a null where a struct is required"));
    }
    // SAFETY: the caller promises a leading u32 size. It is read without any claim on alignment.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    let (least, most) = (T::MIN_SIZE, 1 << 16);
    if !(least..=most).contains(&size) {
        let what = format!("a struct_size of {size}, which is not within {least} to {most}");
        return Err(Unusable { what: what.into(), too_large: false });
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `size` bytes are readable by the caller's promise, and no more than size_of::<T>() are written.
    unsafe {
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), size.min(size_of::<T>()));
    }
    // SAFETY: zero is valid for the part that was not copied (Copyable), the rest came from a value of the same struct.
    Ok(unsafe { value.assume_init() })
}

/// Shows a struct to `read`: where it stands, if it is as long as this host knows it, else a copy.
///
/// # Safety
/// As for [`read_struct`], and nobody changes the struct meanwhile.
#[inline]
pub(super) unsafe fn with_struct<T: Copyable, R>(pointer: *const T, read: impl FnOnce(&T) -> R) -> Result<R, Unusable> {
    // SAFETY: promised by the caller; the size is read without any claim on alignment.
    let whole = !pointer.is_null() && unsafe { pointer.cast::<u32>().read_unaligned() } as usize == size_of::<T>();
    let copy;
    // One place that reads, so that it is part of this.
    Ok(read(if whole && pointer.is_aligned() {
        // SAFETY: as many bytes are readable as a `T` has, and any bytes are one (Copyable).
        unsafe { &*pointer }
    } else {
        // SAFETY: promised by the caller.
        copy = unsafe { read_struct(pointer) }?;
        &copy
    }))
}

/// Structs of a C interface that hold only integers, pointers and nullable function pointers.
///
/// # Safety
/// All-zero must be a valid value, and the first field is a `u32` size.
pub unsafe trait Copyable: Sized {
    /// The fields that even the first version has, up to here, are needed to make sense of it.
    const MIN_SIZE: usize;
}

macro_rules! copyable {
    ($($name:ident up to $field:ident),+ $(,)?) => {$(
        // SAFETY: integers, raw pointers and Option<fn> only.
        unsafe impl Copyable for jackfield_plugin_api::$name {
            const MIN_SIZE: usize = core::mem::offset_of!(jackfield_plugin_api::$name, $field);
        }
    )+};
}

copyable! {
    jf_plugin up to get_extension,
    jf_descriptor up to license,
    jf_command_info up to help,
    jf_reply up to code,
    jf_reply_attachment up to buf,
    jf_attachment up to bytes,
    jf_state_v1 up to restore,
    jf_events_v1 up to event,
    jf_thread_v1 up to leave,
}

/// Borrows the bytes of a pointer and a length. Who knows a limit asks [`within`] first.
///
/// # Safety
/// `pointer` is null or has `len` readable bytes that nobody changes for `'a`.
pub(super) unsafe fn slice<'a>(pointer: *const u8, len: usize) -> Result<&'a [u8], Unusable> {
    match (pointer.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Unusable::new("a null with a length")),
        (false, len) if len > SANE_LENGTH => Err(Unusable::too_large(format!("an absurd length, {len}"))),
        // SAFETY: promised by the caller.
        (false, len) => Ok(unsafe { std::slice::from_raw_parts(pointer, len) }),
    }
}

/// Refuses a length before anything is read.
pub(super) fn within(len: usize, max: usize) -> Result<(), Unusable> {
    if len > max { Err(Unusable::too_large(format!("a length of {len} bytes, more than {max}"))) } else { Ok(()) }
}

/// Borrows a text of at most `max` bytes.
///
/// # Safety
/// As for [`slice`].
pub unsafe fn text<'a>(text: jf_str, max: usize) -> Result<&'a str, Unusable> {
    within(text.len, max)?;
    // SAFETY: promised by the caller.
    let bytes = unsafe { slice(text.ptr.cast(), text.len) }?;
    std::str::from_utf8(bytes).map_err(|_| Unusable::new("a text that is not UTF-8"))
}

/// Borrows a text of at most `max` bytes, whatever they are.
///
/// # Safety
/// As for [`slice`].
pub(super) unsafe fn lossy_text<'a>(text: jf_str, max: usize) -> Result<Cow<'a, str>, Unusable> {
    within(text.len, max)?;
    // SAFETY: promised by the caller.
    unsafe { slice(text.ptr.cast(), text.len) }.map(String::from_utf8_lossy)
}

/// Borrows a C array.
///
/// # Safety
/// `pointer` is null or has `count` readable, aligned elements that nobody changes for `'a`.
pub unsafe fn elements<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T], Unusable> {
    match (pointer.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Unusable::new("a null array with a length")),
        (false, count) if count > 1 << 16 => {
            Err(Unusable::too_large(format!("an absurd number of elements, {count}, in an array")))
        }
        (false, _) if !pointer.is_aligned() => Err(Unusable::new("an array that is not aligned")),
        // SAFETY: promised by the caller.
        (false, count) => Ok(unsafe { std::slice::from_raw_parts(pointer, count) }),
    }
}

/// Copies at most `max` borrowed bytes.
///
/// # Safety
/// As for [`slice`].
#[inline(always)]
pub(super) unsafe fn copy(bytes: jf_bytes, max: usize) -> Result<Bytes, Unusable> {
    within(bytes.len, max)?;
    // SAFETY: promised by the caller.
    Ok(Bytes::copy_from_slice(unsafe { slice(bytes.ptr, bytes.len) }?))
}

/// Takes a plugin's buffer of at most `max` bytes without copying it; it is released on the generation's control thread when the last user is
/// done, and keeps the generation from being closed until then.
///
/// # Safety
/// The plugin gives up `buf`: it is readable until `release` was called, once.
pub(super) unsafe fn own(buf: jf_buf, max: usize, ledger: &Arc<Ledger>) -> Result<Bytes, Unusable> {
    let owned = OwnedBuf { buf, ledger: ledger.clone() };
    ledger.buffer_taken();
    within(buf.len, max)?;
    // SAFETY: promised by the caller; an unusable one is given back all the same, by OwnedBuf.
    unsafe { slice(buf.ptr, buf.len) }?;
    Ok(Bytes::from_owner(owned))
}

/// Copies a text that a plugin hands over in an out-parameter, and gives the buffer back at once. For the control thread.
///
/// # Safety
/// As for [`own`].
pub(super) unsafe fn take_text(buf: jf_buf) -> String {
    const SHOWN: usize = 4096;
    // SAFETY: promised by the caller; a jf_buf holds a text as a jf_str does.
    let text = match unsafe { lossy_text(jf_str { ptr: buf.ptr.cast(), len: buf.len }, MAX_STORY) } {
        Ok(text) => text[..text.floor_char_boundary(SHOWN)].to_owned(),
        Err(why) => format!("(its text cannot be read: {})", why.what),
    };
    // SAFETY: given back exactly once, by the one who took it.
    unsafe { release(buf) };
    text
}

/// # Safety
/// `buf` is owned by the caller and not used afterwards.
pub(super) unsafe fn release(buf: jf_buf) {
    if let Some(release) = buf.release {
        // SAFETY: the plugin's own function, on the buffer that it made; the library is mapped as long as buffers are out.
        unsafe { release(buf.ctx, buf.ptr, buf.len) };
    }
}

struct OwnedBuf {
    buf: jf_buf,
    ledger: Arc<Ledger>,
}

// SAFETY: the bytes are never changed while owned, and `release` may be called from the control thread by contract.
unsafe impl Send for OwnedBuf {}
// SAFETY: shared access only reads.
unsafe impl Sync for OwnedBuf {}

impl AsRef<[u8]> for OwnedBuf {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `own` checked pointer and length, and the plugin keeps them until `release`.
        unsafe { slice(self.buf.ptr, self.buf.len) }.unwrap_or_default()
    }
}

impl Drop for OwnedBuf {
    fn drop(&mut self) {
        struct Parcel(jf_buf);
        // SAFETY: moved to the control thread, which alone uses it.
        unsafe impl Send for Parcel {}
        let (parcel, ledger) = (Parcel(self.buf), self.ledger.clone());
        self.ledger.control.post(move || {
            let Parcel(buf) = { parcel };
            // SAFETY: dropped once, so released once; the library stays mapped until `buffer_released`.
            unsafe { release(buf) };
            ledger.buffer_released();
        });
    }
}
