//! `project`: what is there, from the counts in the documents.

use crate::model::{Import, documents};
use jackfield_plugin::{Failure, Store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Images, series and stages that are told one by one; the rest is for `project.list`.
const LISTED: u64 = 1000;

#[derive(Serialize)]
pub struct Summary {
    series: Vec<Series>,
    /// How many there are.
    series_count: u64,
    images: u64,
    stages: u64,
    stage_list: Vec<Stage>,
    imports: u64,
    /// What waits in the clipboard.
    clipboard: Elements,
    /// What is in stages.
    elements: Elements,
}

#[derive(Serialize, Deserialize)]
struct Series {
    name: String,
    focal_length: f64,
    #[serde(rename(deserialize = "images", serialize = "count"))]
    count: u64,
    #[serde(skip_deserializing)]
    images: Vec<Image>,
}

#[derive(Serialize, Deserialize)]
struct Image {
    id: String,
    #[serde(skip_serializing)]
    series: String,
    file: String,
    format: String,
    width: u32,
    height: u32,
}

#[derive(Serialize, Deserialize)]
struct Stage {
    id: String,
    index: u64,
    name: String,
    import: String,
}

#[derive(Default, Serialize)]
struct Elements {
    elements: u64,
    nominal: u64,
    measured: u64,
    by_type: BTreeMap<String, u64>,
}

impl Elements {
    fn add(&mut self, import: &Import) {
        self.elements += import.elements;
        let groups = [(&mut self.nominal, &import.counts.nominal), (&mut self.measured, &import.counts.measured)];
        for (sum, counts) in groups {
            for (tag, count) in counts {
                *sum += count;
                *self.by_type.entry(tag.clone()).or_default() += count;
            }
        }
    }
}

pub fn summary(store: &Store) -> Result<Summary, Failure> {
    let (mut clipboard, mut elements) = (Elements::default(), Elements::default());
    let imports = Import::all(store)?;
    for import in &imports {
        if import.is_clipboard() { &mut clipboard } else { &mut elements }.add(import);
    }
    let mut series: Vec<Series> = documents(store, "series", 0, LISTED)?;
    let places: HashMap<String, usize> = series.iter().enumerate().map(|(at, of)| (of.name.clone(), at)).collect();
    for image in documents::<Image>(store, "images", 0, LISTED)? {
        if let Some(of) = places.get(&image.series).and_then(|at| series.get_mut(*at)) {
            of.images.push(image);
        }
    }
    Ok(Summary {
        series,
        series_count: store.count("series")?,
        images: store.count("images")?,
        stages: store.count("stages")?,
        stage_list: documents(store, "stages", 0, LISTED)?,
        imports: imports.len() as u64,
        clipboard,
        elements,
    })
}
