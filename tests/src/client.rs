//! Blocking clients: a WebSocket, and the plain TCP of dialect zeiss. Everything that waits gives up after [`PATIENCE`].

use crate::PATIENCE;
use crate::server::Server;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
pub use tokio_tungstenite::tungstenite;
use tungstenite::protocol::WebSocketConfig;
pub use tungstenite::{Message, WebSocket};

/// Ends a message on tcp.
const EOT: u8 = 0x04;

/// Longest message that a [`Ws`] takes.
const ANSWER_BYTES: usize = 64 << 20;

/// A WebSocket. Dropping it ends the connection without a close frame.
pub struct Ws(pub WebSocket<TcpStream>);

impl Ws {
    /// To the first ws listener.
    pub fn to(server: &Server) -> Self {
        Self::at(server.url("ws"))
    }

    /// To a URL as a server prints it.
    pub fn at(url: &str) -> Self {
        let authority = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
        let authority = authority.unwrap_or_else(|| panic!("{url} is no URL"));
        Self::try_over(connect(authority), authority).unwrap_or_else(|e| panic!("no WebSocket at {url}: {e}"))
    }

    /// On a connection; the error is the server's refusal.
    pub fn try_over(stream: TcpStream, authority: &str) -> Result<Self, String> {
        let config = WebSocketConfig::default().max_message_size(Some(ANSWER_BYTES)).max_frame_size(Some(ANSWER_BYTES));
        let url = format!("ws://{authority}/");
        let handshake = tungstenite::client::client_with_config(url, stream, Some(config));
        handshake.map(|(socket, _)| Self(socket)).map_err(|e| e.to_string())
    }

    /// Sends text messages in one write.
    pub fn send(&mut self, messages: &[&str]) {
        for message in messages {
            self.0.write(Message::text(*message)).expect("the server takes messages");
        }
        self.0.flush().expect("the server takes messages");
    }

    /// The next message of any kind.
    pub fn message(&mut self) -> Message {
        self.0.read().unwrap_or_else(|e| panic!("no message comes: {e}"))
    }

    /// The next message, which must be text.
    pub fn receive(&mut self) -> String {
        match self.message() {
            Message::Text(text) => text.to_string(),
            other => panic!("expected a text message, got {other:?}"),
        }
    }

    /// Sends a message and waits for the answer.
    pub fn ask(&mut self, message: &str) -> String {
        self.send(&[message]);
        self.receive()
    }

    /// Waits until the server has read all that was sent, by a ping; no answer may be on its way.
    pub fn all_read(&mut self) {
        self.0.send(Message::Ping("read?".into())).expect("the server takes messages");
        assert_eq!(self.message(), Message::Pong("read?".into()));
    }

    /// Waits for the server's close frame, which must come next, and ends the connection with it.
    pub fn closed(mut self) -> (u16, String) {
        let close = match self.message() {
            Message::Close(Some(frame)) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("expected a close frame, got {other:?}"),
        };
        self.ended();
        close
    }

    /// Closes, and waits for the end of the connection.
    pub fn close(mut self) {
        self.0.close(None).expect("an open WebSocket can be closed");
        self.ended();
    }

    fn ended(&mut self) {
        loop {
            match self.0.read() {
                Ok(Message::Close(_)) => {}
                Err(tungstenite::Error::ConnectionClosed) => return,
                other => panic!("expected the end of the connection, got {other:?}"),
            }
        }
    }
}

/// A tcp connection.
pub struct Tcp(pub TcpStream);

impl Tcp {
    /// To the first tcp listener.
    pub fn to(server: &Server) -> Self {
        Self(connect(server.address("tcp")))
    }

    /// Sends bytes, at once.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the server takes bytes");
    }

    /// Sends a message, with its end.
    pub fn request(&mut self, message: &str) {
        self.send([message.as_bytes(), &[EOT]].concat());
    }

    /// Ends the sending side.
    pub fn half_close(&mut self) {
        self.0.shutdown(Shutdown::Write).expect("an open connection can be half closed");
    }

    /// What one read gives; empty: the server has ended its side.
    pub fn receive(&mut self) -> String {
        let mut bytes = vec![0; 1 << 20];
        let length = self.0.read(&mut bytes).unwrap_or_else(|e| panic!("nothing comes: {e}"));
        bytes.truncate(length);
        text(bytes)
    }

    /// All that comes until `length` bytes are there.
    pub fn receive_exactly(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap_or_else(|e| panic!("not {length} bytes come: {e}"));
        text(bytes)
    }

    /// All that comes until the server ends its side in order.
    pub fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap_or_else(|e| panic!("the connection does not end in order: {e}"));
        text(bytes)
    }
}

/// A connection to `HOST:PORT` that waits no longer than [`PATIENCE`].
pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap_or_else(|e| panic!("no connection to {address}: {e}"));
    stream.set_nodelay(true).expect("an option of an open socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("an option of an open socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("an option of an open socket");
    stream
}

/// Whether nobody listens at `HOST:PORT`.
pub fn is_refused(address: &str) -> bool {
    TcpStream::connect(address).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("answers are UTF-8")
}
