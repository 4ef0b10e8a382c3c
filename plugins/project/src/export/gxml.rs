//! GXML, as GOM's inspection software writes it: what the elements plugin makes of it are the same records again.

use super::record::{Group, Members, Quantity, Record, Tree};
use super::xml::{Result, Xml};
use super::{BYTES, Writer, alone};
use crate::documents::{Import, damaged, document};
use crate::records::Records;
use jackfield_plugin::Failure;
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// Longer than any record whose GXML has [`BYTES`].
const LINE: usize = 2 * BYTES;
const AXES: [&str; 3] = ["x", "y", "z"];

#[derive(Default)]
pub struct Gxml {
    /// Of the first import, and its id.
    header: Option<(String, BTreeMap<String, String>)>,
    header_other: Vec<Tree>,
    nominal: Xml,
    measured: Xml,
    other: Vec<Tree>,
    /// Bytes of trees, as JSON.
    trees: usize,
    /// Within a file they must differ.
    ids: HashSet<u64>,
    /// Ids that several elements have, and one of them.
    repeated: (u64, u64),
    line: Vec<u8>,
}

impl Writer for Gxml {
    const CONTENT_TYPE: &'static str = "application/xml";

    fn import(&mut self, import: &Import, whole: bool) -> std::result::Result<(), Failure> {
        match &self.header {
            None => self.header = Some((import.id.clone(), import.header.clone())),
            Some((first, header)) => {
                for unit in ["length_unit", "angle_unit"] {
                    let [one, other] = [header, &import.header].map(|header| header.get(unit));
                    if one != other {
                        let text = format!(
                            "A file has one {unit}: {} in '{first}', {} in '{}'. Export them one by one, by import.",
                            json!(one),
                            json!(other),
                            import.id
                        );
                        return Err(Failure::failed(text).details(json!({"expected": ["import"]})));
                    }
                }
            }
        }
        if whole {
            for (trees, json) in [(&mut self.header_other, &import.header_other), (&mut self.other, &import.other)] {
                let Some(json) = json else { continue };
                let read: Vec<Tree> = serde_json::from_str(json.get())
                    .map_err(|error| damaged(&document("imports", &import.id), error))?;
                trees.extend(read);
                self.trees += json.get().len();
            }
        }
        Ok(())
    }

    fn element(&mut self, records: &mut Records) -> std::result::Result<(), Failure> {
        if !records.line(&mut self.line, LINE)? {
            return Err(alone(&records.id()));
        }
        let record: Record = serde_json::from_slice(&self.line).map_err(|error| records.damaged(error))?;
        if let Some(id) = record.id
            && !self.ids.insert(id)
        {
            self.repeated = (self.repeated.0 + 1, id);
        }
        let xml = match record.group {
            Group::Nominal => &mut self.nominal,
            Group::Measured => &mut self.measured,
        };
        element(xml, &record).map_err(|why| records.damaged(why))
    }

    fn len(&self) -> usize {
        self.nominal.len() + self.measured.len() + self.trees
    }

    fn finish(self) -> std::result::Result<(String, Vec<String>), Failure> {
        let repeated = self.repeated;
        let (text, replaced) = self.file().map_err(|why| damaged("what is not known of its files", why))?;
        let mut warnings = Vec::new();
        if let (1.., id) = repeated {
            warnings.push(format!(
                "Ids stand more than once, such as {id}, and references to them are not clear: export one import at a time."
            ));
        }
        if replaced > 0 {
            warnings.push(format!("XML cannot hold {replaced} of the characters; U+FFFD stands in their place."));
        }
        Ok((text, warnings))
    }
}

impl Gxml {
    /// The whole text, and how many characters were replaced.
    fn file(self) -> std::result::Result<(String, u64), String> {
        let mut xml = Xml::default();
        xml.declaration()?;
        xml.line(0)?;
        xml.open("gom", [])?;
        if let Some((_, header)) = &self.header {
            xml.line(1)?;
            xml.open("header", [])?;
            // In the order of the original files.
            for tag in ["version", "length_unit", "angle_unit"] {
                if let Some(text) = header.get(tag) {
                    xml.leaf(2, tag, text)?;
                }
            }
            trees(&mut xml, 2, &self.header_other)?;
            xml.line(1)?;
            xml.close("header")?;
        }
        for (tag, group) in [("nominal", self.nominal), ("measured", self.measured)] {
            if group.len() > 0 {
                xml.line(1)?;
                xml.open(tag, [])?;
                xml.append(group);
                xml.line(1)?;
                xml.close(tag)?;
            }
        }
        trees(&mut xml, 1, &self.other)?;
        xml.line(0)?;
        xml.close("gom")?;
        xml.line(0)?;
        let replaced = xml.replaced;
        xml.into_text().map(|text| (text, replaced))
    }
}

fn element(xml: &mut Xml, record: &Record) -> Result {
    let Record { r#type, id, actual, .. } = record;
    let [id, actual] = [id, actual].map(|number| number.map(|number| number.to_string()));
    let known = [("id", id.as_deref()), ("name", record.name.as_deref())];
    xml.line(2)?;
    xml.open(r#type, attributes(known, &record.attributes))?;
    if let Some(comment) = &record.comment {
        xml.leaf(3, "comment", comment)?;
    }
    if let Some(actual) = &actual {
        xml.leaf(3, "actual", actual)?;
    }
    if let Some(opposite) = &record.measure_opposite {
        xml.line(3)?;
        xml.open("measure_opposite", [("use", opposite.r#use.as_str())])?;
        if let Some(offset) = opposite.offset {
            xml.text(number(offset)?)?;
        }
        xml.close("measure_opposite")?;
    }
    if let Some(state) = &record.state {
        xml.leaf(3, "state", state)?;
    }
    if let Some(members) = &record.geometry {
        geometry(xml, members)?;
    }
    if let Some(quantities) = &record.result {
        xml.line(3)?;
        xml.open("result", [])?;
        for quantity in quantities {
            result(xml, quantity)?;
        }
        if !quantities.is_empty() {
            xml.line(3)?;
        }
        xml.close("result")?;
    }
    trees(xml, 3, &record.other)?;
    xml.line(2)?;
    xml.close(r#type)
}

fn geometry(xml: &mut Xml, members: &Members<&RawValue>) -> Result {
    let cloud = members.0.iter().any(|(name, _)| name == "points");
    xml.line(3)?;
    xml.open("geometry", [])?;
    for (name, value) in &members.0 {
        let json = value.get();
        let read = |error| format!("its '{name}': {error}");
        match (name.as_str(), json.as_bytes().first()) {
            ("other", _) => trees(xml, 4, &serde_json::from_str::<Vec<Tree>>(json).map_err(read)?)?,
            ("points", _) => {
                for point in serde_json::from_str::<Vec<Vec<&RawValue>>>(json).map_err(read)? {
                    self::point(xml, &point)?;
                }
            }
            ("count", _) if cloud => {}
            ("curve_data", _) => {
                for chunk in serde_json::from_str::<Vec<Chunk>>(json).map_err(read)? {
                    xml.line(4)?;
                    xml.open("curve_data", chunk.chunk.as_deref().map(|number| ("chunk", number)))?;
                    xml.text(&chunk.base64)?;
                    xml.close("curve_data")?;
                }
            }
            (_, Some(b'[')) => xml.empty(4, name, vector(name, value)?)?,
            (_, Some(b'"')) => xml.leaf(4, name, &serde_json::from_str::<Cow<str>>(json).map_err(read)?)?,
            _ => xml.leaf(4, name, number(value)?)?,
        }
    }
    if !members.0.is_empty() {
        xml.line(3)?;
    }
    xml.close("geometry")
}

#[derive(serde::Deserialize)]
struct Chunk {
    chunk: Option<String>,
    base64: String,
}

/// `[x, y, z]`, then perhaps its normal, then perhaps trees.
fn point(xml: &mut Xml, point: &[&RawValue]) -> Result {
    let (position, rest) = point.split_first_chunk::<3>().ok_or("a point has less than three numbers")?;
    xml.line(4)?;
    xml.open("point", axes(position)?)?;
    if let Some((normal, rest)) = rest.split_first_chunk::<3>() {
        // Where trees follow, three nulls say that there is no normal.
        if rest.is_empty() || normal.iter().any(|number| number.get() != "null") {
            xml.empty(5, "normal", axes(normal)?)?;
        }
        if let Some(other) = rest.first() {
            let other: Vec<Tree> =
                serde_json::from_str(other.get()).map_err(|error| format!("behind a point: {error}"))?;
            trees(xml, 5, &other)?;
        }
        xml.line(4)?;
    }
    xml.close("point")
}

fn result(xml: &mut Xml, quantity: &Quantity) -> Result {
    let checked = quantity.checked.map(|checked| if checked { "1" } else { "0" });
    let known = [
        ("checked", checked),
        ("name", quantity.name.as_deref()),
        ("unit_name", quantity.unit_name.as_deref()),
        ("restriction", quantity.restriction.as_deref()),
    ];
    xml.line(4)?;
    xml.open(&quantity.quantity, attributes(known, &quantity.attributes))?;
    if let Some([lower, upper]) = quantity.tolerance {
        xml.empty(5, "tolerance", [("lower_limit", number(lower)?), ("upper_limit", number(upper)?)])?;
    }
    let values = [
        ("nominal_scalar", quantity.nominal_scalar),
        ("deviation", quantity.deviation),
        ("measured", quantity.measured),
    ];
    for (tag, value) in values {
        match value {
            None => {}
            Some(value) if value.get().starts_with('[') => xml.empty(5, tag, vector(tag, value)?)?,
            Some(value) => xml.empty(5, tag, [("value", number(value)?)])?,
        }
    }
    trees(xml, 5, &quantity.other)?;
    xml.line(4)?;
    xml.close(&quantity.quantity)
}

/// Each on a line of its own, but without room inside, where space would become part of a text.
fn trees(xml: &mut Xml, depth: usize, trees: &[Tree]) -> Result {
    for tree in trees {
        xml.line(depth)?;
        self::tree(xml, tree)?;
    }
    Ok(())
}

fn tree(xml: &mut Xml, tree: &Tree) -> Result {
    xml.open(&tree.tag, attributes([], &tree.attributes))?;
    for child in &tree.children {
        self::tree(xml, child)?;
    }
    if let Some(text) = &tree.text {
        xml.text(text)?;
    }
    xml.close(&tree.tag)
}

/// Those of the known that are there, then the others.
fn attributes<'t, const N: usize>(
    known: [(&'t str, Option<&'t str>); N],
    others: &'t Members<String>,
) -> impl Iterator<Item = (&'t str, &'t str)> {
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.chain(others.0.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn vector<'t>(name: &str, value: &'t RawValue) -> std::result::Result<[(&'static str, &'t str); 3], String> {
    let numbers: [&RawValue; 3] =
        serde_json::from_str(value.get()).map_err(|error| format!("its '{name}': {error}"))?;
    axes(&numbers)
}

fn axes<'t>(numbers: &[&'t RawValue; 3]) -> std::result::Result<[(&'static str, &'t str); 3], String> {
    let [x, y, z] = numbers;
    Ok([(AXES[0], number(x)?), (AXES[1], number(y)?), (AXES[2], number(z)?)])
}

/// Digit for digit.
fn number(value: &RawValue) -> std::result::Result<&str, String> {
    match value.get() {
        "null" => Ok("invalid"),
        digits if digits.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => Ok(digits),
        other => {
            let shown: String = other.chars().take(60).collect();
            Err(format!("{shown} stands where a number should"))
        }
    }
}
