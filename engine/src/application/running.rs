//! What of the application this thread is in: callbacks may call the engine again, and must not wait for themselves.

use super::LaneKind;
use crate::call::Call;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// The innermost last.
    static INSIDE: RefCell<Vec<Inside>> = const { RefCell::new(Vec::new()) };
}

/// A callback that runs on this thread.
#[derive(Clone)]
pub(crate) struct Inside {
    pub kind: LaneKind,
    /// The command that it handles, if it is one.
    pub call: Option<Arc<Call>>,
    /// On a thread that must not wait.
    pub inline: bool,
}

/// Marks this thread as inside a callback until it is dropped.
pub(crate) struct Running(());

impl Running {
    pub fn begin(kind: LaneKind, call: Option<Arc<Call>>, inline: bool) -> Self {
        INSIDE.with_borrow_mut(|inside| inside.push(Inside { kind, call, inline }));
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        INSIDE.with_borrow_mut(|inside| drop(inside.pop()));
    }
}

/// The callback that this thread is in.
pub(crate) fn current() -> Option<Inside> {
    INSIDE.with_borrow(|inside| inside.last().cloned())
}

/// Whether this thread is inside a callback of an application, of whatever engine.
pub fn is_inside() -> bool {
    INSIDE.with_borrow(|inside| !inside.is_empty())
}

/// Whether this thread is inside a callback that must not wait for commands: an INLINE handler.
pub fn must_not_wait() -> bool {
    INSIDE.with_borrow(|inside| inside.last().is_some_and(|inside| inside.inline))
}
