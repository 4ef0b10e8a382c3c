//! `geometry`: an object with one member a tag. Empty tags with x, y, z are `[x, y, z]`, tags with a number are numbers;
//! `curve_data` is a list of `{"chunk", "points", "base64"}`. The points of a cloud are the list `points` of `[x, y, z]` or
//! `[x, y, z, nx, ny, nz]` (or, with a list of trees as the seventh, what else a point had), then `count`.

use super::attributes::attributes;
use super::element::{Out, number};
use super::leaf::{is_blank, leaf_text_into, nothing, stray};
use super::vector::Vector;
use super::vocabulary::WORDS;
use super::xml::{Node, Xml};
use super::{Fault, Result, curve, tree};
use quick_xml::events::BytesStart;
use std::io::{Read, Write};

/// A text of the XML reader is no longer.
const MAX_CURVE: usize = 64 << 20;
const MAX_WORD: usize = 1 << 10;

/// What a known tag holds.
enum Value {
    Vector,
    Scalar,
    Word,
    Curve,
    Point,
}

/// Reads up to the end of `geometry` and adds it as a member. `fields` are the tags that are known here.
pub fn read<R: Read, T: FnMut(u64) -> bool, W: Write>(
    xml: &mut Xml<R, T>,
    out: &mut Out<W>,
    fields: &[&str],
) -> Result<()> {
    out.lines.json.name("geometry");
    out.lines.json.raw("{");
    out.inner.0.clear();
    let (mut seen, mut repeated) = (0_u32, 0_u64);
    loop {
        let (at, value) = match xml.next_tag()? {
            Node::Close => break,
            Node::Text(text) if is_blank(&text) => continue,
            Node::Text(text) => return Err(stray(&text, "geometry")),
            Node::End => return Err(Fault::content("the file ends inside 'geometry'")),
            Node::Open(start) => {
                let at = fields.iter().position(|field| *field == start.name().as_ref());
                match at
                    .map(|at| begin(&start, out, fields[at], seen & (1 << at) != 0, repeated))
                    .transpose()?
                    .flatten()
                {
                    Some(value) => (at.unwrap_or_default(), value),
                    None => {
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
        seen |= 1 << at;
        let field = fields[at];
        match value {
            Value::Vector => nothing(xml, field)?,
            Value::Scalar => number(xml, out, field)?,
            Value::Word => {
                leaf_text_into(xml, field, MAX_WORD, &mut out.text)?;
                out.lines.json.name(field);
                out.lines.json.text(out.text.trim());
            }
            Value::Curve => {
                leaf_text_into(xml, field, MAX_CURVE, &mut out.text)?;
                let points = curve::check(&mut out.text, &mut out.block)?;
                out.lines.json.name("points");
                out.lines.json.integer(points.into());
                out.lines.json.name("base64");
                out.lines.json.text(&out.text);
                out.lines.json.raw("}");
                repeated += 1;
            }
            Value::Point => {
                point(xml, out)?;
                repeated += 1;
            }
        }
        out.lines.relieve()?;
    }
    if repeated > 0 {
        out.lines.json.raw("]");
        if seen_points(fields) {
            out.lines.json.name("count");
            out.lines.json.integer(repeated);
        }
    }
    let json = &mut out.lines.json;
    json.array("other", &out.inner);
    json.raw("}");
    Ok(())
}

fn seen_points(fields: &[&str]) -> bool {
    fields.contains(&"point")
}

/// Decides by its attributes what a known tag holds, and writes what of it is in them. `None`: not what the tag should be,
/// or a second one of its name, so that it is kept as a tree.
fn begin<W: Write>(
    start: &BytesStart<'_>,
    out: &mut Out<W>,
    field: &str,
    seen: bool,
    repeated: u64,
) -> Result<Option<Value>> {
    let json = &mut out.lines.json;
    match field {
        "point" => {
            let Some(vector) = Vector::of(start)? else { return Ok(None) };
            if repeated == 0 {
                json.name("points");
                json.raw("[");
            }
            json.comma();
            json.raw("[");
            vector.write(json, field)?;
            return Ok(Some(Value::Point));
        }
        "curve_data" => {
            let ([chunk], false) = attributes(start, ["chunk"])? else { return Ok(None) };
            if repeated == 0 {
                json.name("curve_data");
                json.raw("[");
            }
            json.comma();
            json.raw("{");
            if let Some(chunk) = chunk {
                json.name("chunk");
                json.text(&chunk);
            }
            return Ok(Some(Value::Curve));
        }
        _ if seen => return Ok(None),
        _ if is_blank(start.attributes_raw()) => {}
        _ => {
            let Some(vector) = Vector::of(start)? else { return Ok(None) };
            json.name(field);
            json.raw("[");
            vector.write(json, field)?;
            json.raw("]");
            return Ok(Some(Value::Vector));
        }
    }
    Ok(Some(if WORDS.contains(&field) { Value::Word } else { Value::Scalar }))
}

/// Reads up to the end of a cloud's point, of which x, y, z are written.
fn point<R: Read, T: FnMut(u64) -> bool, W: Write>(xml: &mut Xml<R, T>, out: &mut Out<W>) -> Result<()> {
    let (mut normal, mut others) = (false, 0);
    loop {
        match xml.next_tag()? {
            Node::Close => break,
            Node::Text(text) if is_blank(&text) => {}
            Node::Text(text) => return Err(stray(&text, "point")),
            Node::End => return Err(Fault::content("the file ends inside 'point'")),
            Node::Open(start) => {
                if start.name().as_ref() == "normal"
                    && !normal
                    && others == 0
                    && let Some(vector) = Vector::of(&start)?
                {
                    normal = true;
                    vector.write(&mut out.lines.json, "normal")?;
                    nothing(xml, "normal")?;
                    continue;
                }
                if others == 0 {
                    out.lines.json.raw(if normal { ",[" } else { ",null,null,null,[" });
                }
                others += 1;
                if start.name().as_ref() != "normal" {
                    out.tally.unknown(start.name().as_ref())?;
                }
                tree::open(&start, &mut out.lines.json)?;
                tree::rest(xml, &mut out.lines.json)?;
            }
        }
    }
    out.lines.json.raw(if others > 0 { "]]" } else { "]" });
    Ok(())
}
