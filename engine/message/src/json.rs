//! The one check that all JSON from outside passes, once, without building anything.
//!
//! Strict RFC 8259, and a little more: no NaN or Infinity, no lone surrogate in an escape, no byte order mark, nothing
//! behind the value, no nesting beyond the caller's limit. Numbers are not bounded in size (`1e999` is valid). The input is
//! a `str`: that it is UTF-8 is known already.

use std::borrow::Cow;
use std::fmt;
use wide::u8x16;

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
            let end = begin + ends(block).trailing_zeros() as usize;
            if self.peek(end) == b'"' {
                return Some(end + 1);
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

/// Where the part of a string ends that begins at `at` and stands for itself: at the next quote, escape or control
/// character, or at the end of the text. Strings are most of what comes, so they are walked in blocks.
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const LONG: usize = 4 * BLOCK;
    while let Some(long) = bytes[at..].first_chunk::<LONG>() {
        let (blocks, _) = long.as_chunks();
        if blocks.iter().fold(u8x16::ZERO, |any, block| any | ending(block)) != u8x16::ZERO {
            break;
        }
        at += LONG;
    }
    while let Some(block) = bytes[at..].first_chunk() {
        match ends(block) {
            0 => at += BLOCK,
            ends => return at + ends.trailing_zeros() as usize,
        }
    }
    let left = bytes.len() - at;
    let ends = match bytes.last_chunk() {
        // What is left, with what was before it pushed out.
        Some(block) => ends(block) >> (BLOCK - left),
        None => ends(&std::array::from_fn(|index| bytes.get(at + index).copied().unwrap_or(b' '))),
    };
    if ends == 0 { bytes.len() } else { at + ends.trailing_zeros() as usize }
}

const BLOCK: usize = 16;

/// A bit for each byte at which the plain part of a string ends; the lowest is that of the first.
fn ends(block: &[u8; BLOCK]) -> u32 {
    ending(block).to_bitmask()
}

fn ending(block: &[u8; BLOCK]) -> u8x16 {
    let (block, is) = (u8x16::new(*block), u8x16::splat);
    block.simd_eq(is(b'"')) | block.simd_eq(is(b'\\')) | block.min(is(0x1F)).simd_eq(block)
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        scan(text, DEFAULT_NESTING, |member| found.push((member.key().into_owned(), member.value.to_owned()))).unwrap();
        found
    }

    #[test]
    fn members_come_in_order_with_their_values_as_written() {
        assert_eq!(
            members(r#" {"a" : [1, {"x":2}] ,"\u0062\n": "c" , "a":null} "#),
            [("a", r#"[1, {"x":2}]"#), ("b\n", r#""c""#), ("a", "null")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
        assert_eq!(members("{}"), []);
        assert_eq!(members("[{\"a\": 1}]"), []);
    }

    #[test]
    fn what_the_strict_grammar_forbids_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{'a':1}",
            "{a:1}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "nul",
            "tru",
            "NaN",
            "-Infinity",
            "Infinity",
            "[NaN]",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a",
            "\"\\",
            "\u{feff}{}",
            "{} x",
            "[1 2]",
            "[1}",
            "{\"a\":1]",
            "{\"a\":{\"b\":[1,}}",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "{\"a\":\"\\ud83d\"}",
            "[\"\\ud800x\"]",
        ] {
            assert!(check(text, DEFAULT_NESTING).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn what_the_grammar_allows_is_accepted_whatever_its_size() {
        for (text, kind) in [
            ("1e999", Kind::Scalar),
            ("-0.0", Kind::Scalar),
            ("123456789012345678901234567890", Kind::Scalar),
            ("\"\\ud83d\\ude00\"", Kind::String),
            ("\t[ ]\r\n", Kind::Array),
            ("{ }", Kind::Object),
            ("true", Kind::Scalar),
        ] {
            assert_eq!(check(text, DEFAULT_NESTING), Ok(kind), "{text:?}");
        }
    }

    #[test]
    fn nesting_is_accepted_up_to_the_limit_and_refused_one_beyond() {
        for limit in [1, 2, 63, 64, 65, 128, 129, 200] {
            let arrays = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let objects = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
            let mixed = |depth: usize| {
                let open: String = (0..depth).map(|level| if level % 3 == 0 { "{\"k\":" } else { "[" }).collect();
                let close: String = (0..depth).rev().map(|level| if level % 3 == 0 { "}" } else { "]" }).collect();
                format!("{open}0{close}")
            };
            for make in [&arrays as &dyn Fn(usize) -> String, &objects, &mixed] {
                assert!(check(&make(limit), limit).is_ok(), "depth {limit}");
                assert_eq!(check(&make(limit + 1), limit).unwrap_err().what, "nested too deeply", "depth {limit}");
            }
        }
        assert!(check(&"[".repeat(100_000), DEFAULT_NESTING).is_err());
    }

    proptest! {
        /// Wherever and in however long a text it stands, the first byte that ends the plain part of a string is found.
        #[test]
        fn plain_text_ends_where_a_byte_by_byte_search_says(bytes in prop::collection::vec(any::<u8>(), 0..100), calm in 0..100usize) {
            // Most bytes end nothing, so that long runs come up too.
            let bytes: Vec<u8> = bytes.iter().enumerate().map(|(at, &byte)| if at < calm { byte | 0x60 } else { byte }).collect();
            let searched = bytes.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            prop_assert_eq!(plain(&bytes, 0), searched.unwrap_or(bytes.len()));
        }

        /// The check agrees with serde_json on texts near JSON, but for the rules of this module.
        #[test]
        fn agrees_with_serde_json(text in r#"([\[\]{},: \t]|"[a-z\\u0d89"]{0,8}"?|-?[0-9]{1,3}(\.[0-9]+)?(e[+-]?[0-9])?|true|null|"a":){0,12}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert_eq!(check(&text, DEFAULT_NESTING).is_ok(), theirs.is_ok(), "{:?}: {:?}", text, theirs);
        }

        /// No text makes it panic, and what it accepts serde_json accepts.
        #[test]
        fn never_panics_and_never_accepts_more(text in "\\PC{0,40}") {
            if check(&text, DEFAULT_NESTING).is_ok() {
                prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok());
            }
        }
    }
}
