//! `project`: what there is. Elements are not looked at, their imports count them.

use crate::documents::{ByType, Documents, Image, ImportHead, Series, Stage, damaged, document};
use jackfield_plugin::Failure;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Told of each series.
const IMAGES: usize = 1000;
/// Told of all series together.
const ALL_IMAGES: usize = 10_000;
const SERIES: usize = 1000;
const STAGES: usize = 1000;

#[derive(Serialize)]
pub struct Summary {
    series: Vec<SeriesSummary>,
    stages: Vec<StageSummary>,
    clipboard: Clipboard,
    elements: Elements,
    #[serde(skip_serializing_if = "More::is_none")]
    more: More,
}

/// How many are not told.
#[derive(Default, Serialize)]
struct More {
    series: u64,
    stages: u64,
}

impl More {
    fn is_none(&self) -> bool {
        self.series == 0 && self.stages == 0
    }
}

#[derive(Serialize)]
struct SeriesSummary {
    name: String,
    focal_length: serde_json::Number,
    images: Vec<ImageSummary>,
    #[serde(skip_serializing_if = "is_zero")]
    more: u64,
}

#[derive(Serialize)]
struct ImageSummary {
    id: String,
    file: String,
    width: u32,
    height: u32,
    format: String,
}

#[derive(Serialize)]
struct StageSummary {
    id: String,
    index: u64,
    name: String,
    elements: u64,
    by_type: ByType,
}

#[derive(Default, Serialize)]
struct Clipboard {
    elements: u64,
    by_type: ByType,
}

#[derive(Default, Serialize)]
struct Elements {
    total: u64,
    by_type: ByType,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub fn summary(documents: &Documents) -> Result<Summary, Failure> {
    let mut more = More::default();
    let series = series(documents, &mut more)?;
    // Before the imports, so that each of them has its import.
    let mut stages: Vec<Stage> = Vec::new();
    documents.each("stages", 0, u64::MAX, |stage: Stage| {
        if stages.len() < STAGES {
            stages.push(stage);
        } else {
            more.stages += 1;
        }
    })?;
    let (mut clipboard, mut elements) = (Clipboard::default(), Elements::default());
    let named: HashSet<&str> = stages.iter().map(|stage| stage.import.as_str()).collect();
    let mut imports = HashMap::new();
    documents.each("imports", 0, u64::MAX, |import: ImportHead| {
        let (total, by_type) = match import.stage {
            None => (&mut clipboard.elements, &mut clipboard.by_type),
            Some(_) => (&mut elements.total, &mut elements.by_type),
        };
        *total = total.saturating_add(import.elements);
        import.counts.add_to(by_type);
        if named.contains(import.id.as_str()) {
            let mut by_type = ByType::new();
            import.counts.add_to(&mut by_type);
            imports.insert(import.id, (import.elements, by_type));
        }
    })?;
    let stages = stages.into_iter().map(|stage| {
        let (elements, by_type) = imports.get(&stage.import).cloned().ok_or_else(|| {
            let why = format!("it names '{}' of 'imports', which is not there", stage.import);
            damaged(&document("stages", &stage.id), why)
        })?;
        Ok(StageSummary { id: stage.id, index: stage.index, name: stage.name, elements, by_type })
    });
    Ok(Summary { series, stages: stages.collect::<Result<_, Failure>>()?, clipboard, elements, more })
}

fn series(documents: &Documents, more: &mut More) -> Result<Vec<SeriesSummary>, Failure> {
    // Before the series, so that each of them has its series.
    let mut images: BTreeMap<String, (Vec<ImageSummary>, u64)> = BTreeMap::new();
    let mut told = 0;
    documents.each("images", 0, u64::MAX, |image: Image| {
        let Image { id, series, file, width, height, format, .. } = image;
        let (listed, more) = images.entry(series).or_default();
        if listed.len() < IMAGES && told < ALL_IMAGES {
            told += 1;
            listed.push(ImageSummary { id, file, width, height, format });
        } else {
            *more += 1;
        }
    })?;
    let mut series = Vec::new();
    documents.each("series", 0, u64::MAX, |Series { name, focal_length, .. }: Series| {
        let (images, unlisted) = images.remove(&name).unwrap_or_default();
        if series.len() < SERIES {
            series.push(SeriesSummary { name, focal_length, images, more: unlisted });
        } else {
            more.series += 1;
        }
    })?;
    match images.first_key_value() {
        None => Ok(series),
        Some((name, (images, _))) => {
            let image = images.first().map_or("an image", |image| &image.id);
            let why = format!("it names '{name}' of 'series', which is not there");
            Err(damaged(&document("images", image), why))
        }
    }
}
