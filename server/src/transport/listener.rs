use super::ListenUrl;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A peer that is silent this long is asked by the system whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// Accept goes on after this when the process has no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// Pairs of sockets tried for `localhost:0`, where the port that one family got may be taken in the other.
const PAIRS: usize = 16;

/// A bound socket and how its connections are served.
#[derive(Debug)]
pub struct Listener {
    url: ListenUrl,
    socket: TcpListener,
}

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens there.
    #[error("listener {url}: {address} is taken by another program; choose another port, or 0 for a free one")]
    Taken {
        /// As given.
        url: String,
        /// What was asked of the system.
        address: SocketAddr,
    },
    /// This machine has no IPv6: only a warning for the default listeners.
    #[error("listener {url}: this machine has no IPv6, so {address} cannot be bound; use 127.0.0.1")]
    NoIpv6 {
        /// As given.
        url: String,
        /// What was asked of the system.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("listener {url}: {address} cannot be bound: {source}")]
    Bind {
        /// As given.
        url: String,
        /// What was asked of the system.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

impl Listener {
    /// Binds all addresses of a URL; `localhost` has two, of which IPv6 may be missing. Needs a tokio runtime.
    pub fn bind(url: &ListenUrl) -> Result<Vec<Self>, ListenError> {
        let addresses = url.addresses();
        let [first, second] = addresses[..] else {
            return addresses.into_iter().map(|address| Self::bind_one(url, address)).collect();
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let one = Self::bind_one(url, first)?;
            // Both families get the same port: clients know one.
            let twin = SocketAddr::new(second.ip(), one.url.addresses()[0].port());
            match Self::bind_one(url, twin) {
                Ok(two) => return Ok(vec![one, two]),
                Err(error @ ListenError::NoIpv6 { .. }) => {
                    tracing::warn!("{error}");
                    return Ok(vec![one]);
                }
                Err(ListenError::Taken { .. }) if first.port() == 0 && tries < PAIRS => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn bind_one(url: &ListenUrl, address: SocketAddr) -> Result<Self, ListenError> {
        let bound = listen(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (bound, socket) = bound.map_err(|source| {
            let url = url.to_string();
            match source.kind() {
                io::ErrorKind::AddrInUse => ListenError::Taken { url, address },
                _ if address.is_ipv6() && is_missing_family(&source) => ListenError::NoIpv6 { url, address },
                _ => ListenError::Bind { url, address, source },
            }
        })?;
        Ok(Self { url: url.at(bound), socket })
    }

    /// With the address that was bound.
    pub fn url(&self) -> &ListenUrl {
        &self.url
    }

    /// The next connection, without delay on small writes and with keep-alive. Cancel safe. Errors of a single connection
    /// are passed over; without a free descriptor it waits and goes on.
    pub async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => match prepare(&stream) {
                    Ok(()) => return (stream, peer),
                    // Gone already.
                    Err(error) => tracing::debug!(%peer, %error, "connection lost at accept"),
                },
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(listener = %self.url, %error, "cannot accept connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    // So that a restart need not wait for old connections. On Windows it would let another program take the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// EAFNOSUPPORT: no IPv6 in the system; EADDRNOTAVAIL: switched off.
fn is_missing_family(error: &io::Error) -> bool {
    #[cfg(unix)]
    let unsupported = rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::AFNOSUPPORT);
    #[cfg(windows)]
    let unsupported = error.raw_os_error() == Some(10047);
    unsupported || error.kind() == io::ErrorKind::AddrNotAvailable
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
