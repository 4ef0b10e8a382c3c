//! The messages of the benchmark in each protocol: `{"KEY":{"n":10000000,"p":"xx.."}}`, filled to a size.

use super::ws::{self, Kind, MASK};
use super::{FIRST, Framing, Numbered, Wire};
use clap::ValueEnum;

/// Ends a message on tcp.
pub const EOT: u8 = 0x04;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Speech {
    /// JSON in WebSocket text messages
    Ws,
    /// JSON on tcp, each message ended by 0x04
    Tcp,
    /// PING of Redis with the message as its argument
    Resp,
    /// JSON-RPC 2.0 in WebSocket text messages
    Jsonrpc,
    /// Published by Jackfield's JSON-RPC, and heard by who subscribed; the key is the topic
    Event,
    /// MessagePack in WebSocket binary messages, as wslink cuts them
    Wslink,
}

/// What the right reply is, where the protocol does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Answer {
    /// The whole message
    Whole,
    /// What stands under the key
    Params,
    /// The same with blanks, as Python writes JSON
    Spaced,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Key of the command, or name of the method.
    pub key: &'a str,
    /// Bytes of the text, without its frame.
    pub size: usize,
}

/// The client's name and the number make the id of a wslink call; the name is not checked by the server.
const WSLINK_HELLO: &str = "system:c0:0";

impl Message<'_> {
    /// The wire for this message; `Err` where it does not fit into its size.
    pub fn wire(&self, speech: Speech, answer: Answer) -> Result<Wire, String> {
        let masked = |kind, text: &Numbered| text.clone().masked(&ws::header(kind, text.len()), MASK);
        let numbered =
            |text: Vec<u8>| Numbered::new(text).ok_or_else(|| format!("the key {} is like the number", self.key));
        let (text, fill) = match speech {
            Speech::Jsonrpc => self.filled(|fill| {
                let params = format!("{{\"p\":\"{fill}\"}}");
                format!("{{\"jsonrpc\":\"2.0\",\"id\":{FIRST},\"method\":\"{}\",\"params\":{params}}}", self.key)
            }),
            Speech::Event => self.filled(|fill| {
                let params = format!(r#"{{"subscription":1,"topic":"{}","data":{}}}"#, self.key, params(fill, ""));
                format!(r#"{{"jsonrpc":"2.0","method":"jackfield.event","params":{params}}}"#)
            }),
            _ => self.filled(|fill| format!("{{\"{}\":{}}}", self.key, params(fill, ""))),
        }?;
        let request = match speech {
            Speech::Event => {
                let params = format!(r#"{{"topic":"{}","data":{}}}"#, self.key, params(&fill, ""));
                format!(r#"{{"jsonrpc":"2.0","method":"jackfield.publish","params":{params}}}"#)
            }
            _ => text.clone(),
        };
        let request = numbered(request.into_bytes())?;
        let reply = match (speech, answer) {
            (Speech::Jsonrpc, _) => format!("{{\"jsonrpc\":\"2.0\",\"id\":{FIRST},\"result\":{{\"p\":\"{fill}\"}}}}"),
            (Speech::Resp | Speech::Event, _) | (_, Answer::Whole) => text,
            (_, Answer::Params) => params(&fill, ""),
            (_, Answer::Spaced) => params(&fill, " "),
        };
        let reply = numbered(reply.into_bytes())?;
        let ordered = speech != Speech::Jsonrpc;
        let ws = |request, reply| Wire { framing: Framing::Ws, upgrade: true, hello: None, request, reply, ordered };
        Ok(match speech {
            Speech::Ws | Speech::Jsonrpc => ws(masked(Kind::Text, &request), reply),
            Speech::Event => {
                let params = format!(r#"{{"topics":["{}"]}}"#, self.key);
                let hello = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"jackfield.subscribe","params":{params}}}"#);
                let hello = Some(mask(Kind::Text, hello.as_bytes()));
                Wire { hello, ..ws(masked(Kind::Text, &request), reply) }
            }
            Speech::Wslink => {
                let call = |id: &str, method: &str, arg: Vec<u8>| chunk(&call(id, method, arg));
                let id = format!("rpc:c0:{FIRST}");
                let request = call(&id, self.key, string(&fill));
                let reply = chunk(&pack(&[("wslink", string("1.0")), ("id", string(&id)), ("result", string(&fill))]));
                let secret = pack(&[("secret", string("wslink-secret"))]);
                let hello = call(WSLINK_HELLO, "wslink.hello", secret);
                // The server chooses the id of its messages: their first four bytes.
                let mut wire = ws(masked(Kind::Binary, &numbered(request)?), numbered(reply)?.ignoring(4));
                wire.hello = Some(mask(Kind::Binary, &hello));
                wire
            }
            Speech::Tcp => {
                let mut text = Vec::new();
                request.put(FIRST, &mut text);
                text.push(EOT);
                Wire { framing: Framing::Eot, upgrade: false, hello: None, request: numbered(text)?, reply, ordered }
            }
            Speech::Resp => {
                let mut text = format!("*2\r\n$4\r\nPING\r\n${}\r\n", request.len()).into_bytes();
                request.put(FIRST, &mut text);
                text.extend(b"\r\n");
                Wire { framing: Framing::Resp, upgrade: false, hello: None, request: numbered(text)?, reply, ordered }
            }
        })
    }

    /// A text of exactly the size, and what it was filled with.
    fn filled(&self, text: impl Fn(&str) -> String) -> Result<(String, String), String> {
        let least = text("").len();
        match self.size.checked_sub(least) {
            Some(fill) => {
                let fill = "x".repeat(fill);
                Ok((text(&fill), fill))
            }
            None => {
                Err(format!("{} bytes are too few for a message with key `{}`: at least {least}", self.size, self.key))
            }
        }
    }
}

fn params(fill: &str, blank: &str) -> String {
    format!("{{\"n\":{blank}{FIRST},{blank}\"p\":{blank}\"{fill}\"}}")
}

/// A frame that is sent once.
fn mask(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = ws::header(kind, payload.len());
    frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ MASK[at % 4]));
    frame
}

/// One piece of wslink's that is a whole message: id, offset, length.
fn chunk(payload: &[u8]) -> Vec<u8> {
    [&7u32.to_le_bytes()[..], &[0; 4], &(payload.len() as u32).to_le_bytes(), payload].concat()
}

/// A call of wslink's with one argument.
fn call(id: &str, method: &str, arg: Vec<u8>) -> Vec<u8> {
    let args = [vec![0x91], arg].concat();
    pack(&[
        ("wslink", string("1.0")),
        ("id", string(id)),
        ("method", string(method)),
        ("args", args),
        ("kwargs", vec![0x80]),
    ])
}

/// A small map of MessagePack.
fn pack(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut map = vec![0x80 | entries.len() as u8];
    entries.iter().for_each(|(key, value)| map.extend([string(key), value.clone()].concat()));
    map
}

/// A string of MessagePack, in its shortest form.
fn string(text: &str) -> Vec<u8> {
    let length = text.len();
    let head = match length {
        0..=31 => vec![0xA0 | length as u8],
        32..=255 => vec![0xD9, length as u8],
        _ => [&[0xDA][..], &(length as u16).to_be_bytes()].concat(),
    };
    [head, text.as_bytes().to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Seen;

    fn sent(wire: &Wire) -> Vec<u8> {
        let mut out = Vec::new();
        wire.request.put(12_345_678, &mut out);
        out
    }

    #[test]
    fn messages_have_their_size_and_are_json() {
        for (key, size) in [("echo", 64), ("serial", 64), ("x.xx", 1024), ("echo", 65_536)] {
            let wire = Message { key, size }.wire(Speech::Tcp, Answer::Params).unwrap();
            let sent = sent(&wire);
            assert_eq!((sent.len(), sent[size]), (size + 1, EOT));
            let value: serde_json::Value = serde_json::from_slice(&sent[..size]).unwrap();
            assert_eq!(value[key]["n"], 12_345_678);
            let reply = serde_json::to_string(&value[key]).unwrap();
            assert_eq!(wire.reply.read(reply.as_bytes()), Seen::Right(12_345_678));
        }
        let error = Message { key: "echo", size: 10 }.wire(Speech::Ws, Answer::Whole).unwrap_err();
        assert!(error.contains("at least"), "{error}");
    }

    #[test]
    fn the_other_protocols_frame_it() {
        let message = Message { key: "echo", size: 64 };
        let redis = sent(&message.wire(Speech::Resp, Answer::Whole).unwrap());
        assert!(redis.starts_with(b"*2\r\n$4\r\nPING\r\n$64\r\n{\"echo\"") && redis.ends_with(b"}\r\n"));
        let spaced = message.wire(Speech::Ws, Answer::Spaced).unwrap().reply;
        assert_eq!(
            spaced.read(format!("{{\"n\": 12345678, \"p\": \"{}\"}}", "x".repeat(34)).as_bytes()),
            Seen::Right(12_345_678)
        );
        let wslink = message.wire(Speech::Wslink, Answer::Whole).unwrap();
        assert!(wslink.hello.is_some());
    }

    #[test]
    fn calls_of_json_rpc_carry_the_number_as_their_id() {
        let wire = Message { key: "echo", size: 100 }.wire(Speech::Jsonrpc, Answer::Whole).unwrap();
        assert!(!wire.ordered);
        assert_eq!(sent(&wire).len(), 100 + 6);
    }
}
