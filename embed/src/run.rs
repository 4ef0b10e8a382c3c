//! One run of an engine: a thread that has a server in a runtime, from its start to its end.

use crate::calls::Requests;
use crate::edge::Fault;
use crate::handle::Name;
use crate::instance::Instance;
use crate::{left, program, threads};
use jackfield::app::{self, AppError, Parts, Server, Shape};
use jackfield::config::{Config, ConfigError, Origin, Piece};
use jackfield::stop::Stop;
use jackfield_engine::services::OpaqueService;
use jackfield_engine::{Engine, Limits, OnThreadStart, RegisterError};
use jackfield_message::Culprit;
use jackfield_plugin_api::{JF_E_BUSY, JF_E_INVALID, JF_E_UNAVAILABLE, JF_E_WRONG_STATE};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// After the end of everything: how long threads of the runtime may take to end. Longer take name look-ups and hung plugins.
const LAST_THREADS: Duration = Duration::from_secs(3);

/// One run of an engine.
#[derive(Clone)]
pub(crate) struct Run {
    pub engine: Arc<Engine>,
    pub requests: Arc<Requests>,
    pub limits: Arc<Limits>,
    pub stop: Stop,
    pub urls: Vec<String>,
}

/// What was said, as a configuration. Without `data` it has no folder yet.
pub(crate) fn config(pieces: &[Piece]) -> Result<Config, ConfigError> {
    Config::of_pieces(pieces, Path::new(""))
}

/// Begins a run, and waits until it serves or has failed.
pub(crate) fn begin(instance: &Arc<Instance>) -> Result<JoinHandle<()>, Fault> {
    let (pieces, log) = {
        let setup = instance.setup();
        (setup.pieces.clone(), setup.log.clone())
    };
    let mut config = config(&pieces)?;
    let temporary = if *config.origin(&["data"]) == Origin::Default {
        let folder = tempfile::Builder::new().prefix("jackfield-").tempdir();
        let folder = folder.map_err(|error| unavailable(format!("No temporary folder can be made: {error}.")))?;
        config.data = folder.path().to_owned();
        Some(folder)
    } else {
        None
    };
    instance.doorbell.set(false);
    let (tell, told) = sync_channel(1);
    let (hook, of) = (threads::on_start(log), instance.clone());
    let main = std::thread::Builder::new()
        .name("jf-main".to_owned())
        .spawn(move || {
            hook();
            run(&of, &config, temporary, &hook, &tell);
        })
        .map_err(|error| unavailable(format!("A thread cannot be started: {error}.")))?;
    match told.recv() {
        Ok(Ok(())) => Ok(main),
        outcome => {
            let _ = main.join();
            let panicked = || Fault::new(JF_E_UNAVAILABLE, Culprit::Engine, "The start has panicked.");
            Err(outcome.ok().and_then(Result::err).unwrap_or_else(panicked))
        }
    }
}

/// What the thread of a run does.
fn run(
    instance: &Arc<Instance>,
    config: &Config,
    temporary: Option<TempDir>,
    hook: &OnThreadStart,
    tell: &SyncSender<Result<(), Fault>>,
) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let shape = Shape::default();
        let runtime = app::runtime(&shape, Some(hook.clone())).map_err(fault)?;
        let served = runtime.block_on(serve(instance, config, hook, &shape, tell));
        runtime.shutdown_timeout(LAST_THREADS);
        served
    }));
    drop(temporary);
    match outcome {
        Ok(Ok(())) => instance.set_stopped(),
        Ok(Err(fault)) => drop(tell.send(Err(fault))),
        Err(_) => instance.set_stopped(),
    }
}

async fn serve(
    instance: &Arc<Instance>,
    config: &Config,
    hook: &OnThreadStart,
    shape: &Shape,
    tell: &SyncSender<Result<(), Fault>>,
) -> Result<(), Fault> {
    let doorbell = instance.doorbell.clone();
    let parts = Parts {
        program: program::find(),
        on_thread_start: Some(hook.clone()),
        signal: Some(Arc::new(move |something| doorbell.set(something))),
        ..Parts::default()
    };
    let mut server = Server::start(config, parts, shape).map_err(fault)?;
    if let Err(fault) = introduce(instance, config, &server) {
        server.stop().begin_within(Duration::ZERO);
        server.serve().await;
        return Err(fault);
    }
    server.open(config).await;
    let _ = tell.send(Ok(()));
    server.serve().await;
    Ok(())
}

/// Gives the engine what the application has said, and the application the engine.
fn introduce(instance: &Arc<Instance>, config: &Config, server: &Server) -> Result<(), Fault> {
    let engine = server.engine();
    // Held to the end: what is registered from now on finds the engine.
    let setup = instance.setup();
    for (info, handler) in setup.commands.values() {
        handler.set_engine(Arc::downgrade(engine));
        engine.register(info.clone(), handler.clone()).map_err(|error| taken(&error))?;
    }
    for (id, address) in &setup.services {
        engine.provide(id, opaque(*address));
    }
    instance.set_run(Run {
        engine: engine.clone(),
        requests: Requests::new(instance.name, engine),
        limits: Arc::new(config.limits.clone()),
        stop: server.stop().clone(),
        urls: server.urls().to_vec(),
    });
    Ok(())
}

/// A service of the application, which keeps it until the engine is freed.
pub(crate) fn opaque(address: usize) -> OpaqueService {
    OpaqueService { address, owner: Arc::new(()) }
}

/// Why a key is not registered.
pub(crate) fn taken(error: &RegisterError) -> Fault {
    let status = match error {
        RegisterError::Invalid(_) => JF_E_INVALID,
        RegisterError::Taken { .. } => JF_E_BUSY,
        RegisterError::Stopped => JF_E_WRONG_STATE,
    };
    Fault { status, ..Fault::invalid(format!("{error}.")) }
}

/// The end of a run of `of`: callbacks that nobody polled for are made up for, and commands that are not answered are kept.
pub(crate) fn make_up(of: Name, (run, main): (Option<Run>, Option<JoinHandle<()>>)) {
    if let Some(main) = main {
        // A panic on it was reported when it happened.
        let _ = main.join();
    }
    if let Some(run) = run {
        while run.engine.poll(Some(Instant::now())).ran > 0 {}
        left::keep(of, run.engine.unanswered());
    }
}

fn unavailable(message: String) -> Fault {
    Fault::new(JF_E_UNAVAILABLE, Culprit::Operator, message)
}

fn fault(error: AppError) -> Fault {
    let status = if matches!(error, AppError::Url(_)) { JF_E_INVALID } else { JF_E_UNAVAILABLE };
    Fault::new(status, Culprit::Operator, format!("{error}."))
}
