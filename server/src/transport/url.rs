use jackfield_dialects::Protocol;
use jackfield_message::ByteString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Where a server listens that is told nothing. A missing IPv6 is no error here.
pub const DEFAULT_LISTENERS: [&str; 3] = ["ws://127.0.0.1:40010", "ws://[::1]:40010", "tcp://127.0.0.1:7000"];

const BUFFER_BYTES: RangeInclusive<usize> = 1024..=1 << 20;

/// How messages are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// WebSocket.
    Ws,
    /// Messages ended by 0x04.
    Tcp,
}

impl Scheme {
    /// The name in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Tcp => "tcp",
        }
    }

    const fn params(self) -> &'static [&'static str] {
        match self {
            Self::Ws => &["dialect", "ok", "buffer", "order"],
            Self::Tcp => &["dialect", "ok", "eol", "once", "buffer", "order"],
        }
    }
}

/// What ends an answer on tcp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eol {
    /// CR LF.
    CrLf,
    /// LF.
    Lf,
    /// Nothing.
    None,
    /// 0x04, as requests.
    Eot,
}

impl Eol {
    /// What goes over the wire.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
            Self::None => b"",
            Self::Eot => b"\x04",
        }
    }
}

/// A listener: `SCHEME://HOST:PORT[/PATH][?PARAM=VALUE&...]`. Displayed as given, with the address that was bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenUrl {
    /// How messages are framed.
    pub scheme: Scheme,
    /// The wire format.
    pub dialect: Protocol,
    /// The bare acknowledgement.
    pub ok: ByteString,
    /// What ends an answer; tcp only.
    pub eol: Eol,
    /// One request a connection; tcp only.
    pub once: bool,
    /// Read buffer of a connection in bytes.
    pub buffer: usize,
    /// Replies strictly in the order of requests also where the dialect has ids.
    pub order: bool,
    host: Host,
    port: u16,
    path: String,
    query: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Localhost,
    Address(IpAddr),
}

impl ListenUrl {
    /// The addresses to bind: both loopback ones for `localhost`.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let hosts = match self.host {
            Host::Localhost => vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            Host::Address(address) => vec![address],
        };
        hosts.into_iter().map(|host| SocketAddr::new(host, self.port)).collect()
    }

    /// The same listener at the address that it got.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { host: Host::Address(address.ip()), port: address.port(), ..self.clone() }
    }

    /// The only path that is served; `None`: every path.
    pub fn path(&self) -> Option<&str> {
        (self.path.len() > 1).then_some(&self.path)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let one_of = |valid: &str| format!("parameter {name} is {value:?}; valid are {valid}");
        let flag = || match value {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(one_of("0, 1")),
        };
        match name {
            "dialect" => self.dialect = value.parse().map_err(|error| format!("{error}"))?,
            "ok" => self.ok = acknowledgement(value)?.into(),
            "eol" => {
                self.eol = match value {
                    "crlf" => Eol::CrLf,
                    "lf" => Eol::Lf,
                    "none" => Eol::None,
                    "eot" => Eol::Eot,
                    _ => return Err(one_of("crlf, lf, none, eot")),
                };
            }
            "once" => self.once = flag()?,
            "order" => self.order = flag()?,
            _ => {
                let valid = || one_of(&format!("{} to {} bytes", BUFFER_BYTES.start(), BUFFER_BYTES.end()));
                let bytes: usize = value.parse().map_err(|_| valid())?;
                self.buffer = Some(bytes).filter(|bytes| BUFFER_BYTES.contains(bytes)).ok_or_else(valid)?;
            }
        }
        Ok(())
    }
}

impl FromStr for ListenUrl {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        parse(url).map_err(|why| UrlError { url: url.to_owned(), why })
    }
}

impl fmt::Display for ListenUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://", self.scheme.as_str())?;
        match self.host {
            Host::Localhost => write!(out, "localhost:{}", self.port)?,
            Host::Address(address) => write!(out, "{}", SocketAddr::new(address, self.port))?,
        }
        out.write_str(&self.path)?;
        self.query.iter().try_for_each(|query| write!(out, "?{query}"))
    }
}

/// A listener that cannot be: which, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("listener {url:?}: {why}")]
pub struct UrlError {
    /// As given.
    pub url: String,
    /// What is wrong and what would be valid.
    pub why: String,
}

fn parse(url: &str) -> Result<ListenUrl, String> {
    let (scheme, rest) = url.split_once("://").ok_or("expected SCHEME://HOST:PORT, such as ws://127.0.0.1:40010")?;
    let scheme = match scheme {
        "ws" => Scheme::Ws,
        "tcp" => Scheme::Tcp,
        "wss" | "unix" => return Err(format!("scheme {scheme} is not in this version; valid are ws, tcp")),
        _ => return Err(format!("scheme {scheme:?} is unknown; valid are ws, tcp")),
    };
    if let Some(bad) = rest.chars().find(|&byte| byte == '#' || byte.is_control() || byte.is_whitespace()) {
        return Err(format!("{bad:?} cannot stand in a listener"));
    }
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if scheme == Scheme::Tcp && path.len() > 1 {
        return Err(format!("path {path:?}: tcp has no paths"));
    }
    let (host, port) = address(authority)?;
    let (dialect, ok) = match scheme {
        Scheme::Ws => (Protocol::Auto, "Ok"),
        Scheme::Tcp => (Protocol::Zeiss, "O.k."),
    };
    let mut parsed = ListenUrl {
        scheme,
        dialect,
        ok: ok.into(),
        eol: Eol::CrLf,
        once: false,
        buffer: 16 << 10,
        order: false,
        host,
        port,
        path: path.to_owned(),
        query: query.filter(|query| !query.is_empty()).map(str::to_owned),
    };
    let mut seen = Vec::new();
    for param in query.unwrap_or_default().split('&').filter(|param| !param.is_empty()) {
        let (name, value) = param.split_once('=').ok_or_else(|| format!("parameter {param:?} has no =VALUE"))?;
        let valid = scheme.params();
        if !valid.contains(&name) {
            let valid = valid.join(", ");
            return Err(format!("parameter {name:?} is unknown on {}; valid are {valid}", scheme.as_str()));
        }
        if seen.contains(&name) {
            return Err(format!("parameter {name} is given twice"));
        }
        seen.push(name);
        parsed.set(name, value)?;
    }
    Ok(parsed)
}

fn address(authority: &str) -> Result<(Host, u16), String> {
    let missing = || format!("{authority:?} has no port; expected HOST:PORT, with port 0 for one chosen by the system");
    let (host, port) = authority.rsplit_once(':').filter(|(host, _)| !host.is_empty()).ok_or_else(missing)?;
    if host.starts_with('[') && !host.ends_with(']') {
        return Err(missing());
    }
    let number = port.bytes().all(|digit| digit.is_ascii_digit()).then(|| port.parse().ok()).flatten();
    let port = number.ok_or_else(|| format!("port {port:?} is not a number from 0 to 65535"))?;
    if host == "localhost" {
        return Ok((Host::Localhost, port));
    }
    let literal = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse().map(IpAddr::V6).ok(),
        None => host.parse().map(IpAddr::V4).ok(),
    };
    let address = literal
        .ok_or_else(|| format!("host {host:?} is no address; valid are localhost, 127.0.0.1, [::1] and the like"))?;
    if !address.is_loopback() {
        return Err(format!(
            "address {address} is not a loopback address; listeners on other addresses need identity (tokens or client \
             certificates), which this version does not have; valid are localhost, 127.0.0.1, [::1]"
        ));
    }
    Ok((Host::Address(address), port))
}

/// Percent escapes undone; it has to fit on one line.
fn acknowledgement(value: &str) -> Result<String, String> {
    let wrong = |what: &str| format!("parameter ok is {value:?}; {what}");
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => (escaped(*high, *low).ok_or_else(|| wrong(ESCAPE))?, behind),
            (b'%', _) => return Err(wrong(ESCAPE)),
            _ => (*first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("it must be UTF-8"))?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(wrong("it must be text without control characters, and not empty"));
    }
    Ok(text)
}

const ESCAPE: &str = "a % must be followed by two hexadecimal digits";

fn escaped(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}
