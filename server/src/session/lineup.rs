use jackfield_dialects::{Close, Frame};
use jackfield_engine::{CallHandle, Overlap};
use jackfield_message::Command;
use std::collections::VecDeque;

/// Where a request is. `bytes`: of the message that it came in, which stays in memory until the answer.
pub(super) enum Place {
    /// Read, not submitted yet.
    Read { command: Command, bytes: usize },
    /// In the engine.
    Waiting { handle: CallHandle, bytes: usize },
    /// Answered; goes out when it is at the front.
    Ready(Vec<Frame>),
    /// A granted quit: what to send, and how to close, when it is at the front.
    Quit(Frame, Close),
    /// Taken out for a moment to be submitted.
    Moving { bytes: usize },
}

/// The requests of a session in the order in which they came, which is the order of the answers.
#[derive(Default)]
pub(super) struct Lineup {
    places: VecDeque<Place>,
    /// Request number of the front.
    first: u64,
    /// Everything before this place was submitted or needs no submitting.
    submitted: usize,
    /// Commands in the engine.
    in_flight: usize,
    /// The plugin to which all of them go, if they may overlap.
    plugin: Option<u64>,
    /// Commands that are read and not submitted.
    read: usize,
    /// Bytes of the messages of all commands that are not answered.
    bytes: usize,
    /// A granted quit has been taken from the front.
    quit: Option<Close>,
}

impl Lineup {
    pub fn push(&mut self, place: Place) {
        if let Place::Read { bytes, .. } = &place {
            self.read += 1;
            self.bytes += bytes;
        }
        self.places.push_back(place);
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Requests that are read and not submitted.
    pub fn read_ahead(&self) -> usize {
        self.read
    }

    /// Bytes of the messages of all commands that are not answered.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Commands in the engine.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether a quit is in the line: nothing behind it is read.
    pub fn has_quit(&self) -> bool {
        self.quit.is_some() || matches!(self.places.back(), Some(Place::Quit(..)))
    }

    /// Takes the next command, with its request number, if it may join those in the engine; `overlap` tells of a key. It
    /// must become waiting or ready next.
    pub fn take_next(&mut self, overlap: impl FnOnce(&str) -> Overlap) -> Option<(u64, Command, Overlap)> {
        while matches!(self.places.get(self.submitted), Some(Place::Ready(_) | Place::Quit(..))) {
            self.submitted += 1;
        }
        let place = self.places.get_mut(self.submitted)?;
        let Place::Read { command, bytes } = place else { return None };
        let (overlap, bytes) = (overlap(&command.key), *bytes);
        if self.in_flight > 0 && self.plugin.is_none_or(|plugin| overlap != Overlap::SamePlugin(plugin)) {
            return None;
        }
        let Place::Read { command, .. } = std::mem::replace(place, Place::Moving { bytes }) else { return None };
        self.read -= 1;
        self.submitted += 1;
        Some((self.first + self.submitted as u64 - 1, command, overlap))
    }

    /// The command is in the engine.
    pub fn waiting(&mut self, request: u64, handle: CallHandle, overlap: Overlap) {
        self.in_flight += 1;
        self.plugin = match overlap {
            Overlap::SamePlugin(plugin) => Some(plugin),
            Overlap::Never => None,
        };
        if let Some(place) = self.place(request)
            && let Place::Moving { bytes } = *place
        {
            *place = Place::Waiting { handle, bytes };
        }
    }

    /// The answer is here.
    pub fn ready(&mut self, request: u64, frames: Vec<Frame>) {
        let Some(place) = self.place(request) else { return };
        match std::mem::replace(place, Place::Ready(frames)) {
            Place::Waiting { bytes, .. } => {
                self.in_flight -= 1;
                self.bytes -= bytes;
            }
            Place::Moving { bytes } => self.bytes -= bytes,
            Place::Read { .. } | Place::Ready(_) | Place::Quit(..) => {}
        }
    }

    /// The frames at the front, if they can go out.
    pub fn pop_ready(&mut self) -> Option<Vec<Frame>> {
        match self.places.pop_front()? {
            Place::Ready(frames) => {
                self.first += 1;
                self.submitted = self.submitted.saturating_sub(1);
                Some(frames)
            }
            place => {
                self.places.push_front(place);
                None
            }
        }
    }

    /// A quit that has come to the front: its frame the first time, and how to close.
    pub fn pop_quit(&mut self) -> Option<(Option<Frame>, Close)> {
        match self.places.pop_front() {
            Some(Place::Quit(frame, close)) => {
                self.quit = Some(close);
                return Some((Some(frame), close));
            }
            Some(place) => self.places.push_front(place),
            None => {}
        }
        self.quit.map(|close| (None, close))
    }

    /// The commands in the engine.
    pub fn handles(&self) -> impl Iterator<Item = &CallHandle> {
        self.places.iter().filter_map(|place| match place {
            Place::Waiting { handle, .. } => Some(handle),
            _ => None,
        })
    }

    fn place(&mut self, request: u64) -> Option<&mut Place> {
        let index = usize::try_from(request.checked_sub(self.first)?).ok()?;
        self.places.get_mut(index)
    }
}
