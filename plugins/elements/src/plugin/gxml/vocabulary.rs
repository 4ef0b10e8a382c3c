//! The tags that are known: those of the one public real file and of the public class model that was made from such files.

/// Known tags of the header.
pub const HEADER: [&str; 3] = ["version", "length_unit", "angle_unit"];

/// Where an element stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Nominal,
    Measured,
}

impl Group {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nominal => "nominal",
            Self::Measured => "measured",
        }
    }
}

/// Element types, and the tags that their `geometry` may hold, each once, but for `point` of a point cloud and `curve_data`.
pub const TYPES: [(&str, &[&str]); 16] = [
    ("point", &["pos", "normal", "trim"]),
    ("line", &["pos1", "pos2", "dir", "length"]),
    ("plane", &["normal", "pos", "distance", "length", "width", "orientation"]),
    ("circle", &["pos", "normal", "radius"]),
    ("ellipse", &["pos", "normal", "pos1", "pos2", "dir", "inner_radius", "outer_radius"]),
    ("slotted_hole", &["pos", "normal", "dir", "width", "length"]),
    ("rectangular_hole", &["pos", "normal", "dir", "width", "length", "edge_radius"]),
    ("polygon_hole", &["pos", "normal", "dir", "num_points", "inner_radius", "outer_radius"]),
    ("sphere", &["pos", "radius"]),
    ("cylinder", &["pos1", "pos2", "dir", "radius", "length", "location"]),
    ("cone", &["pos1", "pos2", "dir", "origin", "radius1", "radius2", "angle", "height1", "height2", "location"]),
    ("dimension", &["pos", "pos1", "pos2", "actual_pos1", "actual_pos2", "distance", "angle", "restriction"]),
    ("distance", &["distance", "pos1", "pos2", "length"]),
    ("angle_3d", &["pos", "pos1", "pos2", "angle"]),
    ("curve", &["curve_data"]),
    ("point_cloud", &["point"]),
];

/// Geometry tags that hold words, not numbers.
pub const WORDS: [&str; 2] = ["location", "restriction"];

/// Quantities that `result` may hold.
pub const QUANTITIES: [&str; 26] = [
    "all",
    "x",
    "y",
    "z",
    "normal",
    "trim",
    "inplane",
    "diameter",
    "width",
    "length",
    "inner_diameter",
    "outer_diameter",
    "angle",
    "dimension",
    "distance",
    "radius",
    "inner_radius",
    "outer_radius",
    "tol_size",
    "direction1",
    "direction2",
    "direction3",
    "linear_size",
    "acceleration",
    "velocity",
    "displacement",
];
