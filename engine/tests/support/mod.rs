//! An engine over a temporary plugin folder, and the plugin `desk.c` that does what its commands say.
//!
//! Nothing here sleeps: plugins wait for a byte from a [`Latch`] and tell what happens on a [`Wire`]; tests wait for those
//! lines, for events, and for replies, each with a limit.

#![allow(dead_code, reason = "every test file uses another part of this one")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_engine::{
    CallHandle, Caller, Engine, EngineConfig, LastEnd, Limits, Next, Order, PluginConfig, Progress, ReplySink,
    Submitted, Subscription, Watch, WhenFull,
};
use jackfield_message::{Command, Failure, Reply, Success};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than anything here takes; what is waited for so long does not come.
pub const LONG: Duration = Duration::from_secs(15);

/// Compiles a C source into a shared library, once for all tests: the result is kept by content.
pub fn compile(source: &str, flags: &[&str]) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let mut hasher = DefaultHasher::new();
    (source, flags, std::fs::read_to_string(include.join("jackfield/plugin.h")).unwrap()).hash(&mut hasher);
    let stem = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{:016x}", hasher.finish()));
    let library = stem.with_extension("bin");
    if !library.exists() {
        let mine = std::process::id();
        let (code, fresh) = (stem.with_extension(format!("{mine}.c")), stem.with_extension(format!("{mine}.fresh")));
        std::fs::write(&code, source).unwrap();
        let mut command = std::process::Command::new("cc");
        command.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]);
        let output = command.arg("-I").arg(&include).arg(&code).arg("-o").arg(&fresh).args(flags).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::rename(fresh, &library).unwrap();
        std::fs::remove_file(code).unwrap();
    }
    library
}

/// The plugin of these tests, with some `-D` flags.
pub fn desk(flags: &[&str]) -> PathBuf {
    compile(include_str!("desk.c"), flags)
}

/// Version `version` of the plugin of these tests.
pub fn desk_version(version: &str) -> PathBuf {
    desk(&[&format!("-DVERSION=\"{version}\"")])
}

/// The plugin that counts (`counter.c`), with some `-D` flags.
pub fn counter(flags: &[&str]) -> PathBuf {
    compile(include_str!("counter.c"), flags)
}

/// The plugin that calls, publishes and hears, as plugin `id` in `version`, with some more `-D` flags.
pub fn caller(id: &str, version: &str, more: &[&str]) -> PathBuf {
    let (id, version) = (format!("-DID=\"{id}\""), format!("-DVERSION=\"{version}\""));
    compile(include_str!("caller.c"), &[&[id.as_str(), version.as_str()], more].concat())
}

/// Puts a library into a folder the way build tools should: whole, by a rename.
pub fn install(library: &Path, to: &Path) {
    let fresh = to.with_file_name(format!(".{}.fresh", to.file_name().unwrap().to_string_lossy()));
    std::fs::copy(library, &fresh).unwrap();
    std::fs::rename(fresh, to).unwrap();
}

/// What plugins tell, line by line.
pub struct Wire {
    writer: PipeWriter,
    lines: Receiver<String>,
    skipped: RefCell<Vec<String>>,
}

impl Wire {
    fn new() -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Self { writer, lines, skipped: RefCell::default() }
    }

    /// The next line that begins with `start`, whatever comes between.
    pub fn wait_for(&self, start: &str) -> String {
        let until = Instant::now() + LONG;
        let mut skipped = self.skipped.borrow_mut();
        if let Some(index) = skipped.iter().position(|line| line.starts_with(start)) {
            return skipped.remove(index);
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.starts_with(start) => return line,
                Ok(line) => skipped.push(line),
                Err(_) => panic!("no line {start:?}; there were {skipped:?}"),
            }
        }
    }

    /// Whether a line that begins with `start` has come so far.
    pub fn has(&self, start: &str) -> bool {
        let mut skipped = self.skipped.borrow_mut();
        skipped.extend(self.lines.try_iter());
        skipped.iter().any(|line| line.starts_with(start))
    }
}

/// What plugins wait for.
pub struct Latch {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Latch {
    pub fn new() -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        Self { reader, writer }
    }

    pub fn fd(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    /// Lets one waiter go, now or when it comes.
    pub fn release(&self) {
        (&self.writer).write_all(b".").unwrap();
    }
}

/// An engine that is not started yet.
pub struct Setup {
    root: Rc<tempfile::TempDir>,
    pub folder: PathBuf,
    pub wire: Rc<Wire>,
    pub config: EngineConfig,
}

impl Setup {
    pub fn new() -> Self {
        let root = Rc::new(tempfile::tempdir().unwrap());
        let folder = root.path().join("plugins");
        std::fs::create_dir(&folder).unwrap();
        let wire = Rc::new(Wire::new());
        let config = EngineConfig {
            folders: vec![folder.clone()],
            watch: Watch::Native,
            settle: Duration::from_millis(5),
            live_generations: 3,
            copies: root.path().join("copies"),
            plugins: HashMap::new(),
            limits: Limits { drain_s: 10.0, shutdown_s: 5.0, ..Limits::default() },
            store: None,
            probe: None,
            thread_keys: None,
            keep: Some(root.path().join("keep")),
            last_end: LastEnd::Unknown,
            on_thread_start: None,
            signal: None,
            version: "9.9.9".to_owned(),
        };
        let mut setup = Self { root, folder, wire, config };
        setup.configure("desk", json!({}));
        setup
    }

    /// Gives plugin `id` this config, and the wire.
    pub fn configure(&mut self, id: &str, config: Value) -> &mut PluginConfig {
        let plugin = self.config.plugins.entry(id.to_owned()).or_default();
        plugin.config = config.as_object().unwrap().clone();
        plugin.config.insert("log".to_owned(), self.wire.writer.as_raw_fd().into());
        plugin
    }

    /// The same once more.
    pub fn again(&self) -> Self {
        let Self { root, folder, wire, config } = self;
        Self { root: root.clone(), folder: folder.clone(), wire: wire.clone(), config: config.clone() }
    }

    /// Puts a plugin into the folder.
    pub fn with(self, name: &str, library: &Path) -> Self {
        install(library, &self.folder.join(name));
        self
    }

    pub fn start(self) -> Bench {
        let bench = self.start_and_keep_steps();
        bench.steps_so_far();
        bench
    }

    /// The same, with the events of the start to be read yet.
    pub fn start_and_keep_steps(self) -> Bench {
        let Self { root, folder, wire, config } = self;
        let copies = config.copies.clone();
        let engine = Engine::start(config.clone()).unwrap();
        let (woken, wake) = channel();
        let subscription = engine.subscribe("jackfield.plugins", WhenFull::Drop, move || {
            let _ = woken.send(());
        });
        engine.wait_ready();
        Bench {
            engine,
            wire,
            folder,
            copies,
            events: Events { subscription, wake },
            config,
            root: Some(root),
            crashed: false,
        }
    }
}

struct Events {
    subscription: Subscription,
    wake: Receiver<()>,
}

/// An engine at work; stopped when this is dropped.
pub struct Bench {
    pub engine: Engine,
    pub wire: Rc<Wire>,
    pub folder: PathBuf,
    pub copies: PathBuf,
    events: Events,
    config: EngineConfig,
    root: Option<Rc<tempfile::TempDir>>,
    crashed: bool,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !self.crashed {
            self.engine.shutdown(None);
        }
    }
}

impl Bench {
    /// Stops in order; what was on disk is there for another engine.
    pub fn stop(self) -> Setup {
        self.into_setup()
    }

    /// Ends as a crash does: nothing is stopped or saved. Its threads stay, and do nothing any more.
    pub fn crash(mut self, last_end: LastEnd) -> Setup {
        self.crashed = true;
        // From here on it changes nothing, neither in the process nor on the disk; what it tells at the end goes nowhere.
        self.engine.stop_accepting();
        std::mem::forget(self.wire.clone());
        let mut setup = self.into_setup();
        setup.config.last_end = last_end;
        setup
    }

    fn into_setup(mut self) -> Setup {
        let mut config = self.config.clone();
        // Its copies are mapped still where it has crashed.
        config.copies.set_extension("next");
        config.last_end = LastEnd::NoCrash;
        let root = self.root.take().unwrap();
        Setup { root, folder: self.folder.clone(), wire: self.wire.clone(), config }
    }

    /// The folder of what outlives an engine.
    pub fn keep(&self) -> PathBuf {
        self.config.keep.clone().unwrap()
    }

    /// Puts a library under `name`.
    pub fn put(&self, name: &str, library: &Path) {
        install(library, &self.folder.join(name));
    }

    /// The next event with this step.
    pub fn step(&self, step: &str) -> Value {
        let until = Instant::now() + LONG;
        let mut steps = Vec::new();
        loop {
            while let Next::Event(event, _) = self.events.subscription.next() {
                let event: Value = serde_json::from_str(event.data()).unwrap();
                if event["step"] == step {
                    return event;
                }
                steps.push(event);
            }
            let left = until.saturating_duration_since(Instant::now());
            if self.events.wake.recv_timeout(left).is_err() {
                panic!("no step {step}; there were {steps:?}; now: {:#}", self.report());
            }
        }
    }

    /// Forgets the events so far; gives their steps.
    pub fn steps_so_far(&self) -> Vec<String> {
        std::iter::from_fn(|| match self.events.subscription.next() {
            Next::Event(event, _) => {
                let event: Value = serde_json::from_str(event.data()).unwrap();
                Some(event["step"].as_str().unwrap().to_owned())
            }
            Next::Empty | Next::Closed => None,
        })
        .collect()
    }

    /// What `jackfield.plugins` says.
    pub fn report(&self) -> Value {
        self.call("jackfield.plugins", &json!({})).json()
    }

    /// What it says of one file.
    pub fn plugin(&self, name: &str) -> Value {
        let report = self.report();
        let plugins = report["plugins"].as_array().unwrap();
        let of_file = |plugin: &&Value| plugin["file"].as_str().unwrap().ends_with(&format!("/{name}"));
        plugins.iter().find(of_file).cloned().unwrap_or_default()
    }

    /// Waits until what is said of a file is as wanted.
    pub fn until(&self, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + LONG;
        loop {
            let plugin = self.plugin(name);
            if is_so(&plugin) {
                return plugin;
            }
            assert!(Instant::now() < until, "not {what}: {plugin:#}");
            let _ = self.events.wake.recv_timeout(Duration::from_millis(10));
        }
    }

    /// Waits until a file is refused; gives step and reason.
    pub fn refused(&self, name: &str) -> (String, String) {
        let plugin = self.until(name, "refused", |plugin| !plugin["refused"].is_null());
        let refused = &plugin["refused"];
        (refused["step"].as_str().unwrap().to_owned(), refused["reason"].as_str().unwrap().to_owned())
    }

    pub fn submit(&self, command: Command, order: Option<&Arc<Order>>) -> Pending {
        let (sink, answers) = Sink::new();
        let sink: Arc<dyn ReplySink> = sink;
        match self.engine.burst().submit(command, Caller { sink: &sink, request: 7, order }) {
            Submitted::Answered(reply) => Pending { at_once: Some(reply), handle: None, answers },
            Submitted::Waiting(handle) => Pending { at_once: None, handle: Some(handle), answers },
        }
    }

    pub fn send(&self, key: &str, params: &Value) -> Pending {
        self.submit(Command::new(key, &params.to_string()), None)
    }

    pub fn call(&self, key: &str, params: &Value) -> Answer {
        self.send(key, params).answer()
    }

    /// The version that answers now.
    pub fn version(&self) -> String {
        self.call("desk.serial", &json!({"do": "version"})).json().as_str().unwrap_or("(null)").to_owned()
    }

    pub fn cancel(&self, pending: &Pending) -> bool {
        pending.handle.as_ref().is_some_and(|handle| self.engine.cancel(handle))
    }
}

enum Told {
    Answer(Reply),
    Progress(Progress),
}

struct Sink {
    told: Mutex<Sender<Told>>,
}

impl Sink {
    fn new() -> (Arc<Self>, Receiver<Told>) {
        let (told, answers) = channel();
        (Arc::new(Self { told: Mutex::new(told) }), answers)
    }
}

impl ReplySink for Sink {
    fn reply(&self, request: u64, reply: Reply) {
        assert_eq!(request, 7);
        let _ = self.told.lock().unwrap().send(Told::Answer(reply));
    }

    fn progress(&self, _: u64, progress: Progress) {
        let _ = self.told.lock().unwrap().send(Told::Progress(progress));
    }
}

/// A command under way.
pub struct Pending {
    at_once: Option<Reply>,
    pub handle: Option<CallHandle>,
    answers: Receiver<Told>,
}

impl Pending {
    /// The one answer, and nothing behind it.
    pub fn answer(mut self) -> Answer {
        let mut progress = Vec::new();
        let reply = match self.at_once.take() {
            Some(reply) => reply,
            None => loop {
                match self.answers.recv_timeout(LONG).expect("a command is answered") {
                    Told::Answer(reply) => break reply,
                    Told::Progress(step) => progress.push(step),
                }
            },
        };
        assert!(self.answers.try_recv().is_err(), "answered twice");
        Answer { outcome: reply.outcome, progress }
    }

    pub fn was_answered_at_once(&self) -> bool {
        self.at_once.is_some()
    }
}

/// The answer to a command.
pub struct Answer {
    pub outcome: Result<Success, Box<Failure>>,
    pub progress: Vec<Progress>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.outcome.as_ref().unwrap().json).unwrap()
    }

    #[track_caller]
    pub fn failure(&self) -> &Failure {
        self.outcome.as_ref().unwrap_err()
    }

    /// Name of the error code, or "OK".
    pub fn code(&self) -> &'static str {
        self.outcome.as_ref().map_or_else(|failure| failure.code.as_str(), |_| "OK")
    }
}

/// Lines of this process's memory map that name a file in `folder`.
pub fn mapped_from(folder: &Path) -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let folder = folder.canonicalize().unwrap().to_string_lossy().into_owned();
    maps.lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect()
}
