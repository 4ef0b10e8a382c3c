//! A handler of the application, as the engine calls it.

use crate::api::commands::jf_handler;
use crate::edge::{Fault, call_out};
use crate::handle::Name;
use crate::read;
use crate::release::{RawRelease, Release};
use jackfield_engine::{Callback, Class, CommandFrame, Engine};
use jackfield_plugin_api::*;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError, Weak};

type RawHandle = unsafe extern "C" fn(userdata: *mut c_void, command: *const jf_command) -> jf_status;
type RawCancel = unsafe extern "C" fn(userdata: *mut c_void, token: jf_token);

/// One registered handler. Dropped when it can be called no more.
pub(crate) struct Handler {
    of: Name,
    handle: RawHandle,
    cancel: Option<RawCancel>,
    userdata: *mut c_void,
    on_host_thread: bool,
    /// `None` until it is registered: an application that was told of an error keeps its userdata.
    release: Mutex<Option<RawRelease>>,
    engine: Mutex<Weak<Engine>>,
}

// SAFETY: the application promises that its functions may be called where the class of the command says.
unsafe impl Send for Handler {}
// SAFETY: as above.
unsafe impl Sync for Handler {}

impl Handler {
    /// Copies what the application says; gives its release beside it, to be set when it is registered.
    ///
    /// # Safety
    /// `handler` is null or borrowed as the header says.
    pub unsafe fn read(
        of: Name,
        handler: *const jf_handler,
        class: Class,
    ) -> Result<(Self, Option<RawRelease>), Fault> {
        // SAFETY: promised by the caller.
        let whole = unsafe { read::read(handler, "handler") }?;
        let handle = whole.handle.ok_or_else(|| Fault::invalid("`handler.handle` is NULL."))?;
        let this = Self {
            of,
            handle,
            cancel: whole.cancel,
            userdata: whole.userdata,
            on_host_thread: class == Class::HostThread,
            release: Mutex::new(None),
            engine: Mutex::new(Weak::new()),
        };
        Ok((this, whole.release))
    }

    /// It is registered: from now on its end is told.
    pub fn set_release(&self, release: Option<RawRelease>) {
        *self.release.lock().unwrap_or_else(PoisonError::into_inner) = release;
    }

    /// It serves an engine that runs.
    pub fn set_engine(&self, engine: Weak<Engine>) {
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = engine;
    }
}

impl Callback for Handler {
    fn handle(&self, command: &CommandFrame) -> jf_status {
        // SAFETY: the application's function; the frame is kept by the engine until the command is out.
        call_out(self.of, true, || unsafe { (self.handle)(self.userdata, command.as_ptr()) })
    }

    fn cancel(&self, token: u64) {
        if let Some(cancel) = self.cancel {
            // SAFETY: the application's function; a finished token is harmless by contract.
            call_out(self.of, false, || unsafe { cancel(self.userdata, token) });
        }
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let call = self.release.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let release = Release { of: self.of, call, userdata: self.userdata };
        if self.on_host_thread {
            release.on_host_thread(self.engine.get_mut().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
