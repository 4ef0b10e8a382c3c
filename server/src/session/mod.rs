//! One connection: what the transport framed goes through the dialect into the engine, and the answers go back: in the order of
//! the requests, or by their numbers as they come. The loop and the back pressure are here; one task owns all of it.

mod flights;
mod lineup;
mod numbered;
mod replies;

use crate::stop::Stop;
use crate::transport::{Transport, TransportError};
use flights::Flights;
use jackfield_dialects::{Action, Close, Dialect, Frame, Frames, Keys, Request, Wishes};
use jackfield_engine::{Burst, Caller, Engine, Limits, Order, ReplySink, Submitted, Told};
use jackfield_message::{ByteString, Command, ErrorCode, Failure, Reply, SessionId};
use lineup::Lineup;
use replies::Replies;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

/// Messages that are read ahead of what may be submitted, so that pings, closes and cancels get through.
const LOOK_AHEAD: usize = 16;

/// Messages that are taken in one go and answered in one write. Then replies, and the server's stop, get their turn.
const BATCH: usize = 256;

/// RFC 6455 section 7.4.1.
const GOING_AWAY: Close = Close { code: 1001, reason: "The server is stopping." };

/// What all sessions of a server share.
pub struct Shared {
    /// Where commands go.
    pub engine: Arc<Engine>,
    /// All limits.
    pub limits: Limits,
    /// By a signal, or by a `quit` that was granted.
    pub stop: Stop,
    /// By all sessions.
    pub awaited: Awaited,
}

/// How many answers the sessions of a server wait for, from threads of plugins and of the engine. Clones are one count.
#[derive(Clone, Debug, Default)]
pub struct Awaited(Arc<AtomicUsize>);

impl Awaited {
    /// Whether there is one.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn add(&self, count: usize) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn take(&self, count: usize) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }
}

/// One connection as it is served.
pub struct Session<T> {
    shared: Arc<Shared>,
    transport: T,
    dialect: Box<dyn Dialect>,
    id: SessionId,
    rights: Rights,
    lineup: Lineup,
    flights: Flights,
    /// The dialect's numbers of requests in the line, by their place: where answers keep the order though they have ids.
    numbers: HashMap<u64, u32>,
    order: Arc<Order>,
    replies: Arc<Replies>,
    /// The same, as the engine sees it.
    sink: Arc<dyn ReplySink>,
    /// Taken from there, and not passed on yet.
    taken: VecDeque<(u64, Reply)>,
    // Empty between two steps, and kept for their memory.
    actions: Vec<Action>,
    told: Vec<Told>,
}

/// What the listener, and where the peer comes from, say of a session.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// This peer may stop the server.
    pub quit: bool,
    /// Answers keep the order of requests also where the dialect has ids.
    pub strict_order: bool,
}

/// From the dialect straight to the transport, as far as that takes it.
struct Straight<'t, T> {
    transport: &'t mut T,
    done: Result<(), TransportError>,
}

impl<T: Transport> Frames for Straight<'_, T> {
    fn push(&mut self, frame: Frame) {
        if self.done.is_ok()
            && let Err(error) = self.transport.queue(frame)
        {
            self.done = Err(error);
        }
    }
}

/// How a session ends.
enum End {
    /// The peer has ended, and all answers are out.
    Over,
    /// The server ends it.
    Close(Close),
    /// A `quit` was granted: the server stops once this connection is closed.
    Quit(Close),
}

/// What the dialect may know of the router.
struct Registered<'a>(&'a Burst<'a>);

impl Keys for Registered<'_> {
    fn is_command(&self, key: &str) -> bool {
        self.0.is_command(key)
    }

    fn catches_all(&self) -> bool {
        self.0.catches_all()
    }

    fn param_order(&self, key: &str) -> Vec<ByteString> {
        self.0.param_order(key)
    }
}

impl<T: Transport> Session<T> {
    /// A session on a new connection.
    pub fn new(shared: Arc<Shared>, transport: T, dialect: Box<dyn Dialect>, id: SessionId, rights: Rights) -> Self {
        let replies = Arc::new(Replies::new(dialect.has_events()));
        Self {
            shared,
            transport,
            dialect,
            id,
            rights,
            lineup: Lineup::default(),
            flights: Flights::default(),
            numbers: HashMap::new(),
            order: Arc::default(),
            sink: replies.clone(),
            replies,
            taken: VecDeque::new(),
            actions: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Serves the connection to its end.
    pub async fn run(mut self) {
        let end = self.serve().await;
        self.shared.awaited.take(self.lineup.in_flight() + self.flights.in_flight());
        for handle in self.lineup.handles().chain(self.flights.handles()) {
            self.shared.engine.disconnect(handle);
        }
        match end {
            Ok(End::Over) => self.transport.close(None).await,
            Ok(End::Close(close)) => self.transport.close(Some(close)).await,
            Ok(End::Quit(close)) => {
                self.transport.close(Some(close)).await;
                self.shared.stop.begin();
            }
            Err(error) => self.fail(error).await,
        }
        tracing::debug!(session = self.id.0, "disconnected");
    }

    async fn serve(&mut self) -> Result<End, TransportError> {
        // A token of its own, so that sessions do not meet at one lock.
        let shared = self.shared.clone();
        let stop = shared.stop.child();
        let mut stopped = std::pin::pin!(stop.cancelled());
        let (mut ended, mut stopping, mut listening) = (false, false, false);
        loop {
            if let Some(close) = self.quit()? {
                return Ok(End::Quit(close));
            }
            self.transport.flush().await?;
            if !self.taken.is_empty() {
                // More than one flush was to take.
                self.answers()?;
                continue;
            }
            if self.lineup.is_empty() && self.flights.is_empty() {
                if ended {
                    return Ok(End::Over);
                }
                if stopping {
                    return Ok(End::Close(GOING_AWAY));
                }
            } else if ended && !self.transport.hears() {
                return Ok(End::Over);
            }
            let awaits = self.lineup.in_flight() > 0 || self.flights.in_flight() > 0 || self.replies.has_subscribed();
            // In no order: neither a flood of events nor one of messages keeps the other from its turn.
            tokio::select! {
                () = self.replies.arrival(), if awaits => self.arrived()?,
                // Asked once; from then on the stop wakes this task by itself.
                () = poll_fn(|cx| match listening && !shared.stop.is_begun() {
                    true => Poll::Pending,
                    false => {
                        listening = true;
                        stopped.as_mut().poll(cx)
                    }
                }), if !stopping => stopping = true,
                message = self.transport.next(), if !ended && self.may_read() => {
                    ended = match message {
                        Ok(Some(message)) => self.messages(message, &shared.engine)?,
                        Ok(None) => true,
                        Err(error) => self.refused(error)?,
                    };
                }
            }
        }
    }

    /// Takes a message, and further ones that have arrived with it, so that they are answered in one write. True: no more
    /// will come. Never waits, so that the burst is one for the clock too.
    fn messages(&mut self, first: Frame, engine: &Engine) -> Result<bool, TransportError> {
        let burst = engine.burst();
        let (mut next, mut taken) = (Some(first), 0);
        while let Some(message) = next {
            // Its answer is handed on before the next message is taken, which may be a close, after which none is.
            self.message(message, &burst)?;
            taken += 1;
            if taken == BATCH || self.transport.is_full() || !self.may_read() {
                break;
            }
            next = match self.transport.ready() {
                Ok(next) => next,
                Err(error) => return self.refused(error),
            };
        }
        Ok(false)
    }

    /// An error that ends the sending of a peer to whom no close code can tell it: it is told as an answer, behind those of
    /// the requests before it. True: no more will come.
    fn refused(&mut self, error: TransportError) -> Result<bool, TransportError> {
        if T::HAS_CLOSE_CODES || !matches!(error, TransportError::TooLarge { .. }) {
            return Err(error);
        }
        let failure = Failure::new(ErrorCode::TooLarge, sentence(&error.to_string()));
        if let Some(frame) = self.dialect.on_refusal(&failure) {
            self.answer(frame)?;
        }
        Ok(true)
    }

    fn message(&mut self, message: Frame, burst: &Burst<'_>) -> Result<(), TransportError> {
        self.dialect.on_message(message, &Registered(burst), &mut self.actions);
        let strict = self.rights.strict_order;
        if let [Action::Call { request, command, .. }] = &mut *self.actions
            && let numbered = *request != Request::InTurn
            && !strict
            && (numbered || self.lineup.is_empty())
        {
            // The usual case, without moving the command: what is INLINE and alone is answered where it lies.
            command.session = self.id;
            if let Some(reply) = burst.run(command) {
                let request = *request;
                self.actions.clear();
                if !numbered {
                    self.lineup.pass();
                }
                return self.say(|dialect, frames| dialect.on_reply(request, reply, frames));
            }
        }
        let mut actions = std::mem::take(&mut self.actions);
        let done = actions.drain(..).try_for_each(|action| match action {
            Action::Call { request, mut command, wishes } => {
                command.session = self.id;
                match request {
                    Request::Numbered(number) if !strict => self.call_numbered(number, command, wishes, burst),
                    request => self.call(request, command, wishes, burst),
                }
            }
            Action::Answer { in_turn, frame } if in_turn || strict => self.answer(frame),
            Action::Answer { frame, .. } => self.transport.queue(frame),
            Action::Cancel { request, target } => self.cancel(request, target),
            Action::Attachments { expected } => {
                self.transport.expect_attachments(expected);
                Ok(())
            }
            Action::Quit { granted, close, .. } if self.rights.quit => {
                self.lineup.push_quit(granted, close);
                Ok(())
            }
            Action::Quit { refused, .. } => self.answer(refused),
        });
        self.actions = actions;
        done
    }

    /// Submits a command that has come just now, or puts it behind others.
    fn call(
        &mut self,
        request: Request,
        command: Command,
        wishes: Wishes,
        burst: &Burst<'_>,
    ) -> Result<(), TransportError> {
        let bytes = held(&command);
        let place = self.lineup.next_request();
        if wishes.progress {
            self.replies.watch(place);
        }
        if let Request::Numbered(number) = request {
            self.numbers.insert(place, number);
        }
        let may_submit = self.lineup.in_flight() < self.shared.limits.session_in_flight
            && self.lineup.may_submit(|| burst.overlap(command.key()));
        if !may_submit {
            self.lineup.push_read(command, bytes);
            return Ok(());
        }
        match burst.submit(command, self.caller(place)) {
            Submitted::Waiting(handle) => {
                self.shared.awaited.add(1);
                self.lineup.push_waiting(handle, bytes);
            }
            Submitted::Answered(reply) => {
                if wishes.progress {
                    self.replies.unwatch(place);
                }
                let request = self.request_at(place);
                if self.lineup.is_empty() {
                    self.lineup.pass();
                    return self.say(|dialect, frames| dialect.on_reply(request, reply, frames));
                }
                let mut frames = Vec::new();
                self.dialect.on_reply(request, reply, &mut frames);
                self.lineup.push_ready(frames);
            }
        }
        Ok(())
    }

    /// An answer that needs no engine, behind those of the requests before it.
    fn answer(&mut self, frame: Frame) -> Result<(), TransportError> {
        if self.lineup.is_empty() {
            self.lineup.pass();
            return self.transport.queue(frame);
        }
        self.lineup.push_ready(vec![frame]);
        Ok(())
    }

    /// Tells what has come from the engine: progress, answers, events.
    fn arrived(&mut self) -> Result<(), TransportError> {
        self.progress()?;
        self.answers()?;
        self.events()
    }

    /// Takes the answers that are there, and submits what has waited for them.
    fn answers(&mut self) -> Result<(), TransportError> {
        if self.taken.is_empty() {
            self.replies.take(&mut self.taken);
        }
        let before = self.lineup.in_flight() + self.flights.in_flight();
        let mut done = Ok(());
        while done.is_ok()
            && !self.transport.is_full()
            && let Some((request, reply)) = self.taken.pop_front()
        {
            done = self.answered(request, reply);
        }
        self.shared.awaited.take(before - self.lineup.in_flight() - self.flights.in_flight());
        done?;
        if self.flights.waiting() > 0 {
            self.submit_waiting()?;
        }
        if self.lineup.read_ahead() > 0 { self.submit() } else { Ok(()) }
    }

    fn answered(&mut self, place: u64, reply: Reply) -> Result<(), TransportError> {
        if let Some(number) = numbered::number(place) {
            self.flights.remove(number);
            return self.say(|dialect, frames| dialect.on_reply(Request::Numbered(number), reply, frames));
        }
        let request = self.request_at(place);
        if self.lineup.finish_front(place) {
            self.say(|dialect, frames| dialect.on_reply(request, reply, frames))?;
            return self.queue_ready();
        }
        let mut frames = Vec::new();
        self.dialect.on_reply(request, reply, &mut frames);
        self.lineup.ready(place, frames);
        Ok(())
    }

    /// What the dialect calls the request at this place in the line, which is answered now.
    fn request_at(&mut self, place: u64) -> Request {
        if self.numbers.is_empty() {
            return Request::InTurn;
        }
        self.numbers.remove(&place).map_or(Request::InTurn, Request::Numbered)
    }

    /// Submits commands that waited for others, as far as their turn has come.
    fn submit(&mut self) -> Result<(), TransportError> {
        let shared = self.shared.clone();
        let burst = shared.engine.burst();
        while self.lineup.in_flight() < shared.limits.session_in_flight
            && let Some((request, command)) = self.lineup.take_next(|key| burst.overlap(key))
        {
            match burst.submit(command, self.caller(request)) {
                Submitted::Answered(reply) => self.answered(request, reply)?,
                Submitted::Waiting(handle) => {
                    self.shared.awaited.add(1);
                    self.lineup.waiting(request, handle);
                }
            }
        }
        Ok(())
    }

    fn caller(&self, request: u64) -> Caller<'_> {
        Caller { sink: &self.sink, request, order: Some(&self.order) }
    }

    /// What the dialect has to say goes out behind all that went out before.
    fn say(&mut self, words: impl FnOnce(&mut dyn Dialect, &mut dyn Frames)) -> Result<(), TransportError> {
        let mut out = Straight { transport: &mut self.transport, done: Ok(()) };
        words(&mut *self.dialect, &mut out);
        out.done
    }

    /// Hands the answers at the front to the transport.
    fn queue_ready(&mut self) -> Result<(), TransportError> {
        while let Some(frames) = self.lineup.pop_ready() {
            frames.into_iter().try_for_each(|frame| self.transport.queue(frame))?;
        }
        Ok(())
    }

    /// How to close, where a granted quit is next.
    fn quit(&mut self) -> Result<Option<Close>, TransportError> {
        let Some((granted, close)) = self.lineup.pop_quit() else { return Ok(None) };
        granted.map_or(Ok(()), |granted| self.transport.queue(granted))?;
        Ok(Some(close))
    }

    /// Reading goes on while little is read ahead and few commands are under way.
    fn may_read(&self) -> bool {
        let limits = &self.shared.limits;
        self.lineup.read_ahead() < LOOK_AHEAD
            && self.lineup.bytes() <= limits.message_bytes
            && self.lineup.len() < limits.session_in_flight + LOOK_AHEAD
            && !self.lineup.has_quit()
    }

    /// Ends a connection that cannot go on; the peer gets to know why where its protocol has close codes.
    async fn fail(&mut self, error: TransportError) {
        tracing::debug!(session = self.id.0, %error, "connection ended");
        let code = match &error {
            TransportError::Io(_) => return,
            TransportError::Refused(_) => return self.transport.close(None).await,
            TransportError::TooLarge { .. } => 1009,
            TransportError::NotText => 1007,
            TransportError::Protocol(_) => 1002,
        };
        self.transport.close(Some(Close { code, reason: "" })).await;
    }
}

/// What a command keeps in memory until it is answered, in bytes.
fn held(command: &Command) -> usize {
    command.text_bytes() + command.attachments.iter().map(|part| part.bytes.len()).sum::<usize>()
}

/// With a capital letter and a full stop, as the texts of the original servers are.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
