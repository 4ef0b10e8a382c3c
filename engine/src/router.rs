//! Which slot answers a key: one immutable table, swapped as a whole, read without a lock.

use crate::application::Entry;
use crate::builtins::Builtin;
use crate::discover;
use crate::generation::Generation;
use crate::plugin::PluginSlot;
use arc_swap::{ArcSwap, Guard};
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use jackfield_message::ByteString;
use rpds::HashTrieMapSync;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Where a command runs (DESIGN: command classes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// On the generation's serial thread.
    Serial,
    /// On the generation's worker threads.
    Concurrent,
    /// On the session's I/O thread.
    Inline,
    /// Where the application polls; of its own commands only.
    HostThread,
}

impl Class {
    /// The word used in `jackfield.plugins`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serial => "SERIAL",
            Self::Concurrent => "CONCURRENT",
            Self::Inline => "INLINE",
            Self::HostThread => "HOST_THREAD",
        }
    }
}

/// What an in-order session must know of a key before it submits a command that follows others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// May follow commands that are under way for the same plugin (the number), and no others.
    SamePlugin(u64),
    /// Must be alone.
    Never,
}

/// A key's entry in the routing table.
#[derive(Clone)]
pub(crate) enum Slot {
    Builtin(Builtin),
    Plugin(PluginEntry),
    Application(Arc<Entry>),
}

/// A plugin's command and the generation that serves it.
#[derive(Clone)]
pub(crate) struct PluginEntry {
    pub plugin: Arc<PluginSlot>,
    pub generation: Arc<Generation>,
    /// Which of its descriptor's commands.
    pub command: usize,
}

impl PluginEntry {
    /// Where the command runs, as it stands.
    pub fn class(&self) -> Class {
        self.generation.class(self.command)
    }

    /// JF_COMMAND_* of the key.
    pub fn flags(&self) -> u32 {
        self.generation.descriptor.commands[self.command].flags
    }
}

/// By key. The hasher is a fast one: only plugins put keys into such maps, which clients merely look up.
pub(crate) type ByKey<T> = HashMap<ByteString, T, RandomState>;

/// The keys of the application. Shares with its copies what is the same in both: thousands of keys may come and go one by one
/// while it runs.
pub(crate) type OfApplication = HashTrieMapSync<ByteString, Slot, RandomState>;

/// All keys of one moment.
#[derive(Default)]
pub(crate) struct Table {
    /// Those of the engine and the plugins.
    pub slots: IndexMap<ByteString, Slot, RandomState>,
    /// None of them is in `slots`, too.
    pub application: OfApplication,
    pub catch_all: Option<Slot>,
    /// Made when somebody asks for it first.
    openrpc: OnceLock<ByteString>,
}

impl Table {
    /// The engine's own commands.
    pub fn with_builtins() -> Self {
        let slots = Builtin::ALL.iter().map(|(key, builtin)| (ByteString::from_static(key), Slot::Builtin(*builtin)));
        Self { slots: slots.collect(), ..Self::default() }
    }

    /// The slot for `key`; the empty key is the catch-all's.
    pub fn find(&self, key: &str) -> Option<&Slot> {
        if key.is_empty() { self.catch_all.as_ref() } else { self.slots.get(key).or_else(|| self.application.get(key)) }
    }

    /// The same for one who looks for the same key again and again, and keeps its place in `last`.
    pub fn find_again(&self, key: &str, last: &Cell<usize>) -> Option<&Slot> {
        if let Some((known, slot)) = self.slots.get_index(last.get())
            && same(known, key)
        {
            return Some(slot);
        }
        if key.is_empty() {
            return self.catch_all.as_ref();
        }
        let Some((place, _, slot)) = self.slots.get_full(key) else { return self.application.get(key) };
        last.set(place);
        Some(slot)
    }

    /// The OpenRPC document of these keys.
    pub fn openrpc(&self, version: &str) -> ByteString {
        self.openrpc.get_or_init(|| discover::document(self, version)).clone()
    }

    /// Every command of a plugin.
    pub fn plugin_entries(&self) -> impl Iterator<Item = &PluginEntry> {
        self.slots.values().chain(&self.catch_all).filter_map(|slot| match slot {
            Slot::Plugin(entry) => Some(entry),
            Slot::Builtin(_) | Slot::Application(_) => None,
        })
    }
}

/// Whether two keys are the same, byte by byte: they are short, and the library's way of comparing has to wait for bytes that
/// were written just now.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).all(|(one, other)| one == other)
}

/// The routing table.
pub(crate) struct Router {
    table: ArcSwap<Table>,
}

impl Router {
    pub fn new(table: Table) -> Self {
        Self { table: ArcSwap::from_pointee(table) }
    }

    pub fn load(&self) -> Guard<Arc<Table>> {
        self.table.load()
    }

    pub fn publish(&self, table: Table) {
        self.table.store(Arc::new(table));
    }
}
