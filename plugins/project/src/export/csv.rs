//! CSV: one row an element, with what most elements have. Commas, quotes where needed, a head line, CR LF.

use super::Writer;
use super::element::Element;
use csv::WriterBuilder;
use jackfield_plugin::Failure;
use serde_json::value::RawValue;

const COLUMNS: [&str; 26] = [
    "id", "element", "name", "group", "type", "state", "actual", "x", "y", "z", "x2", "y2", "z2", "normal_x",
    "normal_y", "normal_z", "dir_x", "dir_y", "dir_z", "radius", "radius2", "length", "width", "angle", "distance",
    "points",
];
/// Where three columns come from: the first that there is.
const VECTORS: [&[&str]; 4] = [&["pos", "pos1"], &["pos2"], &["normal"], &["dir"]];
/// Where one column comes from.
const SCALARS: [&[&str]; 7] = [
    &["radius", "radius1", "inner_radius"],
    &["radius2", "outer_radius"],
    &["length"],
    &["width"],
    &["angle"],
    &["distance"],
    &["count"],
];

pub struct Table {
    rows: csv::Writer<Vec<u8>>,
    bytes: usize,
}

impl Table {
    pub fn new() -> Result<Self, Failure> {
        let rows = WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let mut table = Self { rows, bytes: 0 };
        table.row(&COLUMNS.map(str::to_owned))?;
        Ok(table)
    }

    fn row(&mut self, row: &[String]) -> Result<(), Failure> {
        // Without the quotes, and so a little less than it will be.
        self.bytes += row.iter().map(|field| field.len() + 1).sum::<usize>() + 1;
        self.rows.write_record(row).map_err(broken)
    }
}

impl Writer for Table {
    fn element(&mut self, id: &str, element: &Element) -> Result<(), Failure> {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let mut row = vec![
            id.to_owned(),
            number(element.id),
            element.name.clone().unwrap_or_default(),
            element.group.clone(),
            element.r#type.clone(),
            element.state.clone().unwrap_or_default(),
            number(element.actual),
        ];
        let find = |names: &[&str], first: &[u8]| {
            let geometry = element.geometry.as_ref()?;
            let mut values = names.iter().filter_map(|name| geometry.get(name));
            values.find(|value| value.get().as_bytes().first().is_some_and(|byte| first.contains(byte)))
        };
        for names in VECTORS {
            let vector = find(names, b"[").and_then(|value| serde_json::from_str::<[&RawValue; 3]>(value.get()).ok());
            match vector {
                Some(vector) => row.extend(vector.map(plain)),
                None => row.extend([const { String::new() }; 3]),
            }
        }
        row.extend(SCALARS.map(|names| find(names, b"-0123456789").map(|value| plain(value)).unwrap_or_default()));
        self.row(&row)
    }

    fn len(&self) -> usize {
        self.bytes
    }

    fn finish(self: Box<Self>) -> Result<String, Failure> {
        let bytes = self.rows.into_inner().map_err(|error| broken(error.error()))?;
        String::from_utf8(bytes).map_err(broken)
    }
}

/// A number's digits; nothing for `null`.
fn plain(value: &RawValue) -> String {
    Some(value.get()).filter(|text| *text != "null").unwrap_or_default().to_owned()
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::internal(format!("The table could not be written: {error}."))
}
