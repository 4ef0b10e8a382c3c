//! Framing: bytes of a socket in, messages out, and back. Parses no JSON and knows no command.
//!
//! - [`Transport`]: what a session reads from and writes to; [`WebSocket`] and [`Tcp`] are the two that there are
//! - [`ListenUrl`], [`Listener`]: from the text of a listener to connections
//! - [`http`]: the HTTP before a WebSocket, with the rules of [`origin`] against web pages

pub mod http;
mod inlet;
mod listener;
pub mod origin;
mod tcp;
mod url;
mod websocket;

pub use listener::{ListenError, Listener};
pub use tcp::{Tcp, TcpOptions};
pub use url::{DEFAULT_LISTENERS, Eol, ListenUrl, Scheme, UrlError};
pub use websocket::{Longest, WebSocket};

use jackfield_dialects::{Close, Frame};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long an orderly end may take: the close handshake, and reading away what the peer still sends.
pub(crate) const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Answers that wait for the flush, in bytes. At it they go out early, so that a batch has a bound.
pub(crate) const WRITE_BYTES: usize = 128 << 10;

/// One connection that carries messages. One task owns it.
pub trait Transport: Send {
    /// Whether [`close`](Self::close) can tell a code; elsewhere an error is told as a message before.
    const HAS_CLOSE_CODES: bool;

    /// Whether answers can still reach the peer after [`next`](Self::next) has given `None`.
    fn hears(&self) -> bool;

    /// Waits for the next message; answers pings meanwhile. `None`: no more will come; answers can still be sent if the peer
    /// only ended its sending side. Cancel safe.
    fn next(&mut self) -> impl Future<Output = Result<Option<Frame>, TransportError>> + Send;

    /// A message that has arrived already, without waiting. `None`: none has; only [`next`](Self::next) tells the end.
    /// For draining what one read brought, to answer it in one write.
    fn ready(&mut self) -> Result<Option<Frame>, TransportError>;

    /// Whether the next messages may be as long as attachments are.
    fn expect_attachments(&mut self, _expected: bool) {}

    /// Puts an answer behind the others.
    fn queue(&mut self, frame: Frame) -> Result<(), TransportError>;

    /// So much is queued that it is to be flushed before more is.
    fn is_full(&self) -> bool;

    /// Sends all that is queued, in one write where the socket takes it. Cancel safe.
    fn flush(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Sends what is queued and ends the connection in order, within 2 s. `close` is for WebSockets alone; `None` there: a close
    /// without a code. Also right after an error: the peer gets to know the reason.
    fn close(&mut self, close: Option<Close>) -> impl Future<Output = ()> + Send;
}

/// Why a connection cannot go on. All but `Io` deserve a [`Transport::close`].
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A message is longer than the limit. WebSocket close code 1009.
    #[error("a message is longer than the limit of {limit} bytes (message_bytes)")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// A text message is not UTF-8. WebSocket close code 1007.
    #[error("a text message is not UTF-8")]
    NotText,
    /// The peer does not keep to the framing. WebSocket close code 1002.
    #[error("{0}")]
    Protocol(String),
    /// Not let in; answered already where the peer's protocol has an answer.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The socket.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Ends the sending side and reads away what the peer still sends: closing a socket that holds unread bytes would reset the
/// connection and could destroy the last answer on its way. The caller sets the time limit.
pub(crate) async fn linger(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut scratch = vec![0; 16 << 10];
    while matches!(stream.read(&mut scratch).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests;
