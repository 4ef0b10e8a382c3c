//! The commands that wait for one plugin. They belong to the plugin's slot, not to a generation: whichever generation
//! serves when a thread is free takes the next one. So a swap loses and repeats nothing that waits.

use crate::call::{Call, Order, lock};
use crate::gate::{Entrant, Refusal};
use crate::generation::Generation;
use crate::router::{Class, PluginEntry};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Which of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Taken by the generation's one serial thread.
    Serial,
    /// Taken by its workers.
    Concurrent,
}

impl Lane {
    /// Where a command of `class` waits. INLINE ones wait only when they cannot run at once.
    pub fn of(class: Class) -> Self {
        match class {
            // No plugin has HOST_THREAD commands.
            Class::Serial | Class::HostThread => Self::Serial,
            Class::Concurrent | Class::Inline => Self::Concurrent,
        }
    }
}

/// Why a command cannot wait here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// As many wait as may.
    Limit,
    /// The plugin is unloaded.
    Closed,
    /// The system gives no threads to run it on.
    NoThreads,
}

#[derive(Default)]
struct Lines {
    serial: VecDeque<Arc<Call>>,
    concurrent: VecDeque<Arc<Call>>,
    /// The generation whose threads take, and whose classes decide where a command waits; none once unloaded.
    serving: Option<Arc<Generation>>,
    /// Who waits for commands of either lane.
    serial_sleepers: Sleepers,
    concurrent_sleepers: Sleepers,
}

/// Threads that wait for a command. To call one is a system call, so it is done only for one that sleeps, and once.
#[derive(Default)]
struct Sleepers {
    asleep: usize,
    /// Of these, called and not awake yet. Never more than really are.
    called: usize,
}

impl Sleepers {
    /// Whether one is to be called for a new command.
    fn call(&mut self) -> bool {
        let call = self.asleep > self.called;
        self.called += usize::from(call);
        call
    }

    fn woke(&mut self) {
        self.asleep -= 1;
        // One that woke by itself may count as called: then another is called in vain.
        self.called = self.called.saturating_sub(1);
    }
}

impl Lines {
    fn line(&mut self, lane: Lane) -> &mut VecDeque<Arc<Call>> {
        match lane {
            Lane::Serial => &mut self.serial,
            Lane::Concurrent => &mut self.concurrent,
        }
    }

    fn sleepers(&mut self, lane: Lane) -> &mut Sleepers {
        match lane {
            Lane::Serial => &mut self.serial_sleepers,
            Lane::Concurrent => &mut self.concurrent_sleepers,
        }
    }
}

pub(crate) struct Queue {
    lines: Mutex<Lines>,
    serial_ready: Condvar,
    concurrent_ready: Condvar,
    emptied: Condvar,
    limit: usize,
}

impl Queue {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            lines: Mutex::default(),
            serial_ready: Condvar::new(),
            concurrent_ready: Condvar::new(),
            emptied: Condvar::new(),
            limit,
        })
    }

    /// Puts a command at the end of the line of its class. `Closed` also where the serving generation has no such key.
    /// `entry`: by which it was routed.
    pub fn push(&self, call: Arc<Call>, entry: &PluginEntry) -> Result<(), Full> {
        let mut lines = lock(&self.lines);
        let serving = lines.serving.as_ref().ok_or(Full::Closed)?;
        let class = match serving.number == entry.generation.number {
            true => entry.class(),
            false => serving.class_of(call.command.key()).ok_or(Full::Closed)?,
        };
        let lane = serving.lane(&call, class);
        if lines.serial.len() + lines.concurrent.len() >= self.limit {
            return Err(Full::Limit);
        }
        if lane == Lane::Concurrent {
            serving.start_workers().map_err(|_| Full::NoThreads)?;
        }
        lines.line(lane).push_back(call);
        let call = lines.sleepers(lane).call();
        drop(lines);
        if call {
            self.ready(lane).notify_one();
        }
        Ok(())
    }

    /// The next command for a thread of `generation`, already entered there. Waits for one; `None`: the generation takes
    /// no more.
    pub fn take(self: &Arc<Self>, lane: Lane, generation: &Generation) -> Option<Arc<Call>> {
        let serial = (lane == Lane::Serial).then_some(generation.number);
        let mut lines = lock(&self.lines);
        let mut patient = true;
        loop {
            let serves = lines.serving.as_ref().is_some_and(|serving| serving.number == generation.number);
            if serves {
                let line = lines.line(lane);
                let entered =
                    first_allowed(line, serial).and_then(|index| match generation.gate().enter(Entrant::Outside) {
                        Ok(()) => Some(index),
                        // The hold may wait for what the call is made for: it goes before those that wait.
                        Err(Refusal::Held) => {
                            first_nested(line).filter(|_| generation.gate().enter(Entrant::Nested).is_ok())
                        }
                        // With nothing inside while an exclusive swap is tried: it may be opened again.
                        Err(Refusal::Closed) => None,
                    });
                if let Some(index) = entered {
                    let call = lines.line(lane).remove(index);
                    if let Some(call) = &call {
                        call.enter_order(serial, self);
                    }
                    if lines.serial.is_empty() && lines.concurrent.is_empty() {
                        self.emptied.notify_all();
                    }
                    return call;
                }
            } else if generation.gate().is_closed() {
                return None;
            }
            if std::mem::take(&mut patient) {
                // Once before it sleeps: where the thread that reads sockets is on the same processor, it gets to put more
                // in, and need not wake anybody for it.
                drop(lines);
                std::thread::yield_now();
                lines = lock(&self.lines);
                continue;
            }
            lines.sleepers(lane).asleep += 1;
            lines = self.ready(lane).wait(lines).unwrap_or_else(PoisonError::into_inner);
            lines.sleepers(lane).woke();
        }
    }

    /// From now on the threads of `generation` take. Waiting commands move to the line of their class there; those that
    /// it cannot run are given back.
    pub fn serve(&self, generation: &Arc<Generation>) -> Vec<Arc<Call>> {
        let mut lines = lock(&self.lines);
        lines.serving = Some(generation.clone());
        let waiting: Vec<_> = {
            let Lines { serial, concurrent, .. } = &mut *lines;
            serial.drain(..).chain(concurrent.drain(..)).collect()
        };
        let mut orphans = Vec::new();
        for call in waiting {
            match generation.class_of(call.command.key()) {
                Some(class) => lines.line(generation.lane(&call, class)).push_back(call),
                None => orphans.push(call),
            }
        }
        // INLINE commands may wait here too (held, demoted), for a generation that had no use for workers yet.
        if !lines.concurrent.is_empty() && generation.start_workers().is_err() {
            orphans.extend(lines.concurrent.drain(..));
        }
        drop(lines);
        self.wake();
        orphans
    }

    /// Nobody takes any more; gives back all that waits.
    pub fn close(&self) -> Vec<Arc<Call>> {
        let mut lines = lock(&self.lines);
        lines.serving = None;
        let Lines { serial, concurrent, .. } = &mut *lines;
        let waiting = serial.drain(..).chain(concurrent.drain(..)).collect();
        drop(lines);
        self.wake();
        waiting
    }

    /// Takes one command out, wherever it stands. False: it is not waiting here (any more).
    pub fn remove(&self, call: &Arc<Call>) -> bool {
        let mut lines = lock(&self.lines);
        for lane in [Lane::Serial, Lane::Concurrent] {
            let line = lines.line(lane);
            if let Some(index) = line.iter().position(|waiting| Arc::ptr_eq(waiting, call)) {
                line.remove(index);
                if lines.serial.is_empty() && lines.concurrent.is_empty() {
                    self.emptied.notify_all();
                }
                return true;
            }
        }
        false
    }

    /// The generation whose threads take now.
    pub fn serving(&self) -> Option<Arc<Generation>> {
        lock(&self.lines).serving.clone()
    }

    pub fn is_empty(&self) -> bool {
        let lines = lock(&self.lines);
        lines.serial.is_empty() && lines.concurrent.is_empty()
    }

    /// Waits until nothing waits here; gives up after `limit`.
    pub fn wait_empty(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut lines = lock(&self.lines);
        while !(lines.serial.is_empty() && lines.concurrent.is_empty()) {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            lines = self.emptied.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Something other than a new command changed: every waiting thread looks again.
    pub fn wake(&self) {
        // The lock orders this with a thread that has just looked and is about to wait.
        let _lines = lock(&self.lines);
        self.serial_ready.notify_all();
        self.concurrent_ready.notify_all();
    }

    fn ready(&self, lane: Lane) -> &Condvar {
        match lane {
            Lane::Serial => &self.serial_ready,
            Lane::Concurrent => &self.concurrent_ready,
        }
    }
}

impl Generation {
    /// Where a command of `class` waits for this generation. Those of one in-order session stay in one line, whatever has
    /// become of their classes since they were routed.
    fn lane(&self, call: &Call, class: Class) -> Lane {
        match (&call.order, self.has_serial()) {
            (None, _) => Lane::of(class),
            (Some(_), true) => Lane::Serial,
            (Some(_), false) => Lane::Concurrent,
        }
    }
}

/// The first call of a plugin, behind whatever commands of clients.
fn first_nested(line: &VecDeque<Arc<Call>>) -> Option<usize> {
    line.iter().position(|call| call.nested.is_some())
}

/// The first command that may enter without overtaking an earlier one of its own session.
fn first_allowed(line: &VecDeque<Arc<Call>>, serial: Option<u64>) -> Option<usize> {
    let mut blocked: Vec<&Arc<Order>> = Vec::new();
    line.iter().position(|call| {
        let Some(order) = &call.order else { return true };
        if blocked.iter().any(|other| Arc::ptr_eq(other, order)) {
            return false;
        }
        let allowed = order.allows(serial);
        if !allowed {
            blocked.push(order);
        }
        allowed
    })
}
