//! The threads that a generation owns, beside its control thread: one for SERIAL commands, workers for CONCURRENT ones.

use super::Generation;
use crate::call::lock;
use crate::queue::Lane;
use crate::router::Class;
use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// What a new thread tells first: whether the plugin wants to work on it.
type Entered = mpsc::Receiver<Result<(), String>>;

impl Generation {
    /// Begins the threads that its commands need, and waits until the plugin has been told of each.
    pub(super) fn start_threads(self: &Arc<Self>, limit: Duration) -> Result<(), String> {
        let has = |class| self.descriptor.commands.iter().any(|command| command.class == class);
        let failed = |error: io::Error| format!("its threads cannot be started: {error}");
        let mut entered = Vec::new();
        if has(Class::Serial) {
            entered.push(self.spawn("serial".to_owned(), Lane::Serial).map_err(failed)?);
        }
        if has(Class::Concurrent) {
            entered.extend(self.spawn_workers().map_err(failed)?);
        }
        for entered in entered {
            let late = |_| Err(format!("a thread of it did not begin within {:.1} s", limit.as_secs_f64()));
            entered.recv_timeout(limit).unwrap_or_else(late)?;
        }
        Ok(())
    }

    /// Begins the workers if they are not there yet: an INLINE command needs them when it has to wait or was demoted. Never
    /// waits for the plugin: this may be a thread that reads sockets.
    pub fn start_workers(self: &Arc<Self>) -> io::Result<()> {
        self.spawn_workers().map(drop)
    }

    fn spawn_workers(self: &Arc<Self>) -> io::Result<Vec<Entered>> {
        let mut has_workers = lock(&self.has_workers);
        let mut entered = Vec::new();
        if *has_workers {
            return Ok(entered);
        }
        for index in 0..self.config.threads.max(1) {
            match self.spawn(format!("worker-{index}"), Lane::Concurrent) {
                Ok(worker) => entered.push(worker),
                // Fewer than wanted are enough to go on.
                Err(error) if !entered.is_empty() => {
                    tracing::warn!(plugin = self.plugin.id, generation = self.number, %error, "only {index} workers");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        *has_workers = true;
        Ok(entered)
    }

    fn spawn(self: &Arc<Self>, role: String, lane: Lane) -> io::Result<Entered> {
        let generation = self.clone();
        let (tell, entered) = mpsc::sync_channel(1);
        let name = format!("{}-{role}", self.thread_name);
        let thread = self.ledger.spawner.spawn(name, move || {
            let table = generation.instance.table();
            let welcome = table.enter_thread();
            let failed = welcome.clone().err();
            // Nobody listens where the workers were begun late.
            let _ = tell.send(welcome);
            match failed {
                None => {
                    generation.serve(lane);
                    table.leave_thread();
                }
                Some(why) => {
                    let (plugin, number) = (&generation.plugin.id, generation.number);
                    tracing::error!(%plugin, generation = number, why, "a thread of the plugin does not work");
                }
            }
        })?;
        lock(&self.threads).push(thread);
        Ok(entered)
    }
}
