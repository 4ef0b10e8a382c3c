use super::inlet::Inlet;
use super::{CLOSE_LIMIT, Transport, TransportError, WRITE_BYTES, linger};
use crate::sys;
use bytes::Bytes;
use jackfield_dialects::{Close, Frame};
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker, ready};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame as WireFrame};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

/// The server's end of a WebSocket (RFC 6455, no extensions). tungstenite keeps the protocol; reading and writing the socket
/// is done here, in pieces as large as the system has them, and without the wakers that its asynchronous face sets for each
/// message.
#[derive(Debug)]
pub struct WebSocket {
    inlet: Inlet,
    protocol: WebSocketContext,
    /// The protocol's buffers have grown by a large message.
    grown: bool,
    longest: Longest,
    /// The one of them that holds now.
    limit: usize,
    /// Bytes of answers since the last flush.
    queued: usize,
    /// The protocol has something to do: bytes to parse, or an answer to a ping or close.
    due: bool,
    /// It has ended, in order or with an error that was told.
    ended: bool,
}

/// How long messages may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Longest {
    /// Each (`message_bytes`).
    pub message: usize,
    /// While attachments are awaited: more than they may have, so that one that is a little too long can be refused by name.
    pub attachment: usize,
}

/// After a message of so many bytes the memory that it took is given back.
const LARGE: usize = 256 << 10;

impl WebSocket {
    /// On a connection whose handshake is done. `read`: bytes that came behind it. `buffer`: read buffer in bytes.
    pub fn new(stream: TcpStream, read: Bytes, buffer: usize, longest: Longest) -> Self {
        let limit = longest.message;
        let inlet = Inlet::new(stream, buffer, read.len());
        let due = inlet.holds_more();
        // A copy: HTTP's buffer behind these few bytes, or none, would stay as long as the connection.
        let config = WebSocketConfig::default()
            .read_buffer_size(Inlet::portion(buffer))
            .write_buffer_size(WRITE_BYTES)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        let protocol = WebSocketContext::from_partially_read(read.to_vec(), Role::Server, Some(config));
        Self { inlet, protocol, grown: false, longest, limit, queued: 0, due, ended: false }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, TransportError>> {
        while !self.ended {
            if self.due {
                match self.parse() {
                    Ok(Some(frame)) => return Poll::Ready(Ok(Some(frame))),
                    Ok(None) => continue,
                    Err(error) => {
                        self.ended = true;
                        return Poll::Ready(Err(error));
                    }
                }
            }
            if self.inlet.is_blocked() {
                // Nothing more is read: a peer that sends pings and does not read would fill the memory with pongs.
                ready!(self.inlet.poll_unblocked(cx))?;
            } else {
                if self.grown {
                    self.shrink();
                }
                ready!(self.inlet.poll_fill(cx))?;
            }
            self.due = true;
        }
        Poll::Ready(Ok(None))
    }

    /// Gives the memory of large messages back, which the protocol would keep as long as the connection lives. Only where it
    /// holds nothing: no bytes in either direction, and no part of a message.
    fn shrink(&mut self) {
        if self.due || self.queued > 0 || self.inlet.holds_more() {
            return;
        }
        self.protocol = WebSocketContext::new(Role::Server, Some(*self.protocol.get_config()));
        self.grown = false;
    }

    /// One step of the protocol. `None`: no message by it.
    fn parse(&mut self) -> Result<Option<Frame>, TransportError> {
        let message = match self.protocol.read(&mut self.inlet) {
            Ok(message) => message,
            Err(error) if would_block(&error) => {
                self.due = false;
                return Ok(None);
            }
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                self.ended = true;
                return Ok(None);
            }
            Err(error) => return Err(self.error(error)),
        };
        self.grown |= message.len() >= LARGE;
        self.inlet.parsed(message.len());
        self.due = self.inlet.holds_more();
        match message {
            Message::Text(text) => Ok(Some(Frame::Text(sys::text::of_message(text)))),
            Message::Binary(bytes) => Ok(Some(Frame::Binary(bytes))),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                // Answered in the next step.
                self.due = true;
                Ok(None)
            }
        }
    }

    fn error(&self, error: Error) -> TransportError {
        match error {
            Error::Capacity(_) => TransportError::TooLarge { limit: self.limit },
            Error::Utf8(_) => TransportError::NotText,
            Error::Io(error) => TransportError::Io(error),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | Error::ConnectionClosed
            | Error::AlreadyClosed => {
                let text = "the peer ended the connection without a close frame";
                TransportError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, text))
            }
            other => TransportError::Protocol(other.to_string()),
        }
    }

    async fn flush_all(&mut self) -> Result<(), TransportError> {
        loop {
            match self.protocol.flush(&mut self.inlet) {
                // Closed is flushed too.
                Ok(()) | Err(Error::ConnectionClosed) => return Ok(()),
                Err(error) if would_block(&error) => self.inlet.stream.writable().await?,
                Err(error) => return Err(self.error(error)),
            }
        }
    }
}

impl Transport for WebSocket {
    const HAS_CLOSE_CODES: bool = true;

    fn hears(&self) -> bool {
        // The end of a WebSocket is the end of both directions.
        false
    }

    async fn next(&mut self) -> Result<Option<Frame>, TransportError> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    fn ready(&mut self) -> Result<Option<Frame>, TransportError> {
        if !self.due && self.inlet.is_drained() {
            return Ok(None);
        }
        // Not woken by this one: whoever waits for messages asks again by `next`.
        match self.poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame,
            Poll::Pending => Ok(None),
        }
    }

    fn expect_attachments(&mut self, expected: bool) {
        self.limit = if expected { self.longest.attachment } else { self.longest.message };
        let limit = Some(self.limit);
        self.protocol.set_config(|config| (config.max_message_size, config.max_frame_size) = (limit, limit));
    }

    fn queue(&mut self, frame: Frame) -> Result<(), TransportError> {
        let (bytes, kind) = match frame {
            Frame::Text(text) => (text.into_bytes(), Data::Text),
            Frame::Binary(bytes) => (bytes, Data::Binary),
        };
        self.grown |= bytes.len() >= LARGE;
        // With the least header: an empty answer counts too.
        self.queued += 2 + bytes.len();
        // As a frame, because a text message would be checked for UTF-8 once more.
        match self.protocol.write(&mut self.inlet, Message::Frame(WireFrame::message(bytes, OpCode::Data(kind), true)))
        {
            Err(error) if !would_block(&error) => Err(self.error(error)),
            // What a blocked socket does not take stays in the protocol's buffer until the flush.
            _ => Ok(()),
        }
    }

    fn is_full(&self) -> bool {
        self.queued >= WRITE_BYTES
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        if self.queued > 0 {
            self.flush_all().await?;
            self.queued = 0;
        }
        Ok(())
    }

    async fn close(&mut self, close: Option<Close>) {
        let frame =
            close.map(|close| CloseFrame { code: close.code.into(), reason: Utf8Bytes::from_static(close.reason) });
        let _ = timeout(CLOSE_LIMIT, async {
            // From here on the protocol knows more than a new one would.
            self.grown = false;
            // Whatever it says, the frame is queued if it can be.
            let _ = self.protocol.close(&mut self.inlet, frame);
            let _ = self.flush_all().await;
            // Until the peer's close frame. After an error there is nothing more to parse, and this ends at once.
            while let Ok(Some(_)) = self.next().await {}
            linger(&mut self.inlet.stream).await;
        })
        .await;
    }
}

fn would_block(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}
