use crate::{Auto, Dialect, Echo, JsonRpc, JsonRpcOptions, Zeiss, ZeissOptions};
use std::fmt;
use std::str::FromStr;

/// What a listener's `dialect` parameter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The path of the connection decides, and then each message.
    Auto,
    /// [`Zeiss`].
    Zeiss,
    /// [`JsonRpc`].
    JsonRpc,
    /// [`Echo`].
    Echo,
}

/// Names that are reserved for dialects which this version does not have.
const RESERVED: [&str; 3] = ["wslink", "clu", "zato"];

/// How a listener wants each of them.
#[derive(Clone, Debug)]
pub struct Options {
    /// Of the plain one.
    pub zeiss: ZeissOptions,
    /// Of JSON-RPC.
    pub jsonrpc: JsonRpcOptions,
}

impl Protocol {
    /// All that this version has.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Zeiss, Self::JsonRpc, Self::Echo];

    /// The name used in listeners.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Zeiss => "zeiss",
            Self::JsonRpc => "jsonrpc",
            Self::Echo => "echo",
        }
    }

    /// The dialect of a connection that asked for `path` (empty where the transport has none).
    pub fn open(self, path: &str, options: Options) -> Result<Box<dyn Dialect>, UnknownDialect> {
        match self {
            Self::Auto => auto(path, options),
            Self::Zeiss => Ok(Box::new(Zeiss::new(options.zeiss))),
            Self::JsonRpc => Ok(Box::new(JsonRpc::new(options.jsonrpc))),
            Self::Echo => Ok(Box::new(Echo)),
        }
    }
}

/// Some paths belong to other clients' wire formats; on every other one each message decides.
fn auto(path: &str, options: Options) -> Result<Box<dyn Dialect>, UnknownDialect> {
    let reserved = match path {
        "/ws" => "wslink",
        "/clu" => "clu",
        _ if path.starts_with("/zato/") => "zato",
        _ => return Ok(Box::new(Auto::new(options.zeiss, options.jsonrpc))),
    };
    Err(UnknownDialect(reserved.to_owned()))
}

impl FromStr for Protocol {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or_else(|| UnknownDialect(name.to_owned()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A dialect that this version does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect(pub String);

impl fmt::Display for UnknownDialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Protocol::ALL.map(Protocol::as_str).join(", ");
        let what = if RESERVED.contains(&self.0.as_str()) { "is not in this version" } else { "is unknown" };
        write!(out, "dialect {:?} {what}; valid are {known}", self.0)
    }
}

impl std::error::Error for UnknownDialect {}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            zeiss: ZeissOptions { ack: "Ok".into(), quit_word: true, one_line: false, nesting: 128 },
            jsonrpc: JsonRpcOptions::default(),
        }
    }

    #[test]
    fn every_name_reads_back_and_opens_its_dialect() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
            assert_eq!(protocol.open("/any/path", options()).unwrap().name(), protocol.as_str());
        }
    }

    #[test]
    fn reserved_and_unknown_names_are_refused_with_the_valid_ones() {
        let text = |name: &str| name.parse::<Protocol>().unwrap_err().to_string();
        for name in RESERVED {
            assert_eq!(
                text(name),
                format!("dialect {name:?} is not in this version; valid are auto, zeiss, jsonrpc, echo")
            );
        }
        assert_eq!(text("Zeiss"), "dialect \"Zeiss\" is unknown; valid are auto, zeiss, jsonrpc, echo");
    }

    #[test]
    fn auto_does_not_answer_where_other_clients_live() {
        for path in ["/ws", "/clu", "/zato/channel"] {
            assert!(Protocol::Auto.open(path, options()).is_err(), "{path}");
            assert!(Protocol::Zeiss.open(path, options()).is_ok(), "{path}");
        }
        for path in ["", "/", "/ws/", "/wsx", "/zato"] {
            assert!(Protocol::Auto.open(path, options()).is_ok(), "{path}");
        }
    }
}
