use super::{Generation, Keyed};
use crate::Limits;
use crate::call::lock;
use crate::control::{Control, TooLate};
use crate::core::Core;
use crate::host::{Descriptor, HostTable, Instance, Ledger, Library, LoadError, PluginTable};
use crate::plugin::{PluginConfig, PluginSlot};
use crate::queue::Lane;
use crate::reload::Step;
use crate::router::Class;
use jackfield_plugin_api as abi;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// At which step a candidate failed, and why.
#[derive(Debug)]
pub(crate) struct Failed {
    pub step: Step,
    pub reason: String,
    /// The library had to be left in the process.
    pub retired: bool,
}

/// How a generation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing of it is left in the process.
    Closed,
    /// Kept mapped, and why.
    Retired(String),
}

/// A library that is loaded, whose plugin said who it is, and of which no instance exists yet.
pub(crate) struct Candidate {
    number: u64,
    copy: PathBuf,
    pub descriptor: Descriptor,
    limits: Arc<Limits>,
    table: PluginTable,
    library: Library,
    host: Arc<HostTable>,
    ledger: Arc<Ledger>,
    control: Control,
    control_thread: JoinHandle<()>,
}

impl Candidate {
    /// Loads a private copy of a plugin file on a control thread of its own, and asks who it is.
    pub fn load(number: u64, copy: &Path, core: &Arc<Core>) -> Result<Self, Failed> {
        let limits = &core.limits;
        let failed = |reason: String, retired| Failed { step: Step::Loaded, reason, retired };
        let (control, control_thread) = Control::start(&format!("jf-{number}-control"))
            .map_err(|error| failed(format!("its control thread cannot be started: {error}"), false))?;
        let ledger = Ledger::new(number, core, control.clone());
        let host = HostTable::new(ledger.clone());
        let limit = Limits::seconds(limits.lifecycle_s);
        let (path, table_of_host, thread_keys) = (copy.to_owned(), host.clone(), core.thread_keys.clone());
        let loaded = control.run(limit, move || {
            let library = Library::open(&path, thread_keys)?;
            let entered = library.entry(&table_of_host);
            Ok::<_, LoadError>((library, entered))
        });
        match loaded {
            Ok(Ok((library, Ok((table, descriptor))))) => {
                ledger.set_plugin(&descriptor.id);
                let limits = limits.clone();
                Ok(Self {
                    number,
                    copy: copy.to_owned(),
                    descriptor,
                    limits,
                    table,
                    library,
                    host,
                    ledger,
                    control,
                    control_thread,
                })
            }
            Ok(Ok((library, Err(error)))) => {
                let retired = matches!(end(library, host, &control, control_thread, limit), Ended::Retired(_));
                Err(failed(error.to_string(), retired))
            }
            Ok(Err(error)) => {
                control.finish();
                Err(failed(error.to_string(), false))
            }
            Err(TooLate) => {
                control.finish();
                std::mem::forget(host);
                let reason = format!("loading it took longer than {} s (limit lifecycle_s)", limits.lifecycle_s);
                Err(failed(reason, true))
            }
        }
    }

    /// Gives the candidate up before `create`.
    pub fn discard(self) -> Ended {
        let Self { limits, library, host, control, control_thread, .. } = self;
        end(library, host, &control, control_thread, Limits::seconds(limits.lifecycle_s))
    }

    /// Calls `create`; the result is a generation that serves nothing yet.
    pub fn create(
        self,
        plugin: &Arc<PluginSlot>,
        config: &Arc<PluginConfig>,
        unclosable: Option<&'static str>,
    ) -> Result<Arc<Generation>, Failed> {
        let limit = Limits::seconds(self.limits.lifecycle_s);
        let settings = serde_json::Value::Object(config.config.clone()).to_string();
        let (table, host, ledger) = (self.table, self.host.clone(), self.ledger.clone());
        let created = self.control.run(limit, move || table.create(&host, &ledger, &settings));
        match created {
            Ok(Ok(instance)) => Ok(self.into_generation(plugin, config, instance, unclosable)),
            Ok(Err(reason)) => {
                let retired = matches!(self.discard(), Ended::Retired(_));
                Err(Failed { step: Step::Created, reason, retired })
            }
            Err(TooLate) => {
                // When it does return, its own control thread destroys the result (see `Control::run`).
                self.control.finish();
                std::mem::forget(self.host);
                let reason = format!("create took longer than {} s (limit lifecycle_s)", self.limits.lifecycle_s);
                Err(Failed { step: Step::Created, reason, retired: true })
            }
        }
    }

    fn into_generation(
        self,
        plugin: &Arc<PluginSlot>,
        config: &Arc<PluginConfig>,
        instance: Instance,
        unclosable: Option<&'static str>,
    ) -> Arc<Generation> {
        let keyed = |index| Keyed { index, watch: super::Watch::default() };
        let commands = self.descriptor.commands.iter().enumerate();
        let has_inline = self.descriptor.commands.iter().any(|command| command.class == Class::Inline);
        let pinned = self.descriptor.flags & abi::JF_PLUGIN_PINNED != 0;
        Arc::new(Generation {
            number: self.number,
            commands: commands.map(|(index, command)| (command.key.clone(), keyed(index))).collect(),
            descriptor: self.descriptor,
            ledger: self.ledger,
            plugin: plugin.clone(),
            config: config.clone(),
            copy: self.copy,
            instance,
            library: Mutex::new(Some(self.library)),
            threads: Mutex::new(vec![self.control_thread]),
            unclosable: if pinned { Some("the plugin is PINNED") } else { unclosable.filter(|_| has_inline) },
            has_workers: Mutex::new(false),
        })
    }
}

impl Generation {
    /// Calls `start`, within `limit`, and begins the threads; on an error the generation is closed.
    pub fn start(self: &Arc<Self>, limit: Duration) -> Result<(), Failed> {
        let failed =
            |reason, ended| Failed { step: Step::Started, reason, retired: matches!(ended, Ended::Retired(_)) };
        match self.call_start(limit) {
            Ok(Ok(())) => self
                .start_threads()
                .map_err(|error| failed(format!("its threads cannot be started: {error}"), self.give_up())),
            Ok(Err(reason)) => Err(failed(reason, self.give_up())),
            Err(TooLate) => {
                let reason = format!("start took longer than {:.1} s", limit.as_secs_f64());
                // Not waited for: its own control thread ends it when `start` does return.
                self.gate().close();
                let generation = self.clone();
                self.ledger.control.post(move || {
                    generation.instance.stop();
                    generation.instance.destroy();
                });
                Err(failed(reason.clone(), self.retire(reason)))
            }
        }
    }

    /// Whether it may hold what is exclusive: `start` has returned, and `stop` has not.
    pub fn is_started(&self) -> bool {
        self.instance.is_started()
    }

    /// `stop` alone, in an exclusive swap; within `limit`.
    pub fn stop_only(self: &Arc<Self>, limit: Duration) -> Result<(), String> {
        self.step("stop", limit, Instance::stop)
    }

    /// `start` again after `stop_only`: the successor was refused.
    pub fn start_again(self: &Arc<Self>) -> Result<(), String> {
        let limit_s = self.ledger.limits.lifecycle_s;
        let started = self.call_start(Limits::seconds(limit_s));
        started.unwrap_or_else(|TooLate| Err(format!("start took longer than {limit_s} s (limit lifecycle_s)")))
    }

    fn call_start(self: &Arc<Self>, limit: Duration) -> Result<Result<(), String>, TooLate> {
        let generation = self.clone();
        self.ledger.control.run(limit, move || {
            let started = generation.instance.start();
            // Events may have waited for this (a refused swap).
            generation.plugin.inbox.wake();
            started
        })
    }

    /// Ends a generation that never served.
    pub fn give_up(self: &Arc<Self>) -> Ended {
        self.gate().close();
        self.close()
    }

    fn start_threads(self: &Arc<Self>) -> std::io::Result<()> {
        let has = |class| self.descriptor.commands.iter().any(|command| command.class == class);
        if has(Class::Serial) {
            self.spawn("serial".to_owned(), Lane::Serial)?;
        }
        if has(Class::Concurrent) {
            self.start_workers()?;
        }
        Ok(())
    }

    /// Begins the workers if they are not there yet: an INLINE command needs them when it has to wait or was demoted.
    pub fn start_workers(self: &Arc<Self>) -> std::io::Result<()> {
        let mut has_workers = lock(&self.has_workers);
        if *has_workers {
            return Ok(());
        }
        for index in 0..self.config.threads.max(1) {
            match self.spawn(format!("worker-{index}"), Lane::Concurrent) {
                Ok(()) => *has_workers = true,
                // Fewer than wanted are enough to go on.
                Err(error) if *has_workers => {
                    tracing::warn!(plugin = self.plugin.id, generation = self.number, %error, "only {index} workers");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn spawn(self: &Arc<Self>, role: String, lane: Lane) -> std::io::Result<()> {
        let generation = self.clone();
        let name = format!("jf-{}-{role}", self.number);
        let thread = std::thread::Builder::new().name(name).spawn(move || generation.serve(lane))?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Ends a generation whose gate is closed: waits for what is inside, then stop, destroy, join, unmap. What is not out
    /// after `drain_s`, or at the end of the engine's stop, is answered OUTCOME_UNKNOWN, and the generation is retired.
    /// Blocks; for a thread of its own.
    pub fn drain_and_close(self: &Arc<Self>) -> Ended {
        let drain_s = self.ledger.limits.drain_s;
        if self.ledger.wait_empty(Limits::seconds(drain_s)) {
            return self.close();
        }
        let within = if self.ledger.is_given_up() {
            "when the server stopped".to_owned()
        } else {
            format!("after {drain_s} s (limit drain_s)")
        };
        let calls = self.ledger.calls.out();
        self.ledger.close_calls();
        let ledger = self.ledger.clone();
        self.ledger.control.post(move || ledger.end_calls());
        let inside = self.ledger.flights.all();
        for (_, call) in &inside {
            call.cancel();
            call.answer(self.outcome_unknown(&within));
        }
        let (stuck, buffers) = (inside.len(), self.ledger.buffers());
        self.retire(format!("{stuck} commands, {calls} calls and {buffers} buffers were still out {within}"))
    }

    /// What the caller of a command is told that was begun and whose end nobody knows.
    fn outcome_unknown(&self, within: &str) -> jackfield_message::Reply {
        let message = format!(
            "Plugin '{}' had not done the command {within}; nobody knows whether it took effect.",
            self.plugin.id
        );
        self.failure(jackfield_message::ErrorCode::OutcomeUnknown, message).into()
    }

    /// Stop, destroy, join, unmap. The gate is closed and nothing is inside.
    fn close(self: &Arc<Self>) -> Ended {
        let limit_s = self.ledger.limits.lifecycle_s;
        let limit = Limits::seconds(limit_s);
        self.plugin.queue.wake();
        for (name, work) in [("stop", Instance::stop as fn(&Instance)), ("destroy", Instance::destroy)] {
            if let Err(why) = self.step(name, limit, work) {
                return self.retire(why);
            }
        }
        lock(&self.ledger.blobs).clear();
        lock(&self.ledger.batches).clear();
        self.ledger.control.finish();
        let threads = std::mem::take(&mut *lock(&self.threads));
        if !join_within(threads, limit) {
            return self.retire(format!("a thread of it did not end within {limit_s} s (limit lifecycle_s)"));
        }
        if let Some(why) = self.unclosable {
            return self.retire(why.to_owned());
        }
        match lock(&self.library).take().map(Library::close) {
            Some(true) | None => Ended::Closed,
            Some(false) => self.retire(STILL_MAPPED.to_owned()),
        }
    }

    /// One step on the control thread, within `limit`.
    fn step(self: &Arc<Self>, name: &str, limit: Duration, work: fn(&Instance)) -> Result<(), String> {
        let generation = self.clone();
        let done = self.ledger.control.run(limit, move || work(&generation.instance));
        done.map_err(|TooLate| format!("{name} did not return within {:.1} s", limit.as_secs_f64()))
    }

    /// Keeps library, host table and instance as they are for the rest of the process.
    fn retire(self: &Arc<Self>, why: String) -> Ended {
        self.ledger.control.finish();
        std::mem::forget(self.clone());
        Ended::Retired(why)
    }
}

const STILL_MAPPED: &str = "the system keeps the library mapped (thread-locals, unique symbols or NODELETE)";

/// Ends a library of which there is no instance; the host table goes with it, or stays with it.
fn end(
    library: Library,
    host: Arc<HostTable>,
    control: &Control,
    control_thread: JoinHandle<()>,
    limit: Duration,
) -> Ended {
    control.finish();
    let why = if !join_within(vec![control_thread], limit) {
        "its control thread did not end"
    } else if !library.close() {
        STILL_MAPPED
    } else {
        return Ended::Closed;
    };
    std::mem::forget(host);
    Ended::Retired(why.to_owned())
}

/// Joins threads that should end now; false when one does not within `limit`. A plugin's thread-local destructor can hang a
/// join, so it is done on a thread of its own.
fn join_within(threads: Vec<JoinHandle<()>>, limit: Duration) -> bool {
    let (done, all_joined) = mpsc::channel();
    let joiner = std::thread::Builder::new().name("jf-join".to_owned()).spawn(move || {
        for thread in threads {
            // A panic on it was reported when it happened.
            let _ = thread.join();
        }
        let _ = done.send(());
    });
    joiner.is_ok() && all_joined.recv_timeout(limit).is_ok()
}
