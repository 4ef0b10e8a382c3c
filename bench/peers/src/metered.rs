//! A stream that knows whether another read is worth while. Each read that tungstenite attempts clears the whole read buffer
//! first, also where nothing is to come.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket that counts what was read.
pub struct Metered {
    stream: TcpStream,
    unparsed: usize,
    full: bool,
}

impl Metered {
    /// Around a connection of which nothing was read.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, unparsed: 0, full: false }
    }

    /// What was read until now is no frame: the handshake is done.
    pub fn begin(&mut self) {
        self.unparsed = 0;
    }

    /// A message of this length was taken, in one masked frame.
    pub fn parsed(&mut self, length: usize) {
        let extended = if length < 126 {
            0
        } else if length < 65_536 {
            2
        } else {
            8
        };
        self.unparsed = self.unparsed.saturating_sub(6 + extended + length);
    }

    /// Whether more may be in the library's buffer or in the socket.
    pub fn may_hold_more(&self) -> bool {
        self.full || self.unparsed > 0
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        self.unparsed += buf.filled().len() - before;
        self.full = buf.remaining() == 0;
        Poll::Ready(done)
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
