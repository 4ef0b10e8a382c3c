//! The one check that all JSON from outside passes, once, without building anything.
//!
//! Strict RFC 8259, and a little more: no NaN or Infinity, no lone surrogate in an escape, no byte order mark, nothing
//! behind the value, no nesting beyond the caller's limit. Numbers are not bounded in size (`1e999` is valid). The input is
//! a `str`: that it is UTF-8 is known already.

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
        if memchr::memchr(b'\\', self.raw_key.as_bytes()).is_none() {
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
    scan(text, nesting, |_| ())
}

/// Checks `text` and hands each member of the outermost object to `member`, in order. Nothing is handed over for other
/// kinds. Members come before the rest of the text is checked: act on them only after `Ok`.
pub fn scan<'a>(text: &'a str, nesting: usize, member: impl FnMut(Member<'a>)) -> Result<Kind, JsonError> {
    Scanner { text, bytes: text.as_bytes(), at: 0, nesting }.document(member)
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nesting: usize,
}

impl<'a> Scanner<'a> {
    fn document(mut self, member: impl FnMut(Member<'a>)) -> Result<Kind, JsonError> {
        self.white_space();
        let kind = match self.peek() {
            Some(b'{') => {
                self.top_object(member)?;
                Kind::Object
            }
            Some(b'[') => {
                self.value()?;
                Kind::Array
            }
            Some(b'"') => {
                self.string()?;
                Kind::String
            }
            _ => {
                self.value()?;
                Kind::Scalar
            }
        };
        self.white_space();
        if self.at == self.bytes.len() { Ok(kind) } else { self.fail("something behind the value") }
    }

    fn top_object(&mut self, mut member: impl FnMut(Member<'a>)) -> Result<(), JsonError> {
        if self.nesting == 0 {
            return self.fail("nested too deeply");
        }
        self.nesting -= 1;
        self.at += 1;
        self.white_space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fail("expected a key in quotes");
            }
            let key_start = self.at + 1;
            self.string()?;
            let raw_key = &self.text[key_start..self.at - 1];
            self.colon()?;
            let value_start = self.at;
            self.value()?;
            member(Member { raw_key, value: &self.text[value_start..self.at] });
            self.white_space();
            if self.take(b',') {
                self.white_space();
            } else if self.take(b'}') {
                return Ok(());
            } else {
                return self.fail("expected `,` or `}`");
            }
        }
    }

    /// One value of any depth, without recursion: `open` remembers one bit a level, set for objects.
    fn value(&mut self) -> Result<(), JsonError> {
        let mut open = OpenStack::default();
        loop {
            // A value begins here.
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'{' | b'[') => {
                    if open.depth == self.nesting {
                        return self.fail("nested too deeply");
                    }
                    let object = self.bytes[self.at] == b'{';
                    self.at += 1;
                    self.white_space();
                    if !self.take(if object { b'}' } else { b']' }) {
                        open.push(object);
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                Some(_) => return self.fail("expected a value"),
                None => return self.fail("the text ends where a value is expected"),
            }
            // A value has ended here: close what ends with it.
            loop {
                let Some(object) = open.top() else { return Ok(()) };
                self.white_space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.white_space();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => open.pop(),
                    Some(b']') if !object => open.pop(),
                    Some(_) => return self.fail(if object { "expected `,` or `}`" } else { "expected `,` or `]`" }),
                    None => return self.fail("the text ends inside an object or array"),
                }
                self.at += 1;
            }
        }
    }

    fn key(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return self.fail("expected a key in quotes");
        }
        self.string()?;
        self.colon()
    }

    fn colon(&mut self) -> Result<(), JsonError> {
        self.white_space();
        if !self.take(b':') {
            return self.fail("expected `:`");
        }
        self.white_space();
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            // Everything up to the next quote, escape or control character is text.
            match self.bytes[self.at..].iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20) {
                None => {
                    self.at = self.bytes.len();
                    return self.fail("the text ends inside a string");
                }
                Some(length) => self.at += length,
            }
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                _ => return self.fail("a control character stands in a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.unicode_escape()? {
                0xDC00..=0xDFFF => self.fail("a lone surrogate"),
                0xD800..=0xDBFF => {
                    let low = self.bytes[self.at..].starts_with(b"\\u") && {
                        let unit = self.unicode_escape()?;
                        (0xDC00..=0xDFFF).contains(&unit)
                    };
                    if low { Ok(()) } else { self.fail("a lone surrogate") }
                }
                _ => Ok(()),
            },
            _ => self.fail("an unknown escape"),
        }
    }

    fn unicode_escape(&mut self) -> Result<u16, JsonError> {
        let mut unit = 0u16;
        for index in 2..6 {
            let digit = match self.bytes.get(self.at + index) {
                Some(byte @ b'0'..=b'9') => byte - b'0',
                Some(byte @ b'a'..=b'f') => byte - b'a' + 10,
                Some(byte @ b'A'..=b'F') => byte - b'A' + 10,
                _ => return self.fail("expected four hexadecimal digits"),
            };
            unit = unit << 4 | u16::from(digit);
        }
        self.at += 6;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.take(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.fail("expected a digit"),
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { self.fail("expected a digit") } else { Ok(()) }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Ok(())
    }

    fn white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn fail<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(JsonError { what, at: self.at })
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
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.full.push(self.word);
        }
        self.word = self.word << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
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
