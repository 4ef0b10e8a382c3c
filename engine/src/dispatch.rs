//! The way of a command from the routing table into a generation.

use crate::application::Entry;
use crate::call::{Call, Caller, lock};
use crate::core::Core;
use crate::gate::Refusal;
use crate::nested::Link;
use crate::plugin::PluginSlot;
use crate::queue::Full;
use crate::reload::Request;
use crate::router::{Class, Overlap, PluginEntry, Slot, Table};
use crate::timer::Timer;
use crate::{Limits, application, builtins};
use jackfield_message::{Command, ErrorCode, Failure, Reply};
use std::sync::Arc;
use std::time::Instant;

/// So many bytes are shown of a key that nobody knows.
const SHOWN: usize = 256;

/// What became of a submitted command.
pub enum Submitted {
    /// The answer, already; the sink gets nothing.
    Answered(Reply),
    /// The answer comes through the sink.
    Waiting(CallHandle),
}

/// A command under way.
#[derive(Clone)]
pub struct CallHandle {
    call: Arc<Call>,
    owner: Owner,
}

/// Who does a command.
#[derive(Clone)]
enum Owner {
    /// The engine itself: it cannot be cancelled.
    Engine,
    Plugin(Arc<PluginSlot>),
    Application(Arc<Entry>),
}

impl Owner {
    /// For people.
    fn name(&self) -> String {
        match self {
            Self::Engine => "the engine".to_owned(),
            Self::Plugin(plugin) => format!("plugin '{}'", plugin.id),
            Self::Application(_) => "the application".to_owned(),
        }
    }

    fn plugin(&self) -> Option<&PluginSlot> {
        match self {
            Self::Plugin(plugin) => Some(plugin),
            Self::Engine | Self::Application(_) => None,
        }
    }
}

impl CallHandle {
    pub(crate) fn builtin(call: Arc<Call>) -> Self {
        Self { call, owner: Owner::Engine }
    }

    /// Whether both are the same command.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.call, &other.call)
    }

    /// What further commands of its in-order session may follow it before it is answered.
    pub fn overlap(&self) -> Overlap {
        match self.owner.plugin() {
            Some(plugin) if self.call.order.is_some() => Overlap::SamePlugin(plugin.number),
            _ => Overlap::Never,
        }
    }

    /// A built-in command that is not done by then is answered all the same.
    pub(crate) fn answer_at(&self, timer: &Timer, deadline: Instant) {
        let late = Arc::downgrade(&self.call);
        let ticket = timer.at(deadline, move || {
            if let Some(call) = late.upgrade() {
                let message =
                    format!("The command '{}' was not answered in time and may still take effect.", call.command.key());
                call.answer(Reply::error(ErrorCode::Deadline, message));
            }
        });
        self.call.keep(ticket);
    }
}

impl Core {
    /// Routes a command by `table`, and by the newest one where that leads nowhere (any more).
    pub fn submit(self: &Arc<Self>, table: &Table, mut command: Command, caller: Caller<'_>) -> Submitted {
        if !self.is_accepting() {
            return Submitted::Answered(shutting_down());
        }
        // A generation may be closed between the look-up and the step into it: the table then knows a newer one.
        const TRIES: usize = 8;
        for attempt in 0..TRIES {
            let newest = (attempt > 0).then(|| self.router.load());
            let entry = match newest.as_deref().map_or(table, |newest| newest).find(command.key()) {
                Some(Slot::Builtin(builtin)) => return builtins::run(self, *builtin, command, caller.reply_to()),
                Some(Slot::Plugin(entry)) => entry,
                Some(Slot::Application(entry)) => match self.hand_over(entry, command, caller, None) {
                    Ok(submitted) => return submitted,
                    Err(back) => {
                        command = *back;
                        continue;
                    }
                },
                None if attempt == 0 => continue,
                None => {
                    let key = command.key();
                    let message = format!("Unknown command '{}'.", &key[..key.floor_char_boundary(SHOWN)]);
                    return Submitted::Answered(Reply::error(ErrorCode::UnknownKey, message));
                }
            };
            if entry.class() == Class::Inline {
                match entry.generation.enter() {
                    Ok(_inside) => {
                        if let Some(reply) = entry.generation.run_inline(entry.command, &command) {
                            return Submitted::Answered(reply);
                        }
                    }
                    // Another serves now; or, if that is not so, none does until an exclusive swap is over.
                    Err(Refusal::Closed) if attempt == 0 => continue,
                    Err(Refusal::Held | Refusal::Closed) => {}
                }
            }
            match self.enqueue(entry, command, caller, None) {
                Ok(submitted) => return submitted,
                Err(back) => command = *back,
            }
        }
        Submitted::Answered(Reply::error(ErrorCode::PluginGone, "The plugin was unloaded."))
    }

    pub(crate) fn enqueue(
        self: &Arc<Self>,
        entry: &PluginEntry,
        mut command: Command,
        caller: Caller<'_>,
        nested: Option<Arc<Link>>,
    ) -> Result<Submitted, Box<Command>> {
        let (plugin, class) = (&entry.plugin, entry.class());
        if let Some(limit) = entry.generation.config.deadlines.get(command.key()) {
            let at = Instant::now() + *limit;
            command.deadline = Some(command.deadline.map_or(at, |given| given.min(at)));
        }
        // Only commands that may follow others need a place in the order.
        let order = caller.order.filter(|_| class == Class::Serial).cloned();
        let call = Call::nested(command, caller.reply_to(), order, entry.flags(), nested);
        match plugin.queue.push(call.clone(), entry) {
            Ok(()) => {}
            Err(Full::Limit) => {
                let limit = self.limits.plugin_queue;
                let message = format!("Plugin '{}' has {limit} commands waiting (limit plugin_queue).", plugin.id);
                return Ok(Submitted::Answered(Failure::new(ErrorCode::Busy, message).into()));
            }
            Err(Full::NoThreads) => {
                let message = format!("Plugin '{}' cannot start its worker threads.", plugin.id);
                return Ok(Submitted::Answered(Reply::error(ErrorCode::Unavailable, message)));
            }
            Err(Full::Closed) => {
                return match call.take_back() {
                    Some(back) => Err(Box::new(back)),
                    None => Ok(Submitted::Answered(shutting_down())),
                };
            }
        }
        Ok(self.waiting(call, Owner::Plugin(plugin.clone())))
    }

    /// Hands a command to the application. Given back where its key was taken back meanwhile.
    pub(crate) fn hand_over(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        command: Command,
        caller: Caller<'_>,
        nested: Option<Arc<Link>>,
    ) -> Result<Submitted, Box<Command>> {
        // What a callback or a plugin calls never runs on its own thread.
        let may_run_here = nested.is_none();
        let call = Call::nested(command, caller.reply_to(), None, entry.info.flags, nested);
        match self.to_application(entry, &call, may_run_here) {
            Ok(()) => Ok(self.waiting(call, Owner::Application(entry.clone()))),
            Err(application::Full::Limit) => {
                let limit = self.limits.plugin_queue;
                let message = format!("The application has {limit} commands waiting (limit plugin_queue).");
                Ok(Submitted::Answered(Reply::error(ErrorCode::Busy, message)))
            }
            Err(application::Full::NoThreads) => {
                let message = "There are no threads for the application's commands.";
                Ok(Submitted::Answered(Reply::error(ErrorCode::Unavailable, message)))
            }
            Err(application::Full::Closed) => Ok(Submitted::Answered(shutting_down())),
            Err(application::Full::Unregistered) => match call.take_back() {
                Some(back) => Err(Box::new(back)),
                None => Ok(Submitted::Answered(shutting_down())),
            },
        }
    }

    /// A command that was taken, with its deadline set.
    fn waiting(self: &Arc<Self>, call: Arc<Call>, owner: Owner) -> Submitted {
        if let Some(at) = call.deadline {
            let (core, late) = (Arc::downgrade(self), Arc::downgrade(&call));
            let owner = owner.clone();
            let ticket = self.timer.at(at, move || {
                if let (Some(core), Some(call)) = (core.upgrade(), late.upgrade()) {
                    core.expire(&CallHandle { call, owner });
                }
            });
            call.keep(ticket);
        }
        Submitted::Waiting(CallHandle { call, owner })
    }

    /// Asks for a command to be given up. One that still waits is answered at once; one that runs is answered by the plugin,
    /// or after `cancel_grace_s` by the engine.
    pub fn cancel(self: &Arc<Self>, handle: &CallHandle) -> bool {
        let CallHandle { call, owner } = handle;
        if matches!(owner, Owner::Engine) || call.is_answered() {
            return false;
        }
        if !call.cancel() {
            // Asked for already, and still under way.
            return true;
        }
        if self.take_out(handle) {
            return call.answer(Reply::error(ErrorCode::Cancelled, "The command was cancelled before it began."));
        }
        self.ask_to_give_up(handle);
        let (core, late) = (Arc::downgrade(self), Arc::downgrade(call));
        let (grace_s, owner) = (self.limits.cancel_grace_s, owner.clone());
        let ticket = self.timer.at(Instant::now() + Limits::seconds(grace_s), move || {
            let (Some(core), Some(call)) = (core.upgrade(), late.upgrade()) else { return };
            let message = format!(
                "The command was cancelled and {} did not answer within {grace_s} s (limit cancel_grace_s); \
                 nobody knows whether it took effect.",
                owner.name()
            );
            call.answer(Reply::error(ErrorCode::OutcomeUnknown, message));
            core.report_if_stuck(&call, &owner);
        });
        call.keep(ticket);
        true
    }

    /// The session that sent a command has ended.
    pub fn disconnect(self: &Arc<Self>, handle: &CallHandle) {
        if handle.call.ends_with_session() {
            self.cancel(handle);
        }
    }

    /// A command's time has passed: its client is told, and the plugin is asked to give it up.
    fn expire(self: &Arc<Self>, handle: &CallHandle) {
        let CallHandle { call, owner } = handle;
        let waiting = self.take_out(handle);
        let message = format!(
            "The command '{}' was not answered in time{}.",
            call.command.key(),
            if waiting { "; it was not begun" } else { " and may still take effect" }
        );
        let (by, key, session) = (owner.name(), call.command.key(), call.command.session.0);
        tracing::warn!(%by, %key, session, begun = !waiting, "a command has passed its deadline");
        let failure = Failure::new(ErrorCode::Deadline, message);
        let plugin = owner.plugin().map(|plugin| plugin.id.clone());
        if call.answer(Reply { outcome: Err(Box::new(Failure { plugin, ..failure })) }) && !waiting && call.cancel() {
            self.ask_to_give_up(handle);
            let (core, late, owner) = (Arc::downgrade(self), Arc::downgrade(call), owner.clone());
            let grace = Limits::seconds(self.limits.cancel_grace_s);
            let ticket = self.timer.at(Instant::now() + grace, move || {
                if let (Some(core), Some(call)) = (core.upgrade(), late.upgrade()) {
                    core.report_if_stuck(&call, &owner);
                }
            });
            // The command is answered: nobody else keeps it.
            ticket.detach();
        }
    }

    /// A command has been answered for, and its handler was asked to give it up long enough ago: one that is SERIAL and has
    /// not returned blocks its queue.
    fn report_if_stuck(&self, call: &Arc<Call>, owner: &Owner) {
        let Some(plugin) = owner.plugin() else { return };
        let key = call.command.key();
        let generations = lock(&self.registry).generations_of(plugin.number);
        let stuck = generations.into_iter().find(|generation| {
            generation.class_of(key) == Some(Class::Serial) && generation.ledger.flights.is_in_handle(call)
        });
        if let Some(generation) = stuck {
            // An error means that the engine is stopping.
            let _ = self.request(Request::Stuck { generation: generation.number, key: key.into() });
        }
    }

    /// Takes a command out of the line in which it waits. False: it is not waiting (any more).
    fn take_out(&self, handle: &CallHandle) -> bool {
        match &handle.owner {
            Owner::Engine => false,
            Owner::Plugin(plugin) => plugin.queue.remove(&handle.call),
            Owner::Application(entry) => self.take_from_application(entry, &handle.call),
        }
    }

    fn ask_to_give_up(self: &Arc<Self>, handle: &CallHandle) {
        let call = &handle.call;
        match &handle.owner {
            Owner::Engine => {}
            Owner::Plugin(plugin) => {
                self.cancel_nested(call, plugin.number);
                for generation in lock(&self.registry).generations_of(plugin.number) {
                    generation.cancel(call);
                }
            }
            Owner::Application(entry) => self.cancel_in_application(entry, call),
        }
    }
}

/// What new commands are told while the engine stops.
pub(crate) fn shutting_down() -> Reply {
    Reply::error(ErrorCode::ShuttingDown, "The server is stopping.")
}
