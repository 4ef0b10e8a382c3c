//! A client of JSON-RPC over WebSocket: requests with attachments, their answers, progress and events.

use super::client::{Address, CLOSE, NO_ANSWER, lost, next};
use super::output::{Outcome, Refusal};
use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// A connection.
pub struct Rpc {
    url: String,
    /// Written by a task: a server that refuses a long message says why while it is still being sent.
    outbox: mpsc::UnboundedSender<Message>,
    writer: JoinHandle<()>,
    from: SplitStream<WebSocketStream<TcpStream>>,
    last_id: u64,
    /// An answer whose attachments are on their way.
    begun: Option<Answer>,
}

/// What is asked for.
#[derive(Default)]
pub struct Request<'a> {
    /// The key of a command.
    pub method: &'a str,
    /// An object or an array.
    pub params: &'a str,
    /// Whether to be told how far it is.
    pub progress: bool,
    /// Files, by name.
    pub attachments: Vec<(String, Vec<u8>)>,
}

/// What comes from the server.
#[derive(Debug)]
pub enum Incoming {
    /// To a request.
    Answer(Answer),
    /// Of a request that asked for it.
    Progress(Progress),
    /// Of a subscription.
    Event(Event),
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// Of the request; none: the server could not tell which.
    pub id: Option<u64>,
    /// The result as JSON, or the error.
    pub outcome: Result<String, Refusal>,
    /// What came behind it.
    pub attachments: Vec<Attachment>,
    /// How many will have come.
    awaited: usize,
    /// What the server says of them.
    info: Vec<Info>,
}

/// A binary message behind an answer.
#[derive(Debug)]
pub struct Attachment {
    /// Empty: nobody says.
    pub content_type: String,
    /// All of it.
    pub bytes: Bytes,
}

/// How far a command is.
#[derive(Debug, Deserialize)]
pub struct Progress {
    /// So much of it.
    pub done: u64,
    /// 0: nobody knows.
    pub total: u64,
    /// What is done now.
    pub text: String,
}

/// What was published.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Where.
    pub topic: String,
    /// What, as JSON.
    pub data: Box<RawValue>,
    /// How many before it were not told.
    #[serde(default)]
    pub dropped: u64,
}

/// A message of the server.
#[derive(Deserialize)]
struct Words<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    error: Option<Failure>,
    #[serde(default)]
    attachments: usize,
    #[serde(default)]
    attachment_info: Vec<Info>,
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
    message: String,
    data: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    content_type: String,
}

/// A result that is null is one.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Rpc {
    /// Connects to a URL of scheme ws.
    pub async fn connect(url: &str) -> Result<Self, Outcome> {
        let address = Address::parse(url)?;
        if !address.is_websocket {
            return Err(Outcome::Usage(format!(
                "the URL {url:?} is not of a WebSocket; valid is ws://HOST:PORT[/PATH]"
            )));
        }
        let (mut to, from) = address.websocket().await?.split();
        let (outbox, mut messages) = mpsc::unbounded_channel();
        let writer = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                // What is wrong is learned where the answers are read.
                if to.send(message).await.is_err() {
                    return;
                }
            }
            let _ = to.close().await;
        });
        Ok(Self { url: url.to_owned(), outbox, writer, from, last_id: 0, begun: None })
    }

    /// Sends a request; the id that its answer will have.
    pub fn send(&mut self, request: Request<'_>) -> u64 {
        self.last_id += 1;
        let Request { method, params, progress, attachments } = request;
        let (id, method) = (self.last_id, Value::from(method));
        let progress = if progress { format!(",\"progress\":{id}") } else { String::new() };
        let follow = if attachments.is_empty() {
            String::new()
        } else {
            let info: Vec<Value> = attachments.iter().map(|(name, _)| json!({ "name": name })).collect();
            format!(",\"attachments\":{},\"attachment_info\":{}", attachments.len(), Value::from(info))
        };
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}{progress}{follow}}}"#);
        let parts = attachments.into_iter().map(|(_, bytes)| Message::binary(bytes));
        for message in std::iter::once(Message::text(text)).chain(parts) {
            // A writer that has ended has met the end of the connection, which is read soon.
            let _ = self.outbox.send(message);
        }
        id
    }

    /// The next that comes, an answer together with its attachments. Nothing is lost where this is dropped.
    pub async fn next(&mut self) -> Result<Incoming, Outcome> {
        loop {
            let message = next(&mut self.from).await;
            let message = message.map_err(|why| lost(&self.url, why.as_deref().unwrap_or(NO_ANSWER)))?;
            match (message, &mut self.begun) {
                (Message::Text(text), None) => match read(&text) {
                    Ok(Some(Incoming::Answer(answer))) => self.begun = Some(answer),
                    Ok(Some(told)) => return Ok(told),
                    Ok(None) => {}
                    Err(why) => return Err(Outcome::Failed(format!("what came is no JSON-RPC ({why}): {text}"))),
                },
                (Message::Binary(bytes), Some(answer)) => answer.attach(bytes),
                (_, None) => return Err(lost(&self.url, "a binary message came instead of an answer")),
                (_, Some(_)) => return Err(lost(&self.url, "another message came instead of an attachment")),
            }
            if let Some(answer) = self.begun.take_if(|answer| answer.attachments.len() == answer.awaited) {
                return Ok(Incoming::Answer(answer));
            }
        }
    }

    /// Ends the connection in order, if the server goes along.
    pub async fn close(self) {
        drop(self.outbox);
        let _ = timeout(CLOSE, self.writer).await;
    }
}

impl Answer {
    fn attach(&mut self, bytes: Bytes) {
        let info = self.info.get_mut(self.attachments.len()).map(std::mem::take);
        let Info { content_type } = info.unwrap_or_default();
        self.attachments.push(Attachment { content_type, bytes });
    }
}

/// What a text message is; none: a notification that this version does not know.
fn read(text: &str) -> Result<Option<Incoming>, String> {
    let words: Words = serde_json::from_str(text).map_err(|why| why.to_string())?;
    let Words { id, method, params, result, error, attachments: awaited, attachment_info: info } = words;
    let outcome = match (method, result, error) {
        (Some(method), ..) if id.is_none() => return notification(&method, params.map_or("{}", RawValue::get)),
        (_, _, Some(Failure { code, message, data })) => {
            Err(Refusal { code, message, data: data.map(|data| data.get().to_owned()) })
        }
        (_, Some(result), None) => Ok(result.get().to_owned()),
        (_, None, None) => return Err("neither a result nor an error".to_owned()),
    };
    Ok(Some(Incoming::Answer(Answer { id, outcome, attachments: Vec::new(), awaited, info })))
}

fn notification(method: &str, params: &str) -> Result<Option<Incoming>, String> {
    let told = match method {
        "jackfield.progress" => serde_json::from_str(params).map(Incoming::Progress),
        "jackfield.event" => serde_json::from_str(params).map(Incoming::Event),
        _ => return Ok(None),
    };
    told.map(Some).map_err(|why| why.to_string())
}
