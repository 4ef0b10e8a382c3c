//! The host's table as safe methods. A function that the host does not have does nothing.

use super::tables::{Table, read};
use crate::{Level, Status, Token};
use jackfield_plugin_api::*;

/// A host table, copied as far as both sides know it.
pub(crate) struct HostTable {
    raw: *const jf_host,
    table: jf_host,
}

// SAFETY: all functions of a host may be called from any thread (plugin.h), and the table is only read.
unsafe impl Send for HostTable {}
// SAFETY: as above.
unsafe impl Sync for HostTable {}

impl HostTable {
    /// # Safety
    /// `raw` is a host table as plugin.h describes it, valid until the library is unloaded.
    pub unsafe fn new(raw: *const jf_host) -> Self {
        // SAFETY: as promised by the caller.
        Self { raw, table: unsafe { read(raw) } }
    }

    /// First argument of every function of the host.
    pub fn raw(&self) -> *const jf_host {
        self.raw
    }

    pub fn log(&self, level: Level, text: &str) {
        if let Some(log) = self.table.log {
            // SAFETY: `raw` is the table that `log` belongs to; `text` lives until the call returns.
            unsafe { log(self.raw, level.raw(), jf_str::new(text)) }
        }
    }

    /// A copy of the table of a service; `None` where the host has none.
    pub fn service<T: Table>(&self, id: ServiceId<T>) -> Option<T> {
        let get_service = self.table.get_service?;
        // SAFETY: as in `log`; the host answers NULL or a table of the kind that goes with the id (`ServiceId`).
        unsafe {
            let table = get_service(self.raw, jf_str::new(id.text)).cast::<T>();
            (!table.is_null()).then(|| read(table))
        }
    }

    pub fn reply(&self, token: Token, reply: &jf_reply) -> Result<(), Status> {
        let send = self.table.reply.ok_or(Status::NoService)?;
        // SAFETY: as in `log`; `reply` and all it borrows live until the call returns.
        Status::check(unsafe { send(self.raw, token.0, reply) })
    }

    pub fn progress(&self, token: Token, done: u64, total: u64, text: &str) {
        if let Some(progress) = self.table.progress {
            // SAFETY: as in `log`.
            unsafe { progress(self.raw, token.0, done, total, jf_str::new(text)) };
        }
    }

    pub fn is_cancelled(&self, token: Token) -> bool {
        // SAFETY: as in `log`.
        self.table.is_cancelled.is_some_and(|is_cancelled| unsafe { is_cancelled(self.raw, token.0) } != 0)
    }
}

/// Id of a service, tied to the type of its table.
pub(crate) struct ServiceId<T> {
    text: &'static str,
    table: std::marker::PhantomData<T>,
}

/// `jackfield.topics/1`.
pub(crate) const TOPICS: ServiceId<jf_topics_v1> = ServiceId { text: SERVICE_TOPICS, table: std::marker::PhantomData };

/// `jackfield.call/1`.
pub(crate) const CALL: ServiceId<jf_call_v1> = ServiceId { text: SERVICE_CALL, table: std::marker::PhantomData };

/// `jackfield.store/1`.
pub(crate) const STORE: ServiceId<jf_store_v1> = ServiceId { text: SERVICE_STORE, table: std::marker::PhantomData };
