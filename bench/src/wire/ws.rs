//! The client's side of RFC 6455, as little of it as a benchmark needs. By hand, because a library would be the slowest part
//! of the generator.

use super::Split;
use std::io::{self, Read, Write};

/// Not zero, so that a server must unmask.
pub const MASK: [u8; 4] = [0x5A, 0xC3, 0x17, 0x8E];

/// Kinds of data frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text = 1,
    /// Anything.
    Binary = 2,
}

/// The header of a masked frame that is a whole message.
pub fn header(kind: Kind, length: usize) -> Vec<u8> {
    let mut header = vec![0x80 | kind as u8];
    match length {
        0..=125 => header.push(0x80 | length as u8),
        126..=0xFFFF => {
            header.push(0x80 | 126);
            header.extend((length as u16).to_be_bytes());
        }
        _ => {
            header.push(0x80 | 127);
            header.extend((length as u64).to_be_bytes());
        }
    }
    header.extend(MASK);
    header
}

/// The first frame of what a server sent.
pub fn split(bytes: &[u8]) -> Split {
    let &[first, second, ..] = bytes else { return Split::More };
    let (start, length): (usize, usize) = match second {
        0..=125 => (2, usize::from(second)),
        126 => match bytes.get(2..4) {
            Some(length) => (4, length.iter().fold(0, |all, &byte| all << 8 | usize::from(byte))),
            None => return Split::More,
        },
        127 => match bytes.get(2..10) {
            Some(length) => (10, length.iter().fold(0, |all, &byte| all << 8 | usize::from(byte))),
            None => return Split::More,
        },
        _ => return Split::Broken("a masked frame"),
    };
    let Some(end) = start.checked_add(length) else { return Split::Broken("a frame longer than memory") };
    if bytes.len() < end {
        return Split::More;
    }
    match first {
        0x81 | 0x82 => Split::Reply { payload: start..end, end },
        0x88 => Split::Closed,
        0x89 | 0x8A => Split::Other { end },
        _ => Split::Broken("a frame that is no whole message"),
    }
}

/// Asks for the upgrade and reads the answer, up to its empty line and no byte further.
pub fn handshake(stream: &mut (impl Read + Write), host: &str, path: &str) -> io::Result<()> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.extend(byte);
    }
    match answer.starts_with(b"HTTP/1.1 101 ") {
        true => Ok(()),
        false => {
            let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
            Err(io::Error::other(format!("{host}{path} answers `{line}` to the upgrade, expected 101")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DIGITS, Numbered};
    use super::*;

    fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = header(Kind::Text, payload.len());
        frame[0] = first;
        frame[1] &= 0x7F;
        frame.truncate(frame.len() - 4);
        [&frame, payload].concat()
    }

    #[test]
    fn a_masked_frame_is_as_the_standard_says() {
        for length in [DIGITS, 125, 126, 65_535, 65_536] {
            let text = "10000000".to_owned() + &"x".repeat(length - DIGITS);
            let frame = Numbered::new(text.clone()).unwrap().masked(&header(Kind::Text, length), MASK);
            let mut out = Vec::new();
            frame.put(12_345_678, &mut out);
            let start = out.len() - length;
            assert_eq!(out[start - 4..start], MASK);
            let plain: Vec<u8> = out[start..].iter().enumerate().map(|(at, byte)| byte ^ MASK[at % 4]).collect();
            assert_eq!(plain, text.replace("10000000", "12345678").into_bytes(), "{length}");
            assert_eq!(
                start,
                6 + if length < 126 {
                    0
                } else if length < 65_536 {
                    2
                } else {
                    8
                }
            );
        }
    }

    #[test]
    fn frames_are_found_wherever_the_bytes_are_cut() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let frame = server_frame(0x81, &vec![b'a'; length]);
            for cut in (0..frame.len()).filter(|cut| *cut < 16 || *cut + 16 > frame.len()) {
                assert_eq!(split(&frame[..cut]), Split::More, "{length} cut at {cut}");
            }
            let two = [&frame[..], b"\x81"].concat();
            assert_eq!(split(&two), Split::Reply { payload: frame.len() - length..frame.len(), end: frame.len() });
        }
    }

    #[test]
    fn other_frames_are_told_apart() {
        assert_eq!(split(&server_frame(0x89, b"a")), Split::Other { end: 3 });
        assert_eq!(split(&server_frame(0x88, b"")), Split::Closed);
        assert!(matches!(split(&server_frame(0x01, b"a")), Split::Broken(_)));
        assert!(matches!(split(b"\x81\xFF"), Split::Broken(_)));
    }

    #[test]
    fn a_refused_upgrade_names_the_answer() {
        struct Peer<'a>(&'a [u8]);
        impl Read for Peer<'_> {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                self.0.read(to)
            }
        }
        impl Write for Peer<'_> {
            fn write(&mut self, from: &[u8]) -> io::Result<usize> {
                Ok(from.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut peer = Peer(b"HTTP/1.1 101 Switching\r\nA: b\r\n\r\n\x81");
        handshake(&mut peer, "a", "/").unwrap();
        assert_eq!(peer.0, b"\x81");
        let error = handshake(&mut Peer(b"HTTP/1.1 503 Busy\r\n\r\n"), "a", "/").unwrap_err();
        assert!(error.to_string().contains("503 Busy"), "{error}");
    }
}
