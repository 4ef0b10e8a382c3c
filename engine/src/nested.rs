//! Commands that plugins call: the same routing table and the same queues as for clients, asynchronous only.
//!
//! A nested call never waits for a hold (`gate.rs`, `Entrant::Nested`): the command that it is made for may be what the hold
//! waits for. It runs on threads of the target's generation whatever its class, never on the caller's.

use crate::call::{Call, Caller, ReplySink, lock};
use crate::core::Core;
use crate::dispatch::Submitted;
use crate::host::{Done, Ledger, inline, status_of};
use crate::router::{Class, PluginEntry, Slot};
use crate::{Limits, builtins};
use jackfield_message::{Attachment, ByteString, Command, ErrorCode, Reply};
use jackfield_plugin_api as abi;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
    caller: Arc<Ledger>,
    /// The command on whose behalf it is, and its token there.
    parent: Option<(Arc<Call>, u64)>,
    depth: usize,
}

impl Link {
    fn new(caller: &Arc<Ledger>, token: u64) -> Result<Arc<Self>, abi::jf_status> {
        if token & inline::INLINE_BIT != 0 {
            // It is answered before `done` could come.
            return Err(abi::JF_E_WRONG_THREAD);
        }
        let parent = match token {
            0 => None,
            _ => Some((caller.flights.find(token).ok_or(abi::JF_E_STALE)?, token)),
        };
        let above = parent.as_ref().and_then(|(call, _)| call.nested.as_ref()).map_or(0, |link| link.depth);
        if above >= MAX_DEPTH {
            return Err(abi::JF_E_CYCLE);
        }
        Ok(Arc::new(Self { caller: caller.clone(), parent, depth: above + 1 }))
    }

    fn parent(&self) -> Option<&Arc<Call>> {
        self.parent.as_ref().map(|(call, _)| call)
    }

    /// Whether an unfinished SERIAL command of generation `number` is in the chain that leads here.
    fn comes_from_serial(&self, number: u64) -> bool {
        let mut link = self;
        while let Some((parent, token)) = &link.parent {
            if link.caller.number == number && link.caller.flights.is_serial_inside(*token) {
                return true;
            }
            let Some(above) = &parent.nested else { return false };
            link = above;
        }
        false
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
        let parent = link.parent();
        if parent.is_some_and(|parent| parent.is_cancelled()) {
            return Err(abi::JF_E_CANCELLED);
        }
        // Commands that run are still given what they need for their end.
        if parent.is_none() && !self.accepting.load(Ordering::Acquire) {
            return Err(abi::JF_E_SHUTTING_DOWN);
        }
        let to_engine = matches!(self.router.load().find(&request.key), Some(Slot::Builtin(_)));
        let id = caller.calls.begin(self.limits.plugin_queue, &request.key, parent.cloned(), to_engine, done)?;
        let handle = match self.send(self.command(request, parent), caller, id, &link) {
            Ok(Submitted::Waiting(handle)) => Some(handle),
            Ok(Submitted::Answered(reply)) => {
                caller.call_answered(id, reply);
                None
            }
            Err(status) => {
                caller.call_refused(id);
                return Err(status);
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

    /// Routes as [`Core::submit`] does; a refusal is a status.
    fn send(
        self: &Arc<Self>,
        mut command: Command,
        caller: &Arc<Ledger>,
        id: u64,
        link: &Arc<Link>,
    ) -> Result<Submitted, abi::jf_status> {
        const TRIES: usize = 8;
        let sink: Arc<dyn ReplySink> = Arc::new(Back { caller: caller.clone() });
        let caller = Caller { sink: &sink, request: id, order: None };
        for _ in 0..TRIES {
            let table = self.router.load();
            // The empty key is no command that can be called, but whatever nobody else takes.
            let entry = match table.find(command.key()).filter(|_| !command.key().is_empty()) {
                Some(Slot::Builtin(builtin)) => {
                    let deadline = command.deadline;
                    let submitted = builtins::run(self, *builtin, command, caller.reply_to());
                    if let (Submitted::Waiting(handle), Some(deadline)) = (&submitted, deadline) {
                        handle.answer_at(&self.timer, deadline);
                    }
                    return Ok(submitted);
                }
                Some(Slot::Plugin(entry)) => entry,
                None => return Err(abi::JF_E_UNKNOWN_KEY),
            };
            if would_wait_for_itself(entry, command.key(), link) {
                return Err(abi::JF_E_CYCLE);
            }
            match self.enqueue(entry, command, caller, Some(link.clone())) {
                Ok(Submitted::Waiting(handle)) => return Ok(Submitted::Waiting(handle)),
                Ok(Submitted::Answered(refusal)) => {
                    let code = refusal.outcome.err().map_or(ErrorCode::Internal, |failure| failure.code);
                    return Err(status_of(code));
                }
                Err(back) => command = *back,
            }
        }
        Err(abi::JF_E_PLUGIN_GONE)
    }

    /// Cancels the calls that were made on behalf of `call`, which is inside a generation of `plugin`.
    pub(crate) fn cancel_nested(self: &Arc<Self>, call: &Arc<Call>, plugin: u64) {
        let generations = lock(&self.registry).generations_of(plugin);
        for handle in generations.iter().flat_map(|generation| generation.ledger.calls.of(call)) {
            self.cancel(&handle);
        }
    }
}

/// Whether the instance that would take the call is busy with what the call is made for.
fn would_wait_for_itself(entry: &PluginEntry, key: &str, link: &Link) -> bool {
    entry
        .plugin
        .queue
        .serving()
        .is_some_and(|serving| serving.class_of(key) == Some(Class::Serial) && link.comes_from_serial(serving.number))
}
