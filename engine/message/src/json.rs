//! The one check that all JSON from outside passes, once, without building anything.
//!
//! Strict RFC 8259, and a little more: no NaN or Infinity, no lone surrogate in an escape, no byte order mark, nothing
//! behind the value, no nesting beyond the caller's limit. Numbers are not bounded in size (`1e999` is valid). The input is
//! a `str`: that it is UTF-8 is known already.

mod escape;
mod plain;
mod quick;
mod strict;
mod windows;

use crate::Places;
use quick::{Quick, Rest};
use std::borrow::Cow;
use std::fmt;
use windows::Windows;

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
    text: &'a str,
    /// Where the key is as written, without the quotes, escapes not undone.
    key: (usize, usize),
    /// Whether it may have escapes.
    escaped: bool,
    /// Where the value is.
    value: (usize, usize),
}

impl<'a> Member<'a> {
    /// The key with its escapes undone; borrowed where there are none.
    #[inline]
    pub fn key(&self) -> Cow<'a, str> {
        if self.escaped { self.unescaped() } else { Cow::Borrowed(self.raw_key()) }
    }

    /// The value as written.
    pub fn value(&self) -> &'a str {
        &self.text[self.value.0..self.value.1]
    }

    /// Where both are. `None`: the key has escapes, or the text is too long.
    #[inline]
    pub fn places(&self) -> Option<Places> {
        if self.escaped && self.raw_key().contains('\\') { None } else { Places::at(self.key, self.value) }
    }

    /// The key as written, without the quotes, escapes not undone.
    #[inline]
    fn raw_key(&self) -> &'a str {
        &self.text[self.key.0..self.key.1]
    }

    #[cold]
    fn unescaped(&self) -> Cow<'a, str> {
        let raw_key = self.raw_key();
        if !raw_key.contains('\\') {
            return Cow::Borrowed(raw_key);
        }
        // The key was checked already, so serde_json finds nothing to refuse in it.
        match serde_json::from_str::<String>(&format!("\"{raw_key}\"")) {
            Ok(key) => Cow::Owned(key),
            Err(_) => Cow::Borrowed(raw_key),
        }
    }
}

/// Checks that `text` is one JSON text no deeper than `nesting`.
pub fn check(text: &str, nesting: usize) -> Result<Kind, JsonError> {
    let bytes = text.as_bytes();
    Quick::new(bytes, &mut Windows::new(bytes)).check(nesting).map_or_else(|| strict::check(text, nesting), Ok)
}

/// What bytes are that are JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// ASCII alone, so they are UTF-8.
    Ascii,
    /// Others too: they are JSON if they are UTF-8.
    Others,
}

/// Checks bytes of which nobody knows whether they are UTF-8, without a pass over them for that alone. `None`: only [`check`]
/// can say.
pub fn check_bytes(bytes: &[u8], nesting: usize) -> Option<Letters> {
    let mut windows = Windows::new(bytes);
    Quick::new(bytes, &mut windows).check(nesting)?;
    Some(if windows.ascii() { Letters::Ascii } else { Letters::Others })
}

/// Checks `text` and hands each member of the outermost object to `member`, in order. Nothing is handed over for other
/// kinds. Members come before the rest of the text is checked: act on them only after `Ok`.
pub fn scan<'a>(text: &'a str, nesting: usize, mut member: impl FnMut(Member<'a>)) -> Result<Kind, JsonError> {
    let bytes = text.as_bytes();
    match Quick::new(bytes, &mut Windows::new(bytes)).members(text, nesting, &mut member) {
        Ok(kind) => Ok(kind),
        Err(Rest::All) => check(text, nesting),
        Err(Rest::Member(from)) => strict::members(text, nesting, from, &mut member),
        Err(Rest::Behind(from)) => strict::behind(text, from),
    }
}

fn kind(first: u8) -> Kind {
    match first {
        b'{' => Kind::Object,
        b'[' => Kind::Array,
        b'"' => Kind::String,
        _ => Kind::Scalar,
    }
}

/// What is read behind the end of the text; outside strings it is nowhere valid.
const END: u8 = 0;

#[cfg(test)]
mod tests;
