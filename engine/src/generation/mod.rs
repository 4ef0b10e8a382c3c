//! One loaded version of one plugin, and how commands run in it.
//!
//! - here: what a generation is, and the way of a command through it
//! - [`candidate`]: load and create
//! - [`life`]: start, stop, save, restore
//! - [`threads`]: the threads that it owns
//! - [`end`]: drained, closed or retired
//! - [`watch`]: which INLINE keys are too slow for an I/O thread

mod candidate;
mod end;
mod life;
mod threads;
mod watch;

pub(crate) use candidate::{Candidate, Failed};
pub(crate) use end::Ended;

use crate::call::Call;
use crate::flights::Step;
use crate::gate::Gate;
use crate::host::{CommandFrame, CommandInfo, Descriptor, Instance, Ledger, Library, inline};
use crate::plugin::{PluginConfig, PluginSlot};
use crate::queue::Lane;
use crate::reload::{self, Name};
use crate::router::Class;
use jackfield_message::{ByteString, Command, Culprit, ErrorCode, Event, Failure, Reply};
use jackfield_plugin_api as abi;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use watch::Watch;

/// One loaded version of one plugin.
pub(crate) struct Generation {
    /// Unique in the engine, counting up.
    pub number: u64,
    pub descriptor: Descriptor,
    pub ledger: Arc<Ledger>,
    pub plugin: Arc<PluginSlot>,
    /// What the operator said of the plugin when this was created.
    pub config: Arc<PluginConfig>,
    /// What the names of its threads begin with, before a dash.
    pub thread_name: String,
    /// The plugin file that it came from.
    pub file: PathBuf,
    /// The private copy that it was loaded from.
    pub copy: PathBuf,
    commands: HashMap<ByteString, Keyed>,
    instance: Instance,
    /// `None` once it is closed.
    library: Mutex<Option<Library>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Why the library cannot be closed, if that is known already.
    unclosable: Option<&'static str>,
    has_workers: Mutex<bool>,
    /// `start` has returned once: it may know something.
    served: AtomicBool,
    /// What it knows is kept elsewhere.
    saved: AtomicBool,
}

/// A command of this generation.
struct Keyed {
    index: usize,
    watch: Watch,
}

impl Generation {
    /// The gate of rule 1.
    pub fn gate(&self) -> &Gate {
        &self.ledger.gate
    }

    /// Who it is, in events and logs.
    pub fn name(&self) -> Name {
        Name { plugin: self.plugin.id.clone(), generation: self.number, version: self.descriptor.version.clone() }
    }

    /// The class of a key as it stands; `None`: no such key here.
    pub fn class_of(&self, key: &str) -> Option<Class> {
        let keyed = self.commands.get(key)?;
        let class = self.descriptor.commands[keyed.index].class;
        Some(if class == Class::Inline && keyed.watch.is_demoted() { Class::Concurrent } else { class })
    }

    /// Whether it has a serial thread.
    pub fn has_serial(&self) -> bool {
        self.descriptor.commands.iter().any(|command| command.class == Class::Serial)
    }

    /// What the plugin said of a key.
    pub fn info(&self, key: &str) -> Option<&CommandInfo> {
        self.commands.get(key).map(|keyed| &self.descriptor.commands[keyed.index])
    }

    /// A command is out.
    pub fn leave(&self) {
        self.ledger.leave();
    }

    /// What a serial or worker thread does until the generation takes no more.
    fn serve(self: &Arc<Self>, lane: Lane) {
        while let Some(call) = self.plugin.queue.take(lane, self) {
            self.run(call, lane);
        }
    }

    /// Runs a command that has entered, on a thread of this generation.
    fn run(self: &Arc<Self>, call: Arc<Call>, lane: Lane) {
        if call.is_answered() {
            // Its deadline passed while it was being taken.
            return self.leave();
        }
        let (token, frame) = self.ledger.flights.begin(call.clone(), lane == Lane::Serial, CommandFrame::new);
        if call.is_cancelled() {
            // Asked for while it was being taken, when it was not to be found anywhere.
            self.cancel(&call);
        }
        let status = self.instance.handle(&frame);
        let (step, replied) = self.ledger.flights.returned(token, status != abi::JF_PENDING);
        if replied == Some(true) {
            self.check_return(token, status);
        }
        match step {
            // PENDING, and not answered yet.
            Step::Stale | Step::Open(_) => {}
            Step::Done(call) => {
                if replied.is_none() {
                    call.answer(self.reply_from_status(status, &call.command.key));
                }
                self.leave();
            }
        }
    }

    /// Runs an INLINE command that has entered, on the thread of the session.
    pub fn run_inline(&self, command: &Command) -> Reply {
        let keyed = self.commands.get(&command.key);
        let measure = keyed.map(|keyed| keyed.watch.begin());
        let (status, reply) = inline::run(self.number, |token| self.instance.handle_inline(command, token));
        if let (Some(keyed), Some(measure)) = (keyed, measure)
            && keyed.watch.end(measure)
        {
            self.tell_demoted(&command.key);
        }
        match reply {
            Some(reply) => {
                if reply.outcome.is_ok() {
                    self.check_return(inline::INLINE_BIT, status);
                }
                self.flagged(reply, &command.key)
            }
            None if status == abi::JF_PENDING => {
                self.ledger.misuse("JF_PENDING from an INLINE command", inline::INLINE_BIT);
                let message =
                    format!("Plugin '{}' did not answer an INLINE command before it returned.", self.plugin.id);
                self.failure(ErrorCode::Internal, message).blame(Culprit::Plugin).into()
            }
            None => self.reply_from_status(status, &command.key),
        }
    }

    fn tell_demoted(&self, key: &str) {
        // Without an engine nobody calls commands.
        if let Some(core) = self.ledger.core.upgrade() {
            let reason = format!(
                "the INLINE command '{key}' used more than 1 ms of CPU three times in a minute; it runs as CONCURRENT from \
                 now on"
            );
            core.tell(&self.file, reload::Step::Demoted, Some(&self.name()), Duration::ZERO, Some(&reason));
        }
    }

    /// Asks the plugin to give a command up that is inside.
    pub fn cancel(self: &Arc<Self>, call: &Arc<Call>) {
        let Some(token) = self.ledger.flights.token_of(call) else { return };
        if self.instance.hears_cancel() {
            let generation = self.clone();
            self.ledger.control.post(move || generation.instance.cancel(token));
        }
    }

    /// Hands an event to the plugin. On the control thread.
    pub fn event(&self, event: &Event, dropped: u64) {
        self.instance.event(event, dropped);
    }

    /// A failure that names this generation.
    pub fn failure(&self, code: ErrorCode, message: String) -> Failure {
        Failure::new(code, message).of_plugin(&self.plugin.id, self.number)
    }

    /// Marks results of ACK_ONLY keys.
    pub fn flagged(&self, mut reply: Reply, key: &str) -> Reply {
        if let Ok(success) = &mut reply.outcome {
            success.ack_only = self.info(key).is_some_and(|info| info.flags & abi::JF_COMMAND_ACK_ONLY != 0);
        }
        reply
    }

    /// Whether nothing waits for it or is out.
    pub fn is_idle(&self) -> bool {
        self.plugin.queue.is_empty() && self.ledger.is_empty()
    }

    /// Commands inside, waiting buffers, threads that run.
    pub fn load(&self) -> (u64, usize, usize) {
        let threads = crate::call::lock(&self.threads).iter().filter(|thread| !thread.is_finished()).count();
        (self.gate().inside(), self.ledger.buffers(), threads)
    }

    fn reply_from_status(&self, status: abi::jf_status, key: &str) -> Reply {
        if status == abi::JF_OK {
            self.flagged(Reply::ok(ByteString::from_static("null")), key)
        } else {
            crate::host::failure(status, "", &self.ledger).into()
        }
    }

    fn check_return(&self, token: u64, status: abi::jf_status) {
        if status != abi::JF_OK && status != abi::JF_PENDING {
            self.ledger.misuse("an error returned from handle after a successful reply; the reply stands", token);
        }
    }
}
