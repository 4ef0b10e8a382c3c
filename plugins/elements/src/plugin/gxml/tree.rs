//! What is not known, kept as it is: `{"tag", "attributes": {name: text}, "children": [tree], "text"}`, without what is
//! empty. Pieces of text between children are joined; white space alone is dropped.

use super::attributes::{broken, value};
use super::json::Json;
use super::leaf::{is_blank, shorten};
use super::xml::{Node, Xml};
use super::{Fault, Result};
use quick_xml::events::BytesStart;
use std::io::Read;

/// All trees of one place together.
const MAX_TREES: usize = 8 << 20;
/// Of one tag.
const MAX_ATTRIBUTES: usize = 64;

/// Adds a whole tag to the list `out`. [`rest`] has to follow.
pub fn open(start: &BytesStart<'_>, out: &mut Json) -> Result<()> {
    out.comma();
    out.raw("{\"tag\":");
    out.text(start.name().as_ref());
    attributes(start, &[], out)
}

/// Adds a member "attributes" with all that are not among `known`, unless there are none.
pub fn attributes(start: &BytesStart<'_>, known: &[&str], out: &mut Json) -> Result<()> {
    let mut count = 0;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| broken(start, &error))?;
        let key = attribute.key.as_ref();
        if known.contains(&key) {
            continue;
        }
        match count {
            0 => out.raw(",\"attributes\":{"),
            MAX_ATTRIBUTES => {
                let tag = start.name();
                let text = format!("'{}' has more than {MAX_ATTRIBUTES} attributes", shorten(tag.as_ref()));
                return Err(Fault::Content(text));
            }
            _ => out.raw(","),
        }
        count += 1;
        out.text(key);
        out.raw(":");
        out.text(&value(start, &attribute)?);
    }
    if count > 0 {
        out.raw("}");
    }
    Ok(())
}

/// Reads up to the end of the tag that was [`open`]ed.
pub fn rest<R: Read, T: FnMut(u64) -> bool>(xml: &mut Xml<R, T>, out: &mut Json) -> Result<()> {
    let (mut text, mut children) = (String::new(), 0);
    loop {
        if out.0.len() + text.len() > MAX_TREES {
            return Err(Fault::content(format!("unknown tags of one place are larger than {} MiB", MAX_TREES >> 20)));
        }
        match xml.next()? {
            Node::Close => break,
            Node::Text(piece) => text.push_str(&piece),
            Node::End => return Err(Fault::content("the file ends inside an unknown tag")),
            Node::Open(start) => {
                if children == 0 {
                    out.raw(",\"children\":[");
                }
                children += 1;
                open(&start, out)?;
                rest(xml, out)?;
            }
        }
    }
    if children > 0 {
        out.raw("]");
    }
    if !is_blank(&text) {
        out.raw(",\"text\":");
        out.text(&text);
    }
    out.raw("}");
    Ok(())
}
