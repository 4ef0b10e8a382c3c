//! One element: `{"id", "name", "group", "type", "attributes", "comment", "actual", "measure_opposite": {"use", "offset"},
//! "state", "geometry", "result", "other": [tree]}`; what the file does not have is left out. What tells elements apart
//! comes first, so that a list of them need not read their geometry.

use super::attributes::attributes;
use super::json::Json;
use super::leaf::{is_blank, leaf_text_into, no_number, shorten, stray};
use super::lines::Lines;
use super::tally::Tally;
use super::vocabulary::{Group, TYPES};
use super::xml::{Node, Xml};
use super::{Fault, Result, geometry, result, tree};
use quick_xml::events::BytesStart;
use std::io::{Read, Write};

/// Longest comment.
const MAX_TEXT: usize = 1 << 20;
const CHILDREN: [&str; 5] = ["comment", "actual", "state", "geometry", "result"];

/// Where records go, and room to work in that is used again for each.
pub struct Out<W> {
    pub lines: Lines<W>,
    pub tally: Tally,
    /// Trees of the element.
    other: Json,
    /// Trees of its geometry, or of one of its results.
    pub inner: Json,
    pub text: String,
    pub block: Vec<u8>,
}

impl<W: Write> Out<W> {
    pub fn new(sink: W) -> Self {
        Self {
            lines: Lines::new(sink),
            tally: Tally::default(),
            other: Json::default(),
            inner: Json::default(),
            text: String::new(),
            block: Vec::new(),
        }
    }
}

/// Begins the record of an element; gives the tags that its geometry may hold.
pub fn open<W: Write>(start: &BytesStart<'_>, group: Group, out: &mut Out<W>) -> Result<&'static [&'static str]> {
    let name = start.name();
    let tag = name.as_ref();
    let known = out.tally.element(group, tag)?;
    let ([id, name], others) = attributes(start, ["id", "name"])?;
    out.lines.begin();
    let json = &mut out.lines.json;
    json.raw("{");
    if let Some(id) = id {
        json.name("id");
        json.integer(integer(&id, "id")?);
    }
    if let Some(name) = name {
        json.name("name");
        json.text(&name);
    }
    json.name("group");
    json.text(group.name());
    json.name("type");
    json.text(tag);
    if others {
        tree::attributes(start, &["id", "name"], json)?;
    }
    Ok(known.map_or(&[], |kind| TYPES[kind].1))
}

/// Reads up to the end of an element that was [`open`]ed, and ends its record.
pub fn rest<R: Read, T: FnMut(u64) -> bool, W: Write>(
    xml: &mut Xml<R, T>,
    out: &mut Out<W>,
    fields: &[&str],
) -> Result<()> {
    out.other.0.clear();
    let mut seen = [false; CHILDREN.len() + 1];
    loop {
        let tag = match xml.next_tag()? {
            Node::Close => break,
            Node::Text(text) if is_blank(&text) => continue,
            Node::Text(text) => return Err(stray(&text, "an element")),
            Node::End => return Err(Fault::content("the file ends inside an element")),
            Node::Open(start) => {
                let name = start.name();
                let at = CHILDREN.iter().position(|child| *child == name.as_ref());
                if name.as_ref() == "measure_opposite"
                    && !seen[CHILDREN.len()]
                    && let ([Some(usage)], false) = attributes(&start, ["use"])?
                {
                    seen[CHILDREN.len()] = true;
                    out.lines.json.name("measure_opposite");
                    out.lines.json.raw("{\"use\":");
                    out.lines.json.text(&usage);
                    number(xml, out, "offset")?;
                    out.lines.json.raw("}");
                    continue;
                }
                match at {
                    Some(at) if !seen[at] && is_blank(start.attributes_raw()) => {
                        seen[at] = true;
                        CHILDREN[at]
                    }
                    _ => {
                        if at.is_none() {
                            out.tally.unknown(name.as_ref())?;
                        }
                        tree::open(&start, &mut out.other)?;
                        tree::rest(xml, &mut out.other)?;
                        continue;
                    }
                }
            }
        };
        match tag {
            "geometry" => geometry::read(xml, out, fields)?,
            "result" => result::read(xml, out)?,
            _ => {
                leaf_text_into(xml, tag, MAX_TEXT, &mut out.text)?;
                let json = &mut out.lines.json;
                json.name(tag);
                match tag {
                    "actual" => json.integer(integer(&out.text, tag)?),
                    "state" => json.text(out.text.trim()),
                    _ => json.text(&out.text),
                }
            }
        }
    }
    out.lines.json.array("other", &out.other);
    out.lines.json.raw("}");
    out.lines.end()
}

/// Reads a number up to the end of its tag and adds it as member `name`; nothing where the tag is empty.
pub fn number<R: Read, T: FnMut(u64) -> bool, W: Write>(
    xml: &mut Xml<R, T>,
    out: &mut Out<W>,
    name: &str,
) -> Result<()> {
    leaf_text_into(xml, name, MAX_TEXT, &mut out.text)?;
    if is_blank(&out.text) {
        return Ok(());
    }
    out.lines.json.name(name);
    if out.lines.json.number(&out.text) { Ok(()) } else { Err(no_number(&out.text, name)) }
}

fn integer(text: &str, what: &str) -> Result<u64> {
    let expected = || Fault::Content(format!("the {what} is '{}', expected an unsigned integer", shorten(text.trim())));
    text.trim().parse().map_err(|_| expected())
}
