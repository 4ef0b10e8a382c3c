//! The HTTP before a WebSocket (RFC 6455 section 4). Host and Origin are checked first, whatever is asked for; then an upgrade is
//! answered 101, a page that there is with it, and everything else 426. The body of a request is never read.

use super::{CLOSE_LIMIT, Longest, TransportError, WebSocket, linger, origin};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, poll_fn, ready};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Longest head of a request. Longer: 431.
const HEAD_BYTES: usize = 16 << 10;

/// What a ws listener asks of its connections, and how it serves them.
#[derive(Clone, Debug)]
pub struct HttpPolicy {
    /// From accept to the end of the handshake (`handshake_s`).
    pub handshake: Duration,
    /// Origins let in beside the server's own, such as `https://tool.example`; compared exactly.
    pub origins: Vec<String>,
    /// The only path that is served; other ones get 404. `None`: every path.
    pub path: Option<String>,
    /// Read buffer of a connection in bytes (`buffer` of the listener).
    pub buffer: usize,
    /// Longest messages.
    pub longest: Longest,
    /// What GET and HEAD of [`OPENRPC_PATH`] give, whatever `path` is.
    pub openrpc: Document,
}

/// Where the OpenRPC document is on every ws port.
pub const OPENRPC_PATH: &str = "/openrpc.json";

/// JSON that is made when somebody asks for it.
#[derive(Clone)]
pub struct Document(pub Arc<dyn Fn() -> Bytes + Send + Sync>);

impl fmt::Debug for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Document")
    }
}

/// What the accepted request said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    /// Without the query.
    pub path: String,
    /// The loopback host that the client used, with its port.
    pub host: String,
    /// Only browsers send one.
    pub origin: Option<String>,
}

/// Serves one request on a new connection, which becomes a WebSocket. Every error ends the connection; what
/// HTTP has an answer for has been answered.
pub async fn accept(stream: TcpStream, policy: &HttpPolicy) -> Result<(WebSocket, RequestInfo), TransportError> {
    // Boxed, because the state of a handshake is larger than that of the session that follows it.
    let (mut stream, read, verdict) = Box::pin(handshake(stream, policy)).await?;
    let error = match verdict {
        Ok(Some(Ok(info))) => {
            return Ok((WebSocket::new(stream, read, policy.buffer, policy.longest), info));
        }
        Ok(Some(Err(NoUpgrade::Refused(refusal)))) => TransportError::Refused(refusal.why),
        Ok(Some(Err(NoUpgrade::Page))) => TransportError::Refused("a page was asked for, and given"),
        Ok(None) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        Err(error) => TransportError::Protocol(format!("HTTP: {error}")),
    };
    let _ = timeout(CLOSE_LIMIT, linger(&mut stream)).await;
    Err(error)
}

/// Answers a connection that is one too many with 503, without reading from it.
pub async fn refuse(mut stream: TcpStream) {
    let text = "Too many connections (limit connections). Try again later.\n";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Retry-After: 1\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    let _ = timeout(CLOSE_LIMIT, async {
        if stream.write_all(answer.as_bytes()).await.is_ok() {
            linger(&mut stream).await;
        }
    })
    .await;
}

type Verdict = Result<RequestInfo, NoUpgrade>;

/// A request that does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoUpgrade {
    Refused(Refusal),
    /// Nobody wants one: it is for the document.
    Page,
}

impl From<Refusal> for NoUpgrade {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Gives the connection back with the bytes behind the request, and what became of the request: `None` if there was none.
async fn handshake(
    stream: TcpStream,
    policy: &HttpPolicy,
) -> Result<(TcpStream, Bytes, hyper::Result<Option<Verdict>>), TransportError> {
    let service = Upgrade { policy, verdict: Mutex::new(None) };
    let mut connection = http1::Builder::new().max_buf_size(HEAD_BYTES).serve_connection(TokioIo::new(stream), service);
    let served = timeout(policy.handshake, poll_fn(|cx| connection.poll_without_shutdown(cx))).await;
    let parts = connection.into_parts();
    let verdict = parts.service.verdict.into_inner().unwrap_or_else(PoisonError::into_inner);
    let served = served.map_err(|_| TransportError::Refused("the handshake took longer than handshake_s"))?;
    Ok((parts.io.into_inner(), parts.read_buf, served.map(|()| verdict)))
}

struct Upgrade<'a> {
    policy: &'a HttpPolicy,
    verdict: Mutex<Option<Verdict>>,
}

impl Service<Request<Incoming>> for Upgrade<'_> {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (verdict, response) = match judge(&request, self.policy) {
            Ok((info, response)) => (Ok(info), response),
            Err(no @ NoUpgrade::Refused(refusal)) => (Err(no), refusal.response()),
            Err(no @ NoUpgrade::Page) => (Err(no), page((self.policy.openrpc.0)())),
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        ready(Ok(response))
    }
}

/// Why a request does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    why: &'static str,
}

impl Refusal {
    fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(format!("{}\n", self.why))));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if self.status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

/// JSON, for HEAD without it: hyper sees to that.
fn page(json: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(json));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    // The next swap may change it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn judge<B>(request: &Request<B>, policy: &HttpPolicy) -> Result<(RequestInfo, Response<Full<Bytes>>), NoUpgrade> {
    let refusal = |status, why| Refusal { status, why };
    let forbidden = |why| refusal(StatusCode::FORBIDDEN, why);
    let headers = request.headers();
    let host = origin::host(headers).map_err(forbidden)?;
    if request.uri().authority().is_some_and(|authority| authority.as_str() != host) {
        return Err(forbidden("the address in the request line is not the Host").into());
    }
    let origin = origin::origin(headers, host, &policy.origins).map_err(forbidden)?;

    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if path == OPENRPC_PATH && reads && !headers.contains_key(header::UPGRADE) {
        return Err(NoUpgrade::Page);
    }
    if policy.path.as_deref().is_some_and(|served| served != path) {
        return Err(refusal(StatusCode::NOT_FOUND, "nothing is served at this path").into());
    }
    let upgrade = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_token(headers, &header::CONNECTION, "upgrade")
        && has_token(headers, &header::UPGRADE, "websocket");
    if !upgrade {
        return Err(refusal(StatusCode::UPGRADE_REQUIRED, "this address speaks WebSocket: connect with ws://").into());
    }
    if only(headers, &header::SEC_WEBSOCKET_VERSION) != Some(b"13") {
        return Err(refusal(StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13").into());
    }
    let key = only(headers, &header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_key(key))
        .ok_or(refusal(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64"))?;

    let accept = HeaderValue::try_from(derive_accept_key(key))
        .map_err(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR, "the answer to Sec-WebSocket-Key is no header text"))?;
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    let info = RequestInfo { path: path.to_owned(), host: host.to_owned(), origin: origin.map(str::to_owned) };
    Ok((info, response))
}

/// A header that is a list of words, perhaps over several lines, holds this one.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// The value of a header that stands exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
}

/// 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(letter)
}
