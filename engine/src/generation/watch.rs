//! INLINE commands run on threads that read sockets, so a slow one would hold up everybody. Clocks cost more than a short
//! command does, so that single calls are measured only under suspicion: after a session's commands in one go took over
//! 1 ms on the wall ([`Watch::suspect`]), the next calls of each key that may have been among them are measured in CPU time.
//! Three calls that really use 1 ms, in a minute, end INLINE for that key.

use crate::call::lock;
use cpu_time::ThreadTime;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What an INLINE call may use, in CPU time.
pub(crate) const SLOW: Duration = Duration::from_millis(1);
const WINDOW: Duration = Duration::from_secs(60);
const TIMES: usize = 3;

/// So many calls are measured after a suspicion, and after each slow one: a key that is slow less often than that is not
/// found out.
const MEASURED: u32 = 4096;

/// A busy machine takes the processor away at any time, which looks the same from here. Two system calls for each of the
/// measured calls would not be little then, if every suspicion were followed.
const APART: Duration = Duration::from_secs(1);

/// The watch over one key of one generation.
#[derive(Default)]
pub(super) struct Watch {
    /// It was called since the last suspicion.
    called: AtomicBool,
    /// Calls still to be measured.
    measured: AtomicU32,
    demoted: AtomicBool,
    findings: Mutex<Findings>,
}

#[derive(Default)]
struct Findings {
    suspected_at: Option<Instant>,
    slow_at: Vec<Instant>,
}

impl Watch {
    pub fn is_demoted(&self) -> bool {
        self.demoted.load(Ordering::Relaxed)
    }

    /// Makes a call. True beside its result: with it the key has used up its right to run INLINE.
    #[inline]
    pub fn run<T>(&self, call: impl FnOnce() -> T) -> (T, bool) {
        let begun = self.begin();
        let value = call();
        (value, begun.is_some_and(|begun| begun.elapsed() >= SLOW && self.slow(Instant::now())))
    }

    /// When a call begins that is to be measured.
    #[inline]
    fn begin(&self) -> Option<ThreadTime> {
        let left = self.measured.load(Ordering::Relaxed);
        if left == 0 {
            // Looked at first: a store would take the cache line from other threads each time.
            if !self.called.load(Ordering::Relaxed) {
                self.called.store(true, Ordering::Relaxed);
            }
            return None;
        }
        // Another thread's step may get lost: the count need not be exact.
        self.measured.store(left - 1, Ordering::Relaxed);
        Some(ThreadTime::now())
    }

    /// Something took long that ended `now`, and if this key was called, it may have been this.
    pub fn suspect(&self, now: Instant) {
        if !self.called.load(Ordering::Relaxed) {
            return;
        }
        let mut findings = lock(&self.findings);
        if findings.suspected_at.is_none_or(|at| now.duration_since(at) >= APART) {
            findings.suspected_at = Some(now);
            self.called.store(false, Ordering::Relaxed);
            self.measured.store(MEASURED, Ordering::Relaxed);
        }
    }

    fn slow(&self, now: Instant) -> bool {
        self.measured.store(MEASURED, Ordering::Relaxed);
        let slow_at = &mut lock(&self.findings).slow_at;
        slow_at.retain(|at| now.duration_since(*at) < WINDOW);
        slow_at.push(now);
        slow_at.len() >= TIMES && !self.demoted.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_slow_calls_in_a_minute_end_inline_and_two_do_not() {
        let watch = Watch::default();
        let start = Instant::now();
        assert!(!watch.slow(start));
        assert!(!watch.slow(start + Duration::from_secs(30)));
        assert!(!watch.slow(start + Duration::from_secs(61)), "the first one is too long ago");
        assert!(!watch.is_demoted());
        assert!(watch.slow(start + Duration::from_secs(62)));
        assert!(watch.is_demoted());
        assert!(!watch.slow(start + Duration::from_secs(63)), "told once");
    }

    #[test]
    fn calls_are_measured_under_suspicion_for_a_while_and_only_where_there_were_calls() {
        let busy = || {
            let begun = ThreadTime::now();
            while begun.elapsed() < SLOW {}
        };
        let (watch, now) = (Watch::default(), Instant::now());
        watch.suspect(now);
        assert!(
            (0..5).all(|_| !watch.run(busy).1),
            "it was measured, though it was not called when something took long"
        );
        watch.suspect(now);
        assert_eq!([(); 4].map(|()| watch.run(busy).1), [false, false, true, false]);

        let watch = Watch::default();
        watch.run(|| ());
        watch.suspect(now);
        (0..MEASURED).for_each(|_| assert!(!watch.run(|| ()).1));
        watch.run(|| ());
        watch.suspect(now);
        assert!((0..5).all(|_| !watch.run(busy).1), "measured for ever, or again too soon");
        watch.suspect(now + APART);
        assert!((0..3).any(|_| watch.run(busy).1));
    }
}
