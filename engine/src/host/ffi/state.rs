//! `jackfield.state/1`: how a state comes out of one generation and into the next.

use super::instance::failed;
use super::library::guarded;
use super::read::{slice, take_text};
use crate::call::lock;
use crate::host::{Instance, SavedState};
use jackfield_plugin_api as abi;
use std::sync::Mutex;

/// What a plugin writes into.
struct Sink {
    bytes: Mutex<Vec<u8>>,
    max: usize,
    /// First reason why what was written is not the state.
    fault: Mutex<Option<(abi::jf_status, String)>>,
}

impl Instance {
    /// Calls `save`. On the control thread, between `stop` and `destroy`. The state is no larger than `max` bytes.
    pub fn save(&self, version: &str, max: usize) -> Result<SavedState, String> {
        let state = self.table().extensions.state.ok_or("the plugin has no state to save")?;
        let sink = Sink { bytes: Mutex::default(), max, fault: Mutex::default() };
        let raw = abi::jf_sink {
            struct_size: size_of::<abi::jf_sink>() as u32,
            flags: 0,
            ctx: std::ptr::from_ref(&sink).cast_mut().cast(),
            write: Some(write),
        };
        // SAFETY: the instance is alive, `raw` and what it points to live until the call returns.
        let status = unsafe { (state.save)(self.pointer(), &raw) };
        if let Some((_, fault)) = lock(&sink.fault).take() {
            return Err(format!("save wrote {fault}"));
        }
        if status != abi::JF_OK {
            return Err(failed("save", status, ""));
        }
        let bytes = std::mem::take(&mut *lock(&sink.bytes));
        Ok(SavedState { schema: state.schema, version: version.to_owned(), bytes })
    }

    /// Calls `restore`. On the control thread, between `create` and `start`.
    pub fn restore(&self, saved: &SavedState) -> Result<(), String> {
        let state = self.table().extensions.state.ok_or("the plugin has no state to restore")?;
        let mut why = abi::jf_buf::EMPTY;
        let (version, bytes) = (abi::jf_str::new(&saved.version), abi::jf_bytes::new(&saved.bytes));
        // SAFETY: the instance is alive, everything lives until the call returns.
        let status = unsafe { (state.restore)(self.pointer(), saved.schema, version, bytes, &mut why) };
        // SAFETY: `why` is the plugin's to give.
        let why = unsafe { take_text(why) };
        if status == abi::JF_OK {
            return Ok(());
        }
        let (version, schema) = (&saved.version, saved.schema);
        Err(format!("{} (state of version {version}, schema {schema})", failed("restore", status, &why)))
    }
}

extern "C" fn write(sink: *const abi::jf_sink, bytes: abi::jf_bytes) -> abi::jf_status {
    guarded(abi::JF_E_INTERNAL, || {
        // SAFETY: the plugin passes the sink that `save` was given, during `save`.
        let Some(sink) = (unsafe { sink.as_ref().and_then(|raw| raw.ctx.cast::<Sink>().as_ref()) }) else {
            return abi::JF_E_INVALID;
        };
        let mut all = lock(&sink.bytes);
        // A fault stands: what comes after it is not the whole state.
        if let Some((status, _)) = &*lock(&sink.fault) {
            return *status;
        }
        if bytes.len > sink.max - all.len() {
            let mib = sink.max >> 20;
            return sink.refuse(abi::JF_E_TOO_LARGE, format!("more than {mib} MiB (limit state_mib)"));
        }
        // SAFETY: borrowed for the call.
        let piece = match unsafe { slice(bytes.ptr, bytes.len) } {
            Ok(piece) => piece,
            Err(why) => return sink.refuse(abi::JF_E_INVALID, why.what.into_owned()),
        };
        all.extend_from_slice(piece);
        abi::JF_OK
    })
}

impl Sink {
    fn refuse(&self, status: abi::jf_status, fault: String) -> abi::jf_status {
        *lock(&self.fault) = Some((status, fault));
        status
    }
}
