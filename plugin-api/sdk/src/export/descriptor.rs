//! What a plugin tells about itself, as the C structs.

use super::guard::guard;
use crate::commands::Commands;
use crate::{Info, Plugin, Registration};
use jackfield_plugin_api::*;
use std::ffi::c_int;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Where [`export!`](crate::export!) keeps the descriptor of its plugin: static until unload.
#[doc(hidden)]
#[derive(Default)]
pub struct Slot(OnceLock<&'static Descriptor>);

impl Slot {
    /// Empty; filled by the first call of the entry function.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The descriptor of `P`, made at the first call. It stays where it is until the library is unloaded.
    pub(crate) fn descriptor<P: Plugin>(&'static self) -> &'static jf_descriptor {
        &self.0.get_or_init(|| keep(Descriptor::of::<P>())).raw
    }
}

/// All descriptors of this library. What a static owns is never dropped, so each load would leave its descriptor behind.
static KEPT: Mutex<Vec<&'static Descriptor>> = Mutex::new(Vec::new());

/// Keeps a descriptor until the library is unloaded, or the process ends.
fn keep(descriptor: Descriptor) -> &'static Descriptor {
    unsafe extern "C" {
        // In a shared library the C runtime's own copy of it: what it is given is called when that library is unloaded.
        safe fn atexit(callback: extern "C" fn()) -> c_int;
    }
    let descriptor: &'static Descriptor = Box::leak(Box::new(descriptor));
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.is_empty() {
        // Without it, the memory stays: no more than that.
        let _ = atexit(forget_all);
    }
    kept.push(descriptor);
    descriptor
}

/// Gives the memory of all descriptors back.
extern "C" fn forget_all() {
    // Freeing does not panic; an allocator's check may.
    let _ = guard(|| {
        for descriptor in std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner)) {
            // SAFETY: leaked in `keep`, and in the list once. The library is on its way out: the host has let go of the
            // descriptor, which is static until unload and no longer, and nobody calls the entry function any more.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(descriptor).cast_mut()) });
        }
    });
}

struct Descriptor {
    raw: jf_descriptor,
    /// What `raw` points to, directly or not. Never touched again.
    _memory: Memory,
}

#[derive(Default)]
struct Memory {
    commands: Vec<jf_command_info>,
    pointers: Vec<*const jf_command_info>,
    texts: Vec<Vec<jf_str>>,
}

// SAFETY: written once, before it is shared; from then on only read. All it points to is static or its own.
unsafe impl Send for Descriptor {}
// SAFETY: as above.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    fn of<P: Plugin>() -> Self {
        let Info { id, name, version, license, build, flags, topics } = P::INFO;
        let mut memory = Memory::default();
        for registration in Commands::<P>::of().registrations() {
            let info = memory.command(registration);
            memory.commands.push(info);
        }
        memory.pointers = memory.commands.iter().map(std::ptr::from_ref).collect();
        let (topics, topic_count) = memory.texts(topics);
        let raw = jf_descriptor {
            struct_size: size_of::<jf_descriptor>() as u32,
            flags: flags | P::ABILITIES.flags(),
            id: jf_str::new(id),
            name: jf_str::new(name),
            version: jf_str::new(version),
            license: jf_str::new(license),
            build: jf_str::new(build),
            topics,
            topic_count,
            commands: memory.pointers.as_ptr(),
            command_count: memory.pointers.len(),
        };
        Self { raw, _memory: memory }
    }
}

impl Memory {
    fn command(&mut self, registration: &Registration) -> jf_command_info {
        let (param_order, param_count) = self.texts(registration.order);
        let (examples, example_count) = self.texts(&registration.examples);
        jf_command_info {
            struct_size: size_of::<jf_command_info>() as u32,
            command_class: registration.class,
            flags: registration.flags,
            param_count: param_count as u32,
            key: jf_str::new(registration.key),
            help: jf_str::new(registration.help),
            params_schema: jf_str::new(registration.params_schema),
            result_schema: jf_str::new(registration.result_schema),
            param_order,
            examples,
            example_count,
        }
    }

    /// An array of texts that lives as long as `self`.
    fn texts(&mut self, texts: &[&'static str]) -> (*const jf_str, usize) {
        let array: Vec<jf_str> = texts.iter().map(|text| jf_str::new(text)).collect();
        let place = (array.as_ptr(), array.len());
        self.texts.push(array);
        place
    }
}
