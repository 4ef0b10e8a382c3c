//! Tags that hold one text, and faults.

use super::xml::{Node, Xml};
use super::{Fault, Result};
use quick_xml::events::BytesStart;
use std::borrow::Cow;
use std::io::Read;

/// Comments, names and other words.
const MAX_TEXT: usize = 1 << 20;

/// White space between tags.
pub fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}

/// The beginning of a text, for an error.
pub fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Text where only tags may stand.
pub fn stray(text: &str, tag: &str) -> Fault {
    Fault::Content(format!(
        "the text '{}' stands in '{}', where only tags may stand",
        shorten(text.trim()),
        shorten(tag)
    ))
}

/// Which of the `known` tags this is; `None` for another one and for one with attributes, which these tags do not have.
pub fn plain_tag<'k>(start: &BytesStart<'_>, known: &[&'k str]) -> Option<&'k str> {
    let name = start.name();
    known.iter().copied().find(|tag| *tag == name.as_ref()).filter(|_| is_blank(start.attributes_raw()))
}

/// The text up to the end of `tag`, as it stands.
pub fn leaf_text<R: Read, T: FnMut(u64) -> bool>(xml: &mut Xml<R, T>, tag: &str) -> Result<String> {
    let mut text = String::new();
    leaf_text_into(xml, tag, MAX_TEXT, &mut text)?;
    Ok(text)
}

/// The text up to the end of `tag`, no longer than `max`, in place of what `out` holds.
pub fn leaf_text_into<R: Read, T: FnMut(u64) -> bool>(
    xml: &mut Xml<R, T>,
    tag: &str,
    max: usize,
    out: &mut String,
) -> Result<()> {
    out.clear();
    loop {
        match xml.next()? {
            Node::Close => break,
            Node::Text(text) if out.len() + text.len() > max => {
                return Err(Fault::content(format!("the text of '{tag}' is longer than {max} bytes")));
            }
            Node::Text(text) => out.push_str(&text),
            Node::Open(start) => {
                let inner = start.name();
                return Err(Fault::content(format!(
                    "'{}' stands in '{tag}', which holds text only",
                    shorten(inner.as_ref())
                )));
            }
            Node::End => return Err(Fault::content(format!("the file ends inside '{tag}'"))),
        }
    }
    Ok(())
}

/// Reads up to the end of `tag`, which holds nothing.
pub fn nothing<R: Read, T: FnMut(u64) -> bool>(xml: &mut Xml<R, T>, tag: &str) -> Result<()> {
    loop {
        match xml.next_tag()? {
            Node::Close => break,
            Node::Text(text) if is_blank(&text) => {}
            Node::Text(text) => return Err(stray(&text, tag)),
            Node::Open(start) => {
                let inner = start.name();
                return Err(Fault::content(format!("'{}' stands in '{tag}', which is empty", shorten(inner.as_ref()))));
            }
            Node::End => return Err(Fault::content(format!("the file ends inside '{tag}'"))),
        }
    }
    Ok(())
}

/// `value` is no number.
pub fn no_number(value: &str, tag: &str) -> Fault {
    Fault::Content(format!(
        "'{}' in '{}' is no number, expected such as 12.5 or invalid",
        shorten(value.trim()),
        shorten(tag)
    ))
}
