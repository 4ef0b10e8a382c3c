use super::{CLOSE_LIMIT, Transport, TransportError, WRITE_BYTES, linger};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use jackfield_dialects::{Close, Frame};
use jackfield_message::ByteString;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame as WireFrame};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

/// The server's end of a WebSocket (RFC 6455, no extensions).
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<Metered>,
    limit: usize,
}

impl WebSocket {
    /// On a connection whose handshake is done. `read`: bytes that came behind it. `buffer`, `limit`: read buffer and longest
    /// message, in bytes.
    pub async fn new(stream: TcpStream, read: Bytes, buffer: usize, limit: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(buffer)
            .write_buffer_size(WRITE_BYTES)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        let stream = Metered { stream, unparsed: read.len(), full: false };
        let stream = WebSocketStream::from_partially_read(stream, read.into(), Role::Server, Some(config)).await;
        Self { stream, limit }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, TransportError>> {
        loop {
            let message = match ready!(self.stream.poll_next_unpin(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(Err(self.error(error))),
                None => return Poll::Ready(Ok(None)),
            };
            self.stream.get_mut().parsed(message.len());
            match message {
                Message::Text(text) => {
                    let text = ByteString::try_from(Bytes::from(text)).map_err(|_| TransportError::NotText);
                    return Poll::Ready(text.map(|text| Some(Frame::Text(text))));
                }
                Message::Binary(bytes) => return Poll::Ready(Ok(Some(Frame::Binary(bytes)))),
                // Answered when the stream is polled again.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
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
        // Each attempt clears the read buffer, so it is made only where something may stand there.
        if !self.stream.get_ref().may_hold_more() {
            return Ok(None);
        }
        match self.poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame,
            Poll::Pending => Ok(None),
        }
    }

    async fn queue(&mut self, frame: Frame) -> Result<(), TransportError> {
        let (bytes, kind) = match frame {
            Frame::Text(text) => (text.into_bytes(), Data::Text),
            Frame::Binary(bytes) => (bytes, Data::Binary),
        };
        // As a frame, because a text message would be checked for UTF-8 once more.
        let message = Message::Frame(WireFrame::message(bytes, OpCode::Data(kind), true));
        self.stream.feed(message).await.map_err(|error| self.error(error))
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.stream.flush().await.map_err(|error| self.error(error))
    }

    async fn close(&mut self, close: Option<Close>) {
        let frame =
            close.map(|close| CloseFrame { code: close.code.into(), reason: Utf8Bytes::from_static(close.reason) });
        let _ = timeout(CLOSE_LIMIT, async {
            let _ = self.stream.send(Message::Close(frame)).await;
            // Until the peer's close frame. After an error there is nothing more to parse, and this ends at once.
            while let Some(Ok(_)) = self.stream.next().await {}
            linger(self.stream.get_mut()).await;
        })
        .await;
    }
}

/// Knows whether a further read is worth while.
#[derive(Debug)]
struct Metered {
    stream: TcpStream,
    /// Bytes read and not yet known to be parsed; never too few.
    unparsed: usize,
    /// The last read filled its buffer, so the socket may hold more.
    full: bool,
}

impl Metered {
    fn may_hold_more(&self) -> bool {
        self.full || self.unparsed > 0
    }

    /// A message of this length was parsed: at least its smallest masked frame has left the buffer.
    fn parsed(&mut self, length: usize) {
        let extended = match length {
            0..=125 => 0,
            126..=0xFFFF => 2,
            _ => 8,
        };
        self.unparsed = self.unparsed.saturating_sub(2 + extended + 4 + length);
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (space, before) = (buffer.remaining(), buffer.filled().len());
        let done = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let length = buffer.filled().len() - before;
        self.full = length == space;
        self.unparsed += length;
        done
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
