//! One record whole, or without the points that would make it too large.

use super::Meter;
use crate::records::Records;
use jackfield_plugin::Failure;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::io::{BufReader, Read};

/// Points are left out behind this many bytes.
pub const BYTES: usize = 8 << 20;
/// All else together.
const MOST: usize = 64 << 20;

/// The next record as it stands, and how many of its points were left out.
pub fn read(records: &mut Records) -> Result<(Box<RawValue>, u64), Failure> {
    let mut line = Vec::new();
    if records.line(&mut line, BYTES)? {
        let record = serde_json::from_slice::<Box<RawValue>>(&line).map_err(|error| records.damaged(error))?;
        return if record.get().starts_with('{') { Ok((record, 0)) } else { Err(records.damaged("it is no object")) };
    }
    let meter = Meter::new();
    let mut copy = Copy { text: String::with_capacity(BYTES), omitted: 0, meter: &meter };
    let read = {
        let stream = BufReader::new(meter.stream(line.as_slice().chain(records.rest())));
        let mut json = serde_json::Deserializer::from_reader(stream);
        Members { copy: &mut copy, of: Of::Element }.deserialize(&mut json).and_then(|()| json.end())
    };
    let Copy { text, omitted, .. } = copy;
    match read {
        Ok(()) => {
            let record = RawValue::from_string(text).map_err(|error| Failure::internal(error.to_string()))?;
            Ok((record, omitted))
        }
        Err(error) => Err(failure(records, error)),
    }
}

/// What an error in the JSON of a record means.
pub fn failure(records: &Records, error: serde_json::Error) -> Failure {
    match error.io_error_kind() {
        Some(std::io::ErrorKind::FileTooLarge) => too_large(records, Meter::MOST),
        Some(_) => records.failure(error.into()),
        None if error.to_string().starts_with(TOO_LARGE) => too_large(records, MOST),
        None => records.damaged(error),
    }
}

const TOO_LARGE: &str = "too large";

fn too_large(records: &Records, most: usize) -> Failure {
    let id = records.id();
    let import = id.split('/').next().unwrap_or_default();
    Failure::too_large(format!(
        "Element '{id}' is larger than {} MiB; project.blob with the id '{import}' gives its record.",
        most >> 20
    ))
}

/// The record's text as far as it is copied.
struct Copy<'m> {
    text: String,
    omitted: u64,
    meter: &'m Meter,
}

impl Copy<'_> {
    fn raw<E: Error>(&mut self, value: &RawValue) -> Result<(), E> {
        self.text.push_str(value.get());
        self.meter.reset();
        if self.text.len() > MOST { Err(E::custom(TOO_LARGE)) } else { Ok(()) }
    }

    fn comma(&mut self) {
        if !self.text.ends_with(['{', '[']) {
            self.text.push(',');
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Element,
    Geometry,
}

/// Copies an object.
struct Members<'c, 'm> {
    copy: &'c mut self::Copy<'m>,
    of: Of,
}

impl<'de> DeserializeSeed<'de> for Members<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(if self.of == Of::Element { "an element" } else { "a geometry" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { copy, of } = self;
        copy.text.push('{');
        while let Some(name) = members.next_key::<String>()? {
            copy.comma();
            copy.text.push_str(&serde_json::to_string(&name).map_err(A::Error::custom)?);
            copy.text.push(':');
            match (of, name.as_str()) {
                (Of::Element, "geometry") => members.next_value_seed(Members { copy, of: Of::Geometry })?,
                (Of::Geometry, "points") => members.next_value_seed(Points(copy))?,
                _ => copy.raw(&members.next_value::<Box<RawValue>>()?)?,
            }
        }
        copy.text.push('}');
        Ok(())
    }
}

/// Copies the points of a cloud as long as there is room.
struct Points<'c, 'm>(&'c mut self::Copy<'m>);

impl<'de> DeserializeSeed<'de> for Points<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Points<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut points: A) -> Result<(), A::Error> {
        let copy = self.0;
        copy.text.push('[');
        while copy.text.len() < BYTES {
            let Some(point) = points.next_element::<Box<RawValue>>()? else { break };
            copy.comma();
            copy.raw(&point)?;
        }
        while points.next_element::<IgnoredAny>()?.is_some() {
            copy.omitted += 1;
            copy.meter.reset();
        }
        copy.text.push(']');
        Ok(())
    }
}
