//! The nested calls that a generation has out. Each is answered once, on the generation's control thread, before the
//! generation is destroyed: by whom it called, or, when the plugin is stopped, in its place by the host.

use super::Ledger;
use crate::call::{Call, lock};
use crate::dispatch::CallHandle;
use jackfield_message::{ErrorCode, Reply};
use jackfield_plugin_api as abi;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What the plugin wants done with the reply. Called at most once, on its control thread.
pub(crate) type Done = Box<dyn FnOnce(Reply) + Send>;

/// Which calls may be begun.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Intake {
    #[default]
    All,
    /// The generation drains: calls on behalf of commands that are inside, or it would never be empty.
    ForCommands,
    None,
}

struct Out {
    key: String,
    done: Done,
    /// The command on whose behalf it is.
    parent: Option<Arc<Call>>,
    to_engine: bool,
    /// The plugin was told, or is about to be, that `done` will come. `None` inside: it cannot be cancelled.
    sent: Option<Option<CallHandle>>,
    reply: Option<Reply>,
}

#[derive(Default)]
struct Book {
    intake: Intake,
    last: u64,
    out: HashMap<u64, Out>,
    /// Whose `done` runs now.
    delivering: usize,
}

/// The nested calls of one generation.
#[derive(Default)]
pub(crate) struct Calls {
    book: Mutex<Book>,
}

impl Calls {
    /// `start` is about to be called.
    pub fn open(&self) {
        lock(&self.book).intake = Intake::All;
    }

    /// The generation is to become empty.
    pub fn drain(&self) {
        let mut book = lock(&self.book);
        if book.intake == Intake::All {
            book.intake = Intake::ForCommands;
        }
    }

    /// Calls whose `done` has not returned.
    pub fn out(&self) -> usize {
        let book = lock(&self.book);
        book.out.len() + book.delivering
    }

    /// The same without those that the engine itself answers.
    pub fn out_to_plugins(&self) -> usize {
        let book = lock(&self.book);
        book.out.values().filter(|out| !out.to_engine).count() + book.delivering
    }

    /// The calls on behalf of `parent`.
    pub fn of(&self, parent: &Arc<Call>) -> Vec<CallHandle> {
        let is_of = |out: &&Out| out.parent.as_ref().is_some_and(|of| Arc::ptr_eq(of, parent));
        lock(&self.book).out.values().filter(is_of).filter_map(|out| out.sent.clone().flatten()).collect()
    }

    /// Notes a call that is about to be made; gives its number.
    pub fn begin(
        &self,
        limit: usize,
        key: &str,
        parent: Option<Arc<Call>>,
        to_engine: bool,
        done: Done,
    ) -> Result<u64, abi::jf_status> {
        let mut book = lock(&self.book);
        match book.intake {
            Intake::None => return Err(abi::JF_E_WRONG_STATE),
            Intake::ForCommands if parent.is_none() => return Err(abi::JF_E_WRONG_STATE),
            _ if book.out.len() >= limit => return Err(abi::JF_E_BUSY),
            _ => {}
        }
        book.last += 1;
        let id = book.last;
        book.out.insert(id, Out { key: key.to_owned(), done, parent, to_engine, sent: None, reply: None });
        Ok(id)
    }
}

impl Ledger {
    /// The call was not made: `done` will not come.
    pub fn call_refused(&self, id: u64) {
        // Dropped when the lock is free again.
        let _out = lock(&self.calls.book).out.remove(&id);
        self.tell_emptied();
    }

    /// The call was made; `done` may come from now on. False: the plugin was stopped meanwhile, and it will not.
    pub fn call_sent(self: &Arc<Self>, id: u64, handle: Option<CallHandle>) -> bool {
        let mut book = lock(&self.calls.book);
        if book.intake == Intake::None {
            drop(book);
            self.call_refused(id);
            if let (Some(handle), Some(core)) = (handle, self.core.upgrade()) {
                core.cancel(&handle);
            }
            return false;
        }
        let answered = book.out.get_mut(&id).is_some_and(|out| {
            out.sent = Some(handle);
            out.reply.is_some()
        });
        drop(book);
        if answered {
            self.post_done(id);
        }
        true
    }

    /// The answer to a call. A late one, when the plugin was told something else, is dropped.
    pub fn call_answered(self: &Arc<Self>, id: u64, reply: Reply) {
        let mut late = Some(reply);
        let sent = lock(&self.calls.book).out.get_mut(&id).is_some_and(|out| {
            out.reply = late.take();
            out.sent.is_some()
        });
        if sent {
            self.post_done(id);
        }
    }

    fn post_done(self: &Arc<Self>, id: u64) {
        let ledger = self.clone();
        // Refused only by the thread of a retired generation, whose calls have ended.
        self.control.post(move || {
            let out = {
                let mut book = lock(&ledger.calls.book);
                let out = book.out.remove(&id);
                book.delivering += usize::from(out.is_some());
                out
            };
            let Some(out) = out else { return };
            out.end(&ledger);
            lock(&ledger.calls.book).delivering -= 1;
            ledger.tell_emptied();
        });
    }

    /// No more calls; those that are out are cancelled.
    pub fn close_calls(&self) {
        let handles: Vec<_> = {
            let mut book = lock(&self.calls.book);
            book.intake = Intake::None;
            book.out.values().filter_map(|out| out.sent.clone().flatten()).collect()
        };
        // Those that still wait are answered by this, at once.
        if let Some(core) = self.core.upgrade() {
            for handle in &handles {
                core.cancel(handle);
            }
        }
    }

    /// Answers in their place for all calls that are still out. On the control thread, after [`Ledger::close_calls`].
    pub fn end_calls(&self) {
        let out: Vec<_> = lock(&self.calls.book).out.extract_if(|_, out| out.sent.is_some()).collect();
        for (_, out) in out {
            out.end(self);
        }
        self.tell_emptied();
    }
}

impl Out {
    fn end(self, ledger: &Ledger) {
        let reply = self.reply.unwrap_or_else(|| {
            let message = format!(
                "Plugin '{}' was stopped while its call of '{}' was under way; nobody knows whether that took effect.",
                ledger.plugin(),
                self.key
            );
            Reply::error(ErrorCode::OutcomeUnknown, message)
        });
        (self.done)(reply);
    }
}
