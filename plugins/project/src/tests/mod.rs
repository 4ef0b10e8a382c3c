//! The commands as clients see them, on what `elements` really writes.

mod damage;
mod export;
mod project;
mod read;

use project::{REAL, project, with_images};
use serde_json::Value;

#[test]
fn its_examples_work() {
    let bench = with_images(project(&[(REAL, "clipboard"), (REAL, "new_stage")]), 1);
    assert_eq!(bench.run_examples(), Ok(10));
}

#[test]
fn its_schemas_are_json() {
    for schema in [
        include_str!("../schemas/project.params.json"),
        include_str!("../schemas/project.result.json"),
        include_str!("../schemas/list.params.json"),
        include_str!("../schemas/list.result.json"),
        include_str!("../schemas/get.params.json"),
        include_str!("../schemas/get.result.json"),
        include_str!("../schemas/export.params.json"),
        include_str!("../schemas/export.result.json"),
        include_str!("../schemas/blob.params.json"),
        include_str!("../schemas/blob.result.json"),
    ] {
        assert!(serde_json::from_str::<Value>(schema).unwrap().is_object());
    }
}
