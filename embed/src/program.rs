//! The program that tries plugin files in a process of their own: `jackfield`, where it is installed beside the library.

use std::path::PathBuf;

/// `bin/jackfield` of the tree in which this code lies: in `lib`, in `lib/TRIPLET`, or, linked statically, in the application's own
/// `bin`. `None`: there is none, and files are loaded without a try.
pub(crate) fn find() -> Option<PathBuf> {
    const NAME: &str = if cfg!(windows) { "jackfield.exe" } else { "jackfield" };
    let library = own_file()?;
    let mut folders = library.parent()?.ancestors().skip(1).take(2);
    folders.find_map(|tree| Some(tree.join("bin").join(NAME)).filter(|program| program.is_file()))
}

/// The file that this code was loaded from.
#[cfg(unix)]
fn own_file() -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: an address of this code, and a place for the result, which is read only where it was filled in.
    let name = unsafe {
        if libc::dladdr(find as *const libc::c_void, info.as_mut_ptr()) == 0 {
            return None;
        }
        let name = info.assume_init().dli_fname;
        if name.is_null() {
            return None;
        }
        CStr::from_ptr(name)
    };
    // By its real place: the name may be a link.
    std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
}

/// Not asked for: probe processes are there on Unix only.
#[cfg(not(unix))]
fn own_file() -> Option<PathBuf> {
    None
}
