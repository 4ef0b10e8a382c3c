//! `jackfield.thread/1`: tells a plugin of its threads.

use super::entry::chain;
use super::guard::guard;
use super::host::HostTable;
use crate::{Level, ThreadHooks};
use jackfield_plugin_api::*;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The table of one type of hooks.
pub(crate) struct Exported<H>(PhantomData<H>);

impl<H: ThreadHooks> Exported<H> {
    pub const TABLE: &'static jf_thread_v1 = &jf_thread_v1 {
        struct_size: size_of::<jf_thread_v1>() as u32,
        flags: 0,
        enter: Some(enter::<H>),
        leave: Some(leave::<H>),
    };
}

/// Where the hooks' errors are told: they get no host, and a thread may come before there is an instance. A library is one
/// plugin, loaded by one host; only tests load several, and then the last one is told.
static HOST: AtomicPtr<jf_host> = AtomicPtr::new(std::ptr::null_mut());

/// From the entry function, before any hook is called.
///
/// # Safety
/// `host` is a host table as plugin.h describes it, valid until the library is unloaded.
pub(super) unsafe fn tell(host: *const jf_host) {
    HOST.store(host.cast_mut(), Ordering::Release);
}

unsafe extern "C" fn enter<H: ThreadHooks>() -> jf_status {
    match guard(H::enter) {
        Ok(Ok(())) => JF_OK,
        Ok(Err(error)) => failed(JF_E_FAILED, &format!("a thread cannot enter: {}", chain(&error))),
        Err(text) => failed(JF_E_PANIC, &format!("'enter' of a thread panicked: {text}")),
    }
}

unsafe extern "C" fn leave<H: ThreadHooks>() {
    if let Err(text) = guard(H::leave) {
        failed(JF_E_PANIC, &format!("'leave' of a thread panicked: {text}"));
    }
}

fn failed(status: jf_status, text: &str) -> jf_status {
    let host = HOST.load(Ordering::Acquire);
    if !host.is_null() {
        // SAFETY: as promised to `tell`; hooks are called only while the library is loaded.
        unsafe { HostTable::new(host) }.log(Level::Error, text);
    }
    status
}
