//! From a listener to sessions: who gets in, as what, and how many at once.

use crate::session::{Rights, Session, Shared};
use crate::transport::http::{self, Document, HttpPolicy};
use crate::transport::{ListenUrl, Listener, Longest, Scheme, Tcp, TcpOptions, Transport};
use jackfield_dialects::{Dialect, JsonRpcOptions, Options, UnknownDialect, ZeissOptions};
use jackfield_engine::Limits;
use jackfield_message::{ErrorCode, Failure, SessionId};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Connections that are being told that they are too many. Further ones are dropped without a word.
const BEING_REFUSED: usize = 64;

/// What all listeners of a server share.
pub(crate) struct Accept {
    pub shared: Arc<Shared>,
    /// Sessions; waited for at the end.
    pub sessions: TaskTracker,
    /// Origins of web pages beside the server's own.
    pub origins: Vec<String>,
    /// Whether clients on this machine may stop the server.
    pub quit: bool,
    openrpc: Document,
    connections: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    next_session: AtomicU64,
}

impl Accept {
    pub fn new(shared: Arc<Shared>, origins: Vec<String>, quit: bool) -> Self {
        let engine = shared.engine.clone();
        Self {
            openrpc: Document(Arc::new(move || engine.openrpc().into_bytes())),
            connections: Arc::new(Semaphore::new(shared.limits.connections)),
            refusals: Arc::new(Semaphore::new(BEING_REFUSED)),
            shared,
            sessions: TaskTracker::new(),
            origins,
            quit,
            next_session: AtomicU64::new(1),
        }
    }

    /// Serves the connections of a listener until the server stops.
    pub async fn listen(self: Arc<Self>, listener: Listener) {
        let url = Arc::new(listener.url().clone());
        loop {
            let (stream, peer) = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.shared.stop.begun() => return,
            };
            let (accept, url) = (self.clone(), url.clone());
            if let Ok(place) = self.connections.clone().try_acquire_owned() {
                self.sessions.spawn(async move {
                    accept.serve(stream, peer, &url).await;
                    drop(place);
                });
            } else if let Ok(place) = self.refusals.clone().try_acquire_owned() {
                tracing::warn!(%peer, limit = self.shared.limits.connections, "too many connections; one is refused");
                self.sessions.spawn(async move {
                    accept.refuse(stream, &url).await;
                    drop(place);
                });
            }
        }
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr, url: &ListenUrl) {
        let session = match url.scheme {
            Scheme::Ws => {
                let policy = self.http_policy(url);
                let accepted = tokio::select! {
                    accepted = http::accept(stream, &policy) => accepted,
                    // Nothing was asked for yet.
                    () = self.shared.stop.begun() => return,
                };
                match accepted {
                    Ok((socket, request)) => self.session(socket, peer, url, &request.path),
                    Err(error) => return tracing::debug!(%peer, listener = %url, %error, "no WebSocket"),
                }
            }
            Scheme::Tcp => self.session(self.tcp(stream, url), peer, url, ""),
        };
        session.await;
    }

    /// Serves a connection that is let in. Boxed, so that each waits with the memory that its own kind needs.
    fn session(
        &self,
        mut transport: impl Transport + 'static,
        peer: SocketAddr,
        url: &ListenUrl,
        path: &str,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let dialect = match self.dialect(url, path) {
            Ok(dialect) => dialect,
            Err(error) => {
                tracing::debug!(%peer, %error, "no such dialect");
                let close =
                    jackfield_dialects::Close { code: 1008, reason: "This path's dialect is not in this version." };
                return Box::pin(async move { transport.close(Some(close)).await });
            }
        };
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        tracing::debug!(session = id.0, %peer, dialect = dialect.name(), listener = %url, "connected");
        let quit = self.quit && peer.ip().to_canonical().is_loopback();
        let rights = Rights { quit, strict_order: url.order };
        Box::pin(Session::new(self.shared.clone(), transport, dialect, id, rights).run())
    }

    async fn refuse(&self, stream: TcpStream, url: &ListenUrl) {
        if url.scheme == Scheme::Ws {
            return http::refuse(stream).await;
        }
        let mut transport = self.tcp(stream, url);
        let text =
            format!("Too many connections (limit connections = {}). Try again later.", self.shared.limits.connections);
        if let Ok(mut dialect) = self.dialect(url, "")
            && let Some(frame) = dialect.on_refusal(&Failure::new(ErrorCode::Busy, text))
        {
            let _ = transport.queue(frame);
        }
        transport.close(None).await;
    }

    fn dialect(&self, url: &ListenUrl, path: &str) -> Result<Box<dyn Dialect>, UnknownDialect> {
        let limits = &self.shared.limits;
        let (is_ws, nesting) = (url.scheme == Scheme::Ws, limits.nesting);
        let zeiss = ZeissOptions { ack: url.ok.clone(), quit_word: is_ws, one_line: !is_ws, nesting };
        let jsonrpc = JsonRpcOptions {
            nesting,
            batch: limits.batch,
            attachments: limits.attachments,
            attachment_bytes: limits.attachment_bytes,
            binary: is_ws,
            one_line: !is_ws,
        };
        url.dialect.open(path, Options { zeiss, jsonrpc })
    }

    fn tcp(&self, stream: TcpStream, url: &ListenUrl) -> Tcp {
        let message_bytes = self.shared.limits.message_bytes;
        Tcp::new(stream, TcpOptions { eol: url.eol, once: url.once, buffer: url.buffer, message_bytes })
    }

    fn http_policy(&self, url: &ListenUrl) -> HttpPolicy {
        HttpPolicy {
            handshake: Limits::seconds(self.shared.limits.handshake_s),
            origins: self.origins.clone(),
            path: url.path().map(str::to_owned),
            buffer: url.buffer,
            longest: Longest {
                message: self.shared.limits.message_bytes,
                attachment: self.shared.limits.attachment_bytes.saturating_add(self.shared.limits.message_bytes),
            },
            openrpc: self.openrpc.clone(),
        }
    }
}
