//! Commands that plugins call: the same routing table and the same queues as for clients, asynchronous only.
//!
//! A nested call never waits for a hold (`gate.rs`, `Entrant::Nested`): the command that it is made for may be what the hold
//! waits for. It runs on threads of the target's generation whatever its class, never on the caller's.

use crate::application::LaneKind;
use crate::call::{Call, Caller, ReplySink, lock};
use crate::core::Core;
use crate::dispatch::Submitted;
use crate::generation::Generation;
use crate::host::{Done, Ledger, inline, status_of};
use crate::router::{Class, PluginEntry, Slot};
use crate::{Limits, builtins};
use jackfield_message::{Attachment, ByteString, Command, ErrorCode, Failure, Reply};
use jackfield_plugin_api as abi;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// Calls that call calls: a longer chain is taken for one without an end.
const MAX_DEPTH: usize = 64;

/// What a plugin asks for. Texts and bytes are checked and copied.
pub(crate) struct Request {
    /// Token of the command on whose behalf it is; 0: none.
    pub parent: u64,
    pub key: ByteString,
    pub params: ByteString,
    pub attachments: Vec<Attachment>,
    /// `None`: the limit `call_s`.
    pub timeout: Option<Duration>,
}

/// Whence a nested call comes.
pub(crate) struct Link {
    origin: Origin,
    /// The command on whose behalf it is.
    parent: Option<Arc<Call>>,
    depth: usize,
}

/// Who made it.
enum Origin {
    /// A generation, for the command of that token; 0: for none.
    Plugin(Arc<Ledger>, u64),
    /// A thread of an application, which waits for it.
    Application(Waiting),
}

/// A thread that waits inside callbacks, of one engine or of several.
pub(crate) struct Waiting {
    thread: ThreadId,
    /// The callbacks: of which engine, and on a thread of which kind.
    inside: Vec<(u64, LaneKind)>,
    /// The engine that it polls for meanwhile.
    polls: Option<u64>,
}

impl Waiting {
    /// This thread.
    pub fn here(inside: Vec<(u64, LaneKind)>, polls: Option<u64>) -> Self {
        Self { thread: std::thread::current().id(), inside, polls }
    }

    /// Whether it keeps an exclusive line of `engine`, of which `poller` takes, from going on.
    fn holds(&self, engine: u64, kind: LaneKind, poller: Option<ThreadId>) -> bool {
        let takes = poller == Some(self.thread) && self.polls != Some(engine);
        takes || self.inside.contains(&(engine, kind))
    }
}

impl Link {
    fn new(caller: &Arc<Ledger>, token: u64) -> Result<Arc<Self>, abi::jf_status> {
        if token & inline::INLINE_BIT != 0 {
            // It is answered before `done` could come.
            return Err(abi::JF_E_WRONG_THREAD);
        }
        let parent = match token {
            0 => None,
            _ => Some(caller.flights.find(token).ok_or(abi::JF_E_STALE)?),
        };
        Self::below(parent, Origin::Plugin(caller.clone(), token)).map(Arc::new).ok_or(abi::JF_E_CYCLE)
    }

    /// Of a thread that waits, in the innermost callback for the command `parent`. `None`: the chain is too long.
    pub(crate) fn of_application(waiting: Waiting, parent: Option<Arc<Call>>) -> Option<Self> {
        Self::below(parent, Origin::Application(waiting))
    }

    fn below(parent: Option<Arc<Call>>, origin: Origin) -> Option<Self> {
        let above = parent.as_ref().and_then(|call| call.nested.as_ref()).map_or(0, |link| link.depth);
        (above < MAX_DEPTH).then(|| Self { origin, parent, depth: above + 1 })
    }

    /// It, and what it is nested in, from the inside out.
    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |link| link.parent.as_ref()?.nested.as_deref())
    }

    /// Whether an unfinished SERIAL command of that generation is in the chain that leads here.
    fn comes_from_serial(&self, generation: &Generation) -> bool {
        self.chain().any(|link| match &link.origin {
            Origin::Plugin(caller, token) => {
                Arc::ptr_eq(caller, &generation.ledger) && caller.flights.is_serial_inside(*token)
            }
            Origin::Application(_) => false,
        })
    }

    /// Whether a thread that waits for what this is made for is the one that would take it from its line.
    fn comes_from_application(&self, core: &Core, kind: LaneKind) -> bool {
        let poller = core.application.poller().filter(|_| kind == LaneKind::HostThread);
        kind.is_exclusive()
            && self.chain().any(|link| match &link.origin {
                Origin::Application(waiting) => waiting.holds(core.number, kind, poller),
                Origin::Plugin(..) => false,
            })
    }
}

/// Brings the answer back to the caller's control thread.
struct Back {
    caller: Arc<Ledger>,
}

impl ReplySink for Back {
    fn reply(&self, request: u64, reply: Reply) {
        self.caller.call_answered(request, reply);
    }
}

impl Core {
    /// Makes a call for a plugin. `Ok`: `done` comes once, on the control thread of `caller`, after this has returned or
    /// while it does. An error: it does not come.
    pub fn call(self: &Arc<Self>, caller: &Arc<Ledger>, request: Request, done: Done) -> Result<(), abi::jf_status> {
        let link = Link::new(caller, request.parent)?;
        let parent = link.parent.as_ref();
        if parent.is_some_and(|parent| parent.is_cancelled()) {
            return Err(abi::JF_E_CANCELLED);
        }
        // Commands that run are still given what they need for their end.
        if parent.is_none() && !self.accepting.load(Ordering::Acquire) {
            return Err(abi::JF_E_SHUTTING_DOWN);
        }
        let to_engine = matches!(self.router.load().find(&request.key), Some(Slot::Builtin(_)));
        let id = caller.calls.begin(self.limits.plugin_queue, &request.key, parent.cloned(), to_engine, done)?;
        let sink: Arc<dyn ReplySink> = Arc::new(Back { caller: caller.clone() });
        let back = Caller { sink: &sink, request: id, order: None };
        let handle = match self.send(self.command(request, parent), back, &link) {
            Ok(Submitted::Waiting(handle)) => Some(handle),
            Ok(Submitted::Answered(reply)) => {
                caller.call_answered(id, reply);
                None
            }
            Err(failure) => {
                caller.call_refused(id);
                return Err(status_of(failure.code));
            }
        };
        if !caller.call_sent(id, handle.clone()) {
            return Err(abi::JF_E_WRONG_STATE);
        }
        // A cancel that came before the call was noted has not found it.
        if let (Some(parent), Some(handle)) = (parent, &handle)
            && parent.is_cancelled()
        {
            self.cancel(handle);
        }
        Ok(())
    }

    fn command(&self, request: Request, parent: Option<&Arc<Call>>) -> Command {
        let Request { key, params, attachments, timeout, .. } = request;
        let longest = Duration::from_secs(u32::MAX.into());
        let timeout = timeout.unwrap_or_else(|| Limits::seconds(self.limits.call_s)).min(longest);
        let by = Instant::now() + timeout;
        let mut command = Command::new(&key, &params);
        command.attachments = attachments.into();
        command.deadline = Some(by);
        if let Some(parent) = parent {
            let given = &parent.command;
            command.session = given.session;
            command.dialect = given.dialect;
            command.sender = given.sender.clone();
            command.deadline = Some(parent.deadline.map_or(by, |deadline| deadline.min(by)));
        }
        command
    }

    /// Routes as [`Core::submit`] does; a refusal is an error.
    pub(crate) fn send(
        self: &Arc<Self>,
        mut command: Command,
        caller: Caller<'_>,
        link: &Arc<Link>,
    ) -> Result<Submitted, Failure> {
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let table = self.router.load();
            // The empty key is no command that can be called, but whatever nobody else takes.
            let taken = match table.find(command.key()).filter(|_| !command.key().is_empty()) {
                Some(Slot::Builtin(builtin)) => {
                    let deadline = command.deadline;
                    let submitted = builtins::run(self, *builtin, command, caller.reply_to());
                    if let (Submitted::Waiting(handle), Some(deadline)) = (&submitted, deadline) {
                        handle.answer_at(&self.timer, deadline);
                    }
                    return Ok(submitted);
                }
                Some(Slot::Plugin(entry)) => {
                    if would_wait_for_itself(entry, command.key(), link) {
                        return Err(cycle(command.key()));
                    }
                    self.enqueue(entry, command, caller, Some(link.clone()))
                }
                Some(Slot::Application(entry)) => {
                    if link.comes_from_application(self, entry.lane()) {
                        return Err(cycle(command.key()));
                    }
                    self.hand_over(entry, command, caller, Some(link.clone()))
                }
                None => {
                    let message = format!("Unknown command '{}'.", command.key());
                    return Err(Failure::new(ErrorCode::UnknownKey, message));
                }
            };
            match taken {
                Ok(Submitted::Waiting(handle)) => return Ok(Submitted::Waiting(handle)),
                Ok(Submitted::Answered(refusal)) => {
                    let internal = || Failure::new(ErrorCode::Internal, "An answer in the place of a refusal.");
                    return Err(refusal.outcome.err().map_or_else(internal, |failure| *failure));
                }
                Err(back) => command = *back,
            }
        }
        Err(Failure::new(ErrorCode::PluginGone, "The plugin was unloaded."))
    }

    /// Cancels the calls that were made on behalf of `call`, which is inside a generation of `plugin`.
    pub(crate) fn cancel_nested(self: &Arc<Self>, call: &Arc<Call>, plugin: u64) {
        let generations = lock(&self.registry).generations_of(plugin);
        for handle in generations.iter().flat_map(|generation| generation.ledger.calls.of(call)) {
            self.cancel(&handle);
        }
    }
}

fn cycle(key: &str) -> Failure {
    let message = format!("The call of '{key}' would wait for itself.");
    Failure::new(ErrorCode::Cycle, message)
}

/// Whether the instance that would take the call is busy with what the call is made for.
fn would_wait_for_itself(entry: &PluginEntry, key: &str, link: &Link) -> bool {
    entry
        .plugin
        .queue
        .serving()
        .is_some_and(|serving| serving.class_of(key) == Some(Class::Serial) && link.comes_from_serial(&serving))
}
