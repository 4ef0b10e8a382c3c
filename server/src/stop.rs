//! The server's stop: begun once, heard by everything that waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whether the server is to stop. Clones are the same stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    /// Known without the token's lock.
    begun: Arc<AtomicBool>,
    within: Arc<OnceLock<Duration>>,
}

impl Stop {
    /// The server stops from now on.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
        self.token.cancel();
    }

    /// The same, with a limit in the place of `shutdown_s`; whoever says so first.
    pub fn begin_within(&self, limit: Duration) {
        let _ = self.within.set(limit);
        self.begin();
    }

    /// How long commands that run may take, if that was said.
    pub fn within(&self) -> Option<Duration> {
        self.within.get().copied()
    }

    /// Whether it has begun. True before anybody who waits is woken.
    pub fn is_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Waits for it.
    pub async fn begun(&self) {
        self.token.cancelled().await;
    }

    /// A token of one's own for it, so that those who wait do not meet at one lock.
    pub fn child(&self) -> CancellationToken {
        self.token.child_token()
    }
}
