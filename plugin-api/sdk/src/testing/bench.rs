//! One plugin under test.

use super::desk::{Desk, Event, Phase};
use super::{Attachment, Outcome, Progress, Refused, Request};
use crate::commands::Commands;
use crate::export::bench::{CommandMemory, Loaded};
use crate::{Plugin, Status, Store};
use jackfield_plugin_api::JF_INLINE;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A started plugin, and the host that it believes in. Stops and destroys it when dropped.
pub struct Bench<P> {
    pub(super) loaded: Arc<Loaded>,
    pub(super) desk: &'static Desk,
    limit: Duration,
    plugin: PhantomData<fn() -> P>,
}

impl<P: Plugin> Bench<P> {
    /// Loads, creates and starts the plugin. `config` is a JSON text or a `serde_json::Value`.
    pub fn new(config: impl ToString) -> Result<Self, Refused> {
        Self::begin(&config.to_string(), None, Arc::default())
    }

    /// Of a plugin whose control thread is this one.
    pub(super) fn of(loaded: Loaded, desk: &'static Desk) -> Self {
        Self { loaded: Arc::new(loaded), desk, limit: Duration::from_secs(30), plugin: PhantomData }
    }

    /// How long a command may take before its outcome is [`Status::Deadline`]; 30 s unless told.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Calls a command and waits for its answer. `params` is a JSON text or a `serde_json::Value`.
    pub fn call(&self, key: &str, params: impl ToString) -> Outcome {
        self.call_with(key, params, Vec::new())
    }

    /// [`call`](Self::call) with attachments.
    pub fn call_with(&self, key: &str, params: impl ToString, attachments: Vec<Attachment>) -> Outcome {
        self.send(Request { key: key.into(), params: params.to_string(), attachments, ..Request::default() })
    }

    /// [`call`](Self::call) with all that a command can have.
    ///
    /// # Panics
    /// If the params are no JSON: a server would not let them through. If the plugin has handed over.
    pub fn send(&self, request: Request) -> Outcome {
        assert!(self.desk.phase() == Phase::Running, "the plugin has handed over: ask the one that took over");
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&request.params) {
            panic!("the params of '{}' are no JSON: {error}: {}", request.key, request.params);
        }
        let inline = Commands::<P>::of().registrations().any(|r| r.key == request.key && r.class == JF_INLINE);
        let memory = self.desk.open(inline, request.cancelled, |token| Arc::new(CommandMemory::new(token, request)));
        let token = memory.token();
        let (desk, loaded) = (self.desk, Arc::clone(&self.loaded));
        let thread = std::thread::Builder::new().name("plugin".into()).spawn(move || {
            desk.begin(token);
            // Inline commands run on threads that are not the plugin's.
            let entered = if inline { Ok(()) } else { loaded.enter_thread() };
            desk.returned(token, entered.map_or_else(Status::raw, |()| loaded.handle(&memory)));
            if !inline && entered.is_ok() {
                loaded.leave_thread();
            }
        });
        let thread = thread.expect("a test may start a thread");
        let until = Instant::now() + self.limit;
        loop {
            match self.desk.wait(token, until) {
                Event::Cancel => self.loaded.cancel(token),
                Event::Call => drop(self.desk.calls.answer_next()),
                Event::Done(outcome) => {
                    // It is at its end.
                    let _ = thread.join();
                    self.desk.release();
                    return outcome;
                }
                Event::Late(outcome) => return outcome,
            }
        }
    }

    /// From now on a command is cancelled when it tells progress for which this is true. It must not use the bench.
    pub fn cancel_when(&self, when: impl FnMut(&Progress) -> bool + Send + 'static) {
        self.desk.cancel_when(Box::new(when));
    }

    /// Calls every command with each of its examples. Gives how many there were, or what failed, one line each.
    pub fn run_examples(&self) -> Result<usize, String> {
        let commands = Commands::<P>::of();
        let mut count = 0;
        let mut failed = String::new();
        for registration in commands.registrations() {
            for example in &registration.examples {
                count += 1;
                let why = match serde_json::from_str::<serde::de::IgnoredAny>(example) {
                    Err(error) => format!("no JSON: {error}"),
                    Ok(_) => match self.call(registration.key, example) {
                        Outcome { status: Ok(()), .. } => continue,
                        Outcome { status: Err(status), message, .. } => format!("{status}: {message}"),
                    },
                };
                failed.push_str(&format!("'{}' with {example}: {why}\n", registration.key));
            }
        }
        if failed.is_empty() { Ok(count) } else { Err(failed) }
    }

    /// From now on `answer` answers the calls that the plugin makes; without it each is refused with
    /// [`Status::UnknownKey`](crate::Status::UnknownKey). It gets what is called, in the name of whoever sent the command on
    /// whose behalf it is called, and must not use the bench.
    pub fn answer_calls(&self, answer: impl FnMut(&Request) -> Outcome + Send + 'static) {
        self.desk.calls.answer_with(Box::new(answer));
    }

    /// Hands an event to the plugin, and answers the calls that it makes meanwhile. Whether one of the plugin's patterns fits
    /// is not looked at.
    pub fn event(&self, topic: &str, data: impl ToString) {
        self.event_after_drops(topic, data, 0);
    }

    /// [`event`](Self::event), after the plugin has lost `dropped` others.
    pub fn event_after_drops(&self, topic: &str, data: impl ToString, dropped: u64) {
        self.loaded.event(topic, &data.to_string(), dropped);
        while self.desk.calls.answer_next() {}
    }

    /// All events that the plugin has published so far: topic and data.
    pub fn published(&self) -> Vec<(String, String)> {
        self.desk.calls.published()
    }

    /// Stops the plugin and starts it again, as a refused swap does.
    pub fn restart(&self) -> Result<(), Refused> {
        self.desk.calls.end();
        self.loaded.stop();
        self.loaded.start()
    }

    /// The store, as the plugin sees it: for putting in what it needs, and for looking at what it did. Blobs are named by a
    /// hash that is good for tests only.
    pub fn store(&self) -> Store {
        self.loaded.store()
    }

    /// All lines that the plugin has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.desk.lines()
    }
}

impl<P> Bench<P> {
    /// Destroys the instance, if there is one.
    pub(super) fn end(&self) {
        self.desk.release();
        self.desk.enter(Phase::Gone);
        self.loaded.destroy();
        self.loaded.leave_thread();
        self.desk.set_store(Arc::default());
    }
}

impl<P> Drop for Bench<P> {
    fn drop(&mut self) {
        // Else a command has not ended: its plugin is left as it is, which is all that is safe.
        if self.desk.is_idle() && self.desk.phase() != Phase::Gone {
            self.desk.calls.end();
            if self.desk.phase() == Phase::Running {
                self.loaded.stop();
            }
            self.end();
        }
    }
}
