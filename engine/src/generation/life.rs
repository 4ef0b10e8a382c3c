use super::{Generation, Keyed};
use crate::Limits;
use crate::call::lock;
use crate::control::{Control, TooLate};
use crate::host::{Descriptor, HostTable, Instance, Ledger, Library, PluginTable};
use crate::plugin::PluginSlot;
use crate::queue::Lane;
use crate::reload::Step;
use crate::router::Class;
use crate::services::Store;
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
    pub fn load(number: u64, copy: &Path, limits: &Arc<Limits>, store: Option<Arc<dyn Store>>) -> Result<Self, Failed> {
        let failed = |reason: String, retired| Failed { step: Step::Loaded, reason, retired };
        let (control, control_thread) = Control::start(&format!("jf-{number}-control"))
            .map_err(|error| failed(format!("its control thread cannot be started: {error}"), false))?;
        let ledger = Ledger::new(number, limits.clone(), store, control.clone());
        let host = HostTable::new(ledger.clone());
        let limit = Limits::seconds(limits.lifecycle_s);
        let (path, table_of_host) = (copy.to_owned(), host.clone());
        let loaded = control.run(limit, move || {
            let library = Library::open(&path)?;
            match library.entry(&table_of_host) {
                Ok((table, descriptor)) => Ok((library, table, descriptor)),
                Err(error) => {
                    // Its threads, if any, are unknown to us: unmapping a library that said no is not worth the risk.
                    library.keep();
                    Err(error)
                }
            }
        });
        match loaded {
            Ok(Ok((library, table, descriptor))) => {
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
            Ok(Err(error)) => {
                control.finish();
                join_within(vec![control_thread], limit);
                let kept = !matches!(error, crate::host::LoadError::System(_));
                if kept {
                    // The table must outlive the library.
                    std::mem::forget(host);
                }
                Err(failed(error.to_string(), kept))
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
        control.finish();
        if !join_within(vec![control_thread], Limits::seconds(limits.lifecycle_s)) {
            library.keep();
            std::mem::forget(host);
            return Ended::Retired("its control thread did not end".to_owned());
        }
        close(library, host)
    }

    /// Calls `create`; the result is a generation that serves nothing yet.
    pub fn create(self, plugin: &Arc<PluginSlot>, unclosable: Option<&'static str>) -> Result<Arc<Generation>, Failed> {
        let limit = Limits::seconds(self.limits.lifecycle_s);
        let config = serde_json::Value::Object(plugin.config.config.clone()).to_string();
        let (table, host, ledger) = (self.table, self.host.clone(), self.ledger.clone());
        let created = self.control.run(limit, move || table.create(&host, &ledger, &config));
        match created {
            Ok(Ok(instance)) => Ok(self.into_generation(plugin, instance, unclosable)),
            Ok(Err(reason)) => {
                let retired = matches!(self.discard(), Ended::Retired(_));
                Err(Failed { step: Step::Created, reason, retired })
            }
            Err(TooLate) => {
                // When it does return, its own control thread destroys the result (see `Control::run`).
                self.control.finish();
                self.library.keep();
                std::mem::forget(self.host);
                let reason = format!("create took longer than {} s (limit lifecycle_s)", self.limits.lifecycle_s);
                Err(Failed { step: Step::Created, reason, retired: true })
            }
        }
    }

    fn into_generation(
        self,
        plugin: &Arc<PluginSlot>,
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
            copy: self.copy,
            instance,
            library: Mutex::new(Some(self.library)),
            threads: Mutex::new(vec![self.control_thread]),
            unclosable: if pinned { Some("the plugin is PINNED") } else { unclosable.filter(|_| has_inline) },
            workers_started: Mutex::new(false),
        })
    }
}

impl Generation {
    /// Calls `start` and begins the threads; on an error the generation is closed.
    pub fn start(self: &Arc<Self>) -> Result<(), Failed> {
        let limit = Limits::seconds(self.ledger.limits.lifecycle_s);
        let generation = self.clone();
        let started = self.ledger.control.run(limit, move || generation.instance.start());
        let reason = match started {
            Ok(Ok(())) => match self.start_threads() {
                Ok(()) => return Ok(()),
                Err(error) => format!("its threads cannot be started: {error}"),
            },
            Ok(Err(reason)) => reason,
            Err(TooLate) => format!("start took longer than {} s (limit lifecycle_s)", self.ledger.limits.lifecycle_s),
        };
        self.gate().close();
        let retired = matches!(self.close(), Ended::Retired(_));
        Err(Failed { step: Step::Started, reason, retired })
    }

    /// `stop` alone, in an exclusive swap.
    pub fn stop_only(self: &Arc<Self>) -> Result<(), String> {
        self.step("stop", Instance::stop)
    }

    /// `start` again after `stop_only`: the successor was refused.
    pub fn start_again(self: &Arc<Self>) -> Result<(), String> {
        let (limit_s, generation) = (self.ledger.limits.lifecycle_s, self.clone());
        let started = self.ledger.control.run(Limits::seconds(limit_s), move || generation.instance.start());
        started.unwrap_or_else(|TooLate| Err(format!("start took longer than {limit_s} s (limit lifecycle_s)")))
    }

    /// Ends a generation that was created and never served.
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
        let mut started = lock(&self.workers_started);
        if !std::mem::replace(&mut *started, true) {
            for index in 0..self.plugin.config.threads.max(1) {
                self.spawn(format!("worker-{index}"), Lane::Concurrent)?;
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
    /// after `drain_s` is answered OUTCOME_UNKNOWN, and the generation is retired. Blocks; for a thread of its own.
    pub fn drain_and_close(self: &Arc<Self>) -> Ended {
        let limits = &self.ledger.limits;
        if self.ledger.wait_empty(Limits::seconds(limits.drain_s)) {
            return self.close();
        }
        let stuck = self.answer_all_unknown("was replaced while the command ran, which did not end in time");
        let (buffers, drain_s) = (self.ledger.buffers(), limits.drain_s);
        self.retire(format!("{stuck} commands and {buffers} buffers were still out after {drain_s} s (limit drain_s)"))
    }

    /// Answers everything that is inside; how many that were.
    pub fn answer_all_unknown(&self, why: &str) -> usize {
        let inside = self.ledger.flights.all();
        for (_, call) in &inside {
            call.cancel();
            call.answer(self.outcome_unknown(why));
        }
        inside.len()
    }

    /// Waits until nothing waits for the plugin any more, no longer than `limit`.
    pub fn finish_waiting(&self, limit: Duration) {
        self.plugin.queue.wait_empty(limit);
    }

    /// Ends a closed and empty generation.
    pub fn end(self: &Arc<Self>) -> Ended {
        self.close()
    }

    /// What the caller of a command is told that was begun and whose end nobody knows.
    fn outcome_unknown(&self, why: &str) -> jackfield_message::Reply {
        let message = format!("Plugin '{}' {why}; nobody knows whether it took effect.", self.plugin.id);
        self.failure(jackfield_message::ErrorCode::OutcomeUnknown, message).into()
    }

    /// Stop, destroy, join, unmap. The gate is closed and nothing is inside.
    fn close(self: &Arc<Self>) -> Ended {
        let limit_s = self.ledger.limits.lifecycle_s;
        let limit = Limits::seconds(limit_s);
        self.plugin.queue.wake();
        for (name, work) in [("stop", Instance::stop as fn(&Instance)), ("destroy", Instance::destroy)] {
            if let Err(why) = self.step(name, work) {
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
            Some(false) => self
                .retire("the system keeps the library mapped (thread-locals, unique symbols or NODELETE)".to_owned()),
        }
    }

    /// One step on the control thread, within `lifecycle_s`.
    fn step(self: &Arc<Self>, name: &str, work: fn(&Instance)) -> Result<(), String> {
        let (limit_s, generation) = (self.ledger.limits.lifecycle_s, self.clone());
        let done = self.ledger.control.run(Limits::seconds(limit_s), move || work(&generation.instance));
        done.map_err(|TooLate| format!("{name} did not return within {limit_s} s (limit lifecycle_s)"))
    }

    /// Keeps library, host table and instance as they are for the rest of the process.
    fn retire(self: &Arc<Self>, why: String) -> Ended {
        self.ledger.control.finish();
        if let Some(library) = lock(&self.library).take() {
            library.keep();
        }
        std::mem::forget(self.clone());
        Ended::Retired(why)
    }
}

/// Unloads a library of which no code runs; the host table goes with it, or stays with it.
fn close(library: Library, host: Arc<HostTable>) -> Ended {
    if library.close() {
        return Ended::Closed;
    }
    std::mem::forget(host);
    Ended::Retired("the system keeps the library mapped (thread-locals, unique symbols or NODELETE)".to_owned())
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
