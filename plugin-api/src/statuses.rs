//! The names of all status numbers.

use crate::types::*;
use core::ffi::CStr;

macro_rules! statuses {
    ($($name:ident),+ $(,)?) => {
        /// Each status and its C name, in the order of the header.
        pub const STATUSES: &[(jf_status, &CStr)] = &[$(($name, named(concat!(stringify!($name), "\0")))),+];
    };
}

const fn named(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("a name without its NUL"),
    }
}

statuses! {
    JF_OK,
    JF_PENDING,
    JF_E_INVALID,
    JF_E_FAILED,
    JF_E_INVALID_PARAMS,
    JF_E_UNKNOWN_KEY,
    JF_E_BUSY,
    JF_E_CANCELLED,
    JF_E_DEADLINE,
    JF_E_TOO_LARGE,
    JF_E_STALE,
    JF_E_WRONG_STATE,
    JF_E_WRONG_THREAD,
    JF_E_NO_SERVICE,
    JF_E_VERSION,
    JF_E_STATE,
    JF_E_PANIC,
    JF_E_INTERNAL,
    JF_E_SHUTTING_DOWN,
    JF_E_NOT_FOUND,
    JF_E_CYCLE,
    JF_E_UNAVAILABLE,
    JF_E_OUTCOME_UNKNOWN,
    JF_E_PLUGIN_GONE,
    JF_E_PLUGIN_CRASHED,
    JF_E_FORBIDDEN,
    JF_E_UNAUTHENTICATED,
}
