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
    /// On the serial thread.
    serial: bool,
    returned: bool,
    /// Set with the answer: whether that was a success.
    finished: Option<bool>,
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
        serial: bool,
        frame: impl FnOnce(Arc<Call>, u64) -> Arc<CommandFrame>,
    ) -> (u64, Arc<CommandFrame>) {
        let mut entries = lock(&self.entries);
        let key = entries.insert_with_key(|key| {
            let frame = frame(call.clone(), self.token(key));
            Flight { call, frame, serial, returned: false, finished: None }
        });
        (self.token(key), entries[key].frame.clone())
    }

    /// The command of a token that is not finished.
    pub fn find(&self, token: u64) -> Option<Arc<Call>> {
        let key = self.key(token)?;
        lock(&self.entries).get(key).filter(|flight| flight.finished.is_none()).map(|flight| flight.call.clone())
    }

    /// Whether a SERIAL command of this token is inside: its end is not reached on both sides.
    pub fn is_serial_inside(&self, token: u64) -> bool {
        self.key(token).is_some_and(|key| lock(&self.entries).get(key).is_some_and(|flight| flight.serial))
    }

    /// The plugin has answered.
    pub fn finish(&self, token: u64, success: bool) -> Step {
        self.step(token, |flight| flight.finished.is_none() && flight.finished.replace(success).is_none())
    }

    /// `handle` has returned. `also_finish`: and made no reply, and will make none.
    /// Also gives the reply that was made before, as "was it a success".
    pub fn returned(&self, token: u64, also_finish: bool) -> (Step, Option<bool>) {
        let mut replied = None;
        let step = self.step(token, |flight| {
            replied = flight.finished;
            if also_finish {
                flight.finished.get_or_insert(false);
            }
            !std::mem::replace(&mut flight.returned, true)
        });
        (step, replied)
    }

    /// Everything that is inside now, oldest slot first.
    pub fn all(&self) -> Vec<(u64, Arc<Call>)> {
        lock(&self.entries).iter().map(|(key, flight)| (self.token(key), flight.call.clone())).collect()
    }

    /// Whether nothing is inside.
    pub fn is_empty(&self) -> bool {
        lock(&self.entries).is_empty()
    }

    /// Whether `call` is inside and its `handle` has not returned.
    pub fn is_in_handle(&self, call: &Arc<Call>) -> bool {
        lock(&self.entries).values().any(|flight| Arc::ptr_eq(&flight.call, call) && !flight.returned)
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
        if !flight.returned || flight.finished.is_none() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{ReplySink, ReplyTo};
    use jackfield_message::{Command, Reply};
    use proptest::prelude::*;

    struct Nowhere;

    impl ReplySink for Nowhere {
        fn reply(&self, _: u64, _: Reply) {}
    }

    fn begin(flights: &Flights) -> u64 {
        let reply_to = ReplyTo { sink: Arc::new(Nowhere), request: 0 };
        flights.begin(Call::new(Command::new("a", "{}"), reply_to, None, 0), false, CommandFrame::new).0
    }

    #[test]
    fn a_command_is_out_when_both_ends_are_reached_in_either_order() {
        let flights = Flights::new(3);
        let token = begin(&flights);
        assert!(matches!(flights.finish(token, true), Step::Open(_)));
        assert!(matches!(flights.finish(token, true), Step::Stale), "a second reply");
        assert!(flights.find(token).is_none() && flights.all().len() == 1);
        assert!(matches!(flights.returned(token, true), (Step::Done(_), Some(true))));
        let token = begin(&flights);
        assert!(matches!(flights.returned(token, false), (Step::Open(_), None)));
        assert!(flights.find(token).is_some());
        assert!(matches!(flights.finish(token, true), Step::Done(_)));
        assert!(flights.all().is_empty());
    }

    #[test]
    fn a_finished_token_stays_stale_when_its_place_is_used_again() {
        let flights = Flights::new(3);
        let old: Vec<_> = (0..1000)
            .map(|_| {
                let token = begin(&flights);
                assert!(matches!(flights.returned(token, true), (Step::Done(_), None)));
                token
            })
            .collect();
        let now = begin(&flights);
        assert!(!old.contains(&now) && now >> 63 == 0 && now != 0);
        assert!(old.iter().all(|&token| matches!(flights.finish(token, true), Step::Stale)));
        assert!(flights.find(now).is_some());
    }

    #[test]
    fn a_token_of_another_generation_is_unknown() {
        let (one, two) = (Flights::new(3), Flights::new(4));
        let (of_one, of_two) = (begin(&one), begin(&two));
        assert!(matches!(one.finish(of_two, true), Step::Stale) && matches!(two.finish(of_one, true), Step::Stale));
    }

    proptest! {
        /// No number but its own names a command.
        #[test]
        fn made_up_tokens_name_nothing(made_up: u64, near in 0..1u64 << 24) {
            let flights = Flights::new(3);
            let token = begin(&flights);
            for other in [made_up, token ^ near] {
                prop_assert_eq!(flights.find(other).is_some(), other == token);
            }
        }
    }
}
