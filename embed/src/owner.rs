//! Which process an engine belongs to: a fork of that has its memory, and none of its threads.

use crate::edge::Fault;
use jackfield_message::Culprit;
use jackfield_plugin_api::JF_E_STALE;
use std::sync::atomic::{AtomicU32, Ordering};

/// The process that started it last; 0: none. Looked at before any lock: a thread that held one when the process was forked
/// will never give it back.
#[derive(Default)]
pub(crate) struct Owner(AtomicU32);

impl Owner {
    /// It is this process's from now on; gives whose it was.
    pub fn take(&self) -> u32 {
        self.0.swap(std::process::id(), Ordering::AcqRel)
    }

    /// It is again whose it was.
    pub fn restore(&self, before: u32) {
        self.0.store(before, Ordering::Release);
    }

    /// An error in any other process.
    pub fn check(&self) -> Result<(), Fault> {
        let (owner, this) = (self.0.load(Ordering::Acquire), std::process::id());
        if owner == 0 || owner == this {
            return Ok(());
        }
        let message = format!(
            "`engine` belongs to process {owner}, which has started it; this is process {this}, a fork of that, and has \
             none of its threads. Make one for this process."
        );
        Err(Fault::new(JF_E_STALE, Culprit::Caller, message))
    }
}
