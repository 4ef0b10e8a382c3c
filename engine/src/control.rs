//! The control thread of a generation: dlopen, entry, create, start, stop, destroy, cancel and buffer releases run there,
//! so that plugin code touches no thread that outlives it.

use crate::call::lock;
use crate::spawn::Spawner;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// Hands work to a generation's control thread.
#[derive(Clone)]
pub(crate) struct Control {
    jobs: Arc<Mutex<Option<Sender<Job>>>>,
}

/// The step was not over in time. It goes on alone; its result is dropped on the control thread.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLate;

impl Control {
    /// Starts the thread. It ends after [`Control::finish`], when all jobs before that are done.
    pub fn start(name: &str, spawner: &Spawner) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue): (Sender<Job>, Receiver<Job>) = mpsc::channel();
        let thread = spawner.spawn(name.to_owned(), move || {
            for job in queue {
                job();
            }
        })?;
        Ok((Self { jobs: Arc::new(Mutex::new(Some(jobs))) }, thread))
    }

    /// Does `work` on the control thread and waits for it, no longer than `limit`.
    pub fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TooLate> {
        // A rendezvous: either the value is received, or it comes back to the control thread and is dropped there.
        let (done, result) = mpsc::sync_channel(0);
        self.post(move || drop(done.send(work())));
        match result.recv_timeout(limit) {
            Ok(value) => Ok(value),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(TooLate),
        }
    }

    /// Does `work` on the control thread some time. False: the thread takes no more.
    pub fn post(&self, work: impl FnOnce() + Send + 'static) -> bool {
        lock(&self.jobs).as_ref().is_some_and(|jobs| jobs.send(Box::new(work)).is_ok())
    }

    /// No more work: the thread ends when it has done what it was given.
    pub fn finish(&self) {
        lock(&self.jobs).take();
    }
}
