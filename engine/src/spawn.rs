//! How the engine's own threads begin. The names of those of a generation matter (`core.rs`, `thread_name`).

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Called first on each thread that an engine begins.
pub type OnThreadStart = Arc<dyn Fn() + Send + Sync>;

/// Begins threads.
#[derive(Clone, Default)]
pub(crate) struct Spawner(Option<OnThreadStart>);

impl Spawner {
    pub fn new(on_start: Option<OnThreadStart>) -> Self {
        Self(on_start)
    }

    /// To be called first on a thread that was begun in another way.
    pub fn begin(&self) {
        if let Some(on_start) = &self.0 {
            on_start();
        }
    }

    pub fn spawn(&self, name: String, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
        let spawner = self.clone();
        Builder::new().name(name).spawn(move || {
            spawner.begin();
            work();
        })
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Spawner({})", if self.0.is_some() { "with a hook" } else { "plain" })
    }
}
