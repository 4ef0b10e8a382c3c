//! GXML as the host software writes it: what is exported and imported again is the same.

use super::Writer;
use super::element::{Curve, Element, Members, Quantity, Tree};
use crate::model::Import;
use jackfield_plugin::Failure;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write;

/// A document being written. Elements of several imports can come in any order of groups.
pub struct Gxml {
    header: Text,
    nominal: Text,
    measured: Text,
    other: Text,
}

impl Gxml {
    /// Units are those of the imports; they must be the same.
    pub fn new(imports: &[Import]) -> Result<Self, Failure> {
        let mut gxml = Self {
            header: Text::default(),
            nominal: Text::default(),
            measured: Text::default(),
            other: Text::default(),
        };
        let Some(first) = imports.first() else { return Ok(gxml) };
        for import in imports {
            for unit in ["length_unit", "angle_unit"] {
                let [one, two] = [first, import].map(|import| import.header.get(unit).map_or("", String::as_str));
                if one != two {
                    return Err(Failure::failed(format!(
                        "The {unit} of '{}' is '{one}' and that of '{}' is '{two}'; export them one by one.",
                        first.id, import.id
                    )));
                }
            }
        }
        for name in ["version", "length_unit", "angle_unit"] {
            if let Some(value) = first.header.get(name) {
                gxml.header.leaf(2, name, value);
            }
        }
        if let [only] = imports {
            gxml.header.trees(2, &trees(only.header_other.as_deref())?);
            gxml.other.trees(1, &trees(only.other.as_deref())?);
        }
        Ok(gxml)
    }
}

fn trees(json: Option<&RawValue>) -> Result<Vec<Tree>, Failure> {
    json.map_or(Ok(Vec::new()), |json| parse(json.get()))
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::internal(format!("A record is broken: {error}.")))
}

impl Writer for Gxml {
    fn element(&mut self, _id: &str, element: &Element) -> Result<(), Failure> {
        let out = if element.group == "nominal" { &mut self.nominal } else { &mut self.measured };
        let tag = element.r#type.as_str();
        out.open(2, tag);
        if let Some(id) = element.id {
            out.attribute("id", &id.to_string());
        }
        if let Some(name) = &element.name {
            out.attribute("name", name);
        }
        out.attributes(&element.attributes);
        out.content();
        if let Some(comment) = &element.comment {
            out.leaf(3, "comment", comment);
        }
        if let Some(actual) = element.actual {
            out.leaf(3, "actual", &actual.to_string());
        }
        if let Some(opposite) = &element.measure_opposite {
            out.open(3, "measure_opposite");
            out.attribute("use", &opposite.r#use);
            out.text_and_close("measure_opposite", opposite.offset.map_or("", |offset| number(offset)));
        }
        if let Some(state) = &element.state {
            out.leaf(3, "state", state);
        }
        if let Some(geometry) = &element.geometry {
            out.open(3, "geometry");
            out.content();
            geometry.0.iter().try_for_each(|(name, value)| out.geometry(name, value))?;
            out.close(3, "geometry");
        }
        if let Some(result) = &element.result {
            out.open(3, "result");
            out.content();
            result.iter().try_for_each(|quantity| out.quantity(quantity))?;
            out.close(3, "result");
        }
        out.trees(3, &element.other);
        out.close(2, tag);
        Ok(())
    }

    fn len(&self) -> usize {
        [&self.header, &self.nominal, &self.measured, &self.other].iter().map(|text| text.0.len()).sum()
    }

    fn finish(self: Box<Self>) -> Result<String, Failure> {
        let mut out = String::with_capacity(self.len() + 200);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gom>\n");
        for (name, text) in [("header", &self.header), ("nominal", &self.nominal), ("measured", &self.measured)] {
            out.push_str("  <");
            out.push_str(name);
            out.push('>');
            out.push_str(&text.0);
            out.push_str("\n  </");
            out.push_str(name);
            out.push_str(">\n");
        }
        out.push_str(self.other.0.trim_start_matches('\n'));
        out.push_str("\n</gom>\n");
        Ok(out)
    }
}

/// `null` is the file's `invalid`.
fn number(value: &RawValue) -> &str {
    if value.get() == "null" { "invalid" } else { value.get() }
}

/// A part of the document. Tags begin on lines of their own.
#[derive(Default)]
struct Text(String);

impl Text {
    fn open(&mut self, depth: usize, tag: &str) {
        self.indent(depth);
        self.0.push('<');
        self.0.push_str(tag);
    }

    fn indent(&mut self, depth: usize) {
        self.0.push('\n');
        self.0.extend(std::iter::repeat_n("  ", depth));
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        self.escaped(value);
        self.0.push('"');
    }

    fn attributes(&mut self, attributes: &Members<String>) {
        attributes.0.iter().for_each(|(name, value)| self.attribute(name, value));
    }

    /// Ends the tag that was opened; content follows.
    fn content(&mut self) {
        self.0.push('>');
    }

    fn close(&mut self, depth: usize, tag: &str) {
        self.indent(depth);
        self.end(tag);
    }

    fn end(&mut self, tag: &str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    fn text_and_close(&mut self, tag: &str, text: &str) {
        self.content();
        self.escaped(text);
        self.end(tag);
    }

    fn leaf(&mut self, depth: usize, tag: &str, text: &str) {
        self.open(depth, tag);
        self.text_and_close(tag, text);
    }

    /// White space but blanks becomes numbers, because readers change it.
    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\t' | '\n' | '\r' => {
                    let written = write!(self.0, "&#{};", u32::from(character));
                    debug_assert!(written.is_ok(), "writing to memory does not fail");
                }
                _ => self.0.push(character),
            }
        }
    }

    fn vector(&mut self, depth: usize, tag: &str, values: &[&RawValue]) {
        self.open(depth, tag);
        for (axis, value) in ["x", "y", "z"].into_iter().zip(values) {
            self.attribute(axis, number(value));
        }
        self.content();
        self.end(tag);
    }

    fn trees(&mut self, depth: usize, trees: &[Tree]) {
        for tree in trees {
            self.indent(depth);
            self.tree(tree);
        }
    }

    /// White space in a tree would become part of its texts: there is none.
    fn tree(&mut self, tree: &Tree) {
        self.0.push('<');
        self.0.push_str(&tree.tag);
        self.attributes(&tree.attributes);
        self.content();
        self.escaped(&tree.text);
        tree.children.iter().for_each(|child| self.tree(child));
        self.end(&tree.tag);
    }

    fn geometry(&mut self, name: &str, value: &RawValue) -> Result<(), Failure> {
        match (name, value.get().as_bytes().first()) {
            // It is counted anew when it is read.
            ("count", _) => {}
            ("other", _) => self.trees(4, &parse::<Vec<Tree>>(value.get())?),
            ("points", _) => self.points(value)?,
            ("curve_data", _) => {
                for curve in parse::<Vec<Curve>>(value.get())? {
                    self.open(4, name);
                    if let Some(chunk) = &curve.chunk {
                        self.attribute("chunk", chunk);
                    }
                    self.text_and_close(name, &curve.base64);
                }
            }
            (_, Some(b'[')) => self.vector(4, name, &parse::<[&RawValue; 3]>(value.get())?),
            (_, Some(b'"')) => self.leaf(4, name, &parse::<String>(value.get())?),
            _ => self.leaf(4, name, number(value)),
        }
        Ok(())
    }

    fn points(&mut self, value: &RawValue) -> Result<(), Failure> {
        for point in parse::<Vec<Vec<&RawValue>>>(value.get())? {
            self.open(4, "point");
            for (axis, value) in ["x", "y", "z"].into_iter().zip(&point) {
                self.attribute(axis, number(value));
            }
            self.content();
            let trees: Vec<Tree> = point.get(6).map_or(Ok(Vec::new()), |trees| parse(trees.get()))?;
            // Three nulls before trees: there was no normal.
            match point.get(3..6) {
                Some(normal) if trees.is_empty() || normal.iter().any(|value| value.get() != "null") => {
                    self.vector(5, "normal", normal);
                }
                _ => {}
            }
            self.trees(5, &trees);
            self.end("point");
        }
        Ok(())
    }

    fn quantity(&mut self, quantity: &Quantity) -> Result<(), Failure> {
        let tag = quantity.quantity.as_str();
        self.open(4, tag);
        if let Some(checked) = quantity.checked {
            self.attribute("checked", if checked { "1" } else { "0" });
        }
        let named =
            [("name", &quantity.name), ("restriction", &quantity.restriction), ("unit_name", &quantity.unit_name)];
        for (name, value) in named {
            if let Some(value) = value {
                self.attribute(name, value);
            }
        }
        self.attributes(&quantity.attributes);
        self.content();
        if let Some([lower, upper]) = quantity.tolerance {
            self.open(5, "tolerance");
            self.attribute("lower_limit", number(lower));
            self.attribute("upper_limit", number(upper));
            self.content();
            self.end("tolerance");
        }
        let values = [
            ("nominal_scalar", quantity.nominal_scalar),
            ("deviation", quantity.deviation),
            ("measured", quantity.measured),
        ];
        for (name, value) in values {
            match value {
                Some(value) if value.get().starts_with('[') => {
                    self.vector(5, name, &parse::<[&RawValue; 3]>(value.get())?)
                }
                Some(value) => {
                    self.open(5, name);
                    self.attribute("value", number(value));
                    self.content();
                    self.end(name);
                }
                None => {}
            }
        }
        self.trees(5, &quantity.other);
        self.close(4, tag);
        Ok(())
    }
}
