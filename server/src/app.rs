//! The parts list: the only place that wires the parts of a server together.

use crate::accept::Accept;
use crate::config::{self, Config};
use crate::session::{Awaited, Shared};
use crate::stop::Stop;
use crate::store::{OpenError, SqliteStore};
use crate::sys::crash;
use crate::transport::{ListenError, ListenUrl, Listener, UrlError};
use jackfield_engine::services::{Probe, ThreadKeys};
use jackfield_engine::{Engine, EngineConfig, EngineError, LastEnd, PluginConfig, Watch};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

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

/// What only the owner of a process can give, which a library is not.
#[derive(Clone, Default)]
pub struct Process {
    /// Gives thread-local keys of closed plugins back.
    pub thread_keys: Option<Arc<dyn ThreadKeys>>,
}

/// Runs a server to its end. `program`: the file of this program, which is started again to try plugins.
pub fn run(config: Config, program: Option<PathBuf>, process: Process) -> Result<ExitCode, AppError> {
    raise_descriptor_limit();
    let answers = Awaited::default();
    let awaited = answers.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // A thread of a plugin that answers now, before this one sleeps, need not wake it for each answer.
        .on_thread_park(move || {
            if awaited.any() {
                std::thread::yield_now();
            }
        })
        .build()
        .map_err(|source| AppError::System { what: "a runtime", source })?;
    let outcome = runtime.block_on(serve(config, program, process, answers));
    // Nothing of ours is left in it; a name look-up or a hung plugin thread is not waited for.
    runtime.shutdown_background();
    crash::orderly();
    outcome
}

async fn serve(
    config: Config,
    program: Option<PathBuf>,
    process: Process,
    awaited: Awaited,
) -> Result<ExitCode, AppError> {
    let stop = Stop::default();
    let urls = config.listen.iter().map(|text| text.parse()).collect::<Result<Vec<ListenUrl>, _>>()?;
    let store = Arc::new(SqliteStore::open(&config.data)?);
    let last_end = last_end(&config.data);
    let listeners = bind(&urls, config.listen_is_default())?;
    let engine = Arc::new(Engine::start(EngineConfig {
        probe: probe(&config, program),
        thread_keys: process.thread_keys,
        last_end,
        ..engine_config(&config, store)
    })?);
    let shared =
        Arc::new(Shared { engine: engine.clone(), limits: config.limits.clone(), stop: stop.clone(), awaited });
    let quit = config.http.quit == config::Quit::Loopback;
    let accept = Arc::new(Accept::new(shared, config.http.origins.clone(), quit));
    watch_signals(&config, &engine, &stop).map_err(|source| AppError::System { what: "to tell signals", source })?;

    // Connections wait in the sockets until the plugins that were there at the start are loaded or refused.
    for listener in &listeners {
        say(&format!("listening {}", listener.url()));
    }
    blocking(&engine, Engine::wait_ready).await;
    for (id, plugin) in config.plugin.iter().filter(|(id, plugin)| !plugin.disabled && !engine.serves(id)) {
        tracing::warn!(
            plugin = id,
            threads = plugin.threads,
            "the configuration speaks of a plugin that does not serve"
        );
    }
    let doors: Vec<_> = listeners.into_iter().map(|listener| tokio::spawn(accept.clone().listen(listener))).collect();
    say("ready");

    stop.begun().await;
    engine.stop_accepting();
    tracing::info!("stopping");
    accept.sessions.close();
    for door in doors {
        let _ = door.await;
    }
    blocking(&engine, Engine::shutdown).await;
    if tokio::time::timeout(LAST_WORDS, accept.sessions.wait()).await.is_err() {
        tracing::warn!(sessions = accept.sessions.len(), "some connections did not take their last answers");
    }
    Ok(ExitCode::SUCCESS)
}

/// How the last server on this data folder ended, told in the log; from now on it is noted how this one does. The folder
/// is locked.
fn last_end(data: &Path) -> LastEnd {
    let last_end = crash::take(data);
    if let LastEnd::Crash { thread, what } = &last_end {
        tracing::warn!(what, thread, "the last server on this data folder crashed");
    }
    if let Err(error) = crash::watch(data) {
        tracing::warn!(data = %data.display(), %error, "a crash of this server will not be noted in its data folder");
    }
    last_end
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
fn plugin_configs(config: &Config) -> HashMap<String, PluginConfig> {
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

fn engine_config(config: &Config, store: Arc<SqliteStore>) -> EngineConfig {
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
        probe: None,
        thread_keys: None,
        keep: Some(config.data.clone()),
        last_end: LastEnd::default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Does blocking work of the engine without holding up the runtime.
async fn blocking(engine: &Arc<Engine>, work: fn(&Engine)) {
    let engine = engine.clone();
    let _ = tokio::task::spawn_blocking(move || work(&engine)).await;
}

/// A line for whoever started the server. A reader that has gone is no reason to stop.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The first SIGINT or SIGTERM stops in order, the second at once. SIGHUP reads the configuration again.
#[cfg(unix)]
fn watch_signals(config: &Config, engine: &Arc<Engine>, stop: &Stop) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    let (stop, mut running, engine) = (stop.clone(), config.clone(), Arc::downgrade(engine));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => stop_or_exit(&stop),
                _ = terminate.recv() => stop_or_exit(&stop),
                _ = hang_up.recv() => {
                    if let Some(engine) = engine.upgrade() {
                        reconfigure(&mut running, &engine);
                    }
                }
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn watch_signals(_: &Config, _: &Arc<Engine>, stop: &Stop) -> io::Result<()> {
    let stop = stop.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            stop_or_exit(&stop);
        }
    });
    Ok(())
}

fn stop_or_exit(stop: &Stop) {
    if stop.is_begun() {
        crash::orderly();
        std::process::exit(1);
    }
    stop.begin();
}

/// Reads the configuration again: settings of single plugins are handed to the engine, of all else it is said that it has
/// changed. A broken one changes nothing.
#[cfg(unix)]
fn reconfigure(running: &mut Config, engine: &Engine) {
    let read = running.reload().and_then(|new| Ok((config::changes(running, &new)?, new)));
    let (changes, new) = match read {
        Ok(read) => read,
        Err(error) => return tracing::error!(%error, "the configuration cannot be read; the old one stays"),
    };
    let (of_plugins, others): (Vec<_>, Vec<_>) = changes.into_iter().partition(|key| key.starts_with("plugin."));
    if of_plugins.is_empty() && others.is_empty() {
        return tracing::info!("read the configuration again: nothing has changed");
    }
    if !of_plugins.is_empty() {
        running.plugin = new.plugin;
        engine.configure(plugin_configs(running));
        tracing::info!(keys = of_plugins.join(", "), "read the configuration again: settings of plugins have changed");
    }
    if !others.is_empty() {
        tracing::warn!(
            keys = others.join(", "),
            "read the configuration again: it has changed, and these take effect at the next start"
        );
    }
}

/// As many connections as `limits.connections` allows need as many descriptors; the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit on open files stays as it is");
        }
    }
}
