//! What of applications this thread is in: callbacks may call engines again, and must not wait for themselves.

use super::LaneKind;
use crate::call::Call;
use crate::core::Core;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// The innermost last.
    static INSIDE: RefCell<Vec<Inside>> = const { RefCell::new(Vec::new()) };
}

/// A callback that runs on this thread.
#[derive(Clone)]
pub(crate) struct Inside {
    /// Whose it is.
    pub core: Arc<Core>,
    pub kind: LaneKind,
    /// The command that it handles, if it is one.
    pub call: Option<Arc<Call>>,
    /// On a thread that must not wait.
    pub inline: bool,
}

/// Marks this thread as inside a callback until it is dropped.
pub(crate) struct Running(());

impl Running {
    pub fn begin(core: &Arc<Core>, kind: LaneKind, call: Option<Arc<Call>>, inline: bool) -> Self {
        INSIDE.with_borrow_mut(|inside| inside.push(Inside { core: core.clone(), kind, call, inline }));
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let last = INSIDE.with_borrow_mut(Vec::pop);
        // What goes with it may call the application.
        drop(last);
    }
}

/// The callbacks that this thread is in, the innermost last.
pub(crate) fn all() -> Vec<Inside> {
    INSIDE.with_borrow(Clone::clone)
}

/// Whether this thread is inside a callback of that engine's application.
pub(crate) fn is_inside(core: &Core) -> bool {
    INSIDE.with_borrow(|inside| inside.iter().any(|inside| std::ptr::eq(&raw const *inside.core, core)))
}

/// Whether this thread is inside a callback that must not wait for commands: an INLINE handler, of whatever engine.
pub fn must_not_wait() -> bool {
    INSIDE.with_borrow(|inside| inside.iter().any(|inside| inside.inline))
}
