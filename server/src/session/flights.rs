use super::held;
use jackfield_dialects::Wishes;
use jackfield_engine::CallHandle;
use jackfield_message::Command;
use std::collections::VecDeque;

/// A command in the engine.
struct Flight {
    handle: CallHandle,
    /// What it keeps in memory until the answer.
    bytes: usize,
}

/// The requests of a session whose answers go out as they come, by the numbers of its dialect, which are small.
#[derive(Default)]
pub(super) struct Flights {
    places: Vec<Option<Flight>>,
    in_flight: usize,
    bytes: usize,
    /// Those of a batch that came when too many were under way.
    waiting: VecDeque<(u32, Command, Wishes)>,
}

impl Flights {
    pub fn is_empty(&self) -> bool {
        self.in_flight == 0 && self.waiting.is_empty()
    }

    /// Commands in the engine.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What they keep in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A command is in the engine.
    pub fn insert(&mut self, number: u32, handle: CallHandle, bytes: usize) {
        let place = number as usize;
        if self.places.len() <= place {
            self.places.resize_with(place + 1, || None);
        }
        self.places[place] = Some(Flight { handle, bytes });
        self.in_flight += 1;
        self.bytes += bytes;
    }

    /// It is answered.
    pub fn remove(&mut self, number: u32) {
        if let Some(flight) = self.places.get_mut(number as usize).and_then(Option::take) {
            self.in_flight -= 1;
            self.bytes -= flight.bytes;
        }
        if self.in_flight == 0 {
            // An idle session keeps nothing.
            self.places = Vec::new();
        }
    }

    /// The command with this number, if it is in the engine.
    pub fn handle(&self, number: u32) -> Option<&CallHandle> {
        self.places.get(number as usize)?.as_ref().map(|flight| &flight.handle)
    }

    /// All that are in the engine.
    pub fn handles(&self) -> impl Iterator<Item = &CallHandle> {
        self.places.iter().flatten().map(|flight| &flight.handle)
    }

    /// How many wait to be submitted.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What they keep in memory.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(|(_, command, _)| held(command)).sum()
    }

    /// A command waits for its turn.
    pub fn wait(&mut self, number: u32, command: Command, wishes: Wishes) {
        self.waiting.push_back((number, command, wishes));
    }

    /// The one whose turn comes next.
    pub fn next(&mut self) -> Option<(u32, Command, Wishes)> {
        self.waiting.pop_front()
    }

    /// Takes back one that waits. False: it does not.
    pub fn take_back(&mut self, number: u32) -> bool {
        let place = self.waiting.iter().position(|(waiting, ..)| *waiting == number);
        place.and_then(|place| self.waiting.remove(place)).is_some()
    }
}
