//! One connection: what the transport framed goes through the dialect into the engine, and the answers go back, in order.
//! The loop and the back pressure are here; one task owns all of it.

mod lineup;

use crate::transport::{Transport, TransportError};
use jackfield_dialects::{Action, Close, Dialect, Frame, Keys};
use jackfield_engine::{Engine, Limits, Order, Overlap, ReplySink, ReplyTo, Submitted};
use jackfield_message::{ErrorCode, Failure, Reply, SessionId};
use lineup::{Lineup, Place};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

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
    /// Cancelled when the server stops: by a signal, or by a `quit` that was granted.
    pub stop: CancellationToken,
}

/// One connection as it is served.
pub struct Session<T> {
    shared: Arc<Shared>,
    transport: T,
    dialect: Box<dyn Dialect>,
    id: SessionId,
    /// Whether this peer may stop the server.
    may_quit: bool,
    lineup: Lineup,
    order: Arc<Order>,
    /// Unbounded in type only: the engine answers each command once, and `session_in_flight` bounds those.
    replies: UnboundedReceiver<(u64, Reply)>,
    sink: Arc<Sink>,
    actions: Vec<Action>,
    frames: Vec<Frame>,
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

struct Sink {
    replies: UnboundedSender<(u64, Reply)>,
}

impl ReplySink for Sink {
    fn reply(&self, request: u64, reply: Reply) {
        // An error means that the session has gone; nobody waits for the answer.
        let _ = self.replies.send((request, reply));
    }
}

/// What the dialect may know of the router.
struct Registered<'a>(&'a Engine);

impl Keys for Registered<'_> {
    fn is_command(&self, key: &str) -> bool {
        self.0.is_command(key)
    }

    fn catches_all(&self) -> bool {
        self.0.catches_all()
    }
}

impl<T: Transport> Session<T> {
    /// A session on a new connection.
    pub fn new(shared: Arc<Shared>, transport: T, dialect: Box<dyn Dialect>, id: SessionId, may_quit: bool) -> Self {
        let (sender, replies) = unbounded_channel();
        Self {
            shared,
            transport,
            dialect,
            id,
            may_quit,
            lineup: Lineup::default(),
            order: Arc::default(),
            replies,
            sink: Arc::new(Sink { replies: sender }),
            actions: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Serves the connection to its end.
    pub async fn run(mut self) {
        let end = self.serve().await;
        for handle in self.lineup.handles() {
            self.shared.engine.disconnect(handle);
        }
        match end {
            Ok(End::Over) => self.transport.close(None).await,
            Ok(End::Close(close)) => self.transport.close(Some(close)).await,
            Ok(End::Quit(close)) => {
                self.transport.close(Some(close)).await;
                self.shared.stop.cancel();
            }
            Err(error) => self.fail(error).await,
        }
    }

    async fn serve(&mut self) -> Result<End, TransportError> {
        // A token of its own, so that sessions do not meet at one lock.
        let stop = self.shared.stop.child_token();
        let mut stopped = std::pin::pin!(stop.cancelled());
        let (mut ended, mut stopping) = (false, false);
        loop {
            self.submit();
            if let Some(close) = self.send().await? {
                return Ok(End::Quit(close));
            }
            self.transport.flush().await?;
            if self.lineup.is_empty() {
                if ended {
                    return Ok(End::Over);
                }
                if stopping {
                    return Ok(End::Close(GOING_AWAY));
                }
            } else if ended && !self.transport.hears() {
                return Ok(End::Over);
            }
            tokio::select! {
                biased;
                // Never `None`: the session holds a sender itself.
                Some((request, reply)) = self.replies.recv() => {
                    self.answered(request, reply);
                    while let Ok((request, reply)) = self.replies.try_recv() {
                        self.answered(request, reply);
                    }
                }
                () = &mut stopped, if !stopping => stopping = true,
                message = self.transport.next(), if !ended && self.may_read() => match message {
                    Ok(Some(message)) => ended = self.read(message).await?,
                    Ok(None) => ended = true,
                    Err(error) => ended = self.refused(error)?,
                },
            }
        }
    }

    /// Takes a message, and further ones that have arrived with it, so that they are answered in one write. True: no more
    /// will come.
    async fn read(&mut self, first: Frame) -> Result<bool, TransportError> {
        let (mut next, mut taken) = (Some(first), 0);
        while let Some(message) = next {
            self.message(message);
            self.submit();
            taken += 1;
            if self.send().await?.is_some() || taken == BATCH || !self.may_read() {
                // Where a quit was granted, `serve` finds it again at the front.
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
        let frames = self.dialect.on_refusal(&failure).into_iter().collect();
        self.lineup.push(Place::Ready(frames));
        Ok(true)
    }

    fn message(&mut self, message: Frame) {
        let bytes = match &message {
            Frame::Text(text) => text.len(),
            Frame::Binary(binary) => binary.len(),
        };
        self.dialect.on_message(message, &Registered(&self.shared.engine), &mut self.actions);
        for action in self.actions.drain(..) {
            self.lineup.push(match action {
                Action::Call { mut command, .. } => {
                    command.session = self.id;
                    Place::Read { command, bytes }
                }
                Action::Answer { frame, .. } => Place::Ready(vec![frame]),
                Action::Quit { granted, close, .. } if self.may_quit => Place::Quit(granted, close),
                Action::Quit { refused, .. } => Place::Ready(vec![refused]),
            });
        }
    }

    /// Submits what may run now: commands overlap only while all of them go to the same SERIAL instance.
    fn submit(&mut self) {
        let engine = &self.shared.engine;
        while self.lineup.in_flight() < self.shared.limits.session_in_flight
            && let Some((request, command, overlap)) = self.lineup.take_next(|key| engine.overlap(key))
        {
            let reply_to = ReplyTo { sink: self.sink.clone(), request };
            // Only commands that may follow others need a place in the order.
            let order = matches!(overlap, Overlap::SamePlugin(_)).then_some(&self.order);
            match engine.submit(command, reply_to, order) {
                Submitted::Answered(reply) => {
                    self.dialect.on_reply(request, reply, &mut self.frames);
                    self.lineup.ready(request, self.frames.drain(..).collect());
                }
                Submitted::Waiting(handle) => self.lineup.waiting(request, handle, overlap),
            }
        }
    }

    fn answered(&mut self, request: u64, reply: Reply) {
        self.dialect.on_reply(request, reply, &mut self.frames);
        self.lineup.ready(request, self.frames.drain(..).collect());
    }

    /// Hands the answers at the front to the transport. Gives how to close where a granted quit is next.
    async fn send(&mut self) -> Result<Option<Close>, TransportError> {
        while let Some(frames) = self.lineup.pop_ready() {
            for frame in frames {
                self.transport.queue(frame).await?;
            }
        }
        let Some((granted, close)) = self.lineup.pop_quit() else { return Ok(None) };
        if let Some(granted) = granted {
            self.transport.queue(granted).await?;
        }
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

/// With a capital letter and a full stop, as the texts of the original servers are.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
