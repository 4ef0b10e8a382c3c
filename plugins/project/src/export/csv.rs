//! CSV: one row an element. Columns are only ever added, behind the others.

use super::Writer;
use crate::documents::Import;
use crate::element::row::{self, Geometry, SINGLES, VECTORS};
use crate::records::Records;
use ::csv::{Terminator, WriterBuilder};
use jackfield_plugin::Failure;
use serde_json::value::RawValue;

const BEFORE: [&str; 5] = ["id", "name", "group", "type", "state"];
const BEHIND: [&str; 4] = ["points", "actual", "comment", "element"];

/// What is not there is an empty cell, what could not be computed `invalid`. Names stand as they are, in quotes where they
/// hold commas, quotes or line ends; a spreadsheet that takes `=...` for a formula is to import them as text.
pub struct Csv {
    out: ::csv::Writer<Vec<u8>>,
    line: Vec<u8>,
}

impl Csv {
    pub fn new() -> Result<Self, Failure> {
        let out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        let mut csv = Self { out, line: Vec::new() };
        let vectors = VECTORS.iter().flat_map(|(_, columns)| columns);
        let header = BEFORE.iter().chain(vectors).chain(&SINGLES).chain(&BEHIND);
        csv.out.write_record(header).map_err(internal)?;
        Ok(csv)
    }
}

impl Writer for Csv {
    const CONTENT_TYPE: &'static str = "text/csv; charset=utf-8; header=present";

    fn import(&mut self, _import: &Import, _whole: bool) -> Result<(), Failure> {
        Ok(())
    }

    fn element(&mut self, records: &mut Records) -> Result<(), Failure> {
        let row = row::read(records, &mut self.line)?;
        let mut cells: Vec<String> =
            Vec::with_capacity(BEFORE.len() + 3 * VECTORS.len() + SINGLES.len() + BEHIND.len());
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let text = Option::unwrap_or_default;
        cells.extend([number(row.id), text(row.name), row.group, row.r#type, text(row.state)]);
        geometry(&row.geometry, &mut cells).map_err(|why| records.damaged(why))?;
        cells.extend([number(row.geometry.points), number(row.actual), text(row.comment), records.id()]);
        self.out.write_record(&cells).map_err(internal)?;
        // So that the length is known.
        self.out.flush().map_err(internal)
    }

    fn len(&self) -> usize {
        self.out.get_ref().len()
    }

    fn finish(self) -> Result<(String, Vec<String>), Failure> {
        let bytes = self.out.into_inner().map_err(internal)?;
        Ok((String::from_utf8(bytes).map_err(internal)?, Vec::new()))
    }
}

fn geometry(geometry: &Geometry, cells: &mut Vec<String>) -> Result<(), String> {
    for (name, _) in VECTORS {
        // `distance` is three numbers of one type of element, one number of another.
        match geometry.get(name).filter(|value| value.get().starts_with('[')) {
            None => cells.extend(["", "", ""].map(String::from)),
            Some(value) => {
                let numbers: [&RawValue; 3] =
                    serde_json::from_str(value.get()).map_err(|error| format!("its '{name}': {error}"))?;
                for number in numbers {
                    cells.push(single(name, number)?);
                }
            }
        }
    }
    for name in SINGLES {
        match geometry.get(name).filter(|value| !value.get().starts_with('[')) {
            None => cells.push(String::new()),
            Some(value) => cells.push(single(name, value)?),
        }
    }
    Ok(())
}

/// A number digit for digit, or a word.
fn single(name: &str, value: &RawValue) -> Result<String, String> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map_err(|error| format!("its '{name}': {error}")),
        Some(b'n') => Ok("invalid".into()),
        Some(b'-' | b'0'..=b'9') => Ok(json.into()),
        _ => Err(format!("its '{name}' is neither a number nor a text")),
    }
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::internal(format!("CSV could not be written: {error}."))
}
