//! The one check that all JSON from outside passes, once, without building anything.
//!
//! Strict RFC 8259, and a little more: no NaN or Infinity, no lone surrogate in an escape, no byte order mark, nothing
//! behind the value, no nesting beyond the caller's limit. Numbers are not bounded in size (`1e999` is valid). The input is
//! a `str`: that it is UTF-8 is known already.

mod plain;

use plain::{ends, plain};
use std::borrow::Cow;
use std::fmt;

/// Deepest nesting that is accepted where nothing else is configured.
pub const DEFAULT_NESTING: usize = 128;

/// Why a text is not acceptable JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// What is wrong.
    pub what: &'static str,
    /// Byte offset in the text.
    pub at: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for JsonError {}

/// The kind of the outermost value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{...}`
    Object,
    /// `[...]`
    Array,
    /// `"..."`
    String,
    /// A number, `true`, `false` or `null`.
    Scalar,
}

/// One member of the outermost object: borrowed from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key as written, without the quotes, escapes not undone.
    raw_key: &'a str,
    /// The value as written.
    pub value: &'a str,
}

impl<'a> Member<'a> {
    /// The key with its escapes undone; borrowed where there are none.
    pub fn key(&self) -> Cow<'a, str> {
        if !self.raw_key.bytes().any(|byte| byte == b'\\') {
            return Cow::Borrowed(self.raw_key);
        }
        // The key was checked already, so serde_json finds nothing to refuse in it.
        match serde_json::from_str::<String>(&format!("\"{}\"", self.raw_key)) {
            Ok(key) => Cow::Owned(key),
            Err(_) => Cow::Borrowed(self.raw_key),
        }
    }
}

/// Checks that `text` is one JSON text no deeper than `nesting`.
pub fn check(text: &str, nesting: usize) -> Result<Kind, JsonError> {
    Scanner::new(text, nesting).run(|scanner, at| scanner.value(at))
}

/// Checks `text` and hands each member of the outermost object to `member`, in order. Nothing is handed over for other
/// kinds. Members come before the rest of the text is checked: act on them only after `Ok`.
pub fn scan<'a>(text: &'a str, nesting: usize, member: impl FnMut(Member<'a>)) -> Result<Kind, JsonError> {
    Scanner::new(text, nesting).run(|scanner, at| match scanner.peek(at) {
        b'{' => scanner.top_object(at, member),
        _ => scanner.value(at),
    })
}

/// Each step takes the place where it begins and gives the one where it ends, so that places stay in registers. `None`: a
/// fault, which is noted.
struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    nesting: usize,
    fault: JsonError,
}

/// What is read behind the end of the text; outside strings it is nowhere valid.
const END: u8 = 0;

impl<'a> Scanner<'a> {
    fn new(text: &'a str, nesting: usize) -> Self {
        Self { text, bytes: text.as_bytes(), nesting, fault: JsonError { what: "", at: 0 } }
    }

    /// The whole text, with `value` for its one value.
    fn run(mut self, value: impl FnOnce(&mut Self, usize) -> Option<usize>) -> Result<Kind, JsonError> {
        let begin = self.white_space(0);
        let Some(end) = value(&mut self, begin) else { return Err(self.fault) };
        let end = self.white_space(end);
        if end < self.bytes.len() {
            return Err(JsonError { what: "something behind the value", at: end });
        }
        Ok(match self.peek(begin) {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            _ => Kind::Scalar,
        })
    }

    fn top_object(&mut self, at: usize, mut member: impl FnMut(Member<'a>)) -> Option<usize> {
        if self.nesting == 0 {
            return self.fail("nested too deeply", at);
        }
        self.nesting -= 1;
        let mut at = self.white_space(at + 1);
        if self.peek(at) == b'}' {
            return Some(at + 1);
        }
        loop {
            let key = at;
            let key_end = self.key(key)?;
            let value = self.colon(key_end)?;
            let value_end = self.value(value)?;
            member(Member { raw_key: &self.text[key + 1..key_end - 1], value: &self.text[value..value_end] });
            at = self.white_space(value_end);
            match self.peek(at) {
                b',' => at = self.white_space(at + 1),
                b'}' => return Some(at + 1),
                _ => return self.fail("expected `,` or `}`", at),
            }
        }
    }

    /// One value of any depth, without recursion: `open` remembers one bit a level, set for objects.
    fn value(&mut self, mut at: usize) -> Option<usize> {
        let mut open = OpenStack::default();
        loop {
            // A value begins here.
            at = match self.peek(at) {
                b'"' => self.string(at)?,
                bracket @ (b'{' | b'[') => {
                    if open.depth == self.nesting {
                        return self.fail("nested too deeply", at);
                    }
                    let object = bracket == b'{';
                    at = self.white_space(at + 1);
                    // In ASCII a closing bracket stands two behind its opening one.
                    if self.peek(at) != bracket + 2 {
                        open.push(object);
                        if object {
                            at = self.key_and_colon(at)?;
                        }
                        continue;
                    }
                    at + 1
                }
                b'-' | b'0'..=b'9' => self.number(at)?,
                b't' => self.word("true", at)?,
                b'f' => self.word("false", at)?,
                b'n' => self.word("null", at)?,
                _ if at == self.bytes.len() => return self.fail("the text ends where a value is expected", at),
                _ => return self.fail("expected a value", at),
            };
            // A value has ended here: close what ends with it.
            loop {
                let Some(object) = open.top() else { return Some(at) };
                at = self.white_space(at);
                match self.peek(at) {
                    b',' => {
                        at = self.white_space(at + 1);
                        if object {
                            at = self.key_and_colon(at)?;
                        }
                        break;
                    }
                    b'}' if object => open.pop(),
                    b']' if !object => open.pop(),
                    _ if at == self.bytes.len() => return self.fail("the text ends inside an object or array", at),
                    _ => return self.fail(if object { "expected `,` or `}`" } else { "expected `,` or `]`" }, at),
                }
                at += 1;
            }
        }
    }

    #[inline]
    fn key_and_colon(&mut self, at: usize) -> Option<usize> {
        let at = self.key(at)?;
        self.colon(at)
    }

    fn key(&mut self, at: usize) -> Option<usize> {
        if self.peek(at) == b'"' { self.string(at) } else { self.fail("expected a key in quotes", at) }
    }

    /// The colon behind a key, with the white space around it.
    fn colon(&mut self, at: usize) -> Option<usize> {
        let at = self.white_space(at);
        if self.peek(at) == b':' { Some(self.white_space(at + 1)) } else { self.fail("expected `:`", at) }
    }

    #[inline]
    fn string(&mut self, at: usize) -> Option<usize> {
        let begin = at + 1;
        // Most strings are keys and other short ones.
        if let Some(block) = self.bytes.get(begin..).and_then(<[u8]>::first_chunk) {
            let first = ends(block).trailing_zeros() as usize;
            if block.get(first) == Some(&b'"') {
                return Some(begin + first + 1);
            }
        }
        self.long_string(begin)
    }

    /// On its own, so that the usual case stays small.
    #[inline(never)]
    fn long_string(&mut self, begin: usize) -> Option<usize> {
        let mut at = begin;
        loop {
            at = plain(self.bytes, at);
            match self.peek(at) {
                b'"' => return Some(at + 1),
                b'\\' => at = self.escape(at)?,
                _ if at == self.bytes.len() => return self.fail("the text ends inside a string", at),
                _ => return self.fail("a control character stands in a string", at),
            }
        }
    }

    fn escape(&mut self, at: usize) -> Option<usize> {
        match self.peek(at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
            b'u' => {
                let (unit, behind) = (self.unicode_escape(at)?, at + 6);
                match unit {
                    0xDC00..=0xDFFF => self.fail("a lone surrogate", behind),
                    0xD800..=0xDBFF => {
                        let low = self.bytes[behind..].starts_with(b"\\u")
                            && matches!(self.unicode_escape(behind)?, 0xDC00..=0xDFFF);
                        if low { Some(behind + 6) } else { self.fail("a lone surrogate", behind) }
                    }
                    _ => Some(behind),
                }
            }
            _ => self.fail("an unknown escape", at),
        }
    }

    fn unicode_escape(&mut self, at: usize) -> Option<u16> {
        let mut unit = 0u16;
        for index in 2..6 {
            let digit = match self.peek(at + index) {
                byte @ b'0'..=b'9' => byte - b'0',
                byte @ b'a'..=b'f' => byte - b'a' + 10,
                byte @ b'A'..=b'F' => byte - b'A' + 10,
                _ => return self.fail("expected four hexadecimal digits", at),
            };
            unit = unit << 4 | u16::from(digit);
        }
        Some(unit)
    }

    #[inline]
    fn number(&mut self, at: usize) -> Option<usize> {
        let at = at + usize::from(self.peek(at) == b'-');
        let at = if self.peek(at) == b'0' { at + 1 } else { self.digits(at)? };
        if matches!(self.peek(at), b'.' | b'e' | b'E') { self.fraction(at) } else { Some(at) }
    }

    #[inline(never)]
    fn fraction(&mut self, mut at: usize) -> Option<usize> {
        if self.peek(at) == b'.' {
            at = self.digits(at + 1)?;
        }
        if matches!(self.peek(at), b'e' | b'E') {
            at += 1;
            at = self.digits(at + usize::from(matches!(self.peek(at), b'+' | b'-')))?;
        }
        Some(at)
    }

    fn digits(&mut self, begin: usize) -> Option<usize> {
        let mut at = begin;
        while self.peek(at).is_ascii_digit() {
            at += 1;
        }
        if at == begin { self.fail("expected a digit", at) } else { Some(at) }
    }

    fn word(&mut self, word: &str, at: usize) -> Option<usize> {
        if !self.bytes[at..].starts_with(word.as_bytes()) {
            return self.fail("expected a value", at);
        }
        Some(at + word.len())
    }

    /// Most texts have none.
    #[inline]
    fn white_space(&self, at: usize) -> usize {
        if self.peek(at) > b' ' { at } else { self.some_white_space(at) }
    }

    #[inline(never)]
    fn some_white_space(&self, mut at: usize) -> usize {
        while matches!(self.peek(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }

    fn peek(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(END)
    }

    #[cold]
    fn fail<T>(&mut self, what: &'static str, at: usize) -> Option<T> {
        self.fault = JsonError { what, at };
        None
    }
}

/// Which of the open levels are objects: a word for the first 64, a list only beyond.
#[derive(Default)]
struct OpenStack {
    depth: usize,
    word: u64,
    full: Vec<u64>,
}

impl OpenStack {
    fn push(&mut self, object: bool) {
        if self.depth >= 64 && self.depth.is_multiple_of(64) {
            self.full.push(self.word);
        }
        self.word = self.word << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth >= 64 && self.depth.is_multiple_of(64) {
            self.word = self.full.pop().unwrap_or_default();
        }
    }

    fn top(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.word & 1 == 1)
    }
}

#[cfg(test)]
mod tests;
