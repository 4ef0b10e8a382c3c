//! The check without haste: whatever the quick one does not say yes to, and the names and places of faults.

use super::escape::escape;
use super::plain::plain;
use super::{END, JsonError, Kind, Member, kind};

pub(super) fn check(text: &str, nesting: usize) -> Result<Kind, JsonError> {
    let scanner = Scanner::new(text, nesting);
    let begin = scanner.white_space(0);
    let kind = kind(scanner.peek(begin));
    scanner.run(begin, Scanner::value)?;
    Ok(kind)
}

/// The text from a member of its outermost object on; what is before it was checked.
#[cold]
pub(super) fn members<'a>(
    text: &'a str,
    nesting: usize,
    from: usize,
    member: &mut dyn FnMut(Member<'a>),
) -> Result<Kind, JsonError> {
    Scanner::new(text, nesting).run(from, |scanner, at| scanner.members(at, member))?;
    Ok(Kind::Object)
}

/// What is behind an object that was checked.
#[cold]
pub(super) fn behind(text: &str, from: usize) -> Result<Kind, JsonError> {
    Scanner::new(text, 0).run(from, |_, at| Some(at))?;
    Ok(Kind::Object)
}

/// Each step takes the place where it begins and gives the one where it ends, so that places stay in registers. `None`: a
/// fault, which is noted.
struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    nesting: usize,
    fault: JsonError,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, nesting: usize) -> Self {
        Self { text, bytes: text.as_bytes(), nesting, fault: JsonError { what: "", at: 0 } }
    }

    /// The whole text from where its value is taken up, by `value`.
    fn run(mut self, at: usize, value: impl FnOnce(&mut Self, usize) -> Option<usize>) -> Result<(), JsonError> {
        let Some(end) = value(&mut self, at) else { return Err(self.fault) };
        let end = self.white_space(end);
        if end < self.bytes.len() {
            return Err(JsonError { what: "something behind the value", at: end });
        }
        Ok(())
    }

    /// An object from one of its members on, without its bracket.
    fn members(&mut self, mut at: usize, member: &mut dyn FnMut(Member<'a>)) -> Option<usize> {
        self.nesting -= 1;
        let first = at > 0 && self.peek(at - 1) == b'{';
        at = self.white_space(at);
        if first && self.peek(at) == b'}' {
            return Some(at + 1);
        }
        loop {
            let key = at;
            let key_end = self.key(key)?;
            let value = self.colon(key_end)?;
            let value_end = self.value(value)?;
            let (text, key, value) = (self.text, (key + 1, key_end - 1), (value, value_end));
            member(Member { text, key, escaped: true, value });
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

    fn string(&mut self, at: usize) -> Option<usize> {
        let mut at = at + 1;
        loop {
            at = plain(self.bytes, at);
            match self.peek(at) {
                b'"' => return Some(at + 1),
                b'\\' => match escape(self.bytes, at) {
                    Ok(end) => at = end,
                    Err(JsonError { what, at }) => return self.fail(what, at),
                },
                _ if at == self.bytes.len() => return self.fail("the text ends inside a string", at),
                _ => return self.fail("a control character stands in a string", at),
            }
        }
    }

    fn number(&mut self, at: usize) -> Option<usize> {
        let at = at + usize::from(self.peek(at) == b'-');
        let at = if self.peek(at) == b'0' { at + 1 } else { self.digits(at)? };
        if matches!(self.peek(at), b'.' | b'e' | b'E') { self.fraction(at) } else { Some(at) }
    }

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

    fn white_space(&self, mut at: usize) -> usize {
        while matches!(self.peek(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }

    fn peek(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(END)
    }

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
