//! What each thread of an engine does first: it leaves the process's signals to the application, and logs where that wants.

use crate::log::Log;
use jackfield_engine::OnThreadStart;
use std::cell::RefCell;
use std::sync::Arc;
use tracing::dispatcher::DefaultGuard;

thread_local! {
    /// Holds for the whole thread.
    static LOGGED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// To be called first on each thread.
pub(crate) fn on_start(log: Option<Log>) -> OnThreadStart {
    Arc::new(move || {
        block_signals();
        if let Some(log) = &log {
            let guard = tracing::dispatcher::set_default(&log.dispatch);
            LOGGED.with_borrow_mut(|logged| logged.replace(guard));
        }
    })
}

/// Blocks all signals on this thread that are not about a fault of its own: handlers of the application run on its threads
/// alone, and a peer that has gone is an error of a write, not a SIGPIPE.
#[cfg(unix)]
fn block_signals() {
    use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPROF, SIGSEGV, SIGSYS, SIGTRAP};
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is filled before it is used, and all pointers are to it; the calls have no other conditions.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        for fault in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SIGPROF] {
            libc::sigdelset(set.as_mut_ptr(), fault);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// There are no such signals.
#[cfg(not(unix))]
fn block_signals() {}
