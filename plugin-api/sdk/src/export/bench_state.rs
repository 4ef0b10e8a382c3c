//! The C side of [`testing`](crate::testing): the extensions of a plugin, called as a host calls them.

use super::bench::{Loaded, outcome};
use super::guard::guard;
use super::tables::bytes;
use crate::Status;
use crate::testing::{Refused, SavedState};
use jackfield_plugin_api::*;
use std::cell::RefCell;

impl Loaded {
    /// Between `stop` and `destroy`.
    pub fn save(&self, version: &str) -> Result<SavedState, Refused> {
        let state = self.state("save")?;
        let save = state.save.ok_or_else(|| missing("save"))?;
        let taken = RefCell::new(Vec::new());
        let sink = jf_sink {
            struct_size: size_of::<jf_sink>() as u32,
            flags: 0,
            ctx: (&raw const taken).cast_mut().cast(),
            write: Some(take),
        };
        // SAFETY: the instance is alive: only `destroy` ends it, which leaves NULL. The sink lives until the call returns.
        let status = unsafe { save(self.instance(), &sink) };
        // The plugin has logged why.
        outcome("save", status, jf_buf::EMPTY)?;
        Ok(SavedState::new(state.schema, version, taken.into_inner()))
    }

    /// Between `create` and `start`.
    pub fn restore(&self, saved: &SavedState) -> Result<(), Refused> {
        let restore = self.state("restore")?.restore.ok_or_else(|| missing("restore"))?;
        let (version, mut why) = (jf_str::new(&saved.version), jf_buf::EMPTY);
        // SAFETY: as in `save`; what is saved lives until the call returns.
        let status = unsafe { restore(self.instance(), saved.schema, version, jf_bytes::new(&saved.bytes), &mut why) };
        outcome("restore", status, why)
    }

    fn state(&self, step: &'static str) -> Result<jf_state_v1, Refused> {
        self.extension::<jf_state_v1>(EXTENSION_STATE).ok_or_else(|| missing(step))
    }

    /// The first call on a thread of the plugin.
    pub fn enter_thread(&self) -> Result<(), Status> {
        let enter = self.thread().and_then(|thread| thread.enter);
        // SAFETY: the function is the plugin's, and the library of a bench is this program.
        enter.map_or(Ok(()), |enter| Status::check(unsafe { enter() }))
    }

    /// The last call on a thread of the plugin.
    pub fn leave_thread(&self) {
        if let Some(leave) = self.thread().and_then(|thread| thread.leave) {
            // SAFETY: as in `enter_thread`.
            unsafe { leave() }
        }
    }

    fn thread(&self) -> Option<jf_thread_v1> {
        self.extension::<jf_thread_v1>(EXTENSION_THREAD)
    }
}

fn missing(step: &'static str) -> Refused {
    let why = "the plugin is not stateful: its ABILITIES do not say so".into();
    Refused { step, status: Status::NoService, why }
}

unsafe extern "C" fn take(sink: *const jf_sink, piece: jf_bytes) -> jf_status {
    let taken = guard(|| {
        // SAFETY: the plugin passes the sink that it was given, and a piece that lives meanwhile.
        let (taken, piece) = unsafe { (&*(*sink).ctx.cast::<RefCell<Vec<u8>>>(), bytes(piece)) };
        taken.borrow_mut().extend_from_slice(piece);
    });
    taken.map_or(JF_E_INTERNAL, |()| JF_OK)
}
