//! T: the same library used well.

use crate::metered::Metered;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// A WebSocket over a socket that counts.
pub type Socket = WebSocketStream<Metered>;

/// Serves one connection until it ends: takes every message that is already there, then flushes once.
pub async fn connection(stream: TcpStream, buffer: usize) -> Result<(), Error> {
    let mut socket = accept(stream, buffer).await?;
    while let Some(message) = socket.next().await {
        let mut message = take(&mut socket, message?);
        loop {
            if message.is_text() || message.is_binary() {
                socket.feed(message).await?;
            }
            message = match ready(&mut socket)? {
                Some(next) => next,
                None => break,
            };
        }
        socket.flush().await?;
    }
    Ok(())
}

/// The server's handshake, with a read buffer of this size.
pub async fn accept(stream: TcpStream, buffer: usize) -> Result<Socket, Error> {
    let config = WebSocketConfig::default().read_buffer_size(buffer);
    let mut socket = tokio_tungstenite::accept_async_with_config(Metered::new(stream), Some(config)).await?;
    socket.get_mut().begin();
    Ok(socket)
}

/// A message that is already there.
pub fn ready(socket: &mut Socket) -> Result<Option<Message>, Error> {
    if !socket.get_ref().may_hold_more() {
        return Ok(None);
    }
    let message = socket.next().now_or_never().flatten().transpose()?;
    Ok(message.map(|message| take(socket, message)))
}

/// Counts a message as taken.
pub fn take(socket: &mut Socket, message: Message) -> Message {
    socket.get_mut().parsed(message.len());
    message
}
