//! Projects to look at.

/// The plugin beside this one, compiled in: a plugin's library cannot be linked to.
#[path = "../../../elements/src/plugin/mod.rs"]
mod elements;

use crate::Project;
use elements::Elements;
use jackfield_plugin::testing::{Attachment, Bench};
use jackfield_plugin::{Batch, Store};
use serde_json::{Value, json};
use std::io::Write;

pub const REAL: &[u8] = include_bytes!("../../../../tests/fixtures/gxml/kensobi_model1_2023_part_all.gxml");

/// A file, and what it becomes.
pub type Import<'a> = (&'a [u8], &'a str);

/// A project with these imports.
pub fn project(imports: &[Import]) -> Bench<Project> {
    let from = Bench::<Elements>::new("{}").unwrap();
    for (content, mode) in imports {
        let file = Attachment::new("part.gxml", "", *content);
        from.call_with("elements", json!({"import_mode": mode}), vec![file]).success();
    }
    let to = Bench::<Project>::new("{}").unwrap();
    copy(&from.store(), &to.store());
    to
}

fn copy(from: &Store, to: &Store) {
    let batch = to.begin().unwrap();
    for collection in ["imports", "stages"] {
        let mut documents: Vec<(String, Value)> = Vec::new();
        let each = |id: &str, json: &str| {
            documents.push((id.to_owned(), serde_json::from_str(json).unwrap()));
            true
        };
        from.list(collection, 0, u64::MAX, each).unwrap();
        for (id, document) in documents {
            let blob = document["blob"].as_str().map(|name| write(&batch, &from.blob_read(name, 0, u64::MAX).unwrap()));
            batch.put_json(collection, &id, &document, &blob.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        }
    }
    batch.commit().unwrap();
}

/// Stores a blob.
pub fn write(batch: &Batch, bytes: &[u8]) -> String {
    let mut blob = batch.blob().unwrap();
    blob.write_all(bytes).unwrap();
    blob.finish().unwrap()
}

/// Adds a series "other" with images.
pub fn with_images(bench: Bench<Project>, count: u64) -> Bench<Project> {
    let store = bench.store();
    let batch = store.begin().unwrap();
    let (blob, thumbnail) = (write(&batch, b"II*\0 original"), write(&batch, b"\x89PNG small"));
    let series = json!({"name": "other", "focal_length": 50.0, "images": count, "created_at": 1});
    batch.put_json("series", "other", &series, &[]).unwrap();
    for number in 1..=count {
        let id = format!("image-{number}");
        let image = json!({"id": id, "series": "other", "file": "/a/b.tif", "format": "tiff", "width": 64, "height": 48,
            "bytes": 13, "focal_length": 50.0, "exif": {}, "blob": blob, "thumbnail": thumbnail, "imported_at": 1});
        batch.put_json("images", &id, &image, &[&blob, &thumbnail]).unwrap();
    }
    batch.commit().unwrap();
    bench
}

/// The records of an import, as they are stored.
pub fn records(bench: &Bench<Project>, import: &str) -> Vec<String> {
    let document: Value = bench.store().get_json("imports", import).unwrap().unwrap();
    let blob = bench.store().blob_read(document["blob"].as_str().unwrap(), 0, u64::MAX).unwrap();
    blob.into_text().unwrap().lines().map(str::to_owned).collect()
}

pub fn in_gom(content: &str) -> Vec<u8> {
    format!("<gom><header><length_unit>mm</length_unit></header>{content}</gom>").into_bytes()
}

/// A measured cloud of so many points, each with 180 bytes, then a point.
pub fn with_cloud(points: usize) -> Vec<u8> {
    let point = format!(r#"<point x="1.{0}" y="2.{0}" z="3.{0}"/>"#, "0".repeat(56));
    let points = point.repeat(points);
    let name = "c,&quot;geometry&quot;:{";
    in_gom(&format!(
        "<measured><point_cloud id=\"5\" name=\"{name}\"><state>ok</state><geometry>{points}</geometry><result><all \
         checked=\"1\"/></result></point_cloud><point id=\"6\"/></measured>"
    ))
}
