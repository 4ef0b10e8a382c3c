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
pub(crate) use end::{Ended, join_within};
pub(crate) use watch::SLOW;

use crate::call::{Call, plain};
use crate::flights::Step;
use crate::gate::{Entrant, Gate, Refusal};
use crate::host::{CommandFrame, CommandInfo, Descriptor, Instance, Ledger, Library, inline};
use crate::plugin::{PluginConfig, PluginSlot};
use crate::queue::Lane;
use crate::reload::{self, Name};
use crate::router::{ByKey, Class};
use crate::schema;
use jackfield_message::{ByteString, Command, Culprit, ErrorCode, Event, Failure, Reply};
use jackfield_plugin_api as abi;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
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
    /// Where in the descriptor a key stands.
    keys: ByKey<usize>,
    /// Whether any command has a schema that params are held against.
    checks_params: bool,
    /// One for each command of the descriptor.
    watches: Box<[Watch]>,
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

/// Inside a generation, for INLINE commands.
pub(crate) struct Inside(Arc<Generation>);

impl Inside {
    /// Whether this is inside `generation`, and one more command may be there: nobody holds or has closed it.
    pub fn may_run(&self, generation: &Arc<Generation>) -> bool {
        Arc::ptr_eq(&self.0, generation) && self.0.gate().is_open()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.leave();
    }
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
        self.keys.get(key).map(|&command| self.class(command))
    }

    /// The class of a command as it stands, by its place in the descriptor.
    pub fn class(&self, command: usize) -> Class {
        let class = self.descriptor.commands[command].class;
        if class == Class::Inline && self.watches[command].is_demoted() { Class::Concurrent } else { class }
    }

    /// Whether it has a serial thread.
    pub fn has_serial(&self) -> bool {
        self.descriptor.commands.iter().any(|command| command.class == Class::Serial)
    }

    /// What the plugin said of a key.
    pub fn info(&self, key: &str) -> Option<&CommandInfo> {
        self.keys.get(key).map(|&command| &self.descriptor.commands[command])
    }

    /// INLINE commands in, until what this gives is dropped.
    pub fn enter(self: &Arc<Self>) -> Result<Inside, Refusal> {
        self.gate().enter(Entrant::Outside).map(|()| Inside(self.clone()))
    }

    /// A command is out.
    fn leave(&self) {
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
        if self.checks_params
            && let Some(&command) = self.keys.get(call.command.key())
            && let Some(refusal) = self.refusal(command, &call.command, call.nested.is_some())
        {
            // Inside the gate and unknown to the plugin: as long as this takes, a drain waits for it.
            call.answer(refusal);
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
                    call.answer(self.reply_from_status(status));
                }
                self.leave();
            }
        }
    }

    /// Runs an INLINE command that has entered, on the thread of the session. `index`: where it stands in the descriptor.
    /// There always is a reply; an option, because that is how it lies where it was written.
    pub fn run_inline(&self, index: usize, command: &Command) -> Option<Reply> {
        if self.checks_params
            && let Some(refusal) = self.refusal(index, command, false)
        {
            return Some(refusal);
        }
        let handle = || inline::run(self.number, |token| self.instance.handle_inline(command, token));
        let (status, demoted) = self.watches[index].run(handle);
        if demoted {
            self.tell_demoted(command.key());
        }
        inline::take_reply(|reply| {
            if reply.is_none() {
                *reply = Some(self.inline_reply_from_status(status));
            } else if matches!(reply, Some(Reply { outcome: Ok(_) })) {
                self.check_return(inline::INLINE_BIT, status);
            }
            if let Some(Reply { outcome: Ok(success) }) = reply {
                success.plain = plain(self.descriptor.commands[index].flags);
            }
        })
    }

    /// What a command is answered whose params do not fit its schema. `index`: where it stands in the descriptor.
    #[inline(never)]
    fn refusal(&self, index: usize, command: &Command, nested: bool) -> Option<Reply> {
        let of_command = self.descriptor.commands[index].params.as_ref()?;
        // Clients of the plain dialect know the plugins' own texts; what a plugin calls on their behalf is the plugin's.
        if command.dialect == schema::PLAIN && !nested {
            return None;
        }
        if let Some(failure) = schema::too_long(command, self.ledger.limits.checked_bytes) {
            return Some(failure.of_plugin(&self.plugin.id, self.number).into());
        }
        // Counts against an INLINE command: it is done on the same thread.
        let (refusal, demoted) = self.watches[index].run(|| of_command.refusal(command));
        if demoted {
            self.tell_demoted(command.key());
        }
        refusal.map(|failure| failure.of_plugin(&self.plugin.id, self.number).into())
    }

    #[cold]
    fn inline_reply_from_status(&self, status: abi::jf_status) -> Reply {
        if status != abi::JF_PENDING {
            return self.reply_from_status(status);
        }
        self.ledger.misuse("JF_PENDING from an INLINE command", inline::INLINE_BIT);
        let message = format!("Plugin '{}' did not answer an INLINE command before it returned.", self.plugin.id);
        self.failure(ErrorCode::Internal, message).blame(Culprit::Plugin).into()
    }

    /// Something took long that ended `now`, and it may have been calls of this command: the next ones are measured.
    pub fn suspect(&self, command: usize, now: Instant) {
        self.watches[command].suspect(now);
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

    /// Whether nothing waits for it or is out.
    pub fn is_idle(&self) -> bool {
        self.plugin.queue.is_empty() && self.ledger.is_empty()
    }

    /// Commands inside, waiting buffers, threads that run.
    pub fn load(&self) -> (u64, usize, usize) {
        let threads = crate::call::lock(&self.threads).iter().filter(|thread| !thread.is_finished()).count();
        (self.gate().inside(), self.ledger.buffers(), threads)
    }

    fn reply_from_status(&self, status: abi::jf_status) -> Reply {
        if status == abi::JF_OK {
            Reply::ok(ByteString::from_static("null"))
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
