use jackfield_message::{ByteString, Bytes, Command, Failure, Reply};

/// One message as the transport framed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Known to be UTF-8.
    Text(ByteString),
    /// Anything else.
    Binary(Bytes),
}

/// What the router knows about keys.
pub trait Keys {
    /// Something is registered under this key. Never true for the empty key.
    fn is_command(&self, key: &str) -> bool;

    /// A catch-all is registered.
    fn catches_all(&self) -> bool;
}

/// What the session has to do about a message. `request` counts up from 0 in each session, in the order of requests.
#[derive(Debug)]
pub enum Action {
    /// To be routed. Its answer comes back through [`Dialect::on_reply`] with this number.
    Call {
        /// Its number.
        request: u64,
        /// What to route; session, principal, deadline and trace are the session's to fill in.
        command: Command,
    },
    /// Known without the engine. It takes its place in the order of requests.
    Answer {
        /// Its number.
        request: u64,
        /// What to send.
        frame: Frame,
    },
    /// Orderly stop of the server. Whether it is granted the session decides.
    Quit {
        /// Its number.
        request: u64,
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

/// One wire format on one connection, whose answers go out in the order of its requests. Any bytes from a peer lead to an action or to nothing, never to a panic.
pub trait Dialect: Send {
    /// Its name, as in a listener's `dialect` parameter.
    fn name(&self) -> &'static str;

    /// Takes one message and adds what is to be done about it.
    fn on_message(&mut self, message: Frame, keys: &dyn Keys, actions: &mut Vec<Action>);

    /// Takes the answer to a [`Action::Call`] and adds the frames that tell it to the peer.
    fn on_reply(&mut self, request: u64, reply: Reply, frames: &mut Vec<Frame>);

    /// An error outside any request, such as a message that is too large. `None`: this format has no words for it.
    fn on_refusal(&mut self, failure: &Failure) -> Option<Frame>;
}
