//! The beginning of a record: what tells an element apart. The geometry behind it, which can have hundreds of MB, is not
//! read; only in records shorter than [`FIRST`] all of it is looked at.

use crate::records::Records;
use jackfield_plugin::Failure;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

const FIRST: usize = 64 << 10;
/// A name has at most 1 MiB, six times that when every character is escaped.
const LAST: usize = 8 << 20;

#[derive(Default)]
pub struct Head {
    pub id: Option<u64>,
    pub name: Option<String>,
    pub group: String,
    pub kind: String,
    pub state: Option<String>,
    /// The geometry was reached.
    past: bool,
}

impl Head {
    /// About how long it is as text.
    pub fn len(&self) -> usize {
        self.name.as_ref().map_or(0, String::len) + self.group.len() + self.kind.len() + 150
    }
}

/// Reads the next record's head. `line` is room to work in.
pub fn read(records: &mut Records, line: &mut Vec<u8>) -> Result<Head, Failure> {
    let mut whole = records.line(line, FIRST)?;
    loop {
        let mut head = Head::default();
        let mut json = serde_json::Deserializer::from_slice(line);
        match HeadOf(&mut head).deserialize(&mut json).and_then(|()| json.end()) {
            Ok(()) => return check(head, records),
            // The cut is the reason, perhaps one within a number.
            Err(error) if !whole && (error.is_eof() || error.column() >= line.len()) => {
                if head.past || line.len() >= LAST {
                    return check(head, records);
                }
                whole = records.more(line, line.len() * 8)?;
            }
            Err(error) => return Err(records.damaged(error)),
        }
    }
}

fn check(head: Head, records: &Records) -> Result<Head, Failure> {
    match (head.group.is_empty(), head.kind.is_empty()) {
        (false, false) => Ok(head),
        (true, _) => Err(records.damaged("it has no group")),
        (_, true) => Err(records.damaged("it has no type")),
    }
}

/// Fills the head as far as the text goes.
struct HeadOf<'h>(&'h mut Head);

impl<'de> DeserializeSeed<'de> for HeadOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeadOf<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an element")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let head = self.0;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "id" => head.id = members.next_value()?,
                "name" => head.name = members.next_value()?,
                "group" => head.group = members.next_value()?,
                "type" => head.kind = members.next_value()?,
                "state" => head.state = members.next_value()?,
                other => {
                    head.past |= other == "geometry";
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
