//! `result`: a list of `{"quantity", "checked", "unit_name", "name", "restriction", "attributes", "tolerance": [lower,
//! upper], "nominal_scalar", "deviation", "measured", "other": [tree]}`. A value is a number, three of them, or `null` for
//! what could not be computed (`invalid` in the file).

use super::attributes::attributes;
use super::element::Out;
use super::leaf::{is_blank, no_number, nothing, stray};
use super::vector::coordinates;
use super::vocabulary::QUANTITIES;
use super::xml::{Node, Xml};
use super::{Fault, Result, tree};
use quick_xml::events::BytesStart;
use std::io::{Read, Write};

const VALUES: [&str; 4] = ["tolerance", "nominal_scalar", "deviation", "measured"];
const ATTRIBUTES: [&str; 4] = ["checked", "unit_name", "name", "restriction"];

/// Reads up to the end of `result` and adds it as a member.
pub fn read<R: Read, T: FnMut(u64) -> bool, W: Write>(xml: &mut Xml<R, T>, out: &mut Out<W>) -> Result<()> {
    out.lines.json.name("result");
    out.lines.json.raw("[");
    loop {
        match xml.next_tag()? {
            Node::Close => break,
            Node::Text(text) if is_blank(&text) => {}
            Node::Text(text) => return Err(stray(&text, "result")),
            Node::End => return Err(Fault::content("the file ends inside 'result'")),
            Node::Open(start) => {
                open(&start, out)?;
                values(xml, out)?;
                out.lines.relieve()?;
            }
        }
    }
    out.lines.json.raw("]");
    Ok(())
}

fn open<W: Write>(start: &BytesStart<'_>, out: &mut Out<W>) -> Result<()> {
    let name = start.name();
    if !QUANTITIES.contains(&name.as_ref()) {
        out.tally.unknown(name.as_ref())?;
    }
    let (values, others) = attributes(start, ATTRIBUTES)?;
    let json = &mut out.lines.json;
    json.comma();
    json.raw("{\"quantity\":");
    json.text(name.as_ref());
    for (name, value) in ATTRIBUTES.into_iter().zip(&values) {
        let Some(value) = value else { continue };
        json.name(name);
        match (name, value.as_ref()) {
            ("checked", "1") => json.raw("true"),
            ("checked", "0") => json.raw("false"),
            ("checked", other) => {
                let text = format!("'checked' is '{}', expected 0 or 1", super::leaf::shorten(other));
                return Err(Fault::Content(text));
            }
            (_, value) => json.text(value),
        }
    }
    if others { tree::attributes(start, &ATTRIBUTES, json) } else { Ok(()) }
}

/// Reads up to the end of one quantity.
fn values<R: Read, T: FnMut(u64) -> bool, W: Write>(xml: &mut Xml<R, T>, out: &mut Out<W>) -> Result<()> {
    out.inner.0.clear();
    let mut seen = [false; VALUES.len()];
    loop {
        let at = match xml.next_tag()? {
            Node::Close => break,
            Node::Text(text) if is_blank(&text) => continue,
            Node::Text(text) => return Err(stray(&text, "a result")),
            Node::End => return Err(Fault::content("the file ends inside 'result'")),
            Node::Open(start) => {
                let at = VALUES.iter().position(|name| *name == start.name().as_ref());
                match at {
                    Some(at) if !seen[at] && value(&start, VALUES[at], out)? => at,
                    _ => {
                        if at.is_none() {
                            out.tally.unknown(start.name().as_ref())?;
                        }
                        tree::open(&start, &mut out.inner)?;
                        tree::rest(xml, &mut out.inner)?;
                        continue;
                    }
                }
            }
        };
        seen[at] = true;
        nothing(xml, VALUES[at])?;
    }
    out.lines.json.array("other", &out.inner);
    out.lines.json.raw("}");
    Ok(())
}

/// Adds what the attributes say; false, and nothing added, if they are not those of `tag`.
fn value<W: Write>(start: &BytesStart<'_>, tag: &str, out: &mut Out<W>) -> Result<bool> {
    if tag == "tolerance" {
        let ([Some(lower), Some(upper)], false) = attributes(start, ["lower_limit", "upper_limit"])? else {
            return Ok(false);
        };
        out.lines.json.raw(",\"tolerance\":[");
        for limit in [lower, upper] {
            out.lines.json.comma();
            if !out.lines.json.number(&limit) {
                return Err(no_number(&limit, tag));
            }
        }
        out.lines.json.raw("]");
        return Ok(true);
    }
    match attributes(start, ["value", "x", "y", "z"])? {
        ([Some(value), None, None, None], false) => {
            out.lines.json.name(tag);
            if out.lines.json.number(&value) { Ok(true) } else { Err(no_number(&value, tag)) }
        }
        ([None, Some(x), Some(y), Some(z)], false) => {
            out.lines.json.name(tag);
            out.lines.json.raw("[");
            coordinates(&mut out.lines.json, [Some(&*x), Some(&*y), Some(&*z)], tag)?;
            out.lines.json.raw("]");
            Ok(true)
        }
        _ => Ok(false),
    }
}
