//! Bytes with a number of eight digits in them: written many times, each time with another number, and recognised again.

use std::ops::Range;

/// The first number. Eight digits without a leading zero, so that it is a JSON number of one length.
pub const FIRST: u32 = 10_000_000;
/// The last one; the first follows it.
const LAST: u32 = 99_999_999;
/// How many digits.
pub const DIGITS: usize = 8;

/// The number after this one.
pub fn after(number: u32) -> u32 {
    if number >= LAST { FIRST } else { number + 1 }
}

/// A message of which only the number changes.
#[derive(Clone, Debug)]
pub struct Numbered {
    bytes: Vec<u8>,
    digits: Range<usize>,
    /// What the digits are combined with: the mask of a WebSocket client's frame, or nothing.
    key: [u8; DIGITS],
    /// So many bytes at the beginning are not compared.
    ignored: usize,
}

/// What a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// As expected, to this number.
    Right(u32),
    /// Other bytes.
    Wrong,
}

impl Numbered {
    /// Around the digits of [`FIRST`], which stand in `bytes` once; `None` if they do not.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        let first = FIRST.to_string();
        let mut found = (0..=bytes.len().checked_sub(DIGITS)?).filter(|&at| bytes[at..].starts_with(first.as_bytes()));
        let at = found.next()?;
        found.next().is_none().then(|| Self { bytes, digits: at..at + DIGITS, key: [0; DIGITS], ignored: 0 })
    }

    /// The same with bytes before it and all bytes combined with a repeated key: a masked frame.
    pub fn masked(mut self, header: &[u8], key: [u8; 4]) -> Self {
        self.key = std::array::from_fn(|at| key[(self.digits.start + at) % 4]);
        self.bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= key[at % 4]);
        self.bytes.splice(0..0, header.iter().copied());
        self.digits = self.digits.start + header.len()..self.digits.end + header.len();
        self
    }

    /// The same, but the first bytes of a reply may be any.
    pub fn ignoring(mut self, bytes: usize) -> Self {
        self.ignored = bytes.min(self.digits.start);
        self
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Never: there are digits in it.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Appends the message with this number.
    pub fn put(&self, mut number: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let digits = &mut out[start + self.digits.start..start + self.digits.end];
        for (digit, key) in digits.iter_mut().zip(self.key).rev() {
            *digit = (b'0' + (number % 10) as u8) ^ key;
            number /= 10;
        }
    }

    /// Compares a reply with this message, all of it, and reads its number.
    pub fn read(&self, reply: &[u8]) -> Seen {
        let Range { start, end } = self.digits;
        let same = reply.len() == self.bytes.len()
            && reply[self.ignored..start] == self.bytes[self.ignored..start]
            && reply[end..] == self.bytes[end..];
        if !same || !reply[start..end].iter().all(u8::is_ascii_digit) {
            return Seen::Wrong;
        }
        Seen::Right(reply[start..end].iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read() {
        let message = Numbered::new("{\"n\":10000000}").unwrap();
        let mut out = Vec::new();
        for number in [FIRST, 12_345_678, LAST] {
            out.clear();
            message.put(number, &mut out);
            assert_eq!(out, format!("{{\"n\":{number}}}").into_bytes());
            assert_eq!(message.read(&out), Seen::Right(number));
        }
        assert_eq!(after(LAST), FIRST);
    }

    #[test]
    fn every_changed_byte_is_seen() {
        let message = Numbered::new("{\"n\":10000000}").unwrap();
        let mut reply = Vec::new();
        message.put(FIRST, &mut reply);
        for at in 0..reply.len() {
            let mut other = reply.clone();
            other[at] ^= 0x40;
            assert_eq!(message.read(&other), Seen::Wrong, "byte {at}");
        }
        assert_eq!(message.read(&reply[1..]), Seen::Wrong);
        assert_eq!(message.read(&[&reply[..], b" "].concat()), Seen::Wrong);
    }

    #[test]
    fn the_first_bytes_may_be_any() {
        let message = Numbered::new("ab10000000").unwrap().ignoring(1);
        assert_eq!(message.read(b"xb10000001"), Seen::Right(FIRST + 1));
        assert_eq!(message.read(b"xx10000001"), Seen::Wrong);
    }

    #[test]
    fn digits_stand_there_once() {
        assert!(Numbered::new("").is_none());
        assert!(Numbered::new("1000000").is_none());
        assert!(Numbered::new("10000000 10000000").is_none());
    }
}
