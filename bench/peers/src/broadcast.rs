//! Fan-out with the same library: one channel, one shared payload, one flush a batch.

use crate::{Outcome, tuned};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast::{Receiver, Sender, channel, error::TryRecvError};
use tokio_tungstenite::tungstenite::Message;

/// What may wait for the slowest connection.
const QUEUE: usize = 4096;

/// Small: subscribers send nothing.
const BUFFER: usize = 4 << 10;

/// Serves without end.
pub async fn serve() -> Outcome {
    let (sender, _) = channel::<Message>(QUEUE);
    crate::serve("ws", move |stream| {
        let sender = sender.clone();
        async move { _ = connection(stream, sender).await }
    })
    .await
}

/// A connection that closes, and one that has fallen behind, ends with an error.
async fn connection(stream: TcpStream, sender: Sender<Message>) -> Outcome {
    // Before the handshake ends, so that it misses nothing that is sent after it.
    let mut receiver = sender.subscribe();
    let mut socket = tuned::accept(stream, BUFFER).await?;
    loop {
        tokio::select! {
            biased;
            message = receiver.recv() => {
                socket.feed(message?).await?;
                feed_waiting(&mut receiver, &mut socket).await?;
                socket.flush().await?;
            }
            message = socket.next() => {
                let Some(message) = message.transpose()? else { return Ok(()) };
                let mut next = Some(tuned::take(&mut socket, message));
                while let Some(message) = next.filter(|message| message.is_text() || message.is_binary()) {
                    sender.send(message)?;
                    next = tuned::ready(&mut socket)?;
                }
            }
        }
    }
}

/// All that is in the channel already.
async fn feed_waiting(receiver: &mut Receiver<Message>, socket: &mut tuned::Socket) -> Outcome {
    loop {
        match receiver.try_recv() {
            Ok(message) => socket.feed(message).await?,
            Err(TryRecvError::Empty) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
