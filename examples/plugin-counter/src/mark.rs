//! Whether the last run ended without saving. A state cannot tell: after a crash it is as whole as ever, only old. So each
//! start leaves a mark in the store, which is on disk at once.

use jackfield_plugin::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// What ran last.
#[derive(Serialize, Deserialize)]
pub struct Mark {
    /// [`Tally::saves`](crate::Tally::saves) of the state that it began with.
    saves: u64,
    /// When it began, in seconds since 1970.
    pub since: u64,
}

const COLLECTION: &str = "counter";
const ID: &str = "running";

impl Mark {
    /// The one that ran last and did not save what it did; `state` is how often what is there now was saved.
    pub fn unsaved(store: &Store, state: u64) -> Result<Option<Self>, StoreError> {
        Ok(store.get_json(COLLECTION, ID)?.filter(|mark: &Self| mark.saves >= state))
    }

    /// Marks what runs from now on.
    pub fn leave(store: &Store, saves: u64) -> Result<(), StoreError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let batch = store.begin()?;
        batch.put_json(COLLECTION, ID, &Self { saves, since }, &[])?;
        batch.commit()
    }
}
