//! What goes over the wire: how a numbered request is built, where a reply ends, and how it is recognised.

mod messages;
mod numbered;
pub mod ws;

pub use messages::{Answer, Message, Speech};
pub use numbered::{DIGITS, FIRST, Numbered, Seen, after};

use std::ops::Range;

/// Where the first reply in some bytes stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// It is not all there.
    More,
    /// A reply, and where the next begins.
    Reply {
        /// What is compared.
        payload: Range<usize>,
        /// Where it ends with its frame.
        end: usize,
    },
    /// Something that is no reply, such as a ping.
    Other {
        /// Where it ends.
        end: usize,
    },
    /// The server closes.
    Closed,
    /// Nothing that can be understood.
    Broken(&'static str),
}

/// How replies are told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// WebSocket frames.
    Ws,
    /// Messages that end with 0x04.
    Eot,
    /// Bulk strings of the Redis protocol.
    Resp,
}

impl Framing {
    /// The first reply in `bytes`.
    pub fn split(self, bytes: &[u8]) -> Split {
        match self {
            Self::Ws => ws::split(bytes),
            Self::Eot => match bytes.iter().position(|byte| *byte == messages::EOT) {
                Some(end) => Split::Reply { payload: 0..end, end: end + 1 },
                None => Split::More,
            },
            Self::Resp => bulk(bytes),
        }
    }
}

/// `$LENGTH\r\n...\r\n`; an error is a line, which is a reply too, a wrong one.
fn bulk(bytes: &[u8]) -> Split {
    let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") else { return Split::More };
    if bytes[0] != b'$' {
        return Split::Reply { payload: 0..line, end: line + 2 };
    }
    let length = std::str::from_utf8(&bytes[1..line]).ok().and_then(|text| text.parse::<u32>().ok());
    let Some(length) = length else { return Split::Broken("a bulk string without a length") };
    let start = line + 2;
    let end = start + length as usize;
    if bytes.len() < end + 2 { Split::More } else { Split::Reply { payload: start..end, end: end + 2 } }
}

/// All that a generator must know of a protocol and a message.
#[derive(Clone, Debug)]
pub struct Wire {
    /// How replies are told from each other.
    pub framing: Framing,
    /// Whether a connection begins with an upgrade from HTTP.
    pub upgrade: bool,
    /// What is sent before the first request; its one reply is not looked at.
    pub hello: Option<Vec<u8>>,
    /// A request as it is sent.
    pub request: Numbered,
    /// The payload of the right reply.
    pub reply: Numbered,
    /// Whether replies come in the order of the requests.
    pub ordered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_redis_are_found_wherever_the_bytes_are_cut() {
        let reply = b"$5\r\nab\r\nc\r\n";
        for cut in 0..reply.len() {
            assert_eq!(Framing::Resp.split(&reply[..cut]), Split::More, "{cut}");
        }
        assert_eq!(Framing::Resp.split(&[&reply[..], b"$"].concat()), Split::Reply { payload: 4..9, end: 11 });
        assert_eq!(Framing::Resp.split(b"-ERR no\r\n$"), Split::Reply { payload: 0..7, end: 9 });
        assert!(matches!(Framing::Resp.split(b"$x\r\n"), Split::Broken(_)));
    }

    #[test]
    fn replies_that_end_with_a_byte_are_found() {
        assert_eq!(Framing::Eot.split(b"ab"), Split::More);
        assert_eq!(Framing::Eot.split(b"ab\x04c"), Split::Reply { payload: 0..2, end: 3 });
    }
}
