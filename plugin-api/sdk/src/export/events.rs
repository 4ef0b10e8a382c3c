//! The extension `jackfield.topics/1`: the events that the plugin subscribes to.

use super::entry::instance;
use super::guard::guard;
use super::tables::text;
use crate::Plugin;
use jackfield_plugin_api::*;
use std::ffi::c_void;
use std::marker::PhantomData;

/// Holds the table of one plugin type.
struct Events<P>(PhantomData<P>);

impl<P: Plugin> Events<P> {
    const TABLE: &'static jf_events_v1 =
        &jf_events_v1 { struct_size: size_of::<jf_events_v1>() as u32, flags: 0, event: Some(event::<P>) };
}

/// The table for `get_extension`; static until unload.
pub(crate) fn table<P: Plugin>() -> *const c_void {
    std::ptr::from_ref(Events::<P>::TABLE).cast()
}

unsafe extern "C" fn event<P: Plugin>(raw: *mut c_void, topic: jf_str, data: jf_str, dropped: u64) {
    // SAFETY: the host hands over what `create` made, and not after `destroy`; the texts live until we return.
    let (instance, topic, data) = unsafe { (instance::<P>(raw), text(topic), text(data)) };
    let Some(instance) = instance else { return };
    if let Err(why) = guard(|| instance.plugin.event(topic, data, dropped)) {
        instance.host.error(format_args!("'event' panicked on topic '{topic}': {why}"));
    }
}
