//! The state as it was before: only to build that older version. A plugin of your own keeps no such file.

use jackfield_plugin::State;
use serde::{Deserialize, Serialize};

/// Schema 1: the count alone.
#[derive(Default, Serialize, Deserialize)]
pub struct Tally {
    count: u64,
    /// How often it was saved.
    pub saves: u64,
}

impl State for Tally {
    const SCHEMA: u32 = 1;
}

impl Tally {
    pub fn add(&mut self, by: u64) -> Option<u64> {
        self.count = self.count.checked_add(by)?;
        Some(self.count)
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn additions(&self) -> Option<u64> {
        None
    }
}
