//! A command on its way through the engine. The client's end and the plugin's end are two separate states: the client may
//! have been told something (deadline, cancel) while the plugin still works, and everything the plugin can reach stays
//! valid until it is done too.

use crate::nested::Link;
use crate::queue::Queue;
use crate::timer::Ticket;
use crate::topics::Subscriber;
use jackfield_message::{Command, Plain, Progress, Reply};
use jackfield_plugin_api::{JF_COMMAND_ACK_ONLY, JF_COMMAND_CANCEL_ON_DISCONNECT};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Where answers go: implemented by whoever submits commands. Called from any thread; must not block.
pub trait ReplySink: Send + Sync {
    /// The one answer to `request`.
    fn reply(&self, request: u64, reply: Reply);

    /// A word on the way. Never after the answer.
    fn progress(&self, _request: u64, _progress: Progress) {}

    /// Who hears the events that its commands subscribe to. `None`: nobody can.
    fn subscriber(&self) -> Option<&Subscriber> {
        None
    }

    /// There is something new for its subscriber.
    fn wake(&self) {}
}

/// The client's end of a command: used up by the answer.
pub(crate) struct ReplyTo {
    pub sink: Arc<dyn ReplySink>,
    pub request: u64,
}

/// Who submits a command.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// Who gets the answer.
    pub sink: &'a Arc<dyn ReplySink>,
    /// The sink's own number for the command.
    pub request: u64,
    /// Given by sessions whose answers go out in order.
    pub order: Option<&'a Arc<Order>>,
}

impl Caller<'_> {
    pub(crate) fn reply_to(&self) -> ReplyTo {
        ReplyTo { sink: self.sink.clone(), request: self.request }
    }
}

/// Keeps the commands of an in-order session from overlapping in two instances: a command that follows others may enter a
/// generation only while all of those are in the same one. One a session.
#[derive(Default)]
pub struct Order {
    inside: Mutex<Inside>,
}

/// The commands of a session that are under way.
#[derive(Default)]
struct Inside {
    count: usize,
    /// The generation on whose serial thread they run; none: the one there is runs elsewhere, alone.
    serial: Option<u64>,
    /// One of its commands waits for those that are inside.
    blocks: bool,
}

impl Order {
    /// Whether a command may enter now: on the serial thread of a generation, or on any other thread (`None`). Only the
    /// holder of the queue's lock may rely on it: others can only leave meanwhile. If it may not, the queue is woken when
    /// one has left.
    pub(crate) fn allows(&self, serial: Option<u64>) -> bool {
        let mut inside = lock(&self.inside);
        let allowed = inside.count == 0 || serial.is_some() && inside.serial == serial;
        inside.blocks |= !allowed;
        allowed
    }

    fn enter(&self, serial: Option<u64>) {
        let mut inside = lock(&self.inside);
        inside.count += 1;
        inside.serial = serial;
    }

    /// True: a command waits for this.
    fn leave(&self) -> bool {
        let mut inside = lock(&self.inside);
        inside.count -= 1;
        std::mem::take(&mut inside.blocks)
    }
}

/// A command, shared by its queue, the plugin that works on it, the timer, and the session.
pub(crate) struct Call {
    pub command: Command,
    pub order: Option<Arc<Order>>,
    /// JF_COMMAND_* of its key.
    flags: u32,
    pub deadline: Option<Instant>,
    /// A plugin's call, and where it comes from.
    pub nested: Option<Arc<Link>>,
    client: Mutex<Client>,
    cancelled: AtomicBool,
}

/// The client's end of a command.
struct Client {
    /// `None` once it is answered.
    reply_to: Option<ReplyTo>,
    progress_at: Option<Instant>,
    /// What happens to the command at a time, until it is answered.
    tickets: Vec<Ticket>,
    /// Set while the command holds a place in its session's order.
    ordered_in: Option<Arc<Queue>>,
}

impl Call {
    pub fn new(command: Command, reply_to: ReplyTo, order: Option<Arc<Order>>, flags: u32) -> Arc<Self> {
        Self::nested(command, reply_to, order, flags, None)
    }

    pub fn nested(
        command: Command,
        reply_to: ReplyTo,
        order: Option<Arc<Order>>,
        flags: u32,
        nested: Option<Arc<Link>>,
    ) -> Arc<Self> {
        let deadline = command.deadline;
        Arc::new(Self {
            command,
            order,
            flags,
            deadline,
            nested,
            client: Mutex::new(Client {
                reply_to: Some(reply_to),
                progress_at: None,
                tickets: Vec::new(),
                ordered_in: None,
            }),
            cancelled: AtomicBool::new(false),
        })
    }

    /// Answers the client, once. False: it has been answered already, and `reply` is dropped.
    pub fn answer(&self, mut reply: Reply) -> bool {
        let (ReplyTo { sink, request }, ordered_in, tickets) = {
            let mut client = lock(&self.client);
            let Some(reply_to) = client.reply_to.take() else { return false };
            (reply_to, client.ordered_in.take(), std::mem::take(&mut client.tickets))
        };
        if let Ok(success) = &mut reply.outcome {
            success.plain = plain(self.flags);
        }
        // Its place first: whoever hears the answer may send the next command, to another plugin, whose queue is not woken.
        if let (Some(order), Some(queue)) = (&self.order, ordered_in)
            && order.leave()
        {
            queue.wake();
        }
        sink.reply(request, reply);
        drop(tickets);
        true
    }

    /// Takes the command back, for another try; `None`: answered already.
    pub fn take_back(self: Arc<Self>) -> Option<Command> {
        lock(&self.client).reply_to.take()?;
        Some(self.command.clone())
    }

    /// Whether the command is to be cancelled when its session ends.
    pub fn ends_with_session(&self) -> bool {
        self.flags & JF_COMMAND_CANCEL_ON_DISCONNECT != 0
    }

    /// Keeps `ticket` until the command is answered.
    pub fn keep(&self, ticket: Ticket) {
        let mut client = lock(&self.client);
        if client.reply_to.is_some() {
            client.tickets.push(ticket);
        } else {
            // A ticket locks the timer when it is dropped.
            drop(client);
            drop(ticket);
        }
    }

    /// Whether the client has been answered.
    pub fn is_answered(&self) -> bool {
        lock(&self.client).reply_to.is_none()
    }

    /// Tells the client how far the command is, at most about 30 times a second.
    pub fn progress(&self, progress: Progress) {
        const APART_MS: u128 = 33;
        let now = Instant::now();
        // Held while it is told, so that the answer comes after it.
        let mut client = lock(&self.client);
        let finished = progress.total > 0 && progress.done >= progress.total;
        if !finished && client.progress_at.is_some_and(|last| (now - last).as_millis() < APART_MS) {
            return;
        }
        client.progress_at = Some(now);
        if let Some(ReplyTo { sink, request }) = &client.reply_to {
            sink.progress(*request, progress);
        }
    }

    /// Marks the command as to be given up. True the first time.
    pub fn cancel(&self) -> bool {
        !self.cancelled.swap(true, Ordering::AcqRel)
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Takes a place in the session's order, until the client is answered.
    pub fn enter_order(&self, serial: Option<u64>, queue: &Arc<Queue>) {
        let Some(order) = &self.order else { return };
        // Held, so that an answer that comes meanwhile (a deadline) finds the place taken, or keeps it from being taken.
        let mut client = lock(&self.client);
        if client.reply_to.is_some() {
            order.enter(serial);
            client.ordered_in = Some(queue.clone());
        }
    }
}

/// What the JF_COMMAND_* of a key say of its results.
pub(crate) fn plain(flags: u32) -> Plain {
    if flags & JF_COMMAND_ACK_ONLY != 0 { Plain::Acknowledgement } else { Plain::Result }
}

/// Locks, whatever happened to an earlier holder: the data of these mutexes is valid at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl ReplySink for Nobody {
        fn reply(&self, _request: u64, _reply: Reply) {}
    }

    fn call(order: &Arc<Order>) -> Arc<Call> {
        let reply_to = ReplyTo { sink: Arc::new(Nobody), request: 0 };
        Call::new(Command::new("k", "null"), reply_to, Some(order.clone()), 0)
    }

    #[test]
    fn who_hears_an_answer_finds_the_order_free() {
        struct Listener(Arc<Order>, AtomicBool);
        impl ReplySink for Listener {
            fn reply(&self, _request: u64, _reply: Reply) {
                self.1.store(self.0.allows(None), Ordering::Release);
            }
        }
        let (order, queue) = (Arc::<Order>::default(), Queue::new(1));
        let listener = Arc::new(Listener(order.clone(), AtomicBool::new(false)));
        let reply_to = ReplyTo { sink: listener.clone(), request: 0 };
        let call = Call::new(Command::new("k", "null"), reply_to, Some(order), 0);
        call.enter_order(Some(1), &queue);
        call.answer(Reply::ok("null"));
        assert!(listener.1.load(Ordering::Acquire), "its next command would wait for a place that nobody gives up");
    }

    #[test]
    fn a_place_in_the_order_is_free_again_after_the_answer_whichever_comes_first() {
        let (order, queue) = (Arc::<Order>::default(), Queue::new(1));
        let entered = call(&order);
        entered.enter_order(Some(1), &queue);
        assert!(order.allows(Some(1)) && !order.allows(Some(2)) && !order.allows(None));
        entered.answer(Reply::ok("null"));
        assert!(order.allows(Some(2)) && order.allows(None));

        let answered_before = call(&order);
        answered_before.answer(Reply::ok("null"));
        answered_before.enter_order(Some(1), &queue);
        assert!(order.allows(None), "a command that is answered already keeps others waiting for ever");
    }
}
