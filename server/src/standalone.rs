//! The server as a program of its own: signals, and the lines on stdout.

use crate::app::{self, AppError, Parts, Server, Shape};
use crate::config::{self, Config};
use crate::stop::Stop;
use crate::sys::crash;
use jackfield_engine::services::ThreadKeys;
use jackfield_engine::{Engine, LastEnd};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What only the owner of a process can give, which a library is not.
#[derive(Clone, Default)]
pub struct Process {
    /// Gives thread-local keys of closed plugins back.
    pub thread_keys: Option<Arc<dyn ThreadKeys>>,
}

/// Runs a server to its end. `program`: the file of this program, which is started again to try plugins.
pub fn run(config: Config, program: Option<PathBuf>, process: Process) -> Result<ExitCode, AppError> {
    raise_descriptor_limit();
    let shape = Shape::default();
    let runtime = app::runtime(&shape, None)?;
    let parts = Parts { program, thread_keys: process.thread_keys, last_end: Some(last_end), ..Parts::default() };
    let outcome = runtime.block_on(serve(config, parts, &shape));
    // Nothing of ours is left in it; a name look-up or a hung plugin thread is not waited for.
    runtime.shutdown_background();
    crash::orderly();
    outcome
}

async fn serve(config: Config, parts: Parts, shape: &Shape) -> Result<ExitCode, AppError> {
    let mut server = Server::start(&config, parts, shape)?;
    watch_signals(&config, server.engine(), server.stop())
        .map_err(|source| AppError::System { what: "to tell signals", source })?;
    for url in server.urls() {
        say(&format!("listening {url}"));
    }
    server.open(&config).await;
    say("ready");
    server.serve().await;
    Ok(ExitCode::SUCCESS)
}

/// How the last server on this data folder ended, told in the log; from now on it is noted how this one does. The folder
/// is locked.
fn last_end(config: &Config) -> LastEnd {
    let data = &config.data;
    let last_end = crash::take(data);
    if let LastEnd::Crash { thread, what } = &last_end {
        tracing::warn!(what, thread, "the last server on this data folder crashed");
    }
    if let Err(error) = crash::watch(data) {
        tracing::warn!(data = %data.display(), %error, "a crash of this server will not be noted in its data folder");
    }
    last_end
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
        engine.configure(app::plugin_configs(running));
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
