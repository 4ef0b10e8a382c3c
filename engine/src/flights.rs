//! The commands inside one generation, by token. A token is a slot and a version, never an address: a late, double or
//! forgotten reply finds nothing, or finds its command finished.

use crate::call::{Call, lock};
use crate::host::CommandFrame;
use slotmap::{DefaultKey, Key, KeyData, SlotMap};
use std::sync::{Arc, Mutex};

/// A command that has entered.
struct Flight {
    call: Arc<Call>,
    /// What the plugin's pointers point into: kept until both of the plugin's ends are reached.
    frame: Arc<CommandFrame>,
    returned: bool,
    finished: bool,
}

/// What a step on the plugin's side did.
pub(crate) enum Step {
    /// No such command, or that end was reached before.
    Stale,
    /// The other end is still open.
    Open(Arc<Call>),
    /// Both ends are reached: the command is out of the plugin, and must leave the gate.
    Done(Arc<Call>),
}

/// The commands in flight in one generation.
pub(crate) struct Flights {
    entries: Mutex<SlotMap<DefaultKey, Flight>>,
    /// Mixed into the tokens, so that one of another generation is very likely to be unknown here.
    tag: u64,
}

// A token: bit 63 marks INLINE calls, which never come here; 10 bits of the generation's number, 32 bits of version, 21 of index.
const INDEX_BITS: u32 = 21;
const TAG_SHIFT: u32 = INDEX_BITS + 32;
const TAG_MASK: u64 = (1 << 10) - 1;

impl Flights {
    pub fn new(generation: u64) -> Self {
        Self { entries: Mutex::default(), tag: generation & TAG_MASK }
    }

    /// Registers a command that has passed the gate; `frame` is built with the token that it gets.
    pub fn begin(
        &self,
        call: Arc<Call>,
        frame: impl FnOnce(Arc<Call>, u64) -> Arc<CommandFrame>,
    ) -> (u64, Arc<CommandFrame>) {
        let mut entries = lock(&self.entries);
        let key = entries.insert_with_key(|key| {
            let frame = frame(call.clone(), self.token(key));
            Flight { call, frame, returned: false, finished: false }
        });
        (self.token(key), entries[key].frame.clone())
    }

    /// The command of a token that is not finished.
    pub fn find(&self, token: u64) -> Option<Arc<Call>> {
        let key = self.key(token)?;
        lock(&self.entries).get(key).filter(|flight| !flight.finished).map(|flight| flight.call.clone())
    }

    /// The plugin has answered.
    pub fn finish(&self, token: u64) -> Step {
        self.step(token, |flight| !std::mem::replace(&mut flight.finished, true))
    }

    /// `handle` has returned. `also_finish`: and made no reply, and will make none.
    pub fn returned(&self, token: u64, also_finish: bool) -> (Step, bool) {
        let mut had_reply = false;
        let step = self.step(token, |flight| {
            had_reply = flight.finished;
            flight.finished |= also_finish;
            !std::mem::replace(&mut flight.returned, true)
        });
        (step, had_reply)
    }

    /// Everything that is inside now, oldest slot first.
    pub fn all(&self) -> Vec<(u64, Arc<Call>)> {
        lock(&self.entries).iter().map(|(key, flight)| (self.token(key), flight.call.clone())).collect()
    }

    /// The token under which `call` is inside.
    pub fn token_of(&self, call: &Arc<Call>) -> Option<u64> {
        let entries = lock(&self.entries);
        entries.iter().find(|(_, flight)| Arc::ptr_eq(&flight.call, call)).map(|(key, _)| self.token(key))
    }

    fn step(&self, token: u64, change: impl FnOnce(&mut Flight) -> bool) -> Step {
        let Some(key) = self.key(token) else { return Step::Stale };
        let mut entries = lock(&self.entries);
        let Some(flight) = entries.get_mut(key) else { return Step::Stale };
        if !change(flight) {
            return Step::Stale;
        }
        if !(flight.returned && flight.finished) {
            return Step::Open(flight.call.clone());
        }
        match entries.remove(key) {
            Some(flight) => Step::Done(flight.call),
            None => Step::Stale,
        }
    }

    fn token(&self, key: DefaultKey) -> u64 {
        let ffi = key.data().as_ffi();
        let (version, index) = (ffi >> 32, ffi & ((1 << INDEX_BITS) - 1));
        self.tag << TAG_SHIFT | version << INDEX_BITS | index
    }

    fn key(&self, token: u64) -> Option<DefaultKey> {
        if token >> TAG_SHIFT != self.tag {
            return None;
        }
        let version = token >> INDEX_BITS & u64::from(u32::MAX);
        let index = token & ((1 << INDEX_BITS) - 1);
        let key = KeyData::from_ffi(version << 32 | index).into();
        // slotmap rounds versions that it never gave out to one that it might have.
        (self.token(key) == token).then_some(key)
    }
}
