//! The optional abilities of a plugin, looked up once, when it is loaded.

use super::read::{Copyable, read_struct};
use super::{LoadError, table_error};
use jackfield_plugin_api as abi;
use std::ffi::c_void;

pub(super) type Save = unsafe extern "C" fn(*mut c_void, *const abi::jf_sink) -> abi::jf_status;
pub(super) type Restore =
    unsafe extern "C" fn(*mut c_void, u32, abi::jf_str, abi::jf_bytes, *mut abi::jf_buf) -> abi::jf_status;
pub(super) type Event = unsafe extern "C" fn(*mut c_void, abi::jf_str, abi::jf_str, u64);

/// `jackfield.state/1` of a plugin.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// What `save` writes.
    pub schema: u32,
    pub save: Save,
    pub restore: Restore,
}

/// `jackfield.thread/1` of a plugin.
#[derive(Clone, Copy, Default)]
pub(super) struct Thread {
    pub enter: Option<unsafe extern "C" fn() -> abi::jf_status>,
    pub leave: Option<unsafe extern "C" fn()>,
}

/// What a plugin can do beyond its table.
#[derive(Clone, Copy, Default)]
pub(super) struct Extensions {
    pub state: Option<State>,
    /// `jackfield.topics/1`: the event callback.
    pub event: Option<Event>,
    pub thread: Thread,
}

impl Extensions {
    /// Asks the plugin for each ability that this host knows. On the control thread.
    ///
    /// # Safety
    /// `raw` is what the entry function filled in, and its library is mapped.
    pub unsafe fn of(raw: &abi::jf_plugin) -> Result<Self, LoadError> {
        // SAFETY: promised by the caller; the plugin promises static tables of the kind that goes with each id.
        let (state, events, thread) = unsafe {
            (
                look_up::<abi::jf_state_v1>(raw, abi::EXTENSION_STATE)?,
                look_up::<abi::jf_events_v1>(raw, abi::EXTENSION_TOPICS)?,
                look_up::<abi::jf_thread_v1>(raw, abi::EXTENSION_THREAD)?,
            )
        };
        let state = state
            .map(|state| match (state.save, state.restore) {
                (Some(save), Some(restore)) => Ok(State { schema: state.schema, save, restore }),
                _ => Err(table_error(abi::EXTENSION_STATE, "`save` or `restore` is null")),
            })
            .transpose()?;
        let event = events
            .map(|events| events.event.ok_or_else(|| table_error(abi::EXTENSION_TOPICS, "`event` is null")))
            .transpose()?;
        let thread = thread.map(|thread| Thread { enter: thread.enter, leave: thread.leave }).unwrap_or_default();
        Ok(Self { state, event, thread })
    }
}

/// # Safety
/// As for [`Extensions::of`]; `T` is the table that goes with `id`.
unsafe fn look_up<T: Copyable>(raw: &abi::jf_plugin, id: &'static str) -> Result<Option<T>, LoadError> {
    let Some(get_extension) = raw.get_extension else { return Ok(None) };
    // SAFETY: promised by the caller; `id` lives until the call returns.
    let table = unsafe { get_extension(abi::jf_str::new(id)) }.cast::<T>();
    if table.is_null() {
        return Ok(None);
    }
    // SAFETY: the plugin promises a static table of this kind.
    unsafe { read_struct(table) }.map(Some).map_err(|why| table_error(id, &why.what))
}
