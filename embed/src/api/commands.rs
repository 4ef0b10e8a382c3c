//! Commands of the host application.

use super::engine::jf_engine;
use crate::edge::{self, Fault};
use crate::handle::Name;
use crate::handler::Handler;
use crate::left;
use jackfield_engine::raw;
use jackfield_message::Progress;
use jackfield_plugin_api::*;
use std::ffi::c_void;
use std::sync::Arc;

/* ---- commands of the host application ---- */

/// Who takes the commands of a key. Copied by jf_engine_register.
#[repr(C)]
pub struct jf_handler {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// None yet: 0.
    pub flags: u32,
    /// Handed to the functions below unchanged.
    pub userdata: *mut c_void,
    /// Handles a command, where its class says: JF_SERIAL on one thread of the engine, with answers and events that are
    /// not for the host's thread; JF_CONCURRENT on one of four, or of more while some of them wait in jf_engine_call;
    /// JF_INLINE on whatever thread brings the command, which must not be held up; JF_HOST_THREAD within
    /// jf_engine_poll. `command` and all behind it is borrowed until this has returned and the command is answered.
    /// JF_OK: done, with null as the result unless jf_engine_reply gave one; JF_PENDING: jf_engine_reply comes later,
    /// from any thread; an error: it failed, unless jf_engine_reply said otherwise. Required.
    pub handle: Option<unsafe extern "C" fn(userdata: *mut c_void, command: *const jf_command) -> jf_status>,
    /// A command should be given up, perhaps before its `handle` is called: its caller asked for that, or its time is
    /// over. Answer it soon, by JF_E_CANCELLED or with its result; after `limits.cancel_grace_s` the caller is told that
    /// nobody knows. JF_HOST_THREAD: within jf_engine_poll; else on any thread, and it must not wait. May be NULL.
    pub cancel: Option<unsafe extern "C" fn(userdata: *mut c_void, token: jf_token)>,
    /// The last call with `userdata`, once: when the key is taken back, or the engine freed, and all commands are out.
    /// JF_HOST_THREAD: within jf_engine_poll, or jf_engine_free; else on any thread. May be NULL.
    pub release: Option<unsafe extern "C" fn(userdata: *mut c_void)>,
}

/// Serves a key from now on, also before the engine is started and over its stops. All is copied. That the list of
/// commands has changed is an event on `jackfield.plugins`, with `step` "registered" and `key`, for
/// jf_engine_unregister with "unregistered". On an error `release` is not called. JF_OK; JF_E_INVALID: what is said of
/// the command is not as it must be; JF_E_BUSY: the key is served already, by a plugin or by the application;
/// JF_E_WRONG_STATE: it is stopping.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_register(
    engine: *mut jf_engine,
    info: *const jf_command_info,
    handler: *const jf_handler,
) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: both are borrowed for the call.
        let info = unsafe { raw::command_info(info) }.map_err(|why| Fault::invalid(format!("`info`: {why}.")))?;
        // SAFETY: as above.
        let (handler, release) = unsafe { Handler::read(engine.name, handler, info.class) }?;
        engine.register(info, handler, release)
    })
}

/// Takes a key back. Commands that wait are answered that it is gone, those inside go on, no other is handed over.
/// JF_OK; JF_E_NOT_FOUND: it is not registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_unregister(engine: *mut jf_engine, key: jf_str) -> jf_status {
    edge::enter(engine, |engine| {
        // SAFETY: borrowed for the call.
        let key = unsafe { edge::text(key, "key") }?;
        engine.unregister(key)
    })
}

/// Answers a command, once, from within its handler or later, on any thread. What is borrowed in `reply` is copied
/// before the call returns; owned buffers pass to the engine whatever the result, and are released on any thread.
/// JF_OK; JF_E_STALE: answered already, or no such command (where the client was told something else meanwhile, the
/// first answer is JF_OK; but for where the engine was started again, or freed, since: then it only gives the command's
/// memory back); JF_E_INVALID: the reply is not usable, and the client was told so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_reply(engine: *mut jf_engine, token: jf_token, reply: *const jf_reply) -> jf_status {
    let status = edge::enter_if_any(engine, |instance| {
        let limits = instance.as_ref().map_or_else(|_| Arc::default(), |instance| instance.limits());
        // SAFETY: the caller gives a reply as the header describes it, or NULL. What it owns is taken over in any case.
        let (reply, why) = match unsafe { raw::reply(reply, &limits) } {
            Ok(reply) => (reply, None),
            Err((instead, why)) => (instead, Some(why)),
        };
        if !instance?.last_engine()?.is_some_and(|engine| engine.reply(token, reply)) {
            return Err(edge::stale(token));
        }
        why.map_or(Ok(JF_OK), |why| Err(Fault::invalid(format!("The reply to command {token:#x} is {}.", why.what))))
    });
    if status == JF_E_STALE {
        // Perhaps of an earlier run, or of an engine that is freed.
        left::answered(Name::from(engine.cast_const()), token);
    }
    status
}

/// Tells the caller of a command how far it is: `done` of `total` (0: not known) and a short text. May be called often;
/// the engine thins them out. Any thread. JF_OK; JF_E_STALE; JF_E_INVALID: the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_progress(
    engine: *mut jf_engine,
    token: jf_token,
    done: u64,
    total: u64,
    text: jf_str,
) -> jf_status {
    edge::enter(engine, |engine| {
        const LONGEST: usize = 1024;
        // SAFETY: borrowed for the call.
        let text = unsafe { edge::text(text, "text") }?;
        let text = text[..text.floor_char_boundary(LONGEST)].to_owned();
        match engine.last_engine()?.is_some_and(|engine| engine.progress(token, Progress { done, total, text })) {
            true => Ok(()),
            false => Err(edge::stale(token)),
        }
    })
}

/// 1 when a command should be given up (asked for by its caller, past its deadline, answered already, or none of this
/// engine), else 0. Any thread; cheap enough for an inner loop.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_is_cancelled(engine: *mut jf_engine, token: jf_token) -> i32 {
    let mut cancelled = true;
    edge::enter(engine, |engine| {
        cancelled = engine.last_engine()?.is_none_or(|engine| engine.is_cancelled(token));
        Ok(())
    });
    i32::from(cancelled)
}

/* ---- the host's thread ---- */

/// Runs what waits for the host's thread: handlers of JF_HOST_THREAD, their `cancel` and `release`, and the answers and
/// events that were asked for with JF_ON_HOST_THREAD. Waits for the first of them up to `timeout_ms` (0: not at all;
/// negative: for ever), then runs those that are there, and writes their number to `*ran`, which may be NULL. Poll on
/// one thread. JF_OK; JF_E_SHUTTING_DOWN: the engine has stopped, and nothing is left; JF_E_WRONG_STATE: called from
/// within a callback of its own, or never started; JF_E_WRONG_THREAD: within one of another that must not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_poll(engine: *mut jf_engine, timeout_ms: i64, ran: *mut u64) -> jf_status {
    let mut count = 0;
    let status = edge::enter(engine, |engine| engine.poll(timeout_ms, &mut count));
    if status == JF_OK && !ran.is_null() {
        // SAFETY: an out-parameter of the caller.
        unsafe { ran.write(count) };
    }
    status
}

/// Makes a poll that waits return, or the next one that would. Any thread. JF_OK; JF_E_WRONG_STATE: never started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_wake(engine: *mut jf_engine) -> jf_status {
    edge::enter(engine, |engine| {
        if let Some(engine) = engine.last_engine()? {
            engine.wake_poll();
        }
        Ok(())
    })
}

/// Something that the system can wait for: readable (Unix: a descriptor, for poll, epoll, GLib, Qt, libuv) or signalled
/// (Windows: an event) while a poll would find something, and once the engine has stopped. The engine's own until it is
/// freed: not to be read, written or closed. It stays readable while there is more: who is told of changes only (EPOLLET)
/// polls until `*ran` is 0. JF_OK; JF_E_UNAVAILABLE: the system gives none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jf_engine_poll_handle(engine: *mut jf_engine, handle: *mut i64) -> jf_status {
    edge::enter(engine, |engine| {
        let value = engine.poll_handle()?;
        // SAFETY: an out-parameter of the caller.
        unsafe { edge::put(handle, "handle", || value) }
    })
}
