//! The thread-local keys of this process. Each copy of Rust's std takes one that it never gives back, and a process has
//! about a thousand: so the program puts itself between its libraries and `pthread_key_create`, notes who has which key,
//! and deletes those of a library that is about to be unloaded.
//!
//! The loader binds every library to the names that the program exports, so this stands in the program alone: a library
//! that exported these names would change processes that are not ours.

#![allow(unsafe_code)]

use jackfield_engine::services::ThreadKeys;
use libc::{c_int, c_void, pthread_key_t};
use std::ffi::CStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

type Destructor = unsafe extern "C" fn(*mut c_void);
type Create = unsafe extern "C" fn(*mut pthread_key_t, Option<Destructor>) -> c_int;
type Delete = unsafe extern "C" fn(pthread_key_t) -> c_int;

/// PTHREAD_KEYS_MAX of glibc; that of musl is less.
const KEYS: usize = 1024;

/// By key: the address of its destructor; 0 where it has none, or is not taken.
static DESTRUCTORS: [AtomicUsize; KEYS] = [const { AtomicUsize::new(0) }; KEYS];

/// A function of the C library behind the one of this file. Found at its first use, which may be before `main` and inside
/// the loader: nothing here allocates or locks, and two threads that look at once find the same.
struct Real {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

static CREATE: Real = Real { name: c"pthread_key_create", address: AtomicPtr::new(std::ptr::null_mut()) };
static DELETE: Real = Real { name: c"pthread_key_delete", address: AtomicPtr::new(std::ptr::null_mut()) };

impl Real {
    /// Null where the C library has no such function.
    fn address(&self) -> *mut c_void {
        let known = self.address.load(Ordering::Acquire);
        if !known.is_null() {
            return known;
        }
        // SAFETY: `name` ends with a zero. dlsym allocates only to tell of an error.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        self.address.store(found, Ordering::Release);
        found
    }

    fn create(&self) -> Option<Create> {
        // SAFETY: null is None, and anything else is the function of this name, which has this signature.
        unsafe { std::mem::transmute::<*mut c_void, Option<Create>>(self.address()) }
    }

    fn delete(&self) -> Option<Delete> {
        // SAFETY: as above.
        unsafe { std::mem::transmute::<*mut c_void, Option<Delete>>(self.address()) }
    }
}

/// As POSIX says; `EAGAIN` also where there is no such function.
///
/// # Safety
/// `key` is writable.
// SAFETY: the signature is that of the function whose place it takes, and so is what it does.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_key_create(key: *mut pthread_key_t, destructor: Option<Destructor>) -> c_int {
    let Some(create) = CREATE.create() else { return libc::EAGAIN };
    // SAFETY: passed on as it came.
    let result = unsafe { create(key, destructor) };
    if result == 0 {
        // SAFETY: it has just been written.
        let key = unsafe { *key };
        if let Some(entry) = DESTRUCTORS.get(key as usize) {
            entry.store(destructor.map_or(0, |destructor| destructor as usize), Ordering::Release);
        }
    }
    result
}

/// As POSIX says; `EINVAL` also where there is no such function.
///
/// # Safety
/// Nobody uses the key any more.
// SAFETY: as for `pthread_key_create`.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_key_delete(key: pthread_key_t) -> c_int {
    let Some(delete) = DELETE.delete() else { return libc::EINVAL };
    // Before the key can be somebody else's.
    if let Some(entry) = DESTRUCTORS.get(key as usize) {
        entry.store(0, Ordering::Release);
    }
    // SAFETY: passed on as it came.
    unsafe { delete(key) }
}

/// The keys of this process.
pub fn thread_keys() -> Arc<dyn ThreadKeys> {
    // Looked up now, so that nobody has to later.
    let _ = (CREATE.address(), DELETE.address());
    Arc::new(Keys)
}

struct Keys;

impl ThreadKeys for Keys {
    fn release(&self, library: &Path) -> usize {
        let (Some(delete), Some(code)) = (DELETE.delete(), Code::of(library)) else { return 0 };
        let mut released = 0;
        for (key, entry) in (0..).zip(&DESTRUCTORS) {
            let destructor = entry.load(Ordering::Acquire);
            // A key that has changed hands meanwhile is left alone.
            if code.holds(destructor)
                && entry.compare_exchange(destructor, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                // SAFETY: its destructor is code of a library of which no thread is left, so nobody else has this key.
                released += usize::from(unsafe { delete(key) } == 0);
            }
        }
        released
    }
}

/// Where the code of a library is.
struct Code<'a> {
    library: &'a Path,
    /// Its first segments that can be run; a linker makes one.
    segments: [Range<usize>; 4],
}

impl<'a> Code<'a> {
    /// Of a mapped library, by the path by which it was loaded.
    fn of(library: &'a Path) -> Option<Self> {
        let mut code = Self { library, segments: [const { 0..0 }; 4] };
        // SAFETY: `found` gets `code` back as its last argument, and only during this call.
        let there = unsafe { libc::dl_iterate_phdr(Some(found), (&raw mut code).cast()) };
        (there != 0).then_some(code)
    }

    fn holds(&self, address: usize) -> bool {
        self.segments.iter().any(|segment| segment.contains(&address))
    }
}

/// One library of the process: not 0, which ends the search, for the one that is looked for.
unsafe extern "C" fn found(info: *mut libc::dl_phdr_info, _size: usize, code: *mut c_void) -> c_int {
    // SAFETY: what `Code::of` has given, which nobody else uses meanwhile.
    let code = unsafe { &mut *code.cast::<Code<'_>>() };
    // SAFETY: the loader's own description, which it keeps as it is during the call.
    let info = unsafe { &*info };
    if info.dlpi_name.is_null() {
        return 0;
    }
    // SAFETY: a text that ends with a zero, as above.
    let name = unsafe { CStr::from_ptr(info.dlpi_name) };
    if name.to_bytes() != code.library.as_os_str().as_bytes() {
        return 0;
    }
    // SAFETY: an array of the loader, as above.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let runs = headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0);
    for (segment, header) in code.segments.iter_mut().zip(runs) {
        let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
        *segment = start..start.wrapping_add(header.p_memsz as usize);
    }
    1
}
