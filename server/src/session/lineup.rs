use jackfield_dialects::{Close, Frame};
use jackfield_engine::{CallHandle, Overlap};
use jackfield_message::Command;
use std::collections::VecDeque;

/// Where a request is that could not be answered at once. Small, since many are moved: what is large is rare, and boxed.
/// `bytes`: of the message that it came in, which stays in memory until the answer.
enum Place {
    /// Read, not submitted yet.
    Read { command: Box<Command>, bytes: usize },
    /// In the engine.
    Waiting { handle: CallHandle, bytes: usize },
    /// Answered; goes out when it is at the front.
    Ready(Vec<Frame>),
    /// A granted quit: what to send, and how to close, when it is at the front.
    Quit(Box<(Frame, Close)>),
    /// Taken out for a moment to be submitted.
    Moving { bytes: usize },
}

/// The requests of a session in the order in which they came, which is the order of the answers. One that is answered at
/// once, with none before it, takes no place.
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

    /// The number of the next request.
    pub fn next_request(&self) -> u64 {
        self.first + self.places.len() as u64
    }

    /// The next request was answered at once, and none is before it.
    pub fn pass(&mut self) {
        debug_assert!(self.places.is_empty(), "an answer went out before those of earlier requests");
        self.first += 1;
    }

    /// Whether the next request may be submitted now; `overlap` tells of its key.
    pub fn may_submit(&self, overlap: impl FnOnce() -> Overlap) -> bool {
        self.read == 0 && self.may_join(overlap)
    }

    /// Commands overlap only while all of them go to the same SERIAL instance.
    fn may_join(&self, overlap: impl FnOnce() -> Overlap) -> bool {
        self.in_flight == 0 || self.plugin.is_some_and(|plugin| overlap() == Overlap::SamePlugin(plugin))
    }

    /// The next request waits for its turn.
    pub fn push_read(&mut self, command: Command, bytes: usize) {
        self.read += 1;
        self.bytes += bytes;
        self.places.push_back(Place::Read { command: Box::new(command), bytes });
    }

    /// The next request is in the engine.
    pub fn push_waiting(&mut self, handle: CallHandle, bytes: usize) {
        self.bytes += bytes;
        self.entered(&handle);
        self.places.push_back(Place::Waiting { handle, bytes });
    }

    /// The next request is answered already.
    pub fn push_ready(&mut self, frames: Vec<Frame>) {
        self.places.push_back(Place::Ready(frames));
    }

    /// The next request is a granted quit.
    pub fn push_quit(&mut self, granted: Frame, close: Close) {
        self.places.push_back(Place::Quit(Box::new((granted, close))));
    }

    fn entered(&mut self, handle: &CallHandle) {
        self.in_flight += 1;
        self.plugin = match handle.overlap() {
            Overlap::SamePlugin(plugin) => Some(plugin),
            Overlap::Never => None,
        };
    }

    /// Takes the first command that waits for its turn, with its request number, if that has come. It must become waiting
    /// or ready next.
    pub fn take_next(&mut self, overlap: impl FnOnce(&str) -> Overlap) -> Option<(u64, Command)> {
        while matches!(self.places.get(self.submitted), Some(place) if !matches!(place, Place::Read { .. })) {
            self.submitted += 1;
        }
        let Some(Place::Read { command, bytes }) = self.places.get(self.submitted) else { return None };
        if !self.may_join(|| overlap(command.key())) {
            return None;
        }
        let moving = Place::Moving { bytes: *bytes };
        let place = self.places.get_mut(self.submitted)?;
        let Place::Read { command, .. } = std::mem::replace(place, moving) else { return None };
        self.read -= 1;
        self.submitted += 1;
        Some((self.first + self.submitted as u64 - 1, *command))
    }

    /// The command that was taken is in the engine.
    pub fn waiting(&mut self, request: u64, handle: CallHandle) {
        self.entered(&handle);
        if let Some(place) = self.place(request)
            && let Place::Moving { bytes } = *place
        {
            *place = Place::Waiting { handle, bytes };
        }
    }

    /// The request is at the front and answered now: its place is given up. False: others are before it.
    pub fn finish_front(&mut self, request: u64) -> bool {
        let front =
            request == self.first && matches!(self.places.front(), Some(Place::Waiting { .. } | Place::Moving { .. }));
        if front {
            self.ready(request, Vec::new());
            self.pop_ready();
        }
        front
    }

    /// The answer to a request that has a place is here.
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
        let ready = self.places.pop_front_if(|place| matches!(place, Place::Ready(_)))?;
        let Place::Ready(frames) = ready else { return None };
        self.first += 1;
        self.submitted = self.submitted.saturating_sub(1);
        Some(frames)
    }

    /// A quit that has come to the front: its frame the first time, and how to close.
    pub fn pop_quit(&mut self) -> Option<(Option<Frame>, Close)> {
        if let Some(Place::Quit(quit)) = self.places.pop_front_if(|place| matches!(place, Place::Quit(..))) {
            let (frame, close) = *quit;
            self.quit = Some(close);
            return Some((Some(frame), close));
        }
        self.quit.map(|close| (None, close))
    }

    /// The command with this number, if it is in the engine.
    pub fn handle(&self, request: u64) -> Option<&CallHandle> {
        let index = usize::try_from(request.checked_sub(self.first)?).ok()?;
        match self.places.get(index)? {
            Place::Waiting { handle, .. } => Some(handle),
            _ => None,
        }
    }

    /// Takes back a command that is not submitted yet; it must become ready next. False: it is not such a one.
    pub fn take_back(&mut self, request: u64) -> bool {
        let Some(place) = self.place(request) else { return false };
        let Place::Read { bytes, .. } = *place else { return false };
        *place = Place::Moving { bytes };
        self.read -= 1;
        true
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
