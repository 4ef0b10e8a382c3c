//! Requests whose dialect has ids: answered as they come, cancelled, with progress; and the events of subscriptions.

use super::{Session, held};
use crate::transport::{Transport, TransportError, WRITE_BYTES};
use jackfield_dialects::{Request, Wishes};
use jackfield_engine::{Burst, Caller, ReplySink, Submitted, Told};
use jackfield_message::{Command, ErrorCode, Reply};

/// Marks the numbers of a dialect where the engine is told a request: the others are places in the line.
const NUMBERED: u64 = 1 << 63;

/// The dialect's number, if it is one.
pub(super) fn number(place: u64) -> Option<u32> {
    (place & NUMBERED != 0).then_some(place as u32)
}

impl<T: Transport> Session<T> {
    /// Submits a command that has come just now. At the limits it waits, if it is one of a batch, or is refused.
    pub(super) fn call_numbered(
        &mut self,
        number: u32,
        command: Command,
        wishes: Wishes,
        burst: &Burst<'_>,
    ) -> Result<(), TransportError> {
        if let Some(busy) = self.busy(&command) {
            let limits = &self.shared.limits;
            let room = self.flights.waiting() < limits.batch
                && self.flights.waiting_bytes() + held(&command) <= limits.message_bytes;
            if wishes.patience && room {
                self.flights.wait(number, command, wishes);
                return Ok(());
            }
            return self.tell(number, Reply::error(ErrorCode::Busy, busy));
        }
        self.submit_numbered(number, command, wishes, burst)
    }

    /// Why no further command may be under way now.
    fn busy(&self, command: &Command) -> Option<String> {
        let limits = &self.shared.limits;
        let (in_flight, most) = (self.flights.in_flight(), limits.session_in_flight);
        if in_flight >= most {
            return Some(format!("This connection has {most} commands under way (limit session_in_flight)."));
        }
        let (bytes, most) = (self.flights.bytes(), limits.message_bytes + limits.attachment_bytes);
        (in_flight > 0 && bytes + held(command) > most).then(|| {
            format!(
                "The commands of this connection that are under way hold {bytes} bytes (limits message_bytes and \
                 attachment_bytes)."
            )
        })
    }

    fn submit_numbered(
        &mut self,
        number: u32,
        command: Command,
        wishes: Wishes,
        burst: &Burst<'_>,
    ) -> Result<(), TransportError> {
        let (request, bytes) = (u64::from(number) | NUMBERED, held(&command));
        if wishes.progress {
            self.replies.watch(request);
        }
        match burst.submit(command, Caller { sink: &self.sink, request, order: None }) {
            Submitted::Waiting(handle) => {
                self.shared.awaited.add(1);
                self.flights.insert(number, handle, bytes);
                Ok(())
            }
            Submitted::Answered(reply) => {
                if wishes.progress {
                    self.replies.unwatch(request);
                }
                self.tell(number, reply)
            }
        }
    }

    /// Submits what has waited for others.
    pub(super) fn submit_waiting(&mut self) -> Result<(), TransportError> {
        let shared = self.shared.clone();
        let burst = shared.engine.burst();
        while self.flights.in_flight() < shared.limits.session_in_flight
            && let Some((number, command, wishes)) = self.flights.next()
        {
            self.submit_numbered(number, command, wishes, &burst)?;
        }
        Ok(())
    }

    fn tell(&mut self, number: u32, reply: Reply) -> Result<(), TransportError> {
        self.say(|dialect, frames| dialect.on_reply(Request::Numbered(number), reply, frames))
    }

    /// A request asks for another one to be given up.
    pub(super) fn cancel(&mut self, request: Request, target: Option<u32>) -> Result<(), TransportError> {
        let mut cancelled = false;
        if let Some(target) = target {
            cancelled = self.give_up(target)?;
        }
        let reply = Reply::ok(format!("{{\"cancelled\":{cancelled}}}"));
        if !self.rights.strict_order {
            return self.say(|dialect, frames| dialect.on_reply(request, reply, frames));
        }
        // It was done at once, and is told in its turn.
        let mut frames = Vec::new();
        self.dialect.on_reply(request, reply, &mut frames);
        frames.into_iter().try_for_each(|frame| self.answer(frame))
    }

    fn give_up(&mut self, target: u32) -> Result<bool, TransportError> {
        let cancelled = || Reply::error(ErrorCode::Cancelled, "The command was cancelled before it began.");
        if self.flights.take_back(target) {
            self.tell(target, cancelled())?;
            return Ok(true);
        }
        if let Some(handle) = self.flights.handle(target) {
            return Ok(self.shared.engine.cancel(handle));
        }
        let place = self.numbers.iter().find(|(_, number)| **number == target).map(|(place, _)| *place);
        let Some(place) = place else { return Ok(false) };
        if self.lineup.take_back(place) {
            self.answered(place, cancelled())?;
            return Ok(true);
        }
        Ok(self.lineup.handle(place).is_some_and(|handle| self.shared.engine.cancel(handle)))
    }

    /// Tells how far commands are.
    pub(super) fn progress(&mut self) -> Result<(), TransportError> {
        for (request, progress) in self.replies.take_progress() {
            if let Some(number) = number(request).or_else(|| self.numbers.get(&request).copied()) {
                self.say(|dialect, frames| dialect.on_progress(number, &progress, frames))?;
            }
        }
        Ok(())
    }

    /// Tells the events that wait, as far as one flush takes them.
    pub(super) fn events(&mut self) -> Result<(), TransportError> {
        if !self.replies.take_event() {
            return Ok(());
        }
        let replies = self.replies.clone();
        let Some(subscriber) = replies.subscriber() else { return Ok(()) };
        while !self.transport.is_full() {
            if !subscriber.take(&mut self.told, WRITE_BYTES) {
                return Ok(());
            }
            let mut told = std::mem::take(&mut self.told);
            let done = self.say(|dialect, frames| {
                for told in told.drain(..) {
                    match told {
                        Told::Event { subscription, event, dropped } => {
                            dialect.on_event(subscription, &event, dropped, frames);
                        }
                        Told::Closed { subscription } => dialect.on_closed(subscription, frames),
                    }
                }
            });
            self.told = told;
            done?;
        }
        replies.leave_event();
        Ok(())
    }
}
