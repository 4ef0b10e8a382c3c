//! The engine's log, told to the application.

use crate::edge::call_log;
use crate::handle::Name;
use jackfield::config::Level;
use jackfield::telemetry;
use jackfield_plugin_api::{JF_LOG_DEBUG, JF_LOG_ERROR, JF_LOG_INFO, JF_LOG_WARN, jf_str};
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Dispatch;

type RawLog = unsafe extern "C" fn(userdata: *mut c_void, level: i32, target: jf_str, text: jf_str);

/// Where lines go.
pub(crate) struct LogCallback {
    level: i32,
    call: RawLog,
    userdata: *mut c_void,
}

// SAFETY: the application promises that its function may be called on any thread, several at once.
unsafe impl Send for LogCallback {}
// SAFETY: as above.
unsafe impl Sync for LogCallback {}

/// A log, until it is ended.
#[derive(Clone)]
pub(crate) struct Log {
    pub dispatch: Dispatch,
    ended: Arc<AtomicBool>,
}

impl LogCallback {
    pub fn new(level: i32, call: RawLog, userdata: *mut c_void) -> Self {
        Self { level, call, userdata }
    }

    /// As the log of that engine.
    pub fn into_log(self, of: Name) -> Log {
        let ended = Arc::new(AtomicBool::new(false));
        let level = match self.level {
            i32::MIN..JF_LOG_DEBUG => Level::Trace,
            JF_LOG_DEBUG..JF_LOG_INFO => Level::Debug,
            JF_LOG_INFO..JF_LOG_WARN => Level::Info,
            JF_LOG_WARN..JF_LOG_ERROR => Level::Warn,
            JF_LOG_ERROR.. => Level::Error,
        };
        let is_ended = ended.clone();
        let line = move |level: &tracing::Level, target: &str, text: &str| {
            if !is_ended.load(Ordering::Acquire) {
                self.tell(of, level, target, text);
            }
        };
        Log { dispatch: telemetry::to(level, Arc::new(line)), ended }
    }

    fn tell(&self, of: Name, level: &tracing::Level, target: &str, text: &str) {
        let level = match *level {
            tracing::Level::ERROR => JF_LOG_ERROR,
            tracing::Level::WARN => JF_LOG_WARN,
            tracing::Level::INFO => JF_LOG_INFO,
            tracing::Level::DEBUG | tracing::Level::TRACE => JF_LOG_DEBUG,
        };
        // SAFETY: the application's function, with its userdata, which lives until the engine is freed; both texts live
        // until the call returns.
        call_log(of, || unsafe { (self.call)(self.userdata, level, jf_str::new(target), jf_str::new(text)) });
    }
}

impl Log {
    /// Nothing is told any more.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}
