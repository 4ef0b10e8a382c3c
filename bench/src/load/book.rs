//! What one connection has asked and not yet had answered; finds what is lost, doubled or wrong.

use crate::wire::{FIRST, Seen, after};
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::ops::AddAssign;

/// What went wrong, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Never answered, or passed over where replies come in order.
    pub lost: u64,
    /// Answered again.
    pub doubled: u64,
    /// Answered with other bytes, or with a number that was never asked.
    pub wrong: u64,
    /// Connections that the server closed.
    pub closed: u64,
}

impl Faults {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong += other.wrong;
        self.closed += other.closed;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, doubled, wrong, closed } = self;
        write!(f, "lost {lost}, doubled {doubled}, wrong {wrong}, closed {closed}")
    }
}

/// One connection's book.
#[derive(Debug)]
pub struct Book {
    /// Numbers in the order in which they were asked, with the time from which their latency counts.
    waiting: VecDeque<(u32, u64)>,
    next: u32,
    ordered: bool,
}

impl Book {
    /// An empty book. `ordered`: a reply tells that no earlier one is to come.
    pub fn new(ordered: bool) -> Self {
        Self { waiting: VecDeque::new(), next: FIRST, ordered }
    }

    /// How many requests have no reply yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Notes a request that counts from `time`, and gives it a number.
    pub fn ask(&mut self, time: u64) -> u32 {
        let number = self.next;
        self.waiting.push_back((number, time));
        self.next = after(number);
        number
    }

    /// Notes a reply: the time of its request, where it is the right one.
    pub fn answer(&mut self, reply: Seen, faults: &mut Faults) -> Option<u64> {
        let Seen::Right(number) = reply else {
            // It stands for the request whose turn it is, so that the others are not taken for lost.
            faults.wrong += 1;
            self.waiting.pop_front();
            return None;
        };
        let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == number) else {
            // Numbers begin anew only after ninety million.
            if (FIRST..self.next).contains(&number) {
                faults.doubled += 1
            } else {
                faults.wrong += 1
            }
            return None;
        };
        if self.ordered {
            faults.lost += at as u64;
            self.waiting.drain(..at);
            return self.waiting.pop_front().map(|(_, time)| time);
        }
        self.waiting.remove(at).map(|(_, time)| time)
    }

    /// No further reply comes.
    pub fn close(&mut self, faults: &mut Faults) {
        faults.lost += self.waiting.len() as u64;
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five requests and these replies, then the end.
    fn replies(ordered: bool, replies: &[Option<u32>]) -> (usize, Faults) {
        let mut book = Book::new(ordered);
        let mut faults = Faults::default();
        for time in 0..5 {
            assert_eq!(book.ask(time), FIRST + time as u32);
        }
        let seen = |reply: &Option<u32>| reply.map_or(Seen::Wrong, |number| Seen::Right(FIRST + number));
        let right = replies.iter().filter_map(|reply| book.answer(seen(reply), &mut faults)).count();
        book.close(&mut faults);
        (right, faults)
    }

    fn faults(lost: u64, doubled: u64, wrong: u64) -> Faults {
        Faults { lost, doubled, wrong, closed: 0 }
    }

    #[test]
    fn all_in_order_is_no_fault() {
        assert_eq!(replies(true, &[Some(0), Some(1), Some(2), Some(3), Some(4)]), (5, faults(0, 0, 0)));
    }

    #[test]
    fn what_is_lost_doubled_or_wrong_is_counted() {
        assert_eq!(replies(true, &[Some(0), Some(1), Some(2), Some(3)]), (4, faults(1, 0, 0)), "the last is missing");
        assert_eq!(replies(true, &[Some(0), Some(2), Some(3), Some(4)]), (4, faults(1, 0, 0)), "one is passed over");
        assert_eq!(replies(true, &[Some(0), Some(0), Some(1), Some(2), Some(3), Some(4)]), (5, faults(0, 1, 0)));
        assert_eq!(replies(true, &[Some(0), None, Some(2), Some(3), Some(4)]), (4, faults(0, 0, 1)));
        assert_eq!(replies(true, &[Some(0), Some(9), Some(1), Some(2), Some(3), Some(4)]), (5, faults(0, 0, 1)));
        assert_eq!(replies(true, &[]), (0, faults(5, 0, 0)));
    }

    #[test]
    fn another_order_is_a_fault_only_where_there_is_one() {
        assert_eq!(replies(true, &[Some(1), Some(0), Some(2), Some(3), Some(4)]), (4, faults(1, 1, 0)));
        assert_eq!(replies(false, &[Some(1), Some(0), Some(4), Some(3), Some(2)]), (5, faults(0, 0, 0)));
    }

    #[test]
    fn the_time_of_the_request_comes_back() {
        let mut book = Book::new(true);
        book.ask(7);
        assert_eq!(book.waiting(), 1);
        assert_eq!(book.answer(Seen::Right(FIRST), &mut Faults::default()), Some(7));
    }
}
