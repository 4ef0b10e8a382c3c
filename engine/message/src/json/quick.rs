//! The quick check. It says yes, or leaves the text to the strict one: because of a fault, which that one names, or because of
//! something that is too rare to be quick about.

use super::windows::Windows;
use super::{END, Kind, Member, kind};
use std::num::NonZeroU64;

/// A byte and its place: of a string the quote behind it, of a row of digits the first.
#[derive(Clone, Copy)]
struct Token {
    at: usize,
    byte: u8,
}

/// What comes behind a fault. No grammar has a place for it, so that it ends everything.
const FAULT: Token = Token { at: usize::MAX, byte: END };

/// What was not accepted of a text.
pub(super) enum Rest {
    /// The whole, with no member handed over.
    All,
    /// From a member of the outermost object on.
    Member(usize),
    /// What is behind the outermost object.
    Behind(usize),
}

pub(super) struct Quick<'w, 'a> {
    bytes: &'a [u8],
    cursor: Cursor,
    /// On its own, so that all else stays in registers.
    windows: &'w mut Windows<'a>,
}

#[derive(Clone, Copy)]
struct Cursor {
    /// The tokens of the window at `base` that are still to come.
    tokens: u64,
    base: usize,
}

impl<'w, 'a> Quick<'w, 'a> {
    #[inline]
    pub fn new(bytes: &'a [u8], windows: &'w mut Windows<'a>) -> Self {
        Self { bytes, cursor: Cursor { tokens: 0, base: 0 }, windows }
    }

    #[inline]
    pub fn check(mut self, nesting: usize) -> Option<Kind> {
        let first = self.next();
        let last = self.value(first, 1 << nesting.min(63));
        (last.at == self.bytes.len()).then(|| kind(first.byte))
    }

    /// If the text, which is that of `new`, is an object, its members, each handed over as soon as it is known to be good with
    /// the comma or bracket behind it. Otherwise what is left to the strict check.
    #[inline]
    pub fn members(mut self, text: &'a str, nesting: usize, mut member: impl FnMut(Member<'a>)) -> Result<Kind, Rest> {
        let first = self.next();
        if first.byte != b'{' || nesting == 0 {
            return Err(Rest::All);
        }
        let mut key = self.next();
        let mut before = first.at;
        if key.byte == b'}' {
            return if self.next().at == self.bytes.len() { Ok(Kind::Object) } else { Err(Rest::All) };
        }
        loop {
            let colon = self.next();
            if key.byte != b'"' || colon.byte != b':' {
                return Err(Rest::Member(before + 1));
            }
            let value = self.next();
            let behind = self.value(value, 1 << (nesting - 1).min(63));
            if behind.byte != b',' && behind.byte != b'}' {
                return Err(Rest::Member(before + 1));
            }
            let from = self.behind_space(before + 1) + 1;
            member(Member {
                text,
                key: (from, key.at),
                escaped: self.windows.escaped(),
                value: (self.behind_space(colon.at + 1), self.before_space(behind.at)),
            });
            before = behind.at;
            key = self.next();
            if behind.byte == b'}' {
                return if key.at == self.bytes.len() { Ok(Kind::Object) } else { Err(Rest::Behind(behind.at + 1)) };
            }
        }
    }

    /// One value of any kind, without recursion, from its first token to the one behind it. In `deepest` the bit of `open` is set
    /// that is set where nothing may be opened any more.
    #[inline(always)]
    fn value(&mut self, mut token: Token, deepest: u64) -> Token {
        // A bit for each level that is open, set for arrays, the innermost lowest; above them a set one.
        let mut open = 1u64;
        loop {
            if open & 1 == 0 {
                if token.byte != b'"' || self.next().byte != b':' {
                    return FAULT;
                }
                token = self.next();
            }
            token = match token.byte {
                b'"' => self.next(),
                b'{' | b'[' => {
                    if open & deepest != 0 {
                        return FAULT;
                    }
                    let next = self.next();
                    // In ASCII a closing bracket stands two behind its opening one.
                    if next.byte != token.byte + 2 {
                        open = open << 1 | u64::from(token.byte == b'[');
                        token = next;
                        continue;
                    }
                    self.next()
                }
                b'1'..=b'9' => match self.next() {
                    next @ Token { byte: b'.' | b'e' | b'E', .. } => self.aside(|rare| rare.fraction(next)),
                    next => next,
                },
                _ => self.aside(|rare| rare.other(token)),
            };
            loop {
                if open == 1 {
                    return token;
                }
                let byte = token.byte;
                if byte != b',' && byte != if open & 1 == 1 { b']' } else { b'}' } {
                    return FAULT;
                }
                token = self.next();
                if byte == b',' {
                    break;
                }
                open >>= 1;
            }
        }
    }

    /// What is rare works on a copy of the cursor, so that the cursor stays in registers.
    #[inline(always)]
    fn aside(&mut self, step: impl FnOnce(&mut Rare<'_, 'a>) -> Token) -> Token {
        let mut rare = Rare { bytes: self.bytes, cursor: self.cursor, windows: self.windows };
        let token = step(&mut rare);
        self.cursor = rare.cursor;
        token
    }

    #[inline(always)]
    fn next(&mut self) -> Token {
        self.cursor.next(self.windows)
    }

    #[inline(always)]
    fn behind_space(&self, mut at: usize) -> usize {
        while self.bytes.get(at).is_some_and(|&byte| byte <= b' ') {
            at += 1;
        }
        at
    }

    #[inline(always)]
    fn before_space(&self, mut at: usize) -> usize {
        while self.peek(at.wrapping_sub(1)) <= b' ' {
            at -= 1;
        }
        at
    }

    #[inline(always)]
    fn peek(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(END)
    }
}

impl Cursor {
    #[inline(always)]
    fn next(&mut self, windows: &mut Windows) -> Token {
        let tokens = match NonZeroU64::new(self.tokens) {
            Some(tokens) => tokens,
            None => {
                std::hint::cold_path();
                let (tokens, base) = windows.next();
                self.base = base;
                tokens
            }
        };
        self.tokens = tokens.get() & (tokens.get() - 1);
        let place = tokens.trailing_zeros();
        Token { at: self.base + place as usize, byte: windows.byte(place) }
    }
}

struct Rare<'w, 'a> {
    bytes: &'a [u8],
    cursor: Cursor,
    windows: &'w mut Windows<'a>,
}

impl Rare<'_, '_> {
    /// A number that begins otherwise, or a word.
    #[inline(never)]
    fn other(&mut self, mut token: Token) -> Token {
        if token.byte == b'-' {
            token = self.joined(token);
            if !token.byte.is_ascii_digit() {
                return FAULT;
            }
        }
        match token.byte {
            b'0' if self.peek(token.at + 1).is_ascii_digit() => FAULT,
            b'0'..=b'9' => {
                let next = self.next();
                self.fraction(next)
            }
            first => {
                let word: &[u8] = match first {
                    b't' => b"true",
                    b'f' => b"false",
                    _ => b"null",
                };
                if !self.bytes.get(token.at..).is_some_and(|rest| rest.starts_with(word)) {
                    return FAULT;
                }
                for _ in 1..word.len() {
                    self.next();
                }
                self.next()
            }
        }
    }

    /// What may stand behind the whole part of a number.
    #[inline(never)]
    fn fraction(&mut self, mut token: Token) -> Token {
        let number = |quick: &Self, at: usize| quick.peek(at.wrapping_sub(1)).is_ascii_digit();
        if token.byte == b'.' {
            if !number(self, token.at) || !self.joined(token).byte.is_ascii_digit() {
                return FAULT;
            }
            token = self.next();
        }
        if matches!(token.byte, b'e' | b'E') {
            if !number(self, token.at) {
                return FAULT;
            }
            token = self.joined(token);
            if matches!(token.byte, b'+' | b'-') {
                token = self.joined(token);
            }
            if !token.byte.is_ascii_digit() {
                return FAULT;
            }
            token = self.next();
        }
        token
    }

    /// The next token, if it comes right behind this one.
    fn joined(&mut self, token: Token) -> Token {
        match self.next() {
            next if next.at == token.at + 1 => next,
            _ => FAULT,
        }
    }

    fn next(&mut self) -> Token {
        self.cursor.next(self.windows)
    }

    fn peek(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(END)
    }
}
