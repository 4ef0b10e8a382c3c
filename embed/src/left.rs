//! Commands that the application had not answered when their run was over: what it was given of them is kept until it does,
//! though nobody hears that. A thread of its own may read it still.

use crate::handle::Name;
use jackfield_engine::Unanswered;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// By the engine, which may be freed.
static LEFT: Mutex<Vec<(Name, Unanswered)>> = Mutex::new(Vec::new());

fn left() -> MutexGuard<'static, Vec<(Name, Unanswered)>> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps those of a run that is over.
pub(crate) fn keep(of: Name, unanswered: Unanswered) {
    if !unanswered.is_empty() {
        left().push((of, unanswered));
    }
}

/// The application has answered a command of a run that is over, if it is one.
pub(crate) fn answered(of: Name, token: u64) {
    left().retain(|(name, unanswered)| {
        if *name == of {
            unanswered.finish(token);
        }
        !unanswered.is_empty()
    });
}
