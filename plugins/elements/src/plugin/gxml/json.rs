//! JSON texts, put together piece by piece.

use std::io::Write;

/// Longer than any number that a program writes.
const MAX_NUMBER: usize = 64;

/// JSON being written. What is in it need not be whole.
#[derive(Default)]
pub struct Json(pub Vec<u8>);

impl Json {
    /// Adds `text` as it is.
    #[inline]
    pub fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Adds a comma, unless this is the first of its list or object.
    #[inline]
    pub fn comma(&mut self) {
        if !matches!(self.0.last(), None | Some(b'[' | b'{' | b':')) {
            self.0.push(b',');
        }
    }

    /// Begins a member; its value is to follow. `name` is one that needs no escapes.
    #[inline]
    pub fn name(&mut self, name: &str) {
        self.comma();
        self.raw("\"");
        self.raw(name);
        self.raw("\":");
    }

    /// Adds a text with its quotes.
    pub fn text(&mut self, text: &str) {
        if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.raw("\"");
            self.raw(text);
            self.raw("\"");
        } else {
            let written = serde_json::to_writer(&mut self.0, text);
            debug_assert!(written.is_ok(), "writing to memory does not fail");
        }
    }

    pub fn integer(&mut self, number: u64) {
        let written = serde_json::to_writer(&mut self.0, &number); // faster than `write!`
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }

    /// Adds the number in `text` digit for digit, or `null` for the word `invalid`; false if it is neither.
    #[must_use]
    #[inline]
    pub fn number(&mut self, text: &str) -> bool {
        if is_plain(text) {
            self.raw(text);
            true
        } else {
            self.odd_number(text.trim_ascii())
        }
    }

    /// With an exponent, or in a form that JSON lacks, such as "+1", ".5" and "007".
    fn odd_number(&mut self, text: &str) -> bool {
        if text == "invalid" {
            self.raw("null");
        } else if text.len() > MAX_NUMBER {
            return false;
        } else {
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() => {
                    if is_json(text) {
                        self.raw(text);
                    } else {
                        let written = write!(self.0, "{number}");
                        debug_assert!(written.is_ok(), "writing to memory does not fail");
                    }
                }
                _ => return false,
            }
        }
        true
    }

    /// The content as a list, or nothing where there is none.
    pub fn into_array(self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let list = String::from_utf8(self.0).expect("only texts were added");
        format!("[{list}]")
    }

    /// Adds the list under a name, unless it is empty.
    pub fn array(&mut self, name: &str, list: &Json) {
        if !list.0.is_empty() {
            self.name(name);
            self.raw("[");
            self.0.extend_from_slice(&list.0);
            self.raw("]");
        }
    }
}

/// The length of the JSON number without an exponent that `text` begins with: `-?(0|[1-9][0-9]*)(\.[0-9]+)?`.
#[inline]
pub fn plain_number(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| from + text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = usize::from(text.first() == Some(&b'-'));
    let mut end = digits(start);
    if end == start || (text[start] == b'0' && end > start + 1) {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        let point = end;
        end = digits(point + 1);
        if end == point + 1 {
            return None;
        }
    }
    (end <= MAX_NUMBER).then_some(end)
}

fn is_plain(text: &str) -> bool {
    plain_number(text.as_bytes()) == Some(text.len())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        for (text, json) in [
            ("750.000000", "750.000000"),
            (" -0.0 ", "-0.0"),
            ("0", "0"),
            ("1e3", "1e3"),
            ("+1.5", "1.5"),
            (".5", "0.5"),
            ("007", "7"),
            ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
            ("invalid", "null"),
        ] {
            let mut out = Json::default();
            assert!(out.number(text), "{text}");
            assert_eq!(out.0, json.as_bytes(), "{text}");
        }
        for text in ["", "1,5", "nan", "inf", "1e999", "0x1", "1 2", "--1", "1.2.3", "Invalid", &"1".repeat(65)] {
            let mut out = Json::default();
            assert!(!out.number(text) && out.0.is_empty(), "{text}");
        }
    }

    #[test]
    fn texts_are_escaped() {
        for text in ["plain", "\"\\\n\u{1}/ä\u{2028}", ""] {
            let mut out = Json::default();
            out.text(text);
            assert_eq!(serde_json::from_slice::<String>(&out.0).unwrap(), text);
        }
    }
}
