//! Versions of a plugin that follow each other, without a server.

use super::Refused;
use super::bench::Bench;
use super::desk::{Desk, Phase};
use super::memory::Memory;
use crate::Plugin;
use crate::export::bench::Loaded;
use std::sync::Arc;

/// A state as a server keeps it between two versions of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    /// [`State::SCHEMA`](crate::State::SCHEMA) of who saved it.
    pub schema: u32,
    /// Version text of who saved it.
    pub version: String,
    /// What was written: JSON.
    pub bytes: Vec<u8>,
}

impl SavedState {
    /// As a version wrote it; such a text belongs into the tests of all versions that come after.
    pub fn new(schema: u32, version: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { schema, version: version.into(), bytes: bytes.into() }
    }
}

impl<P: Plugin> Bench<P> {
    /// As [`new`](Self::new), with a state that was saved before: by this version, an older or a newer one.
    pub fn restored(config: impl ToString, saved: &SavedState) -> Result<Self, Refused> {
        Self::begin(&config.to_string(), Some(saved), Arc::default())
    }

    /// Stops the plugin, saves its state and starts it again, as a swap does that is refused later.
    pub fn save(&self) -> Result<SavedState, Refused> {
        self.assert_serves();
        self.loaded.stop();
        let saved = self.loaded.save(P::INFO.version);
        self.loaded.start()?;
        saved
    }

    /// Lets `N` take over, as a swap does: this version is stopped and saved; `N` is made, restores and starts; this one
    /// is dropped. `N` has the same store. If it is refused, this version is started again and goes on. From success on,
    /// this bench is of no use.
    pub fn hand_over<N: Plugin>(&self, config: impl ToString) -> Result<Bench<N>, Refused> {
        self.assert_serves();
        self.loaded.stop();
        let saved = self.loaded.save(P::INFO.version);
        match saved.and_then(|saved| Bench::begin(&config.to_string(), Some(&saved), self.desk.store())) {
            Ok(next) => {
                self.end();
                Ok(next)
            }
            Err(refused) => {
                self.loaded.start()?;
                Err(refused)
            }
        }
    }

    /// Ends without saving, and lets `N` begin from what was `saved` last (`None`: nothing was), as a server does that is
    /// started after a crash. The store is as it was.
    pub fn after_crash<N: Plugin>(
        self,
        config: impl ToString,
        saved: Option<&SavedState>,
    ) -> Result<Bench<N>, Refused> {
        let store = self.desk.store();
        // What the old version does from here on, such as in its `stop`, is not seen by the next one.
        self.desk.set_store(Arc::default());
        drop(self);
        Bench::begin(&config.to_string(), saved, store)
    }

    fn assert_serves(&self) {
        assert!(self.desk.phase() == Phase::Running, "the plugin has handed over");
        assert!(self.desk.is_idle(), "a command has not ended: a server would wait for it");
    }

    pub(super) fn begin(config: &str, saved: Option<&SavedState>, store: Arc<Memory>) -> Result<Self, Refused> {
        // Never freed, as with the server, whose tables outlive a plugin: a thread that the plugin left behind may still
        // call them.
        let desk: &'static Desk = Box::leak(Box::default());
        desk.set_store(store);
        let loaded = Loaded::load::<P>(desk)?;
        let why = |status| Refused { step: "enter", status, why: desk.lines().join("\n") };
        loaded.enter_thread().map_err(why)?;
        // From here on, dropping the bench undoes what was done.
        let bench = Self::of(loaded, desk);
        desk.enter(Phase::Created);
        bench.loaded.create(config)?;
        if let Some(saved) = saved {
            bench.loaded.restore(saved)?;
        }
        desk.enter(Phase::Running);
        bench.loaded.start()?;
        Ok(bench)
    }
}
