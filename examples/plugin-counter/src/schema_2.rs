//! What is handed over from version to version.

use jackfield_plugin::{Error, Saved, State};
use serde::{Deserialize, Serialize};

/// Schema 2: the count, and in how many additions it came together.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    total: u64,
    /// Since there is schema 2.
    additions: u64,
    /// How often it was saved.
    pub saves: u64,
}

impl State for Tally {
    const SCHEMA: u32 = 2;

    fn from_older(saved: &Saved<'_>) -> Result<Self, Error> {
        /// As older versions wrote it.
        #[derive(Deserialize)]
        struct One {
            count: u64,
            saves: u64,
        }
        match saved.schema() {
            1 => {
                let One { count, saves } = saved.read()?;
                Ok(Self { total: count, additions: 0, saves })
            }
            _ => Err(saved.refused::<Self>()),
        }
    }
}

impl Tally {
    /// The new count; `None`: it would be too large, and stays.
    pub fn add(&mut self, by: u64) -> Option<u64> {
        self.total = self.total.checked_add(by)?;
        self.additions += 1;
        Some(self.total)
    }

    pub fn count(&self) -> u64 {
        self.total
    }

    /// `None`: not known.
    pub fn additions(&self) -> Option<u64> {
        Some(self.additions)
    }
}

#[cfg(test)]
mod tests {
    use crate::Counter;
    use jackfield_plugin::Status;
    use jackfield_plugin::testing::{Bench, SavedState};

    #[test]
    fn a_count_of_schema_1_goes_on() {
        let old = SavedState::new(1, "0.9.0", r#"{"count": 5, "saves": 3}"#);
        let bench = Bench::<Counter>::restored("{}", &old).unwrap();
        let report = bench.call("counter.get", "{}").success();
        assert_eq!((&report["count"], &report["additions"]), (&5.into(), &0.into()));
        assert_eq!((&report["saved_by"], &report["saved_schema"]), (&"0.9.0".into(), &1.into()));
        assert_eq!(bench.call("counter.add", r#"{"by": 2}"#).json, r#"{"count":7}"#);
    }

    #[test]
    fn a_count_of_a_later_schema_is_refused() {
        let newer = SavedState::new(3, "9.0.0", r#"{"total": 5}"#);
        let refused = Bench::<Counter>::restored("{}", &newer).err().unwrap();
        assert_eq!((refused.step, refused.status), ("restore", Status::State));
        assert!(refused.why.contains("schema 3, which is newer than schema 2"), "{refused}");
    }
}
