//! What a `jf_engine *` stands for: a place and a version in one list of the process, never an address. So a wrong, freed or
//! made-up one is an error, and harmless.

use crate::api::engine::jf_engine;
use crate::edge::Fault;
use crate::instance::Instance;
use jackfield_message::Culprit;
use jackfield_plugin_api::JF_E_STALE;
use slotmap::{DefaultKey, Key, KeyData, SlotMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// All engines of the process. A static that holds names, and starts nothing.
static ENGINES: LazyLock<RwLock<SlotMap<DefaultKey, Arc<Instance>>>> = LazyLock::new(RwLock::default);

/// A name, as its callbacks carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name(usize);

impl From<*const jf_engine> for Name {
    fn from(engine: *const jf_engine) -> Self {
        Self(engine.addr())
    }
}

/// A new engine.
pub(crate) fn new() -> *mut jf_engine {
    let mut engines = ENGINES.write().unwrap_or_else(PoisonError::into_inner);
    // Never 0: versions begin with 1.
    let number = |key: DefaultKey| key.data().as_ffi() as usize;
    let key = engines.insert_with_key(|key| Instance::new(Name(number(key))));
    std::ptr::without_provenance_mut(number(key))
}

/// The engine of that name.
pub(crate) fn get(engine: *const jf_engine) -> Result<Arc<Instance>, Fault> {
    let engines = ENGINES.read().unwrap_or_else(PoisonError::into_inner);
    key(engine).and_then(|key| engines.get(key)).cloned().ok_or_else(|| stale(engine))
}

/// Takes the name away.
pub(crate) fn remove(engine: *const jf_engine) -> Result<Arc<Instance>, Fault> {
    let mut engines = ENGINES.write().unwrap_or_else(PoisonError::into_inner);
    key(engine).and_then(|key| engines.remove(key)).ok_or_else(|| stale(engine))
}

fn key(engine: *const jf_engine) -> Option<DefaultKey> {
    let number = engine.addr() as u64;
    let key = DefaultKey::from(KeyData::from_ffi(number));
    // slotmap rounds versions that it never gave out to one that it might have.
    (key.data().as_ffi() == number).then_some(key)
}

/// The error that it is no engine.
pub(crate) fn stale(engine: *const jf_engine) -> Fault {
    let message = if engine.is_null() {
        "`engine` is NULL.".to_owned()
    } else {
        format!("`engine` {engine:p} is none: it was freed, or never made by jf_engine_new.")
    };
    Fault::new(JF_E_STALE, Culprit::Caller, message)
}
