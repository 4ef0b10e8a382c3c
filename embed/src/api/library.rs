//! The library as a whole.

use crate::version;
use std::ffi::c_char;

/* ---- the library ---- */

/// Version of the library: major * 65536 + minor * 256 + patch. Compare it with JF_VERSION, that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn jf_version() -> u32 {
    version::NUMBER
}

/// The same as text, such as "0.1.0": static, ended by a NUL.
#[unsafe(no_mangle)]
pub extern "C" fn jf_version_text() -> *const c_char {
    version::TEXT.as_ptr()
}
