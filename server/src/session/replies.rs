use futures_util::task::AtomicWaker;
use jackfield_engine::ReplySink;
use jackfield_message::Reply;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// Answers that threads of plugins and of the engine have given, until the session's task takes them. As many as there are
/// commands in flight, at most: the engine answers each once. An idle session's is empty, in memory too.
#[derive(Debug, Default)]
pub(super) struct Replies {
    arrived: Mutex<VecDeque<(u64, Reply)>>,
    task: AtomicWaker,
}

impl ReplySink for Replies {
    fn reply(&self, request: u64, reply: Reply) {
        let first = {
            let mut arrived = self.lock();
            arrived.push_back((request, reply));
            arrived.len() == 1
        };
        // For the others it is awake already, and has not taken this one.
        if first {
            self.task.wake();
        }
    }
}

impl Replies {
    /// Waits until there is one. For one task. Cancel safe.
    pub async fn arrival(&self) {
        poll_fn(|cx| {
            self.task.register(cx.waker());
            if self.lock().is_empty() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Takes all that are there, in the place of `taken`, which must be empty.
    pub fn take(&self, taken: &mut VecDeque<(u64, Reply)>) {
        debug_assert!(taken.is_empty(), "answers would be lost");
        std::mem::swap(taken, &mut *self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Reply)>> {
        // The list is whole at every step.
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
