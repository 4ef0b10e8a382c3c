//! The last call with an application's userdata.

use crate::edge::call_out;
use crate::handle::Name;
use jackfield_engine::Engine;
use std::ffi::c_void;
use std::sync::Weak;

pub(crate) type RawRelease = unsafe extern "C" fn(userdata: *mut c_void);

/// Calls `release` when it is dropped.
pub(crate) struct Release {
    pub of: Name,
    pub call: Option<RawRelease>,
    pub userdata: *mut c_void,
}

// SAFETY: the application promises that its function may be called on any thread, or is posted to the one that it wants.
unsafe impl Send for Release {}
// SAFETY: used only by the one who drops it.
unsafe impl Sync for Release {}

impl Release {
    /// Calls it where the application polls, as long as there is something to poll.
    pub fn on_host_thread(self, engine: &Weak<Engine>) {
        match engine.upgrade().filter(|_| self.call.is_some()) {
            Some(engine) => engine.post(true, Box::new(move || drop(self))),
            None => drop(self),
        }
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        if let Some(release) = self.call {
            // SAFETY: the application's function, with its userdata, as the last call with it.
            call_out(self.of, false, || unsafe { release(self.userdata) });
        }
    }
}
