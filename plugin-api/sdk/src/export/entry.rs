//! The entry function and the plugin table: the callbacks that a host calls.

use super::buffer::into_buf;
use super::command::RawCommand;
use super::descriptor::Slot;
use super::events;
use super::guard::guard;
use super::host::HostTable;
use super::tables::text;
use crate::dispatch::Instance;
use crate::{Error, Host, Level, Plugin, Token};
use jackfield_plugin_api::*;
use std::ffi::c_void;
use std::mem::offset_of;

/// What [`export!`](crate::export!) exports, for one plugin type.
///
/// # Safety
/// `host` and `out` are as plugin.h describes them for `jackfield_plugin_v1`.
#[doc(hidden)]
pub unsafe fn entry<P: Plugin>(host: *const jf_host, out: *mut jf_plugin, slot: &'static Slot) -> jf_status {
    if host.is_null() || out.is_null() {
        return JF_E_INVALID;
    }
    // SAFETY: `out` begins with its size, and the host keeps its own table readable.
    let (room, host) = unsafe { (out.cast::<u32>().read() as usize, HostTable::new(host)) };
    if room < offset_of!(jf_plugin, get_extension) {
        host.log(Level::Error, &format!("the host's jf_plugin has {room} bytes: too few for this plugin"));
        return JF_E_VERSION;
    }
    let descriptor = match guard(|| slot.descriptor::<P>()) {
        Ok(descriptor) => descriptor,
        Err(why) => {
            host.log(Level::Error, &format!("the declaration of the commands panicked: {why}"));
            return JF_E_PANIC;
        }
    };
    if P::ABILITIES.thread.is_some() {
        // SAFETY: the host's table is valid until unload.
        unsafe { super::thread::tell(host.raw()) };
    }
    let table = jf_plugin {
        struct_size: size_of::<jf_plugin>() as u32,
        abi_minor: JF_ABI_MINOR,
        descriptor,
        create: Some(create::<P>),
        start: Some(start::<P>),
        handle: Some(handle::<P>),
        cancel: Some(cancel::<P>),
        stop: Some(stop::<P>),
        destroy: Some(destroy::<P>),
        get_extension: Some(get_extension::<P>),
    };
    let size = room.min(size_of::<jf_plugin>());
    // SAFETY: the host has room for `room` bytes at `out`.
    unsafe { out.cast::<u8>().copy_from_nonoverlapping((&raw const table).cast(), size) };
    JF_OK
}

/// The instance behind a pointer of the host's; `None` for NULL.
///
/// # Safety
/// `instance` is NULL, or was made by `create::<P>` and is not destroyed before `'a` ends.
pub(super) unsafe fn instance<'a, P>(instance: *mut c_void) -> Option<&'a Instance<P>> {
    // SAFETY: as promised by the caller; an instance is only shared (`Plugin` is Sync) until `destroy`.
    unsafe { instance.cast::<Instance<P>>().as_ref() }
}

/// Tells the operator why, if the host wants to know.
///
/// # Safety
/// `why` is NULL or can be written.
pub(super) unsafe fn explain(why: *mut jf_buf, text: String) {
    if !why.is_null() {
        // SAFETY: as promised by the caller.
        unsafe { why.write(into_buf(text.into_bytes())) };
    }
}

unsafe extern "C" fn create<P: Plugin>(
    host: *const jf_host,
    config: jf_str,
    out: *mut *mut c_void,
    why: *mut jf_buf,
) -> jf_status {
    if host.is_null() || out.is_null() {
        return JF_E_INVALID;
    }
    // SAFETY: the host's table is valid until unload, and `config` during this call.
    let (host, config) = unsafe { (Host::new(HostTable::new(host)), text(config)) };
    let config = if config.is_empty() { "{}" } else { config };
    let made = guard(|| {
        let config = serde_json::from_str(config)
            .map_err(|error| (JF_E_INVALID, format!("the config of plugin '{}': {error}", P::INFO.id)))?;
        let plugin = P::new(host.clone(), config).map_err(|error| (JF_E_FAILED, chain(&error)))?;
        Ok(Box::new(Instance::new(plugin, host)))
    });
    match made.unwrap_or_else(|text| Err((JF_E_PANIC, format!("'create' panicked: {text}")))) {
        Ok(instance) => {
            // SAFETY: `out` is not NULL, and the host's to be written.
            unsafe { out.write(Box::into_raw(instance).cast()) };
            JF_OK
        }
        Err((status, text)) => {
            // SAFETY: `why` is the host's.
            unsafe { explain(why, text) };
            status
        }
    }
}

/// An error with its causes.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

unsafe extern "C" fn start<P: Plugin>(raw: *mut c_void, why: *mut jf_buf) -> jf_status {
    // SAFETY: the host hands over what `create` made, and not after `destroy`.
    let Some(instance) = (unsafe { instance::<P>(raw) }) else { return JF_E_INVALID };
    let (status, text) = match guard(|| instance.plugin.start()) {
        Ok(Ok(())) => return JF_OK,
        Ok(Err(error)) => (JF_E_FAILED, chain(&error)),
        Err(text) => (JF_E_PANIC, format!("'start' panicked: {text}")),
    };
    // SAFETY: `why` is the host's.
    unsafe { explain(why, text) };
    status
}

unsafe extern "C" fn handle<P: Plugin>(raw: *mut c_void, command: *const jf_command) -> jf_status {
    // SAFETY: as in `start`.
    let Some(instance) = (unsafe { instance::<P>(raw) }) else { return JF_E_INVALID };
    if command.is_null() {
        return JF_E_INVALID;
    }
    // SAFETY: the host keeps the command until `handle` has returned and the token is finished. `Instance::handle` holds it
    // in this call's frame, or in a `Pending`, which finishes the token when it goes.
    instance.handle(unsafe { RawCommand::new(command) })
}

unsafe extern "C" fn cancel<P: Plugin>(raw: *mut c_void, token: jf_token) {
    // SAFETY: as in `start`.
    let Some(instance) = (unsafe { instance::<P>(raw) }) else { return };
    if let Err(text) = guard(|| instance.plugin.cancel(Token(token))) {
        instance.host.error(format_args!("'cancel' panicked: {text}"));
    }
}

unsafe extern "C" fn stop<P: Plugin>(raw: *mut c_void) {
    // SAFETY: as in `start`.
    let Some(instance) = (unsafe { instance::<P>(raw) }) else { return };
    if let Err(text) = guard(|| instance.plugin.stop()) {
        instance.host.error(format_args!("'stop' panicked: {text}"));
    }
}

unsafe extern "C" fn destroy<P: Plugin>(raw: *mut c_void) {
    if raw.is_null() {
        return;
    }
    // SAFETY: made by `create` from a Box; `destroy` is the last call with it, and overlaps no other.
    let instance = unsafe { Box::from_raw(raw.cast::<Instance<P>>()) };
    let host = instance.host.clone();
    if let Err(text) = guard(|| drop(instance)) {
        host.error(format_args!("'destroy' panicked: {text}"));
    }
}

/// The optional abilities, by id.
unsafe extern "C" fn get_extension<P: Plugin>(id: jf_str) -> *const c_void {
    // SAFETY: borrowed from the host during this call.
    match unsafe { text(id) } {
        EXTENSION_STATE => pointer(P::ABILITIES.state),
        EXTENSION_TOPICS => events::table::<P>(),
        EXTENSION_THREAD => pointer(P::ABILITIES.thread),
        _ => std::ptr::null(),
    }
}

fn pointer<T>(table: Option<&'static T>) -> *const c_void {
    table.map_or(std::ptr::null(), |table| std::ptr::from_ref(table).cast())
}
