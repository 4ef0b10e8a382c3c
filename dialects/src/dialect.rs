use jackfield_message::{ByteString, Bytes, Command, Event, Failure, Progress, Reply};

/// One message as the transport framed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Known to be UTF-8.
    Text(ByteString),
    /// Anything else.
    Binary(Bytes),
}

/// Takes what a dialect has to say, in order.
pub trait Frames {
    /// To be sent behind what was pushed before.
    fn push(&mut self, frame: Frame);
}

impl Frames for Vec<Frame> {
    fn push(&mut self, frame: Frame) {
        Vec::push(self, frame);
    }
}

/// What the router knows about keys.
pub trait Keys {
    /// Something is registered under this key. Never true for the empty key.
    fn is_command(&self, key: &str) -> bool;

    /// A catch-all is registered.
    fn catches_all(&self) -> bool;

    /// The names of a command's params, in the order in which callers may give them without names. Empty: none are declared.
    fn param_order(&self, key: &str) -> Vec<ByteString>;
}

/// Which request an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The wire has no ids: answers go out in the order of the requests.
    InTurn,
    /// The dialect's own number; small, and used again once the request is answered. Answers go out as they come.
    Numbered(u32),
}

/// What a request asks for beside its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// To hear how far it is.
    pub progress: bool,
    /// To wait where too many commands are under way: it is one of a bounded batch.
    pub patience: bool,
}

/// What the session has to do about a message. No larger than what is moved without a call, which a test holds.
#[derive(Debug)]
pub enum Action {
    /// To be routed. Its answer comes back through [`Dialect::on_reply`] with this request.
    Call {
        /// Which one.
        request: Request,
        /// What to route; session, principal, deadline and trace are the session's to fill in.
        command: Command,
        /// And how.
        wishes: Wishes,
    },
    /// Known without the engine.
    Answer {
        /// It takes its place in the order of requests.
        in_turn: bool,
        /// What to send.
        frame: Frame,
    },
    /// Another request is to be given up. Whether one was is told through [`Dialect::on_reply`].
    Cancel {
        /// This request.
        request: Request,
        /// The number of the other one, if there is such a request.
        target: Option<u32>,
    },
    /// Whether binary messages are expected now, of which each may be as long as an attachment.
    Attachments {
        /// They are.
        expected: bool,
    },
    /// Orderly stop of the server. Whether it is granted the session decides.
    Quit {
        /// What to send if it is; then `close`.
        granted: Frame,
        /// What to send if it is not; the connection stays.
        refused: Frame,
        /// How the connection ends if it is granted.
        close: Close,
    },
}

/// How a WebSocket is closed. Other transports just end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// RFC 6455 section 7.4.
    pub code: u16,
    /// At most 123 bytes.
    pub reason: &'static str,
}

/// One wire format on one connection. Any bytes from a peer lead to an action or to nothing, never to a panic.
pub trait Dialect: Send {
    /// Its name, as in a listener's `dialect` parameter.
    fn name(&self) -> &'static str;

    /// Takes one message and adds what is to be done about it.
    fn on_message(&mut self, message: Frame, keys: &dyn Keys, actions: &mut Vec<Action>);

    /// Takes the answer to a request and adds the frames that tell it to the peer.
    fn on_reply(&mut self, request: Request, reply: Reply, frames: &mut dyn Frames);

    /// An error outside any request, such as a message that is too large. `None`: this format has no words for it.
    fn on_refusal(&mut self, failure: &Failure) -> Option<Frame>;

    /// How far a numbered request is that wished to hear it.
    fn on_progress(&mut self, _request: u32, _progress: &Progress, _frames: &mut dyn Frames) {}

    /// Whether there are words for events: else nobody can subscribe here.
    fn has_events(&self) -> bool {
        false
    }

    /// An event of a subscription; so many were dropped before it.
    fn on_event(&mut self, _subscription: u64, _event: &Event, _dropped: u64, _frames: &mut dyn Frames) {}

    /// A subscription has ended: its events were not taken in time.
    fn on_closed(&mut self, _subscription: u64, _frames: &mut dyn Frames) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_moved_without_a_call() {
        assert!(size_of::<Action>() <= 128, "{} bytes", size_of::<Action>());
    }
}
