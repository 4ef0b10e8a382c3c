//! `jackfield.state/1`: how the state of a plugin goes out and comes in.

use super::entry::{chain, explain, instance};
use super::guard::guard;
use super::tables::{bytes, read, text};
use crate::{Error, Saved, Saver, State, Stateful, Status};
use jackfield_plugin_api::*;
use std::cell::Cell;
use std::ffi::c_void;
use std::io::{self, Write};
use std::marker::PhantomData;

/// The table of one plugin type.
pub(crate) struct Exported<P>(PhantomData<P>);

impl<P: Stateful> Exported<P> {
    pub const TABLE: &'static jf_state_v1 = &jf_state_v1 {
        struct_size: size_of::<jf_state_v1>() as u32,
        schema: P::State::SCHEMA,
        save: Some(save::<P>),
        restore: Some(restore::<P>),
    };
}

/// The sink of the host. Lives as long as the call of `save`.
pub(crate) struct SinkWriter {
    raw: *const jf_sink,
    write: unsafe extern "C" fn(*const jf_sink, jf_bytes) -> jf_status,
    /// Why the host did not take a piece.
    refused: Cell<Option<Status>>,
}

impl Write for &SinkWriter {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        // SAFETY: `raw` is the sink that `write` belongs to, valid during `save`; the piece lives until the call returns.
        match Status::check(unsafe { (self.write)(self.raw, jf_bytes::new(piece)) }) {
            Ok(()) => Ok(piece.len()),
            Err(status) => {
                self.refused.set(Some(status));
                Err(io::Error::other(format!("the server does not take it: {status}")))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

unsafe extern "C" fn save<P: Stateful>(raw: *mut c_void, sink: *const jf_sink) -> jf_status {
    // SAFETY: the host hands over what `create` made, and not after `destroy`.
    let Some(instance) = (unsafe { instance::<P>(raw) }) else { return JF_E_INVALID };
    if sink.is_null() {
        return JF_E_INVALID;
    }
    // SAFETY: the host's sink is valid during this call.
    let Some(write) = (unsafe { read(sink) }).write else { return JF_E_INVALID };
    let writer = SinkWriter { raw: sink, write, refused: Cell::new(None) };
    let (status, why) = match guard(|| instance.plugin.save(Saver::new(&writer))) {
        Ok(Ok(_written)) if writer.refused.get().is_none() => return JF_OK,
        Ok(Ok(_written)) => (JF_E_FAILED, "a piece of it was not taken".to_owned()),
        Ok(Err(error)) => (JF_E_FAILED, chain(&error)),
        Err(text) => (JF_E_PANIC, format!("'save' panicked: {text}")),
    };
    // The table has no place for a text.
    instance.host.error(format_args!("the state is not saved: {why}"));
    writer.refused.get().map_or(status, Status::raw)
}

unsafe extern "C" fn restore<P: Stateful>(
    raw: *mut c_void,
    schema: u32,
    version: jf_str,
    saved: jf_bytes,
    why: *mut jf_buf,
) -> jf_status {
    // SAFETY: as in `save`.
    let Some(instance) = (unsafe { instance::<P>(raw) }) else { return JF_E_INVALID };
    // SAFETY: borrowed from the host during this call.
    let saved = unsafe { Saved::new(schema, text(version), bytes(saved)) };
    let taken = guard(|| -> Result<(), Error> { instance.plugin.restore(saved.into_state()?, &saved) });
    let (status, text) = match taken {
        Ok(Ok(())) => return JF_OK,
        Ok(Err(error)) => (JF_E_STATE, chain(&error)),
        Err(text) => (JF_E_PANIC, format!("'restore' panicked: {text}")),
    };
    // SAFETY: `why` is the host's.
    unsafe { explain(why, text) };
    status
}
