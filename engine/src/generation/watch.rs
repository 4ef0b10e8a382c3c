//! INLINE commands run on threads that read sockets, so a slow one would hold up everybody. A call that takes over 1 ms on
//! the wall makes the next ones measured in CPU time; three that really use it in a minute end INLINE for that key.

use crate::call::lock;
use cpu_time::ThreadTime;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SLOW: Duration = Duration::from_millis(1);
const WINDOW: Duration = Duration::from_secs(60);
const TIMES: usize = 3;

/// The watch over one key of one generation.
#[derive(Default)]
pub(super) struct Watch {
    suspect: AtomicBool,
    demoted: AtomicBool,
    slow_at: Mutex<Vec<Instant>>,
}

/// A call under way.
pub(super) struct Measure {
    begun: Instant,
    cpu: Option<ThreadTime>,
}

impl Watch {
    pub fn is_demoted(&self) -> bool {
        self.demoted.load(Ordering::Relaxed)
    }

    /// Reading a thread's CPU time costs a system call, so only a key under suspicion pays for it.
    pub fn begin(&self) -> Measure {
        Measure { begun: Instant::now(), cpu: self.suspect.load(Ordering::Relaxed).then(ThreadTime::now) }
    }

    /// True when this call has used up the key's right to run INLINE.
    pub fn end(&self, measure: Measure) -> bool {
        let now = Instant::now();
        if now.duration_since(measure.begun) < SLOW {
            return false;
        }
        let Some(cpu) = measure.cpu else {
            self.suspect.store(true, Ordering::Relaxed);
            return false;
        };
        cpu.elapsed() >= SLOW && self.slow(now)
    }

    fn slow(&self, now: Instant) -> bool {
        let mut slow_at = lock(&self.slow_at);
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
}
