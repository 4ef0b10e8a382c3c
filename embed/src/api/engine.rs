//! An engine: made, configured, started, stopped, freed; and why something failed.

use crate::edge::{self, Fault};
use crate::handle;
use crate::log::LogCallback;
use jackfield::config::Piece;
use jackfield_plugin_api::*;
use std::ffi::c_void;

/* ---- errors ---- */

/// Why a call failed. All texts are borrowed: valid until the next call on this thread that fails.
#[repr(C)]
pub struct jf_error {
    /// Size of this struct as the caller knows it: set before the call.
    pub struct_size: u32,
    /// What the call returned; JF_OK: none has failed on this thread.
    pub status: jf_status,
    /// The error's number, as JSON-RPC clients get it; 0: it is no command's.
    pub number: i32,
    /// None yet: 0.
    pub flags: u32,
    /// The handler's own error number; 0: none.
    pub code: i64,
    /// Whose fault: "caller", "plugin" (also: a handler of the application), "operator" (configuration, files, disks) or
    /// "engine" (a bug of Jackfield).
    pub culprit: jf_str,
    /// For people: what, where, which value, what would be valid.
    pub message: jf_str,
    /// Details as one JSON object; may be empty.
    pub data: jf_str,
}

/// Tells why the last call on this thread that failed did, if that was with `engine`: what that call was given, also
/// where that was NULL or stale. With another one there is nothing to tell. JF_OK; JF_E_INVALID: `error` is NULL or its
/// struct_size is not set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_last_error(engine: *const jf_engine, error: *mut jf_error) -> jf_status {
    // SAFETY: the caller gives a struct of its `struct_size`.
    edge::guarded(|| unsafe { edge::tell_last(engine, error) })
}

/* ---- an engine ---- */

/// An engine: a name, not an address. A wrong or freed one is JF_E_STALE in every function, and harmless. Any number of
/// them may be in one process; any thread may use them.
pub struct jf_engine {
    _private: (),
}

/// Makes an engine that does nothing yet: no thread, no file, no descriptor. A process may fork until it is started.
/// JF_OK; JF_E_INVALID: `engine` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_new(engine: *mut *mut jf_engine) -> jf_status {
    edge::free_standing(|| {
        if engine.is_null() {
            return Err(Fault::invalid("`engine`, where the new engine is to be written, is NULL."));
        }
        // SAFETY: the caller gives a place for a pointer.
        unsafe { engine.write(handle::new()) };
        Ok(())
    })
}

/// Adds configuration as TOML text: the keys of `jackfield.toml`. What comes later wins. Environment and configuration
/// files are not looked at. Without `listen` the engine has no sockets, without `data` a temporary folder that goes with
/// its stop; `quit` of a client is an unknown request, unless `http.quit` says otherwise, and then ends the engine,
/// never the process. JF_OK; JF_E_INVALID: the last error names line, value and what would be valid; JF_E_WRONG_STATE:
/// it is started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_configure(engine: *mut jf_engine, toml: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let text = unsafe { edge::text(toml, "toml") }?;
        engine.configure(Piece::Text(text.to_owned()))
    })
}

/// The same from a file, which is read now. Relative paths in it are relative to its folder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_configure_file(engine: *mut jf_engine, path: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let path = unsafe { edge::text(path, "path") }?;
        engine.configure(Piece::file(path.into())?)
    })
}

/// The same for one value: `key` such as "limits.shutdown_s", `value` in TOML, or a bare text where the key wants one.
/// Lists may be separated by commas: "ws://127.0.0.1:0,tcp://127.0.0.1:0".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_set(engine: *mut jf_engine, key: jf_str, value: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let (key, value) = unsafe { (edge::text(key, "key")?, edge::text(value, "value")?) };
        engine.configure(Piece::Value { key: key.to_owned(), value: value.to_owned() })
    })
}

/// Has `log` called for each line of the engine's log from JF_LOG_* `level` on: `target` is the part that speaks, `text`
/// one line without control characters, both borrowed. On any thread, several at once; it must not block, and may call
/// functions that do not wait. Without it nothing is logged. NULL ends that. `userdata` must live until jf_engine_free.
/// JF_OK; JF_E_WRONG_STATE: it is started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_on_log(
    engine: *mut jf_engine,
    level: i32,
    log: Option<unsafe extern "C" fn(userdata: *mut c_void, level: i32, target: jf_str, text: jf_str)>,
    userdata: *mut c_void,
) -> jf_status {
    edge::enter(engine, |engine| engine.on_log(log.map(|call| LogCallback::new(level, call, userdata))))
}

/// Starts the engine: data folder, sockets, threads, plugins. Returns when each plugin that is there is loaded or
/// refused, and connections are let in. All signals but those of faults are blocked on its threads, and nothing of the
/// process is changed. May be called again after a stop, or after it failed, which leaves all as it was. JF_OK;
/// JF_E_INVALID: the configuration; JF_E_UNAVAILABLE: a port is taken, the data folder is in use, and the like;
/// JF_E_WRONG_STATE: it is started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_start(engine: *mut jf_engine) -> jf_status {
    edge::enter(engine, |engine| engine.start())
}

/// Where it listens, as a JSON array of URLs with the ports that were chosen. `*json` is the caller's, who releases it.
/// JF_OK; JF_E_WRONG_STATE: it is not started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_listeners(engine: *mut jf_engine, json: *mut jf_buf) -> jf_status {
    edge::enter(engine, |engine| {
        let urls = engine.run()?.urls;
        // SAFETY: an out-parameter of the caller.
        unsafe { edge::give(json, serde_json::Value::from(urls).to_string()) }
    })
}

/// Stops it in order: no new commands, those that run are answered for up to `timeout_ms` (negative:
/// `limits.shutdown_s`), the rest is answered that nobody knows; connections close, plugins save and are unloaded,
/// ports and data folder are given up. On the thread that polls it polls meanwhile. JF_OK: it is stopped; JF_PENDING:
/// called from within a callback of its own, or one that must not wait, so the stop has only begun: call it again from
/// outside; JF_E_WRONG_STATE: it was never started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_stop(engine: *mut jf_engine, timeout_ms: i64) -> jf_status {
    edge::enter_for_status(engine, |engine| engine.stop(timeout_ms))
}

/// Frees an engine, and stops it first if need be, as jf_engine_stop with -1: until it has stopped, what runs can be
/// answered. Callbacks that nobody polled for are made up for here: answers that the engine had not yet, and each
/// `release`. Other threads may still be in functions of it; they get JF_E_STALE once it has stopped. JF_OK, also for
/// NULL; JF_E_STALE: it is freed already; JF_E_WRONG_STATE: called from within a callback of its own, and nothing was
/// done. In a fork of its process it is JF_E_STALE, and its memory is left.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_free(engine: *mut jf_engine) -> jf_status {
    edge::guarded(|| edge::free(engine))
}

/// The library's name of a status, such as "JF_E_BUSY": static, ended by a NUL. "?" for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn jf_status_name(status: jf_status) -> *const std::ffi::c_char {
    edge::status_name(status).as_ptr()
}
