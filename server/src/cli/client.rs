//! One message to a server and its answer, in dialect zeiss: over WebSocket one text message each way; over TCP the message,
//! byte 0x04 and a half close, then the answer up to the end of the stream.

use super::output::{ERROR_MARK, Outcome};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// From the start to the end of the handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may take to end the connection after its answer: it is of no interest any more.
pub const CLOSE: Duration = Duration::from_secs(1);
/// Longest answer that is taken.
const ANSWER_BYTES: usize = 256 << 20;
/// Ends a message on TCP.
const END: u8 = 0x04;

/// Why there is no answer where nothing else is known.
pub const NO_ANSWER: &str = "it ended without an answer";

const VALID: &str = "valid are ws://HOST:PORT[/PATH] and tcp://HOST:PORT";

/// Sends `message` and waits for the answer, however long the command takes.
pub async fn ask(url: &str, message: &str) -> Outcome {
    match exchange(url, message).await {
        Ok(answer) if answer.starts_with(ERROR_MARK) || is_rpc_error(&answer) => Outcome::Failed(answer),
        Ok(answer) => Outcome::Done { answer, shown: None },
        Err(outcome) => outcome,
    }
}

/// Whether it is an error of JSON-RPC: the message was a request of that, or the listener speaks nothing else.
fn is_rpc_error(answer: &str) -> bool {
    let members = serde_json::from_str::<HashMap<String, IgnoredAny>>(answer).unwrap_or_default();
    members.contains_key("jsonrpc") && members.contains_key("error")
}

async fn exchange(url: &str, message: &str) -> Result<String, Outcome> {
    let address = Address::parse(url)?;
    if address.is_websocket {
        return websocket(address.websocket().await?, message).await.map_err(|why| lost(url, &why));
    }
    if message.as_bytes().contains(&END) {
        return Err(Outcome::Usage("the message contains byte 0x04, which ends a message on tcp".to_owned()));
    }
    tcp(address.stream().await?, message).await.map_err(|why| lost(url, &why))
}

/// A connection that was there is no more.
pub fn lost(url: &str, why: &str) -> Outcome {
    Outcome::Disconnected(format!("lost the connection to {url}: {why}"))
}

/// Where a server is.
pub struct Address<'a> {
    url: &'a str,
    host: String,
    port: u16,
    /// Else tcp.
    pub is_websocket: bool,
}

impl<'a> Address<'a> {
    /// Of a URL from the command line.
    pub fn parse(url: &'a str) -> Result<Self, Outcome> {
        let usage = |why: &str| Outcome::Usage(format!("the URL {url:?} {why}; {VALID}"));
        let parts: Uri = url.parse().map_err(|why| usage(&format!("is not one: {why}")))?;
        let host = parts.host().filter(|host| !host.is_empty()).ok_or_else(|| usage("names no host"))?;
        let port = parts.port_u16().ok_or_else(|| usage("names no port"))?;
        let is_websocket = match parts.scheme_str() {
            Some("ws") => true,
            Some("tcp") => false,
            Some(_) => return Err(usage("has a scheme that is not known")),
            None => return Err(usage("has no scheme")),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { url, host, port, is_websocket })
    }

    /// A WebSocket to there.
    pub async fn websocket(&self) -> Result<WebSocketStream<TcpStream>, Outcome> {
        self.in_time(async {
            let stream = self.open().await.map_err(|why| why.to_string())?;
            let config =
                WebSocketConfig::default().max_message_size(Some(ANSWER_BYTES)).max_frame_size(Some(ANSWER_BYTES));
            // As a server prints it, a listener's parameters may follow the port at once; no request can begin so.
            let url = match self.url.split_once('?') {
                Some((place, params)) if !place[place.find("://").map_or(0, |at| at + 3)..].contains('/') => {
                    format!("{place}/?{params}")
                }
                _ => self.url.to_owned(),
            };
            let connected = client_async_with_config(url, stream, Some(config)).await;
            connected.map(|(socket, _)| socket).map_err(|why| refusal(&why))
        })
        .await
    }

    async fn stream(&self) -> Result<TcpStream, Outcome> {
        self.in_time(self.open()).await
    }

    async fn open(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn in_time<T, E: Display>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Outcome> {
        let why = match timeout(CONNECT, work).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(why)) => why.to_string(),
            Err(_) => format!("no answer within {} s", CONNECT.as_secs()),
        };
        Err(Outcome::Disconnected(format!("no connection to {}: {why}", self.url)))
    }
}

/// Why a handshake failed: what the server says about it is better than its number alone.
fn refusal(why: &tungstenite::Error) -> String {
    let tungstenite::Error::Http(response) = why else { return why.to_string() };
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default());
    let body: String = body.trim().chars().filter(|character| !character.is_control()).take(300).collect();
    format!("the server answered {} {body}", response.status()).trim_end().to_owned()
}

async fn websocket<S>(socket: S, message: &str) -> Result<String, String>
where
    S: Stream<Item = tungstenite::Result<Message>> + Sink<Message, Error = tungstenite::Error>,
{
    let (mut to, mut from) = socket.split();
    // Read while writing: a server that refuses a long message says why while it is still being sent.
    let (sent, answer) = tokio::join!(to.send(Message::text(message)), answer(&mut from));
    let closed = timeout(CLOSE, to.close());
    match (answer, sent) {
        (Ok(answer), _) => {
            let _ = closed.await;
            Ok(answer)
        }
        (Err(None), Err(why)) => Err(why.to_string()),
        (Err(why), _) => Err(why.unwrap_or_else(|| NO_ANSWER.to_owned())),
    }
}

/// The first text message; or why there is none.
async fn answer(
    from: &mut (impl Stream<Item = tungstenite::Result<Message>> + Unpin),
) -> Result<String, Option<String>> {
    match next(from).await? {
        Message::Text(text) => Ok(text.as_str().to_owned()),
        _ => Err(Some("a binary message came instead of an answer".to_owned())),
    }
}

/// The next message, text or binary; or why there is none, if that is known.
pub async fn next(
    from: &mut (impl Stream<Item = tungstenite::Result<Message>> + Unpin),
) -> Result<Message, Option<String>> {
    loop {
        match from.next().await {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return Ok(message),
            Some(Ok(Message::Close(Some(frame)))) => {
                let code = u16::from(frame.code);
                return Err(Some(format!("the server closed it with {code} {}", frame.reason).trim_end().to_owned()));
            }
            Some(Ok(Message::Close(None))) | None => return Err(None),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(why)) => return Err(Some(why.to_string())),
        }
    }
}

async fn tcp(stream: TcpStream, message: &str) -> Result<String, String> {
    let (from, mut to) = stream.into_split();
    let send = async {
        to.write_all(&[message.as_bytes(), &[END]].concat()).await?;
        to.shutdown().await
    };
    let mut bytes = Vec::new();
    let mut from = from.take(ANSWER_BYTES as u64 + 1);
    let (sent, read) = tokio::join!(send, from.read_to_end(&mut bytes));
    if bytes.len() > ANSWER_BYTES {
        return Err(format!("the answer is longer than {ANSWER_BYTES} bytes"));
    }
    // A server may answer and close before it has read everything: an answer is an answer.
    let end = if bytes.ends_with(b"\r\n") { 2 } else { usize::from(matches!(bytes.last(), Some(b'\n' | &END))) };
    if bytes.len() > end && read.is_ok() {
        bytes.truncate(bytes.len() - end);
        return String::from_utf8(bytes).map_err(|_| "the answer is not UTF-8".to_owned());
    }
    read.map(drop).and(sent).map_err(|why| why.to_string())?;
    Err(NO_ANSWER.to_owned())
}
