//! Over real sockets on loopback: what goes over the wire, and how connections end.

mod http;
mod listener;
mod tcp;
mod url;
mod websocket;

use super::http::{Document, HttpPolicy};
use super::{ListenUrl, Listener, Longest};
use jackfield_dialects::Frame;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing here takes long; whatever does is a failure.
const LIMIT: Duration = Duration::from_secs(20);

/// What stands for the OpenRPC document.
const DOCUMENT: &str = r#"{"openrpc": "x"}"#;

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(LIMIT, what).await.expect("it takes too long")
}

fn text(text: &str) -> Frame {
    Frame::Text(text.into())
}

fn longest(message: usize) -> Longest {
    Longest { message, attachment: 2 * message }
}

fn policy() -> HttpPolicy {
    let openrpc = Document(Arc::new(|| DOCUMENT.into()));
    HttpPolicy {
        handshake: LIMIT,
        origins: Vec::new(),
        path: None,
        buffer: 16 << 10,
        longest: longest(16 << 20),
        openrpc,
    }
}

fn listen(url: &str) -> Listener {
    let url: ListenUrl = url.parse().unwrap();
    Listener::bind(&url).unwrap().remove(0)
}

/// Both ends of a connection: the client's and the one that was accepted.
async fn connected(listener: &Listener) -> (TcpStream, TcpStream) {
    let (client, accepted) = tokio::join!(TcpStream::connect(listener.url().addresses()[0]), soon(listener.accept()));
    let client = client.unwrap();
    client.set_nodelay(true).unwrap();
    (client, accepted.0)
}

async fn send(client: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    soon(client.write_all(bytes.as_ref())).await.unwrap();
}

/// All that comes until the server ends the connection in order.
async fn receive_all(client: &mut TcpStream) -> String {
    let mut received = Vec::new();
    soon(client.read_to_end(&mut received)).await.expect("the connection was reset");
    String::from_utf8(received).unwrap()
}

/// The same for a client that ends the connection as soon as the server has.
async fn until_closed(mut client: TcpStream) -> String {
    receive_all(&mut client).await
}
