//! Elements, counted over all imports: which part of which import a request means.

use crate::documents::{Documents, ImportHead};
use jackfield_plugin::Failure;

/// Whose elements.
pub enum Of {
    /// Of all stages.
    Stages,
    /// Of the imports without a stage.
    Clipboard,
    /// Of this import.
    Import(ImportHead),
}

/// Some elements of one import.
pub struct Part {
    pub import: String,
    pub stage: Option<String>,
    /// Number of the first.
    pub from: u64,
    /// Number of the one behind the last.
    pub to: u64,
}

pub struct Selection {
    /// How many there are with no offset and limit.
    pub total: u64,
    /// In order. None is empty, but for an import that has no elements.
    pub parts: Vec<Part>,
}

pub fn select(documents: &Documents, of: Of, offset: u64, limit: u64) -> Result<Selection, Failure> {
    let mut selection = Selection { total: 0, parts: Vec::new() };
    let end = offset.saturating_add(limit);
    let mut add = |import: ImportHead| {
        let start = selection.total;
        selection.total = start.saturating_add(import.elements);
        let [from, to] = [offset, end].map(|at| at.clamp(start, selection.total) - start);
        let empty = import.elements == 0 && (offset..end).contains(&start);
        if from < to || empty {
            selection.parts.push(Part { import: import.id, stage: import.stage, from, to });
        }
    };
    match of {
        Of::Import(import) => add(import),
        Of::Stages | Of::Clipboard => {
            let staged = matches!(of, Of::Stages);
            documents.each("imports", 0, u64::MAX, |import: ImportHead| {
                if import.stage.is_some() == staged {
                    add(import);
                }
            })?;
        }
    }
    Ok(selection)
}
