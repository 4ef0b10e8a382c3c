//! The params of the commands. `null` is as good as a member that is missing.

use serde::{Deserialize, Serialize};

/// Of `project`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Series,
    Images,
    Stages,
    /// Elements of stages.
    Elements,
    /// Elements outside of stages.
    Clipboard,
}

/// Of `project.list`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    pub kind: Kind,
    pub offset: Option<u64>,
    pub limit: Option<u64>,
}

/// Of `project.get`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    pub id: String,
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Gxml,
    Csv,
}

/// The kinds that have elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementKind {
    Elements,
    Clipboard,
}

/// Of `project.export`. One of `kind`, `stage` and `import`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    pub format: Format,
    pub kind: Option<ElementKind>,
    pub stage: Option<String>,
    pub import: Option<String>,
    pub offset: Option<u64>,
    pub limit: Option<u64>,
}

/// How bytes are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    #[default]
    Attachment,
    Base64,
}

/// Of `project.blob`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    pub id: String,
    pub thumbnail: Option<bool>,
    pub encoding: Option<Encoding>,
    /// In bytes.
    pub offset: Option<u64>,
    /// In bytes.
    pub length: Option<u64>,
}
