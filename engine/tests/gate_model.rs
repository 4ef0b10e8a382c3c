//! Model test of rule 1: the gate under every interleaving that loom finds.
//!
//! The file under test is the engine's own `gate.rs`, compiled here against loom's atomics. A "library" is a flag that
//! says whether it is mapped; a command that touches it after it was unmapped is the accident that the gate prevents.

mod sync {
    pub use loom::sync::atomic::{AtomicU64, Ordering};
}
#[path = "../src/gate.rs"]
#[allow(dead_code)]
mod gate;

use gate::{Entrant, Gate, Refusal};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;

/// A generation: its gate, whether its library is mapped, and a cell that stands for the library's memory. loom reports
/// every access to the cell that is not ordered with another one.
struct Generation {
    gate: Gate,
    mapped: AtomicBool,
    memory: UnsafeCell<()>,
}

impl Generation {
    fn new() -> Arc<Self> {
        Arc::new(Self { gate: Gate::new(), mapped: AtomicBool::new(true), memory: UnsafeCell::new(()) })
    }

    /// One command: runs only if it got in.
    fn command(&self, entrant: Entrant) -> Result<(), Refusal> {
        self.gate.enter(entrant)?;
        assert!(self.mapped.load(Ordering::Relaxed), "a command ran in an unmapped library");
        self.memory.with(|_| ());
        self.gate.leave();
        Ok(())
    }

    fn unmap(&self) {
        self.memory.with_mut(|_| ());
        self.mapped.store(false, Ordering::Relaxed);
    }
}

/// Every interleaving with at most three preemptions: beyond that loom finds nothing new in a word this small, but takes
/// minutes.
fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn nothing_enters_a_closed_gate() {
    model(|| {
        let gate = Gate::new();
        gate.close();
        assert!(gate.is_closed());
        assert_eq!(gate.enter(Entrant::Outside), Err(Refusal::Closed));
        assert_eq!(gate.enter(Entrant::Nested), Err(Refusal::Closed));
    });
}

#[test]
fn only_nested_calls_enter_a_held_gate_and_a_reopened_one_lets_all_in() {
    model(|| {
        let gate = Gate::new();
        gate.hold();
        assert_eq!(gate.enter(Entrant::Outside), Err(Refusal::Held));
        assert_eq!(gate.enter(Entrant::Nested), Ok(()));
        assert!(!gate.close_if_empty());
        assert!(gate.leave());
        assert!(gate.close_if_empty());
        gate.reopen();
        assert_eq!(gate.enter(Entrant::Outside), Ok(()));
    });
}

#[test]
fn a_closed_and_empty_generation_is_never_entered_again() {
    model(|| {
        let generation = Generation::new();
        let commands: Vec<_> = (0..2)
            .map(|_| {
                let generation = generation.clone();
                thread::spawn(move || generation.command(Entrant::Outside))
            })
            .collect();
        generation.gate.close();
        if generation.gate.inside() == 0 {
            generation.unmap();
        }
        for command in commands {
            let _ = command.join().unwrap();
        }
    });
}

#[test]
fn a_burst_stays_inside_and_takes_no_command_that_is_sent_after_the_close() {
    model(|| {
        let generation = Generation::new();
        let closed = Arc::new(AtomicBool::new(false));
        let (inner, told) = (generation.clone(), closed.clone());
        let burst = thread::spawn(move || {
            if inner.gate.enter(Entrant::Outside).is_err() {
                return;
            }
            for _ in 0..2 {
                let sent_after_close = told.load(Ordering::Acquire);
                if !inner.gate.is_open() {
                    break;
                }
                assert!(!sent_after_close, "answered by a generation that was reported closed");
                assert!(inner.mapped.load(Ordering::Relaxed), "a command ran in an unmapped library");
                inner.memory.with(|_| ());
            }
            inner.gate.leave();
        });
        generation.gate.close();
        closed.store(true, Ordering::Release);
        if generation.gate.inside() == 0 {
            generation.unmap();
        }
        burst.join().unwrap();
    });
}

#[test]
fn every_command_enters_the_old_or_the_new_generation_exactly_once() {
    model(|| {
        let (old, new) = (Generation::new(), Generation::new());
        let served = Arc::new(AtomicUsize::new(0));
        let commands: Vec<_> = (0..2)
            .map(|_| {
                let (old, new, served) = (old.clone(), new.clone(), served.clone());
                thread::spawn(move || {
                    // What the router does: the old generation it still knows, then the new one.
                    if old.command(Entrant::Outside).is_err() {
                        new.command(Entrant::Outside).unwrap();
                    }
                    served.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        old.gate.close();
        for command in commands {
            command.join().unwrap();
        }
        assert_eq!(served.load(Ordering::Relaxed), 2);
        assert_eq!((old.gate.inside(), new.gate.inside()), (0, 0));
        old.unmap();
    });
}

#[test]
fn a_hold_lets_nested_calls_in_and_closes_only_when_empty() {
    model(|| {
        let generation = Generation::new();
        generation.gate.enter(Entrant::Outside).unwrap();
        let inner = generation.clone();
        let running = thread::spawn(move || {
            // A command that is inside makes a nested call, then ends.
            inner.command(Entrant::Nested).unwrap();
            inner.gate.leave();
        });
        generation.gate.hold();
        assert_eq!(generation.gate.enter(Entrant::Outside), Err(Refusal::Held));
        if generation.gate.close_if_empty() {
            generation.unmap();
        }
        running.join().unwrap();
    });
}

#[test]
fn a_call_from_another_plugin_runs_once_in_the_held_generation_or_its_successor() {
    model(|| {
        let (old, new) = (Generation::new(), Generation::new());
        // Who calls is inside a third generation: no command of it holds the old one open.
        let (target, successor) = (old.clone(), new.clone());
        let nested = thread::spawn(move || match target.command(Entrant::Nested) {
            Ok(()) => 1,
            // In line with the others until the successor serves, and never refused for a hold.
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Closed);
                successor.command(Entrant::Nested).unwrap();
                1
            }
        });
        old.gate.hold();
        let closed = old.gate.close_if_empty();
        if closed {
            old.unmap();
        }
        assert_eq!(nested.join().unwrap(), 1);
        assert_eq!((old.gate.inside(), new.gate.inside()), (0, 0));
        // Not drained: the old one goes on.
        if !closed {
            old.gate.reopen();
            old.command(Entrant::Outside).unwrap();
        }
    });
}

#[test]
fn the_last_one_out_of_a_closed_gate_always_says_so() {
    model(|| {
        let generation = Generation::new();
        generation.gate.enter(Entrant::Outside).unwrap();
        let inner = generation.clone();
        let running = thread::spawn(move || inner.gate.leave());
        generation.gate.close();
        let empty_at_close = generation.gate.inside() == 0;
        let told = running.join().unwrap();
        assert!(empty_at_close || told, "the drain would wait for ever");
    });
}
