//! Sessions that send numbered commands over WebSocket, several under way at once, and check every answer.

use super::book::{Book, Route, Tally};
use super::watch::Floors;
use crate::client::{Message, Ws};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many sessions send, and how.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Connections, each on a thread of its own.
    pub sessions: usize,
    /// How they send.
    pub manner: Manner,
}

/// How a session sends.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// As fast as it is answered, with so many commands under way.
    Window(usize),
    /// One command every so often, due at fixed times whether the last one was answered in time or not. Latency, from when
    /// the command was due, is noted.
    Every(Duration),
}

/// The clients of the soak: 8 sessions with 32 commands under way each.
pub const PIPELINED: Pace = Pace { sessions: 8, manner: Manner::Window(32) };

/// Sessions at work. Dropping it ends them without a check.
pub struct Load {
    sessions: Vec<JoinHandle<Tally>>,
    shared: Arc<Shared>,
    /// Never sent on: its end wakes those who wait for their next command's time.
    stop: Vec<mpsc::Sender<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
}

impl Load {
    /// Connects and begins to send to all `routes` in turn, each session beginning with another one.
    pub fn start(url: &str, pace: Pace, routes: &[Route], floors: &Arc<Floors>) -> Self {
        let routes: Arc<[Route]> = routes.into();
        let shared = Arc::<Shared>::default();
        let mut stop = Vec::new();
        let session = |number: usize| {
            let (stopper, stopped) = mpsc::channel();
            stop.push(stopper);
            let latency = matches!(pace.manner, Manner::Every(_));
            let book = Book::new(number as u64, routes.clone(), floors.clone(), latency);
            let turn = Turn { routes: routes.clone(), at: number % routes.len(), left: 1 };
            let session = Session { socket: Ws::at(url), book, turn, shared: shared.clone(), told: 0 };
            thread::spawn(move || session.run(pace, number, &stopped))
        };
        let sessions = (0..pace.sessions).map(session).collect();
        let load = Self { sessions, shared, stop };
        while load.answered() == 0 && !load.has_failed() {
            thread::yield_now();
        }
        load
    }

    /// Commands that were answered so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Whether a session has ended early: a connection has ended, or an answer did not come in time.
    pub fn has_failed(&self) -> bool {
        self.sessions.iter().any(JoinHandle::is_finished)
    }

    /// Stops sending, waits for all answers, and looks for surplus ones.
    pub fn finish(mut self) -> Tally {
        self.end();
        let mut all = Tally::default();
        for session in std::mem::take(&mut self.sessions) {
            // A panic on it was told when it happened.
            all.join(session.join().expect("a session ends with its book"));
        }
        all
    }

    fn end(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.stop.clear();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whose turn it is: runs of one key, then the next key.
struct Turn {
    routes: Arc<[Route]>,
    at: usize,
    left: usize,
}

impl Turn {
    fn next(&mut self) -> usize {
        if self.left == 0 {
            self.at = (self.at + 1) % self.routes.len();
            self.left = self.routes[self.at].run;
        }
        self.left -= 1;
        self.at
    }
}

struct Session {
    socket: Ws,
    book: Book,
    turn: Turn,
    shared: Arc<Shared>,
    /// Of what was answered, what the others know.
    told: u64,
}

impl Session {
    fn run(mut self, pace: Pace, number: usize, stopped: &mpsc::Receiver<()>) -> Tally {
        let ended = match pace.manner {
            Manner::Window(window) => self.pipeline(window),
            Manner::Every(period) => self.paced(period, pace.sessions, number, stopped),
        };
        let mut failure = ended.and_then(|()| self.drain()).err();
        if failure.is_none() {
            // What comes after the last answer, nobody asked for.
            failure = self.surplus().err();
        }
        let mut tally = self.book.close();
        if let Some(failure) = failure {
            tally.faults.samples.insert(0, format!("session {number}: {failure}"));
            tally.faults.lost += u64::from(tally.faults.lost == 0);
        }
        tally
    }

    /// The window is filled up when half of it is free, so that writes and reads are batches on both sides.
    fn pipeline(&mut self, window: usize) -> Result<(), String> {
        while !self.shared.stop.load(Ordering::Acquire) {
            let now = Instant::now();
            while self.book.under_way() < window {
                self.write(now)?;
            }
            self.flush()?;
            while self.book.under_way() > window / 2 {
                self.read()?;
            }
            self.tell();
        }
        Ok(())
    }

    fn paced(
        &mut self,
        period: Duration,
        sessions: usize,
        number: usize,
        stopped: &mpsc::Receiver<()>,
    ) -> Result<(), String> {
        let share = u32::try_from(sessions.max(1)).unwrap_or(1);
        let mut due = Instant::now() + period / share * u32::try_from(number).unwrap_or(0);
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if !left.is_zero() && stopped.recv_timeout(left) != Err(mpsc::RecvTimeoutError::Timeout) {
                return Ok(());
            }
            if self.shared.stop.load(Ordering::Acquire) {
                return Ok(());
            }
            self.write(due)?;
            self.flush()?;
            self.drain()?;
            due += period;
        }
    }

    fn drain(&mut self) -> Result<(), String> {
        while self.book.under_way() > 0 {
            self.read()?;
        }
        self.tell();
        Ok(())
    }

    fn write(&mut self, due: Instant) -> Result<(), String> {
        let text = self.book.ask(self.turn.next(), due);
        self.socket.0.write(Message::text(text)).map_err(|e| format!("the server takes no more: {e}"))
    }

    fn flush(&mut self) -> Result<(), String> {
        self.socket.0.flush().map_err(|e| format!("the server takes no more: {e}"))
    }

    fn read(&mut self) -> Result<(), String> {
        match self.socket.0.read() {
            Ok(Message::Text(text)) => self.book.take(text.as_str()),
            Ok(other) => return Err(format!("instead of an answer: {other:?}")),
            Err(e) => return Err(format!("no answer comes: {e}")),
        }
        Ok(())
    }

    fn tell(&mut self) {
        let answered = self.book.answered();
        self.shared.answered.fetch_add(answered - self.told, Ordering::Relaxed);
        self.told = answered;
    }

    /// Closes, and takes what still comes.
    fn surplus(&mut self) -> Result<(), String> {
        self.socket.0.close(None).map_err(|e| format!("it cannot be closed: {e}"))?;
        loop {
            match self.socket.0.read() {
                Ok(Message::Text(text)) => self.book.take(text.as_str()),
                Ok(_) => {}
                Err(crate::client::tungstenite::Error::ConnectionClosed) => return Ok(()),
                Err(e) => return Err(format!("it does not end in order: {e}")),
            }
        }
    }
}

/// The latencies of a window of time, in microseconds, sorted.
pub fn within(tally: &Tally, from: Instant, to: Instant) -> Vec<u32> {
    let inside = tally.latencies.iter().filter(|(at, _)| (from..to).contains(at));
    let mut us: Vec<u32> = inside.map(|(_, us)| *us).collect();
    us.sort_unstable();
    us
}
