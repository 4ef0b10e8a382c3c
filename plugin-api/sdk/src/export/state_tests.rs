//! Promises of `jackfield.state/1` that no safe code can try: what a sink is given, sinks that refuse, null pointers.

use super::descriptor::Slot;
use super::entry::entry;
use super::tables::{bytes, text};
use crate::{Abilities, Commands, Error, Host, Info, NoConfig, Plugin, Saved, Saver, State, Stateful, Written};
use jackfield_plugin_api::*;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// A state of many lines.
struct Long;

#[derive(Serialize, Deserialize)]
struct Lines(Vec<String>);

impl State for Lines {
    const SCHEMA: u32 = 7;
}

impl Stateful for Long {
    type State = Lines;

    fn save(&self, saver: Saver<'_, Lines>) -> Result<Written, Error> {
        saver.write(&Lines(vec!["a line of a state".into(); 20_000]))
    }

    fn restore(&self, _state: Lines, _saved: &Saved<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Plugin for Long {
    type Config = NoConfig;
    const INFO: Info = Info::new("long", "Long", "1.0.0");
    const ABILITIES: Abilities<Self> = Abilities::new().stateful();

    fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn commands(_commands: &mut Commands<Self>) {}
}

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" fn log(_host: *const jf_host, _level: i32, line: jf_str) {
    // SAFETY: borrowed during the call.
    LOG.with_borrow_mut(|log| log.push(unsafe { text(line) }.to_owned()));
}

/// What a sink was given.
struct Given {
    pieces: Vec<Vec<u8>>,
    /// It takes no more than that.
    max: usize,
}

unsafe extern "C" fn take(sink: *const jf_sink, piece: jf_bytes) -> jf_status {
    // SAFETY: the test's own sink, and a piece that lives during the call.
    let (given, piece) = unsafe { (&mut *(*sink).ctx.cast::<Given>(), bytes(piece)) };
    if given.pieces.iter().map(Vec::len).sum::<usize>() + piece.len() > given.max {
        return JF_E_TOO_LARGE;
    }
    given.pieces.push(piece.to_vec());
    JF_OK
}

/// Calls `with` with the extension's table and an instance.
fn with_state(with: impl FnOnce(&jf_state_v1, *mut c_void)) {
    static SLOT: Slot = Slot::new();
    // SAFETY: zero is a value of both.
    let (mut host, mut plugin) = unsafe { std::mem::zeroed::<(jf_host, jf_plugin)>() };
    host.struct_size = size_of::<jf_host>() as u32;
    host.log = Some(log);
    plugin.struct_size = size_of::<jf_plugin>() as u32;
    let mut instance = null_mut();
    // SAFETY: all tables are whole and outlive the instance, which is destroyed once.
    unsafe {
        assert_eq!(entry::<Long>(&host, &mut plugin, &SLOT), JF_OK);
        assert_eq!((*plugin.descriptor).flags, JF_PLUGIN_STATEFUL);
        assert_eq!(plugin.create.unwrap()(&host, jf_str::EMPTY, &mut instance, null_mut()), JF_OK);
        let state = plugin.get_extension.unwrap()(jf_str::new(EXTENSION_STATE)).cast::<jf_state_v1>();
        with(&*state, instance);
        plugin.destroy.unwrap()(instance);
    }
}

fn save(state: &jf_state_v1, instance: *mut c_void, max: usize) -> (jf_status, Given) {
    let mut given = Given { pieces: Vec::new(), max };
    let size = size_of::<jf_sink>() as u32;
    let sink = jf_sink { struct_size: size, flags: 0, ctx: (&raw mut given).cast(), write: Some(take) };
    // SAFETY: the instance is alive, and the sink until the call returns.
    let status = unsafe { state.save.unwrap()(instance, &sink) };
    (status, given)
}

#[test]
fn a_state_is_written_in_pieces_and_comes_out_whole() {
    with_state(|state, instance| {
        let (status, given) = save(state, instance, usize::MAX);
        assert_eq!((status, state.schema), (JF_OK, 7));
        let largest = given.pieces.iter().map(Vec::len).max().unwrap();
        assert!(given.pieces.len() > 5 && largest <= 64 << 10, "{} pieces, {largest}", given.pieces.len());
        let lines: Vec<String> = serde_json::from_slice(&given.pieces.concat()).unwrap();
        assert_eq!((lines.len(), lines[19_999].as_str()), (20_000, "a line of a state"));
    });
}

#[test]
fn a_sink_that_is_full_ends_the_save_with_its_own_status() {
    with_state(|state, instance| {
        let (status, given) = save(state, instance, 100_000);
        assert_eq!((status, given.pieces.len()), (JF_E_TOO_LARGE, 1));
    });
    assert_eq!(LOG.take(), ["the state is not saved: the server does not take it: too large"]);
}

#[test]
fn null_instances_and_sinks_are_refused() {
    with_state(|state, instance| {
        let (save, restore) = (state.save.unwrap(), state.restore.unwrap());
        let mute = jf_sink { struct_size: size_of::<jf_sink>() as u32, flags: 0, ctx: null_mut(), write: None };
        // Ends before `write`.
        let short = jf_sink { struct_size: 16, flags: 0, ctx: null_mut(), write: Some(take) };
        let (version, nothing) = (jf_str::new("1.0.0"), jf_bytes { ptr: null(), len: 0 });
        // SAFETY: NULL is what is tried; the instance is alive.
        unsafe {
            assert_eq!(save(null_mut(), &mute), JF_E_INVALID);
            assert_eq!(save(instance, null()), JF_E_INVALID);
            assert_eq!(save(instance, &mute), JF_E_INVALID);
            assert_eq!(save(instance, &short), JF_E_INVALID);
            assert_eq!(restore(null_mut(), 7, version, nothing, null_mut()), JF_E_INVALID);
            assert_eq!(restore(instance, 7, version, nothing, null_mut()), JF_E_STATE);
            assert_eq!(restore(instance, 7, version, jf_bytes::new(b"[]"), null_mut()), JF_OK);
        }
    });
}
