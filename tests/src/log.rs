//! Lines that a program writes, kept for a test to wait for.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The last lines of a stream. A clone is the same log.
#[derive(Clone, Default)]
pub struct Log(Arc<(Mutex<Lines>, Condvar)>);

#[derive(Default)]
struct Lines {
    kept: VecDeque<String>,
    /// Lines that were dropped from the front.
    dropped: usize,
    ended: bool,
}

/// Lines that are kept.
const KEPT: usize = 4096;

impl Log {
    /// Reads `stream` to its end on a thread of its own, so that the writer never waits.
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let writer = log.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                writer.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
            writer.lines().ended = true;
            writer.0.1.notify_all();
        });
        log
    }

    /// All that is kept.
    pub fn text(&self) -> String {
        Vec::from(self.lines().kept.clone()).join("\n")
    }

    /// Waits for a line that `matches`, among those from number `from` on (0: the first ever written), and returns it with
    /// the number of the line after it. `None`: the stream ended, or `limit` has passed.
    pub fn wait_for(&self, from: usize, limit: Duration, matches: impl Fn(&str) -> bool) -> Option<(String, usize)> {
        let end = Instant::now() + limit;
        let mut lines = self.lines();
        let mut next = from;
        loop {
            next = next.max(lines.dropped);
            while let Some(line) = lines.kept.get(next - lines.dropped) {
                next += 1;
                if matches(line) {
                    return Some((line.clone(), next));
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return None;
            }
            lines = self.0.1.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the writer has closed the stream; `false`: `limit` has passed.
    pub fn wait_for_end(&self, limit: Duration) -> bool {
        let waited = self.0.1.wait_timeout_while(self.lines(), limit, |lines| !lines.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn push(&self, line: String) {
        let mut lines = self.lines();
        if lines.kept.len() == KEPT {
            lines.kept.pop_front();
            lines.dropped += 1;
        }
        lines.kept.push_back(line);
        self.0.1.notify_all();
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_line_is_found_once_and_the_end_is_told() {
        let log = Log::of(Cursor::new("one\ntwo\ntwo\n"));
        let limit = Duration::from_secs(10);
        let (line, next) = log.wait_for(0, limit, |line| line == "two").unwrap();
        assert_eq!((line.as_str(), next), ("two", 2));
        assert_eq!(log.wait_for(next, limit, |line| line == "two").unwrap().1, 3);
        assert!(log.wait_for(3, limit, |line| line == "two").is_none());
        assert!(log.wait_for_end(limit));
        assert_eq!(log.text(), "one\ntwo\ntwo");
    }

    #[test]
    fn only_the_last_lines_are_kept_and_numbers_go_on() {
        let text: String = (0..KEPT + 10).map(|number| format!("{number}\n")).collect();
        let log = Log::of(Cursor::new(text));
        assert!(log.wait_for_end(Duration::from_secs(10)));
        assert!(log.text().starts_with("10\n"));
        let last = (KEPT + 9).to_string();
        assert_eq!(log.wait_for(0, Duration::ZERO, |line| line == last).unwrap().1, KEPT + 10);
    }
}
