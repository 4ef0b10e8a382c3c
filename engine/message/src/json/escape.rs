//! What stands in a string for something else.

use super::JsonError;

/// Where the escape ends that begins at `at`.
pub(super) fn escape(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let lone = |at| Err(JsonError { what: "a lone surrogate", at });
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let behind = at + 6;
            match unit(bytes, at)? {
                0xDC00..=0xDFFF => lone(behind),
                0xD800..=0xDBFF => {
                    let low = bytes[behind..].starts_with(b"\\u") && matches!(unit(bytes, behind)?, 0xDC00..=0xDFFF);
                    if low { Ok(behind + 6) } else { lone(behind) }
                }
                _ => Ok(behind),
            }
        }
        _ => Err(JsonError { what: "an unknown escape", at }),
    }
}

/// The four digits of the escape at `at`.
fn unit(bytes: &[u8], at: usize) -> Result<u16, JsonError> {
    let digits = bytes.get(at + 2..at + 6).unwrap_or_default();
    let unit = digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)? as u16));
    match unit {
        Some(unit) if digits.len() == 4 => Ok(unit),
        _ => Err(JsonError { what: "expected four hexadecimal digits", at }),
    }
}
