use super::calls::Calls;
use crate::call::lock;
use crate::core::Core;
use crate::flights::Flights;
use crate::gate::Gate;
use crate::services::{BlobWriter, Store, StoreBatch};
use crate::spawn::Spawner;
use crate::{Limits, control::Control};
use slotmap::{DefaultKey, SlotMap};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Where in its life a generation is, as far as its calls into the host are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Library and entry function: only `log`.
    Loading,
    /// `create`: `log` and `get_service`.
    Creating,
    /// From `start` on: everything.
    Running,
    /// `stop` was called: as before, but nothing new is begun. May be followed by `start`.
    Stopped,
    /// `destroy` has begun: only `log`.
    Destroying,
}

/// A blob being written; empty once it is finished.
pub(crate) type OpenBlob = Arc<Mutex<Option<Box<dyn BlobWriter>>>>;

/// What the host keeps on one generation while code of it can still call in. Outlives the instance; for a retired
/// generation it lives as long as the process.
pub(crate) struct Ledger {
    pub number: u64,
    pub limits: Arc<Limits>,
    /// Until the end of its generation or engine: whoever holds it holds the data folder.
    store: Mutex<Option<Arc<dyn Store>>>,
    /// The engine, for what goes out again: events and nested calls.
    pub core: Weak<Core>,
    pub gate: Gate,
    pub flights: Flights,
    pub calls: Calls,
    pub control: Control,
    pub spawner: Spawner,
    /// Open handles of the store service.
    pub batches: Mutex<SlotMap<DefaultKey, Box<dyn StoreBatch>>>,
    /// Blobs being written, each with its batch.
    pub blobs: Mutex<SlotMap<DefaultKey, (u64, OpenBlob)>>,
    name: OnceLock<String>,
    phase: AtomicU8,
    buffers: AtomicUsize,
    misuses: AtomicU64,
    given_up: AtomicBool,
    panics: AtomicU64,
    /// Called at each panic while the generation is on trial.
    on_panic: OnceLock<Box<dyn Fn() + Send + Sync>>,
    emptied: (Mutex<()>, Condvar),
}

impl Ledger {
    pub fn new(
        number: u64,
        limits: Arc<Limits>,
        store: Option<Arc<dyn Store>>,
        core: Weak<Core>,
        control: Control,
        spawner: Spawner,
    ) -> Arc<Self> {
        Arc::new(Self {
            number,
            limits,
            store: Mutex::new(store),
            core,
            gate: Gate::new(),
            flights: Flights::new(number),
            calls: Calls::default(),
            control,
            spawner,
            batches: Mutex::default(),
            blobs: Mutex::default(),
            name: OnceLock::new(),
            phase: AtomicU8::new(Phase::Loading as u8),
            buffers: AtomicUsize::new(0),
            misuses: AtomicU64::new(0),
            given_up: AtomicBool::new(false),
            panics: AtomicU64::new(0),
            on_panic: OnceLock::new(),
            emptied: Default::default(),
        })
    }

    /// The store, if there is one and it is not closed.
    pub fn store(&self) -> Option<Arc<dyn Store>> {
        lock(&self.store).clone()
    }

    /// Nothing of the store is held any more: what of the plugin lives on finds none.
    pub fn close_store(&self) {
        lock(&self.store).take();
        lock(&self.blobs).clear();
        lock(&self.batches).clear();
    }

    /// The plugin's id, once it is known.
    pub fn plugin(&self) -> &str {
        self.name.get().map_or("(not named yet)", String::as_str)
    }

    pub fn set_plugin(&self, id: &str) {
        self.name.get_or_init(|| id.to_owned());
    }

    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub fn is_in(&self, from: Phase, to: Phase) -> bool {
        (from as u8..=to as u8).contains(&self.phase.load(Ordering::Acquire))
    }

    /// A command is out of the plugin.
    pub fn leave(&self) {
        if self.gate.leave() {
            self.tell_emptied();
        }
    }

    /// The plugin handed over a buffer that it must get back.
    pub fn buffer_taken(&self) {
        self.buffers.fetch_add(1, Ordering::AcqRel);
    }

    /// The buffer was given back.
    pub fn buffer_released(&self) {
        if self.buffers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.tell_emptied();
        }
    }

    pub fn buffers(&self) -> usize {
        self.buffers.load(Ordering::Acquire)
    }

    /// How often the plugin has done what the ABI forbids.
    pub fn misuses(&self) -> u64 {
        self.misuses.load(Ordering::Relaxed)
    }

    /// Counts and logs something that the ABI forbids.
    pub fn misuse(&self, what: &str, token: u64) {
        self.misuses.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(plugin = self.plugin(), generation = self.number, token, what, "plugin misbehaves");
    }

    /// The plugin answered a command with a panic.
    pub fn note_panic(&self) {
        self.panics.fetch_add(1, Ordering::AcqRel);
        if let Some(on_panic) = self.on_panic.get() {
            on_panic();
        }
    }

    /// `then` is called at each panic from now on, and now if there was one.
    pub fn on_panic(&self, then: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_panic.set(Box::new(then));
        if self.has_panicked()
            && let Some(on_panic) = self.on_panic.get()
        {
            on_panic();
        }
    }

    pub fn has_panicked(&self) -> bool {
        self.panics.load(Ordering::Acquire) > 0
    }

    /// Nobody waits for what is left any longer.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
        self.tell_emptied();
    }

    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Waits until no command, no nested call and no buffer is left; false when `limit` has passed, or it was given up.
    pub fn wait_empty(&self, limit: Duration) -> bool {
        self.wait_until(limit, || self.is_empty())
    }

    /// Whether no command, no nested call and no buffer is left.
    pub fn is_empty(&self) -> bool {
        self.gate.inside() == 0 && self.buffers() == 0 && self.calls.out() == 0
    }

    /// Waits until no command is left, and no call to another plugin; false when `limit` has passed. Calls to the engine
    /// itself do not count: a plugin that asks for its own reload would be waited for by what it waits for.
    pub fn wait_no_commands(&self, limit: Duration) -> bool {
        self.wait_until(limit, || self.gate.inside() == 0 && self.calls.out_to_plugins() == 0)
    }

    fn wait_until(&self, limit: Duration, reached: impl Fn() -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut guard = lock(&self.emptied.0);
        loop {
            if reached() {
                return true;
            }
            let left = until.checked_duration_since(Instant::now()).filter(|_| !self.is_given_up());
            let Some(left) = left else { return false };
            guard = self.emptied.1.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn tell_emptied(&self) {
        let _guard = lock(&self.emptied.0);
        self.emptied.1.notify_all();
    }
}
