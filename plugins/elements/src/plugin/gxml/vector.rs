//! Three numbers in the attributes of a tag: `<pos x="750.000000" y="-0.5" z="3"/>`. Most of a large file is of these.

use super::attributes::attributes;
use super::json::{Json, plain_number};
use super::leaf::{no_number, shorten};
use super::{Fault, Result};
use quick_xml::events::BytesStart;
use std::borrow::Cow;

/// The values of x, y and z.
pub enum Vector<'s> {
    /// Numbers in the form of JSON.
    Plain([&'s str; 3]),
    /// Anything, or nothing.
    Any([Option<Cow<'s, str>>; 3]),
}

impl<'s> Vector<'s> {
    /// `None`: there are other attributes.
    #[inline]
    pub fn of(start: &'s BytesStart<'_>) -> Result<Option<Self>> {
        if let Some(numbers) = plain(start.attributes_raw()) {
            return Ok(Some(Self::Plain(numbers)));
        }
        let (values, others) = attributes(start, ["x", "y", "z"])?;
        Ok((!others).then_some(Self::Any(values)))
    }

    /// Adds the three to a list.
    pub fn write(&self, json: &mut Json, tag: &str) -> Result<()> {
        match self {
            Self::Plain(numbers) => {
                for number in numbers {
                    json.comma();
                    json.raw(number);
                }
                Ok(())
            }
            Self::Any(values) => coordinates(json, values.each_ref().map(Option::as_deref), tag),
        }
    }
}

/// The numbers, where the attributes are written as programs do.
fn plain(mut text: &str) -> Option<[&str; 3]> {
    let mut numbers = [""; 3];
    for (name, number) in [" x=\"", " y=\"", " z=\""].into_iter().zip(&mut numbers) {
        let value = text.strip_prefix(name)?;
        *number = &value[..plain_number(value.as_bytes())?];
        text = value[number.len()..].strip_prefix('"')?;
    }
    text.is_empty().then_some(numbers)
}

/// Adds three numbers.
pub fn coordinates(json: &mut Json, values: [Option<&str>; 3], tag: &str) -> Result<()> {
    for (axis, value) in ["x", "y", "z"].into_iter().zip(values) {
        let value = value.ok_or_else(|| {
            Fault::Content(format!("'{}' has no attribute '{axis}', expected x, y and z", shorten(tag)))
        })?;
        json.comma();
        if !json.number(value) {
            return Err(no_number(value, tag));
        }
    }
    Ok(())
}
