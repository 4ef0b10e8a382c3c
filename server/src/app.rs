//! The parts list: the only place that wires the parts of a server together.

use crate::accept::Accept;
use crate::config::{self, Config};
use crate::session::{Awaited, Shared};
use crate::stop::Stop;
use crate::store::{OpenError, SqliteStore};
use crate::transport::{ListenError, ListenUrl, Listener, UrlError};
use jackfield_engine::services::{Probe, ThreadKeys};
use jackfield_engine::{Engine, EngineConfig, EngineError, LastEnd, OnThreadStart, PluginConfig, Signal, Watch};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// After the engine has answered everything: how long sessions may take to send that and close.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Why a server could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The text of a listener.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A listener cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The data folder.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The runtime or the signals.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Its reason.
        source: io::Error,
    },
}

impl AppError {
    /// 2: bad configuration; 1: failed.
    pub fn exit_code(&self) -> ExitCode {
        if matches!(self, Self::Url(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
    }
}

/// What the process gives that a server runs in, beside its configuration.
#[derive(Clone, Default)]
pub struct Parts {
    /// The program that is started to try plugin files; none: they are loaded without.
    pub program: Option<PathBuf>,
    /// Gives thread-local keys of closed plugins back.
    pub thread_keys: Option<Arc<dyn ThreadKeys>>,
    /// Looks, once the data folder is locked, how the last server on it ended.
    pub last_end: Option<fn(&Config) -> LastEnd>,
    /// Called first on each thread of runtime and engine.
    pub on_thread_start: Option<OnThreadStart>,
    /// Told when something waits for the thread of the host application.
    pub signal: Option<Signal>,
}

/// A server: its sockets are bound, its engine runs.
pub struct Server {
    engine: Arc<Engine>,
    accept: Arc<Accept>,
    stop: Stop,
    urls: Vec<String>,
    listeners: Vec<Listener>,
    doors: Vec<JoinHandle<()>>,
}

/// What server and runtime share: how many answers are waited for.
#[derive(Clone, Default)]
pub struct Shape(Awaited);

/// A runtime for servers. `on_thread_start` is called first on each of its threads.
pub fn runtime(shape: &Shape, on_thread_start: Option<OnThreadStart>) -> Result<Runtime, AppError> {
    let awaited = shape.0.clone();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("jf-io").on_thread_park(move || {
        // A thread of a plugin that answers now, before this one sleeps, need not wake it for each answer.
        if awaited.any() {
            std::thread::yield_now();
        }
    });
    if let Some(on_thread_start) = on_thread_start {
        builder.on_thread_start(move || on_thread_start());
    }
    builder.build().map_err(|source| AppError::System { what: "a runtime", source })
}

impl Server {
    /// Binds sockets and starts the engine. Connections wait in the sockets until [`Server::open`]. In a runtime.
    pub fn start(config: &Config, parts: Parts, shape: &Shape) -> Result<Self, AppError> {
        let stop = Stop::default();
        let urls = config.listen.iter().map(|text| text.parse()).collect::<Result<Vec<ListenUrl>, _>>()?;
        let store = Arc::new(SqliteStore::open(&config.data)?);
        let last_end = parts.last_end.map(|look| look(config)).unwrap_or_default();
        let listeners = bind(&urls, config.listen_is_default())?;
        let engine = Arc::new(Engine::start(engine_config(config, store, parts, last_end))?);
        let shared = Arc::new(Shared {
            engine: engine.clone(),
            limits: config.limits.clone(),
            stop: stop.clone(),
            awaited: shape.0.clone(),
        });
        let quit = config.http.quit == config::Quit::Loopback;
        let accept = Arc::new(Accept::new(shared, config.http.origins.clone(), quit));
        let urls = listeners.iter().map(|listener| listener.url().to_string()).collect();
        Ok(Self { engine, accept, stop, urls, listeners, doors: Vec::new() })
    }

    /// Where it listens, with the ports that were chosen.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Its engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Its stop: begun by whoever wants it to end.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Waits until the plugins that were there at the start are loaded or refused, then lets connections in.
    pub async fn open(&mut self, config: &Config) {
        blocking(&self.engine, Engine::wait_ready).await;
        for (id, plugin) in config.plugin.iter().filter(|(id, plugin)| !plugin.disabled && !self.engine.serves(id)) {
            tracing::warn!(
                plugin = id,
                threads = plugin.threads,
                "the configuration speaks of a plugin that does not serve"
            );
        }
        let listeners = std::mem::take(&mut self.listeners);
        self.doors = listeners.into_iter().map(|listener| tokio::spawn(self.accept.clone().listen(listener))).collect();
    }

    /// Serves until the stop has begun, then ends everything in order.
    pub async fn serve(self) {
        self.stop.begun().await;
        self.engine.stop_accepting();
        tracing::info!("stopping");
        self.accept.sessions.close();
        for door in self.doors {
            let _ = door.await;
        }
        let within = self.stop.within();
        blocking(&self.engine, move |engine| engine.shutdown(within)).await;
        if tokio::time::timeout(LAST_WORDS, self.accept.sessions.wait()).await.is_err() {
            tracing::warn!(sessions = self.accept.sessions.len(), "some connections did not take their last answers");
        }
    }
}

#[cfg(unix)]
fn probe(config: &Config, program: Option<PathBuf>) -> Option<Arc<dyn Probe>> {
    let program = program.filter(|_| config.plugins.probe)?;
    Some(Arc::new(crate::sys::probe::ProbeProcess::new(program)))
}

/// There are no probe processes on this system.
#[cfg(not(unix))]
fn probe(_: &Config, _: Option<PathBuf>) -> Option<Arc<dyn Probe>> {
    None
}

fn bind(urls: &[ListenUrl], are_default: bool) -> Result<Vec<Listener>, AppError> {
    let mut listeners = Vec::new();
    for url in urls {
        match Listener::bind(url) {
            Ok(bound) => listeners.extend(bound),
            Err(error @ ListenError::NoIpv6 { .. }) if are_default => tracing::warn!("{error}"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(listeners)
}

/// What the engine is told of single plugins.
pub(crate) fn plugin_configs(config: &Config) -> HashMap<String, PluginConfig> {
    let plugins = config.plugin.iter().map(|(id, plugin)| {
        let deadlines = plugin.deadline_s.iter();
        let of_engine = PluginConfig {
            disabled: plugin.disabled,
            threads: plugin.threads,
            rollback: plugin.rollback,
            schema_check: plugin.schema_check,
            deadlines: deadlines.map(|(key, s)| (key.clone(), jackfield_engine::Limits::seconds(*s))).collect(),
            config: plugin.config.clone(),
        };
        (id.clone(), of_engine)
    });
    let mut plugins: HashMap<String, PluginConfig> = plugins.collect();
    // Limits that the shipped plugins keep; what their own settings say wins.
    let (image_pixels, import_mib) = (config.limits.image_pixels, config.limits.import_mib);
    for (id, setting, limit) in [
        ("image", "image_pixels", image_pixels),
        ("image", "import_mib", import_mib),
        ("elements", "import_mib", import_mib),
    ] {
        let settings = &mut plugins.entry(id.to_owned()).or_default().config;
        settings.entry(setting).or_insert_with(|| limit.into());
    }
    plugins
}

fn engine_config(config: &Config, store: Arc<SqliteStore>, parts: Parts, last_end: LastEnd) -> EngineConfig {
    EngineConfig {
        folders: config.plugins.folders.clone(),
        watch: match config.plugins.watch {
            config::Watch::Native => Watch::Native,
            config::Watch::Poll => Watch::Poll,
            config::Watch::Off => Watch::Off,
        },
        settle: Duration::from_millis(config.plugins.settle_ms),
        live_generations: config.plugins.live_generations,
        copies: config.data.join("plugins"),
        plugins: plugin_configs(config),
        limits: config.limits.clone(),
        store: Some(store),
        probe: probe(config, parts.program),
        thread_keys: parts.thread_keys,
        keep: Some(config.data.clone()),
        last_end,
        on_thread_start: parts.on_thread_start,
        signal: parts.signal,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Does blocking work of the engine without holding up the runtime.
async fn blocking(engine: &Arc<Engine>, work: impl FnOnce(&Engine) + Send + 'static) {
    let engine = engine.clone();
    let _ = tokio::task::spawn_blocking(move || work(&engine)).await;
}
