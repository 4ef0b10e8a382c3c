//! Reads GXML, the XML of GOM's inspection software, as a stream of records: one JSON text a line for each element.
//!
//! The format: root `gom` with `header`, `nominal` and `measured`; a group is a flat list of elements. Each known tag
//! becomes a member with a name of its own, all else a *tree*, `{"tag", "attributes", "children", "text"}` without what
//! is empty, under `other` of the place where it stood. Numbers keep their digits. The records: `plugins/README.md`.

mod attributes;
mod curve;
mod element;
mod geometry;
mod json;
mod leaf;
mod lines;
mod pieces;
mod result;
mod tally;
mod tree;
mod vector;
mod vocabulary;
mod xml;

pub use lines::Page;
pub use tally::Counts;

use element::Out;
use json::Json;
use leaf::{is_blank, leaf_text};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use vocabulary::Group;
use xml::{Node, Xml};

/// Why a file could not be read.
#[derive(Debug)]
pub enum Fault {
    /// The file is not what it should be: where, and what would be right.
    Content(String),
    /// The source could not be read.
    Source(String),
    /// The records could not be written.
    Sink(std::io::Error),
    /// `tick` said so.
    Cancelled,
}

impl Fault {
    fn content(text: impl Into<String>) -> Self {
        Self::Content(text.into())
    }
}

type Result<T> = std::result::Result<T, Fault>;

/// What was in a file, beside its elements.
#[derive(Debug)]
pub struct Summary {
    /// Texts of the known tags of the header.
    pub header: BTreeMap<&'static str, String>,
    /// Trees of the header's other tags: a JSON array, or empty.
    pub header_other: String,
    /// Trees of the root's other tags: a JSON array, or empty.
    pub other: String,
    /// Number of records.
    pub elements: u64,
    /// Elements by group and tag.
    pub counts: Counts,
    /// Unknown tags, and how often they stood.
    pub unknown: BTreeMap<String, u64>,
    /// Where records begin.
    pub pages: Vec<Page>,
}

/// Reads a whole file from `source` and writes its records to `sink`, 64 KiB at a time. `tick` gets the number of bytes
/// read, with each piece of 64 KiB, and ends the reading when it returns false.
pub fn read<R: Read, W: Write>(source: R, sink: W, tick: impl FnMut(u64) -> bool) -> Result<Summary> {
    let mut document = Document { xml: Xml::new(source, tick), out: Out::new(sink), other: Json::default() };
    document.read().map_err(|fault| document.xml.locate(fault, document.out.lines.count()))
}

struct Document<R, W, T> {
    xml: Xml<R, T>,
    out: Out<W>,
    /// Trees of the root.
    other: Json,
}

impl<R: Read, W: Write, T: FnMut(u64) -> bool> Document<R, W, T> {
    fn read(&mut self) -> Result<Summary> {
        self.root()?;
        let (mut header, mut header_other) = (BTreeMap::new(), Json::default());
        loop {
            match self.xml.next_tag()? {
                Node::Close => break,
                Node::Text(text) if is_blank(&text) => {}
                Node::Text(text) => return Err(leaf::stray(&text, "gom")),
                Node::End => return Err(Fault::content("the file ends inside 'gom'")),
                Node::Open(start) => match start.name().as_ref() {
                    "header" if header.is_empty() => {
                        self.header(&mut header, &mut header_other)?;
                    }
                    "nominal" => self.group(Group::Nominal)?,
                    "measured" => self.group(Group::Measured)?,
                    tag => {
                        self.out.tally.unknown(tag)?;
                        tree::open(&start, &mut self.other)?;
                        tree::rest(&mut self.xml, &mut self.other)?;
                    }
                },
            }
        }
        loop {
            match self.xml.next_tag()? {
                Node::End => break,
                Node::Text(text) if is_blank(&text) => {}
                _ => return Err(Fault::content("something follows the end of 'gom'")),
            }
        }
        let pages = self.out.lines.finish()?;
        Ok(Summary {
            header,
            header_other: header_other.into_array(),
            other: std::mem::take(&mut self.other).into_array(),
            elements: self.out.lines.count(),
            counts: self.out.tally.counts(),
            unknown: std::mem::take(&mut self.out.tally.unknown),
            pages,
        })
    }

    /// Finds the root.
    fn root(&mut self) -> Result<()> {
        loop {
            match self.xml.next_tag()? {
                Node::Text(text) if is_blank(&text) => {}
                Node::Open(start) if start.name().as_ref() == "gom" => return Ok(()),
                Node::Open(start) => {
                    let name = start.name();
                    let tag = leaf::shorten(name.as_ref());
                    return Err(Fault::content(format!("the root element is '{tag}', expected 'gom'")));
                }
                Node::End => return Err(Fault::content("the file holds no root element, expected 'gom'")),
                Node::Text(_) | Node::Close => return Err(Fault::content("the file is no XML, expected '<gom>'")),
            }
        }
    }

    fn header(&mut self, header: &mut BTreeMap<&'static str, String>, other: &mut Json) -> Result<()> {
        loop {
            match self.xml.next_tag()? {
                Node::Close => return Ok(()),
                Node::Text(text) if is_blank(&text) => {}
                Node::Text(text) => return Err(leaf::stray(&text, "header")),
                Node::End => return Err(Fault::content("the file ends inside 'header'")),
                Node::Open(start) => match leaf::plain_tag(&start, &vocabulary::HEADER) {
                    Some(tag) if !header.contains_key(tag) => {
                        header.insert(tag, leaf_text(&mut self.xml, tag)?.trim().to_owned());
                    }
                    _ => {
                        self.out.tally.unknown(start.name().as_ref())?;
                        tree::open(&start, other)?;
                        tree::rest(&mut self.xml, other)?;
                    }
                },
            }
        }
    }

    fn group(&mut self, group: Group) -> Result<()> {
        loop {
            match self.xml.next_tag()? {
                Node::Close => return Ok(()),
                Node::Text(text) if is_blank(&text) => {}
                Node::Text(text) => return Err(leaf::stray(&text, group.name())),
                Node::End => return Err(Fault::content(format!("the file ends inside '{}'", group.name()))),
                Node::Open(start) => {
                    let fields = element::open(&start, group, &mut self.out)?;
                    element::rest(&mut self.xml, &mut self.out, fields)?;
                }
            }
        }
    }
}
