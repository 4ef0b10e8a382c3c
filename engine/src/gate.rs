//! Rule 1: a command enters a generation by one atomic step, which fails once that generation is closed.
//!
//! Count, held and closed share one word, so that no command can slip in between "is it closed?" and "count me". The model
//! test (`tests/gate_model.rs`) compiles this very file against loom's atomics.

use super::sync::{AtomicU64, Ordering};

const CLOSED: u64 = 1 << 63;
const HELD: u64 = 1 << 62;
const COUNT: u64 = HELD - 1;

/// Who wants to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrant {
    /// A command from a client: waits while the generation is held.
    Outside,
    /// A call made by a plugin on behalf of a command that is inside already: a hold must not wait for itself.
    Nested,
}

/// Why a command did not get in. It goes back to the slot's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// For now: try again after the release.
    Held,
    /// For ever: another generation answers.
    Closed,
}

/// The door of a generation.
#[derive(Debug, Default)]
pub struct Gate {
    word: AtomicU64,
}

impl Gate {
    /// An open gate with nothing inside.
    pub fn new() -> Self {
        Self { word: AtomicU64::new(0) }
    }

    /// One command in, or the reason why not. Pairs with one [`Gate::leave`].
    pub fn enter(&self, entrant: Entrant) -> Result<(), Refusal> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(Refusal::Closed);
            }
            if word & HELD != 0 && entrant == Entrant::Outside {
                return Err(Refusal::Held);
            }
            match self.word.compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// One command out: the plugin is done with it. True when somebody may be waiting for the last one.
    pub fn leave(&self) -> bool {
        // Release: what the command did is seen by whoever finds the count at 0.
        let before = self.word.fetch_sub(1, Ordering::Release);
        debug_assert!(before & COUNT > 0, "more commands left than entered");
        before & COUNT == 1 && before & (HELD | CLOSED) != 0
    }

    /// Outside commands wait from now on.
    pub fn hold(&self) {
        self.word.fetch_or(HELD, Ordering::AcqRel);
    }

    /// Nobody enters any more; those inside stay until they leave.
    pub fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Closes only if nothing is inside, in the same step.
    pub fn close_if_empty(&self) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while word & COUNT == 0 {
            match self.word.compare_exchange_weak(word, word | CLOSED, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Opens a closed gate again: only for a generation whose successor was refused, while nothing is inside.
    pub fn reopen(&self) {
        self.word.fetch_and(!(CLOSED | HELD), Ordering::AcqRel);
    }

    /// Whether commands from outside may enter. Who is inside already may take a further one by this alone, because the gate
    /// cannot have closed *and* emptied.
    pub fn is_open(&self) -> bool {
        self.word.load(Ordering::Acquire) & (HELD | CLOSED) == 0
    }

    /// Whether outside commands wait.
    pub fn is_held(&self) -> bool {
        self.word.load(Ordering::Acquire) & HELD != 0
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many are inside. 0 on a closed gate is final.
    pub fn inside(&self) -> u64 {
        self.word.load(Ordering::Acquire) & COUNT
    }
}
