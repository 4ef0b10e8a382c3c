//! XML as a stream of tags and texts, with a limit on everything that a file could make large.

use super::pieces::Pieces;
use super::{Fault, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use std::borrow::Cow;
use std::io::{self, Read};

/// Each level becomes two levels of JSON, of which the server takes 128.
const MAX_DEPTH: usize = 32;

/// What comes next.
pub enum Node<'b> {
    /// A tag. Its [`Close`](Self::Close) follows in any case.
    Open(BytesStart<'b>),
    /// The end of the tag that was opened last.
    Close,
    /// A piece of text, references resolved. Empty in place of a comment or processing instruction.
    Text(Cow<'b, str>),
    /// The end of the file, with all tags closed.
    End,
}

/// A GXML file. A DTD is refused, and with it every entity that XML itself does not define.
pub struct Xml<R, T> {
    reader: Reader<Pieces<R, T>>,
    buf: Vec<u8>,
    depth: usize,
    /// The last tag was an empty one, whose end is to be told.
    close: bool,
    /// Bytes of white space that the reader was not shown.
    blank: u64,
}

impl<R: Read, T: FnMut(u64) -> bool> Xml<R, T> {
    pub fn new(source: R, tick: T) -> Self {
        Self {
            reader: Reader::from_reader(Pieces::new(source, tick)),
            buf: Vec::new(),
            depth: 0,
            close: false,
            blank: 0,
        }
    }

    /// As [`next`](Self::next), for a place where white space means nothing.
    pub fn next_tag(&mut self) -> Result<Node<'_>> {
        if !self.close {
            self.blank += self.reader.get_mut().skip_blank();
        }
        self.next()
    }

    #[allow(clippy::should_implement_trait)] // Lends from itself, as no iterator can.
    pub fn next(&mut self) -> Result<Node<'_>> {
        if std::mem::take(&mut self.close) {
            return Ok(Node::Close);
        }
        self.buf.clear();
        self.reader.get_mut().begin_event();
        let event = match self.reader.read_event_into(&mut self.buf) {
            Ok(event) => event,
            Err(error) => return Err(fault(error, self.reader.get_ref().cancelled)),
        };
        Ok(match event {
            Event::Start(_) if self.depth == MAX_DEPTH => {
                return Err(Fault::content(format!("tags are nested deeper than {MAX_DEPTH}")));
            }
            Event::Start(start) => {
                self.depth += 1;
                Node::Open(start)
            }
            Event::Empty(start) => {
                self.close = true;
                Node::Open(start)
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Node::Close
            }
            Event::Text(text) => Node::Text(text.xml10_content()),
            Event::CData(text) => Node::Text(text.xml10_content()),
            Event::GeneralRef(reference) => Node::Text(resolve(&reference)?),
            Event::Comment(_) | Event::PI(_) => Node::Text(Cow::Borrowed("")),
            Event::Decl(decl) => {
                check_encoding(&decl)?;
                Node::Text(Cow::Borrowed(""))
            }
            Event::DocType(_) => return Err(Fault::content("a document type (DTD) is not allowed")),
            Event::Eof if self.depth > 0 => return Err(Fault::content("the file ends too early, tags are still open")),
            Event::Eof => Node::End,
        })
    }

    /// Adds to a fault where it was found.
    pub fn locate(&self, fault: Fault, element: u64) -> Fault {
        match fault {
            Fault::Content(text) => {
                let byte = self.reader.buffer_position() + self.blank;
                Fault::Content(format!("{text} (before byte {byte}, after {element} elements)"))
            }
            other => other,
        }
    }
}

fn fault(error: quick_xml::Error, cancelled: bool) -> Fault {
    match error {
        quick_xml::Error::Io(_) if cancelled => Fault::Cancelled,
        quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Fault::Content(error.to_string()),
        quick_xml::Error::Io(error) => Fault::Source(error.to_string()),
        other => Fault::Content(format!("the XML is broken: {other}")),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>> {
    let character = match reference.as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => reference.resolve_char_ref().ok().flatten(),
    };
    match character {
        Some(character) => Ok(Cow::Owned(character.into())),
        None => {
            let name = super::leaf::shorten(reference);
            Err(Fault::content(format!(
                "'&{name};' is not known; expected &lt; &gt; &amp; &apos; &quot; or a character number"
            )))
        }
    }
}

fn check_encoding(decl: &BytesDecl<'_>) -> Result<()> {
    let Some(encoding) = decl.encoding() else { return Ok(()) };
    let encoding = encoding.map_err(|error| Fault::Content(format!("the XML declaration is broken: {error}")))?;
    if ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(Fault::Content(format!("the encoding is '{}', expected UTF-8", super::leaf::shorten(&encoding))))
    }
}
