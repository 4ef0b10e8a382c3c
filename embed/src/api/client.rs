//! The application as a client of its engine.

use super::engine::jf_engine;
use crate::edge::{self, Fault};
use crate::subscription::Subscription;
use jackfield_plugin_api::*;
use std::ffi::c_void;

/* ---- calling commands ---- */

/// Flag of jf_request and jf_subscription: their callbacks come within jf_engine_poll. Without it they come on the
/// thread of the application's JF_SERIAL commands; answers, and `release`, on any once a stop has ended that.
pub const JF_ON_HOST_THREAD: u32 = 1;

/// Calls a command, of a plugin, of the application or of the engine, and waits for its answer. `params` is one JSON
/// text; empty: null. `timeout_ms` 0 is the limit `call_s`, negative as long as it takes. An INLINE command runs here
/// and now, within callbacks on a thread of JF_CONCURRENT commands. JF_OK: `*result`, one JSON text, is the caller's,
/// who releases it (NULL: not wanted). Any other: what the command, or the way to it, said; the last error has its text
/// and data. On the thread that polls, outside of callbacks, it polls this engine while it waits. Legal in callbacks
/// that may wait; JF_E_CYCLE: it would wait for the callback that makes it, or is a JF_HOST_THREAD command that the
/// thread that has started the engine calls before anybody has polled; JF_E_WRONG_THREAD: the callback must not wait
/// (JF_INLINE, `cancel`, `release`, the log); JF_E_BUSY, also: the handlers of 64 JF_CONCURRENT commands wait already.
/// Each that waits lends its thread, so that others go on meanwhile. JF_E_WRONG_STATE: it is not started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_call(
    engine: *mut jf_engine,
    key: jf_str,
    params: jf_str,
    timeout_ms: i64,
    result: *mut jf_buf,
) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let (key, params) = unsafe { (edge::text(key, "key")?, edge::long_text(params, "params", &engine.limits())?) };
        let json = engine.call(key, params, timeout_ms)?;
        match result.is_null() {
            true => Ok(()),
            // SAFETY: an out-parameter of the caller.
            false => unsafe { edge::give_bytes(result, json.into_bytes()) },
        }
    })
}

/// A command to be called, and who hears of it. Copied by jf_engine_submit.
#[repr(C)]
pub struct jf_request {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// JF_ON_HOST_THREAD, or 0.
    pub flags: u32,
    /// Which command.
    pub key: jf_str,
    /// One JSON text; empty: null.
    pub params: jf_str,
    /// Array of pointers.
    pub attachments: *const *const jf_attachment,
    /// Number of `attachments`.
    pub attachment_count: usize,
    /// 0: the limit `call_s`; negative: as long as it takes.
    pub timeout_ms: i64,
    /// Handed to the functions below unchanged.
    pub userdata: *mut c_void,
    /// The answer, once for each request that was taken; all of it is borrowed until the call returns. NULL: not wanted.
    pub done: Option<unsafe extern "C" fn(userdata: *mut c_void, reply: *const jf_reply)>,
    /// How far it is; never after `done`. NULL: not wanted.
    pub progress: Option<unsafe extern "C" fn(userdata: *mut c_void, done: u64, total: u64, text: jf_str)>,
}

/// Calls a command and returns at once; `*id`, which may be NULL, names it for jf_engine_cancel, and is written before
/// anybody is called for it. JF_OK: `done` will come; any other: it will not. JF_E_INVALID; JF_E_BUSY: as many requests
/// are out as the limit `plugin_queue` allows; JF_E_TOO_LARGE; JF_E_WRONG_STATE: it is not started; JF_E_SHUTTING_DOWN:
/// it stops. An unknown key and the like are answers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_submit(
    engine: *mut jf_engine,
    request: *const jf_request,
    id: *mut u64,
) -> jf_status {
    // SAFETY: one is borrowed for the call, the other an out-parameter of the caller.
    edge::enter(engine, |engine| unsafe { engine.submit(request, id) })
}

/// Asks for a request to be given up; its answer comes all the same. JF_OK; JF_E_STALE: it is answered, or none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_cancel(engine: *mut jf_engine, id: u64) -> jf_status {
    edge::enter(engine, |engine| engine.cancel(id))
}

/* ---- topics ---- */

/// Publishes `data` (one JSON text) on `topic`, as plugins do. Any thread; never waits. JF_OK, also where nobody
/// listens; JF_E_INVALID; JF_E_TOO_LARGE; JF_E_WRONG_STATE: it is not started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_publish(engine: *mut jf_engine, topic: jf_str, data: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let (topic, data) = unsafe { (edge::text(topic, "topic")?, edge::long_text(data, "data", &engine.limits())?) };
        engine.run()?.engine.publish(topic, data).map_err(Fault::of_arguments)
    })
}

/// Flag of jf_subscription: it begins with the last event of each topic.
pub const JF_SUBSCRIBE_LAST: u32 = 2;
/// Flag of jf_subscription: when its queue is full it ends, instead of losing its oldest events.
pub const JF_SUBSCRIBE_CLOSE: u32 = 4;

/// What events are wanted, and who hears them. Copied by jf_engine_subscribe.
#[repr(C)]
pub struct jf_subscription {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// JF_ON_HOST_THREAD, JF_SUBSCRIBE_*.
    pub flags: u32,
    /// 1 to 64 patterns: `*` is one part, `**` the rest.
    pub patterns: *const jf_str,
    /// Number of `patterns`.
    pub pattern_count: usize,
    /// JSON object of paths and the values that the data of an event must have there; empty: all events.
    pub filter: jf_str,
    /// Handed to the functions below unchanged.
    pub userdata: *mut c_void,
    /// An event: `data` is one JSON text, `dropped` events before it were lost. Both texts are borrowed. One at a time,
    /// in order. Required.
    pub event: Option<unsafe extern "C" fn(userdata: *mut c_void, topic: jf_str, data: jf_str, dropped: u64)>,
    /// The last call with `userdata`, once: it was unsubscribed, or has ended by itself, or with the engine's stop. May
    /// be NULL.
    pub release: Option<unsafe extern "C" fn(userdata: *mut c_void)>,
}

/// Subscribes; `*id`, which may be NULL, names it for jf_engine_unsubscribe. JF_OK; JF_E_INVALID: the last error names
/// what; JF_E_WRONG_STATE: it is not started; JF_E_SHUTTING_DOWN: it stops. On an error `release` is not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_subscribe(
    engine: *mut jf_engine,
    subscription: *const jf_subscription,
    id: *mut u64,
) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let number = unsafe { Subscription::begin(engine, subscription) }?;
        if !id.is_null() {
            // SAFETY: an out-parameter of the caller.
            unsafe { id.write(number) };
        }
        Ok(())
    })
}

/// Ends a subscription: no event begins any more once this has returned; `release` comes when the one that may run is
/// over. JF_OK; JF_E_STALE: it has ended, or is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_unsubscribe(engine: *mut jf_engine, id: u64) -> jf_status {
    edge::enter(engine, |engine| engine.unsubscribe(id))
}

/* ---- plugins ---- */

/// All plugins, their generations and why files were refused, as one JSON object: what `jackfield.plugins` answers.
/// `*json` is the caller's, who releases it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_plugins(engine: *mut jf_engine, json: *mut jf_buf) -> jf_status {
    edge::enter(engine, |engine| {
        let plugins = engine.call("jackfield.plugins", "{}", 0)?;
        // SAFETY: an out-parameter of the caller.
        unsafe { edge::give_bytes(json, plugins.into_bytes()) }
    })
}

/// Loads a file that is in one of the plugin folders, also one that was refused or unloaded. Waits until that is done;
/// not in callbacks that must not wait (JF_E_WRONG_THREAD). JF_OK; JF_E_INVALID_PARAMS: it is not there;
/// JF_E_UNAVAILABLE and others: it was refused, the last error says why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_load(engine: *mut jf_engine, file: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let file = unsafe { edge::text(file, "file") }?;
        engine.manage("jackfield.plugins.load", "file", file)
    })
}

/// Swaps a plugin, by its id, from the same file. Waits, as jf_engine_load.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_reload(engine: *mut jf_engine, plugin: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let plugin = unsafe { edge::text(plugin, "plugin") }?;
        engine.manage("jackfield.plugins.reload", "plugin", plugin)
    })
}

/// Unloads a plugin, by its id, until it is loaded again or its file changes. Waits until it serves no more, as
/// jf_engine_load; commands that it has still are answered by it later. Until then one that is EXCLUSIVE or STATEFUL
/// cannot be loaded again: JF_E_UNAVAILABLE; others can.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_unload(engine: *mut jf_engine, plugin: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let plugin = unsafe { edge::text(plugin, "plugin") }?;
        engine.manage("jackfield.plugins.unload", "plugin", plugin)
    })
}

/// Offers a service to plugins: `get_service(id)` gives them `service` as it is, from now on and over stops. Ids of 1 to
/// 256 bytes; `jackfield.store/1`, with a jf_store_v1 of plugin.h, puts the application's own project in the place of
/// the built-in store; others are best named NAME/REVISION. `service` must live until jf_engine_free, and what it points
/// to is called on threads of plugins. JF_OK; JF_E_INVALID; JF_E_BUSY: that id is offered already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_provide(engine: *mut jf_engine, id: jf_str, service: *const c_void) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let id = unsafe { edge::text(id, "id") }?;
        engine.provide(id, service)
    })
}
