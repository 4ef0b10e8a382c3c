//! How many pthread keys are left. Most Rust plugins take one a load and never give it back; at the limit std aborts the
//! process ("out of TLS keys"), so the engine refuses a load before that.

/// Free thread-local keys of the process, counted without changing any; `None` where that cannot be told.
#[cfg(target_os = "linux")]
pub(crate) fn free_thread_keys() -> Option<usize> {
    // PTHREAD_KEYS_MAX of glibc and musl.
    const KEYS_MAX: libc::pthread_key_t = if cfg!(target_env = "musl") { 128 } else { 1024 };
    let used = (0..KEYS_MAX)
        .filter(|&key| {
            // SAFETY: both libraries check the key: an unallocated one gives an error and changes nothing; an allocated
            // one is set to the value that it has on this thread.
            unsafe { libc::pthread_setspecific(key, libc::pthread_getspecific(key)) == 0 }
        })
        .count();
    Some(KEYS_MAX as usize - used)
}

/// Windows grows its slots as needed; macOS does not tell which are taken.
#[cfg(not(target_os = "linux"))]
pub(crate) fn free_thread_keys() -> Option<usize> {
    None
}
