use super::CommandFrame;
use super::extensions::Extensions;
use super::read::take_text;
use super::table::HostTable;
use crate::host::{Ledger, Phase};
use jackfield_message::Command;
use jackfield_plugin_api as abi;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Create =
    unsafe extern "C" fn(*const abi::jf_host, abi::jf_str, *mut *mut c_void, *mut abi::jf_buf) -> abi::jf_status;
type Start = unsafe extern "C" fn(*mut c_void, *mut abi::jf_buf) -> abi::jf_status;
type Handle = unsafe extern "C" fn(*mut c_void, *const abi::jf_command) -> abi::jf_status;
type Cancel = unsafe extern "C" fn(*mut c_void, abi::jf_token);
type End = unsafe extern "C" fn(*mut c_void);

/// A plugin's functions.
#[derive(Clone, Copy)]
pub(crate) struct PluginTable {
    create: Create,
    start: Option<Start>,
    handle: Handle,
    cancel: Option<Cancel>,
    stop: Option<End>,
    destroy: End,
    pub(super) extensions: Extensions,
}

/// What `create` made. Valid while its library is mapped, which the generation sees to. Dropping it destroys it if nobody
/// has done so: on the control thread only.
pub(crate) struct Instance {
    table: PluginTable,
    pointer: *mut c_void,
    /// Kept alive for the plugin, which holds a pointer to it.
    _host: Arc<HostTable>,
    ledger: Arc<Ledger>,
    started: AtomicBool,
    destroyed: AtomicBool,
}

// SAFETY: the ABI says which functions may be called from which thread; `handle` of CONCURRENT and INLINE commands and
// `cancel` are promised by the plugin to be safe on several threads, the others are called on the control thread only.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl PluginTable {
    pub(super) fn new(raw: &abi::jf_plugin, extensions: Extensions) -> Result<Self, &'static str> {
        Ok(Self {
            create: raw.create.ok_or("the required function `create` is null")?,
            start: raw.start,
            handle: raw.handle.ok_or("the required function `handle` is null")?,
            cancel: raw.cancel,
            stop: raw.stop,
            destroy: raw.destroy.ok_or("the required function `destroy` is null")?,
            extensions,
        })
    }

    /// Tells the plugin of a thread of its generation, as the first call on it.
    pub fn enter_thread(&self) -> Result<(), String> {
        let Some(enter) = self.extensions.thread.enter else { return Ok(()) };
        // SAFETY: the library is mapped as long as threads of its generation run.
        match unsafe { enter() } {
            abi::JF_OK => Ok(()),
            status => Err(failed("its thread hook `enter`", status, "")),
        }
    }

    /// The last call on a thread of its generation.
    pub fn leave_thread(&self) {
        if let Some(leave) = self.extensions.thread.leave {
            // SAFETY: as above.
            unsafe { leave() };
        }
    }

    /// Calls `create`. On the control thread.
    pub fn create(self, host: &Arc<HostTable>, ledger: &Arc<Ledger>, config: &str) -> Result<Instance, String> {
        let (mut pointer, mut why) = (std::ptr::null_mut(), abi::jf_buf::EMPTY);
        ledger.set_phase(Phase::Creating);
        // SAFETY: all pointers are valid during the call; the library is mapped by the caller.
        let status = unsafe { (self.create)(host.as_ptr(), abi::jf_str::new(config), &mut pointer, &mut why) };
        // SAFETY: `why` is the plugin's to give.
        let why = unsafe { take_text(why) };
        if status != abi::JF_OK {
            ledger.set_phase(Phase::Destroying);
            return Err(failed("create", status, &why));
        }
        Ok(Instance {
            table: self,
            pointer,
            _host: host.clone(),
            ledger: ledger.clone(),
            started: AtomicBool::new(false),
            destroyed: AtomicBool::new(false),
        })
    }
}

impl Instance {
    /// Calls `start`. On the control thread.
    pub fn start(&self) -> Result<(), String> {
        self.ledger.set_phase(Phase::Running);
        self.ledger.calls.open();
        let Some(start) = self.table.start else {
            self.started.store(true, Ordering::Release);
            return Ok(());
        };
        let mut why = abi::jf_buf::EMPTY;
        // SAFETY: the instance is alive, `why` is writable.
        let status = unsafe { start(self.pointer, &mut why) };
        // SAFETY: `why` is the plugin's to give.
        let why = unsafe { take_text(why) };
        if status != abi::JF_OK {
            return Err(failed("start", status, &why));
        }
        self.started.store(true, Ordering::Release);
        Ok(())
    }

    /// Calls `stop` if it is started; nested calls that are out end before. On the control thread.
    pub fn stop(&self) {
        self.ledger.set_phase(Phase::Stopped);
        self.ledger.close_calls();
        self.ledger.end_calls();
        if self.is_started()
            && let Some(stop) = self.table.stop
        {
            // SAFETY: the instance is alive.
            unsafe { stop(self.pointer) };
        }
        self.started.store(false, Ordering::Release);
    }

    /// Whether it may hold what is exclusive: `start` has returned, and `stop` has not.
    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Calls `handle` with a command that the plugin may keep using until it is finished; `frame` is kept until then.
    pub fn handle(&self, frame: &CommandFrame) -> abi::jf_status {
        // SAFETY: the instance is alive as long as a command is inside its generation; the frame as long as it says.
        unsafe { (self.table.handle)(self.pointer, frame.as_ptr()) }
    }

    /// Calls `handle` with a command that is over when the call returns.
    pub fn handle_inline(&self, command: &Command, token: u64) -> abi::jf_status {
        // SAFETY: as above; INLINE commands may not be used after the call.
        super::frame::with_inline(command, token, |raw| unsafe { (self.table.handle)(self.pointer, raw) })
    }

    pub fn table(&self) -> &PluginTable {
        &self.table
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        self.pointer
    }

    /// Whether the plugin wants to be told of cancels.
    pub fn hears_cancel(&self) -> bool {
        self.table.cancel.is_some()
    }

    /// Calls `destroy`, once. On the control thread, when nothing is inside any more.
    pub fn destroy(&self) {
        if !self.destroyed.swap(true, Ordering::AcqRel) {
            self.ledger.set_phase(Phase::Destroying);
            // SAFETY: nothing is called with this pointer afterwards: the gate is closed and empty.
            unsafe { (self.table.destroy)(self.pointer) };
            self.table.leave_thread();
        }
    }

    /// Calls `cancel`. On the control thread.
    pub fn cancel(&self, token: u64) {
        if let Some(cancel) = self.table.cancel {
            // SAFETY: the instance is alive; a finished token is harmless by contract.
            unsafe { cancel(self.pointer, token) };
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.destroy();
    }
}

pub(super) fn failed(function: &str, status: i32, why: &str) -> String {
    if why.is_empty() {
        format!("{function} answered {status}")
    } else {
        format!("{function} answered {status}: {why}")
    }
}
