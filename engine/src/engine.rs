use crate::application::Signal;
use crate::burst::Burst;
use crate::call::lock;
use crate::core::Core;
use crate::dispatch::{CallHandle, shutting_down};
use crate::generation::{Ended, Generation};
use crate::limits::Limits;
use crate::names::Pattern;
use crate::plugin::PluginConfig;
use crate::reload::{Manager, Request, Step, Watch};
use crate::services::{Probe, Store, ThreadKeys};
use crate::spawn::OnThreadStart;
use crate::topics::{Subscription, WhenFull};
use jackfield_message::ByteString;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What an engine is made from.
#[derive(Clone)]
pub struct EngineConfig {
    /// Plugin folders, in order: it decides who is second where two claim one key.
    pub folders: Vec<PathBuf>,
    /// How they are watched.
    pub watch: Watch,
    /// How long a file must have stopped changing.
    pub settle: Duration,
    /// Generations of one plugin in the process at once that can still answer.
    pub live_generations: usize,
    /// A folder of this engine alone, for its private copies of plugin files; emptied at start. Programs must be allowed
    /// to run from there.
    pub copies: PathBuf,
    /// By plugin id.
    pub plugins: HashMap<String, PluginConfig>,
    /// All limits.
    pub limits: Limits,
    /// The store that plugins get, if any.
    pub store: Option<Arc<dyn Store>>,
    /// Tries candidates in a process of their own; `None`: they are loaded without.
    pub probe: Option<Arc<dyn Probe>>,
    /// Gives thread-local keys of closed generations back; `None`: they stay used up.
    pub thread_keys: Option<Arc<dyn ThreadKeys>>,
    /// A folder of this engine alone for what outlives the process: saved states, last good copies, marks of what is on
    /// trial. `None`: nothing of that is kept.
    pub keep: Option<PathBuf>,
    /// How the process ended that used `keep` before.
    pub last_end: LastEnd,
    /// Called first on each thread that the engine begins, but for those that join others.
    pub on_thread_start: Option<OnThreadStart>,
    /// Told, under a lock, when something waits for the thread of the application, and when nothing does any more.
    pub signal: Option<Signal>,
    /// Version text for `jackfield.info`.
    pub version: String,
}

/// How a process ended, as far as its successor knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LastEnd {
    /// Nobody took note: whatever was on trial then is suspected.
    #[default]
    Unknown,
    /// In order, or by something that is no plugin's fault: killed, or the power went.
    NoCrash,
    /// By a fatal signal, or by an exit that nobody asked for.
    Crash {
        /// Name of the thread, such as `jf-12-serial` on a thread of generation 12.
        thread: String,
        /// What happened, such as "SIGSEGV".
        what: String,
    },
}

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The folder for private copies.
    #[error("the folder for private copies of plugins, {folder}, cannot be used: {error}")]
    Copies {
        /// Which folder.
        folder: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The folder for what outlives the process.
    #[error("the folder for states and good copies of plugins, {folder}, cannot be used: {error}")]
    Keep {
        /// Which folder.
        folder: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A thread.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// An engine that runs. Dropping it without [`Engine::shutdown`] leaves its plugins loaded.
pub struct Engine {
    core: Arc<Core>,
    manager: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts to look at the plugin folders; commands can be submitted at once.
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        let (requests, queue) = mpsc::channel();
        let keep = config.keep.as_deref().unwrap_or(&config.copies).display().to_string();
        let core = Arc::new(Core::new(&config, requests).map_err(|error| EngineError::Keep { folder: keep, error })?);
        let folder = config.copies.display().to_string();
        let manager = Manager::new(core.clone(), config).map_err(|error| EngineError::Copies { folder, error })?;
        let thread = core.spawner.spawn("jf-manager".to_owned(), move || manager.run(&queue));
        let thread = thread.map_err(EngineError::Thread)?;
        Ok(Self { core, manager: Mutex::new(Some(thread)) })
    }

    /// Waits until each file that was there at the start is loaded or refused. Every step on that way has its limit.
    pub fn wait_ready(&self) {
        let (ready, is_ready) = mpsc::sync_channel(1);
        if self.core.request(Request::Ready(ready)).is_ok() {
            // An error means that the engine has stopped meanwhile.
            let _ = is_ready.recv();
        }
    }

    /// Whether a plugin of this id serves.
    pub fn serves(&self, id: &str) -> bool {
        lock(&self.core.registry).records.iter().any(|record| record.current.is_some() && record.id() == Some(id))
    }

    /// New settings of all plugins, by id, in the place of those that it was started with. Plugins whose own have changed are
    /// swapped from the same file; one that refuses them in `create` serves on with the old ones. Returns at once: each step
    /// is told as for a changed file.
    pub fn configure(&self, plugins: HashMap<String, PluginConfig>) {
        // An engine that has stopped has nothing to configure.
        let _ = self.core.request(Request::Configure(plugins));
    }

    /// The OpenRPC document of all commands, as `rpc.discover` answers it: the same bytes until the next swap.
    pub fn openrpc(&self) -> ByteString {
        self.core.openrpc()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// For submitting commands, as many as there are at the moment.
    pub fn burst(&self) -> Burst<'_> {
        Burst::new(&self.core)
    }

    /// Asks for a command to be given up; false: it is answered already, or cannot be.
    pub fn cancel(&self, handle: &CallHandle) -> bool {
        self.core.cancel(handle)
    }

    /// The session that sent a command has ended: commands whose key says so are cancelled.
    pub fn disconnect(&self, handle: &CallHandle) {
        self.core.disconnect(handle);
    }

    /// Subscribes to topics (`*` one part, `**` the rest). `wake` is called after an event was queued; it must not block.
    pub fn subscribe(
        &self,
        pattern: &str,
        when_full: WhenFull,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Subscription {
        self.core.topics.subscribe(vec![Pattern::new(pattern)], when_full, wake)
    }

    /// New commands get SHUTTING_DOWN from now on; those that were submitted go on.
    pub fn stop_accepting(&self) {
        self.core.accepting.store(false, Ordering::Release);
    }

    /// Orderly end: waits for submitted commands up to `limit` (`None`: `shutdown_s`), answers the rest OUTCOME_UNKNOWN, ends
    /// all plugins. Blocks; idempotent.
    pub fn shutdown(&self, limit: Option<Duration>) {
        self.stop_accepting();
        let Some(manager) = lock(&self.manager).take() else { return };
        let until = Instant::now() + limit.unwrap_or_else(|| Limits::seconds(self.core.limits.shutdown_s));
        // First the manager: nothing is loaded any more, and the registry stands still.
        drop(lock(&self.core.requests).take());
        let _ = manager.join();
        let left = || until.saturating_duration_since(Instant::now());
        let (serving, draining) = self.generations();
        // A command that runs may call another plugin: all are idle before the first is closed. Looked at again and again,
        // because an open gate does not tell of the last one out.
        let all = || serving.iter().chain(&draining);
        while let Some(busy) = all().find(|generation| !generation.is_idle())
            && !left().is_zero()
        {
            let tick = left().min(Duration::from_millis(5));
            busy.plugin.queue.wait_empty(tick);
            busy.ledger.wait_empty(tick);
        }
        self.core.drain_application(until);
        self.core.close_application(until);
        for generation in &serving {
            generation.plugin.queue.wait_empty(left());
            for call in generation.plugin.queue.close() {
                call.answer(shutting_down());
            }
            generation.gate().close();
            generation.plugin.queue.wake();
        }
        for generation in serving.iter().chain(&draining) {
            if !generation.ledger.wait_empty(left()) {
                generation.ledger.give_up();
            }
        }
        let mut closers = std::mem::take(&mut *lock(&self.core.closers));
        for generation in serving {
            let name = format!("jf-close-{}", generation.number);
            let core = self.core.clone();
            let closer = self.core.spawner.spawn(name, move || {
                let unsaved = generation.has_unsaved_state();
                if let Ended::Retired(why) = generation.drain_and_close(&core)
                    && (unsaved || generation.ledger.is_given_up())
                {
                    core.tell(&generation.file, Step::Retired, Some(&generation.name()), Duration::ZERO, Some(&why));
                }
            });
            closers.extend(closer.inspect_err(|error| tracing::error!(%error, "a plugin cannot be ended: no thread")));
        }
        for closer in closers {
            let _ = closer.join();
        }
        // Those that were retired with something still out: nobody takes it back any more.
        for old in lock(&self.core.registry).records.iter().flat_map(|record| &record.old) {
            if let Some(generation) = &old.generation {
                generation.ledger.close_store();
                generation.ledger.control.finish();
            }
        }
        self.core.keep.trials.end_all();
        self.core.timer.end();
        drop(lock(&self.core.store).take());
    }

    fn generations(&self) -> (Vec<Arc<Generation>>, Vec<Arc<Generation>>) {
        let registry = lock(&self.core.registry);
        let serving = registry.records.iter().filter_map(|record| record.current.clone()).collect();
        let draining =
            registry.records.iter().flat_map(|record| &record.old).filter_map(|old| old.draining().cloned()).collect();
        (serving, draining)
    }
}
