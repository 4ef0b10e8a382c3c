//! What a session has to submit in one go: one look at the routing table and two at the clock for all of it.

use crate::builtins;
use crate::call::Caller;
use crate::core::Core;
use crate::dispatch::Submitted;
use crate::gate::Refusal;
use crate::generation::{Generation, Inside, SLOW};
use crate::router::{Class, Overlap, Slot, Table};
use arc_swap::Guard;
use jackfield_message::{ByteString, Command, Reply};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

/// The commands that came in one read, or in the moment. Not to be kept while waiting: it has the routing table of its
/// beginning, and the time until it is dropped is what its INLINE commands took.
pub struct Burst<'e> {
    core: &'e Arc<Core>,
    table: Guard<Arc<Table>>,
    /// Where in the table the last key was: commands that come together often have one key, and each is looked up twice.
    last: Cell<usize>,
    /// In the generation of the last INLINE command, for those that follow it: two locked operations for all of them. Left
    /// with the burst, before another one is entered, and before anything else is submitted.
    inside: RefCell<Option<Inside>>,
    /// When the first INLINE command began.
    inline_since: Cell<Option<Instant>>,
}

impl<'e> Burst<'e> {
    pub(crate) fn new(core: &'e Arc<Core>) -> Self {
        Self {
            core,
            table: core.router.load(),
            last: Cell::new(0),
            inside: RefCell::default(),
            inline_since: Cell::new(None),
        }
    }

    fn find(&self, key: &str) -> Option<&Slot> {
        self.table.find_again(key, &self.last)
    }

    /// Whether `key` is a command now.
    pub fn is_command(&self, key: &str) -> bool {
        // What is not there may have come since.
        !key.is_empty() && (self.find(key).is_some() || self.core.router.load().find(key).is_some())
    }

    /// Whether a catch-all plugin is loaded.
    pub fn catches_all(&self) -> bool {
        self.find("").is_some() || self.core.router.load().find("").is_some()
    }

    /// Whether a command may follow others of an in-order session before they are answered.
    pub fn overlap(&self, key: &str) -> Overlap {
        match self.find(key) {
            Some(Slot::Plugin(entry)) if entry.class() == Class::Serial => Overlap::SamePlugin(entry.plugin.number),
            _ => Overlap::Never,
        }
    }

    /// The names of a command's params, in the order in which it declares them. Empty: it declares none, or is unknown.
    pub fn param_order(&self, key: &str) -> Vec<ByteString> {
        let of = |slot: &Slot| match slot {
            Slot::Builtin(_) => builtins::param_order(key).iter().map(|name| ByteString::from_static(name)).collect(),
            Slot::Plugin(entry) => {
                let names = &entry.generation.descriptor.commands[entry.command].param_order;
                names.iter().map(|name| name.as_str().into()).collect()
            }
            Slot::Application(entry) => entry.info.param_order.iter().map(|name| name.as_str().into()).collect(),
        };
        // What is not there may have come since.
        self.find(key).map(of).or_else(|| self.core.router.load().find(key).map(of)).unwrap_or_default()
    }

    /// Runs an INLINE command here and now, where nothing is in its way. `None`: it is to be submitted.
    pub fn run(&self, command: &Command) -> Option<Reply> {
        let Some(Slot::Plugin(entry)) = self.find(command.key()) else { return None };
        if entry.class() != Class::Inline || !self.core.is_accepting() {
            return None;
        }
        self.enter(&entry.generation).ok()?;
        if self.inline_since.get().is_none() {
            self.inline_since.set(Some(Instant::now()));
        }
        entry.generation.run_inline(entry.command, command)
    }

    /// Goes into `generation`, or finds that another command may run where this burst is already.
    fn enter(&self, generation: &Arc<Generation>) -> Result<(), Refusal> {
        let mut inside = self.inside.borrow_mut();
        if !inside.as_ref().is_some_and(|inside| inside.may_run(generation)) {
            *inside = None;
            *inside = Some(generation.enter()?);
        }
        Ok(())
    }

    /// Routes a command; never blocks.
    pub fn submit(&self, command: Command, caller: Caller<'_>) -> Submitted {
        match self.run(&command) {
            Some(reply) => Submitted::Answered(reply),
            None => {
                *self.inside.borrow_mut() = None;
                self.core.submit(&self.table, command, caller)
            }
        }
    }
}

impl Drop for Burst<'_> {
    /// Which of the commands was slow, if they were, is found out by measuring the next ones.
    fn drop(&mut self) {
        let Some(since) = self.inline_since.get() else { return };
        let now = Instant::now();
        if now.duration_since(since) >= SLOW {
            for entry in self.table.plugin_entries().filter(|entry| entry.class() == Class::Inline) {
                entry.generation.suspect(entry.command, now);
            }
        }
    }
}
