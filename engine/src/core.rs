//! What the parts of an engine share.

use crate::EngineConfig;
use crate::application::Application;
use crate::call::lock;
use crate::keep::Keep;
use crate::limits::Limits;
use crate::reload::{Registry, Request};
use crate::router::{Router, Table};
use crate::services::{OpaqueService, Store, ThreadKeys};
use crate::spawn::Spawner;
use crate::timer::Timer;
use crate::topics::Topics;
use jackfield_message::ByteString;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

/// Engines that this process has had: their threads are told apart by it.
static ENGINES: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Core {
    pub limits: Arc<Limits>,
    /// Until the end: whoever holds it holds the data folder.
    pub store: Mutex<Option<Arc<dyn Store>>>,
    pub thread_keys: Option<Arc<dyn ThreadKeys>>,
    pub keep: Keep,
    pub router: Router,
    pub topics: Topics,
    pub application: Application,
    /// Services of the application, by id.
    pub services: RwLock<HashMap<String, OpaqueService>>,
    pub timer: Timer,
    pub spawner: Spawner,
    pub registry: Mutex<Registry>,
    pub accepting: AtomicBool,
    pub started: Instant,
    pub version: String,
    /// To the manager's thread, which ends when this is `None`.
    pub requests: Mutex<Option<Sender<Request>>>,
    /// The threads that end old generations.
    pub closers: Mutex<Vec<JoinHandle<()>>>,
    /// Which engine of the process it is, from 0.
    pub number: u64,
    generations: AtomicU64,
    plugins: AtomicU64,
}

impl Core {
    pub fn new(config: &EngineConfig, requests: Sender<Request>) -> io::Result<Self> {
        let limits = &config.limits;
        let number = ENGINES.fetch_add(1, Ordering::Relaxed);
        let spawner = Spawner::new(config.on_thread_start.clone());
        Ok(Self {
            keep: Keep::open(config.keep.as_deref(), &config.last_end, &config.version)?,
            topics: Topics::new(limits),
            application: Application::new(number, limits.plugin_queue, config.signal.clone()),
            services: RwLock::default(),
            limits: Arc::new(limits.clone()),
            store: Mutex::new(config.store.clone()),
            thread_keys: config.thread_keys.clone(),
            router: Router::new(Table::with_builtins()),
            timer: Timer::new(spawner.clone()),
            spawner,
            registry: Mutex::default(),
            accepting: AtomicBool::new(true),
            started: Instant::now(),
            version: config.version.clone(),
            requests: Mutex::new(Some(requests)),
            closers: Mutex::default(),
            number,
            generations: AtomicU64::new(1),
            plugins: AtomicU64::new(1),
        })
    }

    /// The OpenRPC document of the commands that there are now, the same bytes until the next swap.
    pub fn openrpc(&self) -> ByteString {
        self.router.load().openrpc(&self.version)
    }

    /// Whether new commands are taken.
    pub fn is_accepting(&self) -> bool {
        self.accepting.load(Ordering::Acquire)
    }

    /// The number of the next generation, counting up over all plugins.
    pub fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed)
    }

    /// What the names of a generation's threads begin with, before a dash; no other generation in the process has the same.
    pub fn thread_name(&self, generation: u64) -> String {
        match self.number {
            0 => format!("jf-{generation}"),
            number => format!("jf-{generation}.{number}"),
        }
    }

    /// The number of the next plugin slot.
    pub fn next_plugin(&self) -> u64 {
        self.plugins.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks the manager for something; gives it back when the engine has stopped.
    pub fn request(&self, request: Request) -> Result<(), Request> {
        match &*lock(&self.requests) {
            Some(requests) => requests.send(request).map_err(|error| error.0),
            None => Err(request),
        }
    }
}
