//! What a plugin under test publishes and calls.

use super::{Outcome, Request};
use crate::Status;
use crate::export::bench_calls::Waiting;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Answer = Box<dyn FnMut(&Request) -> Outcome + Send>;

#[derive(Default)]
pub(crate) struct Calls {
    published: Mutex<Vec<(String, String)>>,
    made: Mutex<VecDeque<(Request, Waiting)>>,
    answer: Mutex<Option<Answer>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Calls {
    pub fn publish(&self, topic: &str, data: &str) -> Result<(), Status> {
        let sound = !topic.split('.').any(str::is_empty) && !topic.contains('*') && !topic.starts_with("jackfield.");
        if !sound || topic.len() > 256 || serde_json::from_str::<serde::de::IgnoredAny>(data).is_err() {
            return Err(Status::Invalid);
        }
        lock(&self.published).push((topic.to_owned(), data.to_owned()));
        Ok(())
    }

    pub fn published(&self) -> Vec<(String, String)> {
        lock(&self.published).clone()
    }

    pub fn answer_with(&self, answer: Answer) {
        *lock(&self.answer) = Some(answer);
    }

    pub fn make(&self, request: Request, done: Waiting) -> Result<(), Status> {
        if lock(&self.answer).is_none() {
            return Err(Status::UnknownKey);
        }
        lock(&self.made).push_back((request, done));
        Ok(())
    }

    pub fn any_made(&self) -> bool {
        !lock(&self.made).is_empty()
    }

    /// Answers the first call that waits; false: there is none. For the control thread.
    pub fn answer_next(&self) -> bool {
        let Some((request, done)) = lock(&self.made).pop_front() else { return false };
        let outcome = match &mut *lock(&self.answer) {
            Some(answer) => answer(&request),
            None => Outcome::failed(Status::UnknownKey, ""),
        };
        done.finish(&outcome);
        true
    }

    /// Answers for all that still wait. For the control thread.
    pub fn end(&self) {
        let made = std::mem::take(&mut *lock(&self.made));
        for (request, done) in made {
            let text = format!("The plugin was stopped while its call of '{}' was under way.", request.key);
            done.finish(&Outcome::failed(Status::OutcomeUnknown, text));
        }
    }
}
