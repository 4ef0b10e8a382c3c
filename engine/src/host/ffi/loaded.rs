//! What a load brings into the process beside the library itself.

use std::path::Path;

/// A moment in the life of the process, as the loader counts it.
pub(crate) struct Loaded {
    /// Libraries that were ever loaded.
    #[cfg(target_os = "linux")]
    count: u64,
}

#[cfg(target_os = "linux")]
impl Loaded {
    pub fn now() -> Self {
        let mut count = 0;
        each(&mut |info| {
            count = info.dlpi_adds;
            false
        });
        Self { count }
    }

    /// Whether a library that has come since, beside `library`, may leave something in threads; `judge` says that of a
    /// file. To be asked by the one who loaded, while nobody else loads: what others loaded meanwhile counts too.
    pub fn brought(&self, library: &Path, judge: impl Fn(&Path) -> bool) -> bool {
        use std::os::unix::ffi::OsStrExt;
        let came = usize::try_from(Self::now().count.saturating_sub(self.count)).unwrap_or(usize::MAX);
        if came < 2 {
            return false;
        }
        let mut names = Vec::new();
        each(&mut |info| {
            if !info.dlpi_name.is_null() {
                // SAFETY: the loader's own text, valid during the visit.
                let name = unsafe { std::ffi::CStr::from_ptr(info.dlpi_name) };
                names.push(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_owned());
            }
            true
        });
        // What is loaded comes to the end of the list.
        names.iter().rev().take(came).any(|name| name != library && judge(name))
    }
}

/// Visits every library until `visit` returns false.
#[cfg(target_os = "linux")]
fn each(visit: &mut dyn FnMut(&libc::dl_phdr_info) -> bool) {
    type Visit<'a> = &'a mut dyn FnMut(&libc::dl_phdr_info) -> bool;
    unsafe extern "C" fn call(info: *mut libc::dl_phdr_info, _: usize, data: *mut libc::c_void) -> i32 {
        // SAFETY: the loader passes a valid `info`, and `data` as it was given below.
        let (info, visit) = unsafe { (&*info, &mut *data.cast::<Visit<'_>>()) };
        i32::from(!visit(info))
    }
    let mut visit: Visit<'_> = visit;
    // SAFETY: `call` is only used during this call, with `visit`, which outlives it. Nothing in the visits loads or unloads.
    unsafe { libc::dl_iterate_phdr(Some(call), (&raw mut visit).cast()) };
}

/// Elsewhere it cannot be told: what has INLINE commands stays in the process.
#[cfg(not(target_os = "linux"))]
impl Loaded {
    pub fn now() -> Self {
        Self {}
    }

    pub fn brought(&self, _library: &Path, _judge: impl Fn(&Path) -> bool) -> bool {
        true
    }
}
