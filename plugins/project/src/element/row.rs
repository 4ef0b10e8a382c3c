//! What of a record is put into a table: all but the points of clouds and curves, the results, and what is not known.

use super::whole;
use crate::records::Records;
use jackfield_plugin::Failure;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;
use std::io::{BufReader, Read};

/// Members of a geometry with three numbers, and their columns.
pub const VECTORS: [(&str, [&str; 3]); 10] = [
    ("pos", ["x", "y", "z"]),
    ("normal", ["nx", "ny", "nz"]),
    ("dir", ["dx", "dy", "dz"]),
    ("pos1", ["x1", "y1", "z1"]),
    ("pos2", ["x2", "y2", "z2"]),
    ("trim", ["trim_x", "trim_y", "trim_z"]),
    ("origin", ["origin_x", "origin_y", "origin_z"]),
    ("actual_pos1", ["actual_x1", "actual_y1", "actual_z1"]),
    ("actual_pos2", ["actual_x2", "actual_y2", "actual_z2"]),
    ("distance", ["distance_x", "distance_y", "distance_z"]),
];

/// Members with a number or a word; a column has the name of its member.
pub const SINGLES: [&str; 16] = [
    "radius",
    "length",
    "width",
    "distance",
    "angle",
    "inner_radius",
    "outer_radius",
    "edge_radius",
    "num_points",
    "radius1",
    "radius2",
    "height1",
    "height2",
    "orientation",
    "location",
    "restriction",
];

/// Read at once; longer ones are streamed.
const WHOLE: usize = 1 << 20;

#[derive(Deserialize)]
pub struct Row {
    pub id: Option<u64>,
    pub name: Option<String>,
    pub group: String,
    pub r#type: String,
    pub state: Option<String>,
    pub comment: Option<String>,
    pub actual: Option<u64>,
    #[serde(default)]
    pub geometry: Geometry,
}

#[derive(Default)]
pub struct Geometry {
    members: HashMap<&'static str, Box<RawValue>>,
    /// Of a cloud or a curve.
    pub points: Option<u64>,
}

impl Geometry {
    /// The JSON text of a member.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.members.get(name).map(|value| &**value)
    }
}

/// Reads the next record. `line` is room to work in.
pub fn read(records: &mut Records, line: &mut Vec<u8>) -> Result<Row, Failure> {
    let row = if records.line(line, WHOLE)? {
        serde_json::from_slice(line)
    } else {
        serde_json::from_reader(BufReader::new(line.as_slice().chain(records.rest())))
    };
    row.map_err(|error| whole::failure(records, error))
}

impl<'de> Deserialize<'de> for Geometry {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(GeometryOf)
    }
}

struct GeometryOf;

impl<'de> Visitor<'de> for GeometryOf {
    type Value = Geometry;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a geometry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Geometry, A::Error> {
        #[derive(Deserialize)]
        struct Chunk {
            points: u64,
        }
        let mut geometry = Geometry::default();
        while let Some(name) = members.next_key::<String>()? {
            let known = VECTORS.iter().map(|(name, _)| name).chain(&SINGLES).find(|known| **known == name);
            match (known, name.as_str()) {
                (Some(known), _) => drop(geometry.members.insert(known, members.next_value()?)),
                (None, "count") => geometry.points = members.next_value()?,
                (None, "curve_data") => {
                    let chunks: Vec<Chunk> = members.next_value()?;
                    geometry.points = Some(chunks.iter().fold(0, |sum, chunk| sum.saturating_add(chunk.points)));
                }
                (None, _) => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(geometry)
    }
}
