//! Counts what a file holds.

use super::vocabulary::{Group, TYPES};
use super::{Fault, Result};
use std::collections::BTreeMap;

/// A file with more unknown tags than this is no inspection file.
const MAX_TAGS: usize = 1000;

/// Elements by group and tag; what is not there is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub nominal: BTreeMap<String, u64>,
    pub measured: BTreeMap<String, u64>,
}

#[derive(Default)]
pub struct Tally {
    pub unknown: BTreeMap<String, u64>,
    /// Elements of the known types; kept apart because a map would be asked for each.
    known: [[u64; TYPES.len()]; 2],
    other: Counts,
}

impl Tally {
    /// Counts an element; the number of its type, `None` for an unknown one.
    pub fn element(&mut self, group: Group, tag: &str) -> Result<Option<usize>> {
        let kind = TYPES.iter().position(|(name, _)| *name == tag);
        match kind {
            Some(kind) => self.known[group as usize][kind] += 1,
            None => {
                self.unknown(tag)?;
                let counts = match group {
                    Group::Nominal => &mut self.other.nominal,
                    Group::Measured => &mut self.other.measured,
                };
                *counts.entry(tag.to_owned()).or_default() += 1;
            }
        }
        Ok(kind)
    }

    /// Counts an unknown tag.
    pub fn unknown(&mut self, tag: &str) -> Result<()> {
        if let Some(count) = self.unknown.get_mut(tag) {
            *count += 1;
        } else if self.unknown.len() == MAX_TAGS {
            return Err(Fault::content(format!("there are more than {MAX_TAGS} different unknown tags")));
        } else if tag.len() > 256 {
            return Err(Fault::content(format!("the tag '{}' is longer than 256 bytes", super::leaf::shorten(tag))));
        } else {
            self.unknown.insert(tag.to_owned(), 1);
        }
        Ok(())
    }

    /// Elements by group and tag.
    pub fn counts(&self) -> Counts {
        let mut counts = self.other.clone();
        for (map, known) in [&mut counts.nominal, &mut counts.measured].into_iter().zip(&self.known) {
            let found = TYPES.iter().zip(known).filter(|(_, count)| **count > 0);
            map.extend(found.map(|((name, _), count)| ((*name).to_owned(), *count)));
        }
        counts
    }
}
