//! XML that another reader gets the same texts from.

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::borrow::Cow;

/// XML being written.
pub struct Xml {
    out: quick_xml::Writer<Vec<u8>>,
    /// Characters that XML cannot hold, written as U+FFFD.
    pub replaced: u64,
}

pub type Result = std::result::Result<(), String>;

impl Default for Xml {
    fn default() -> Self {
        Self { out: quick_xml::Writer::new(Vec::new()), replaced: 0 }
    }
}

impl Xml {
    pub fn len(&self) -> usize {
        self.out.get_ref().len()
    }

    pub fn declaration(&mut self) -> Result {
        self.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
    }

    /// A new line, and room before what follows.
    pub fn line(&mut self, depth: usize) -> Result {
        const SPACE: &str = "\n            ";
        self.event(Event::Text(BytesText::from_escaped(&SPACE[..SPACE.len().min(1 + 2 * depth)])))
    }

    pub fn open<'t>(&mut self, tag: &str, attributes: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result {
        let mut start = BytesStart::new(named(tag)?);
        for (name, value) in attributes {
            let value = self.clean(value);
            start.push_attribute((named(name)?, &*value));
        }
        self.event(Event::Start(start))
    }

    pub fn close(&mut self, tag: &str) -> Result {
        self.event(Event::End(BytesEnd::new(tag)))
    }

    pub fn text(&mut self, text: &str) -> Result {
        let text = self.clean(text);
        self.event(Event::Text(BytesText::new(&text)))
    }

    /// A tag on a line of its own that holds a text.
    pub fn leaf(&mut self, depth: usize, tag: &str, text: &str) -> Result {
        self.line(depth)?;
        self.open(tag, [])?;
        self.text(text)?;
        self.close(tag)
    }

    /// A tag on a line of its own that holds nothing.
    pub fn empty<'t>(
        &mut self,
        depth: usize,
        tag: &str,
        attributes: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result {
        self.line(depth)?;
        self.open(tag, attributes)?;
        self.close(tag)
    }

    pub fn append(&mut self, other: Self) {
        self.replaced += other.replaced;
        self.out.get_mut().extend(other.out.into_inner());
    }

    pub fn into_text(self) -> std::result::Result<String, String> {
        String::from_utf8(self.out.into_inner()).map_err(|error| error.to_string())
    }

    fn event(&mut self, event: Event) -> Result {
        self.out.write_event(event).map_err(|error| error.to_string())
    }

    fn clean<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let bad = text.chars().filter(|character| !is_allowed(*character)).count();
        if bad == 0 {
            return text.into();
        }
        self.replaced += bad as u64;
        text.chars().map(|character| if is_allowed(character) { character } else { '\u{fffd}' }).collect()
    }
}

/// XML 1.0, production 2 (Char).
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// XML 1.0, productions 4 (NameStartChar) and 4a (NameChar), with all that is a letter or digit in Unicode.
fn named(name: &str) -> std::result::Result<&str, String> {
    let start = |character: char| character.is_alphabetic() || matches!(character, '_' | ':');
    let more = |character: char| {
        start(character) || character.is_numeric() || matches!(character, '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}')
    };
    if name.starts_with(start) && name.chars().all(more) {
        Ok(name)
    } else {
        let shown: String = name.chars().take(60).collect();
        Err(format!("'{shown}' cannot be a name in XML, expected a letter, then letters, digits and '-._:'"))
    }
}
