//! Attributes of a tag.

use super::leaf::shorten;
use super::{Fault, Result};
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::events::attributes::{Attribute, Attributes};
use std::borrow::Cow;

/// Longest value.
const MAX_TEXT: usize = 1 << 20;

/// Values by the number of their name, and whether there are attributes with other names.
type Values<'s, const N: usize> = ([Option<Cow<'s, str>>; N], bool);

/// The values of the attributes with these names, and whether there are others. None may stand twice.
#[inline(always)] // With the names known, comparing them costs little.
pub fn attributes<'s, const N: usize>(start: &'s BytesStart<'_>, names: [&str; N]) -> Result<Values<'s, N>> {
    let mut values = [const { None }; N];
    let mut at = start.name().as_ref().len();
    // In the order of `names`, as programs write them; this is the short way of most tags.
    for (name, value) in names.iter().zip(&mut values) {
        if let Some((plain, end)) = plain(start, at, name) {
            *value = Some(Cow::Borrowed(plain));
            at = end;
        }
    }
    if at == start.len() { Ok((values, false)) } else { rest(start, at, names, values) }
}

/// Goes on at `at`, in any order and form.
fn rest<'s, const N: usize>(
    start: &'s BytesStart<'_>,
    at: usize,
    names: [&str; N],
    mut values: [Option<Cow<'s, str>>; N],
) -> Result<Values<'s, N>> {
    // Of the others, `tree` sees to it that each stands once.
    let mut others = false;
    for attribute in Attributes::new(start, at).with_checks(false) {
        let attribute = attribute.map_err(|error| broken(start, &error))?;
        match names.iter().position(|name| *name == attribute.key.as_ref()) {
            Some(at) if values[at].is_some() => {
                let text =
                    format!("the attribute '{}' of '{}' stands twice", names[at], shorten(start.name().as_ref()));
                return Err(Fault::Content(text));
            }
            Some(at) => values[at] = Some(value(start, &attribute)?),
            None => others = true,
        }
    }
    Ok((values, others))
}

/// The value of the attribute `name` at `at`, and its end, where it is written as programs do, ` name="value"`, with a value
/// that stands for itself.
#[inline]
fn plain<'t>(tag: &'t str, at: usize, name: &str) -> Option<(&'t str, usize)> {
    let value = tag.get(at..)?.strip_prefix(' ')?.strip_prefix(name)?.strip_prefix("=\"")?;
    let len = value.bytes().position(|byte| matches!(byte, b'"' | b'&' | b'\t' | b'\r' | b'\n'))?;
    let end = tag.len() - value.len() + len + 1;
    (value.as_bytes()[len] == b'"' && len <= MAX_TEXT).then(|| (&value[..len], end))
}

/// The value of an attribute, references resolved.
pub fn value<'s>(start: &BytesStart<'_>, attribute: &Attribute<'s>) -> Result<Cow<'s, str>> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| broken(start, &error))?;
    if value.len() > MAX_TEXT {
        return Err(Fault::content(format!(
            "an attribute of '{}' is longer than {MAX_TEXT} bytes",
            shorten(start.name().as_ref())
        )));
    }
    Ok(value)
}

pub fn broken(start: &BytesStart<'_>, error: &dyn std::fmt::Display) -> Fault {
    Fault::Content(format!("an attribute of '{}' is broken: {error}", shorten(start.name().as_ref())))
}
