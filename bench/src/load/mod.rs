//! The load generator: one thread, one epoll, hand-built frames, nothing allocated for a message.

mod book;
mod connection;
mod histogram;
mod lockstep;

pub use book::{Book, Faults};
pub use connection::{Connection, open};
pub use histogram::Histogram;
pub use lockstep::lockstep;

use crate::Outcome;
use crate::wire::Wire;
use connection::READ_BYTES;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::time::Timespec;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How requests follow each other.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many in flight on each connection, always.
    Closed(usize),
    /// So many a second over all connections, whatever the replies do; latency counts from when a request was due.
    Open(f64),
    /// The first connection publishes, so many in flight; a publication is over when every connection has got it.
    FanOut(usize),
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its address.
    pub address: SocketAddr,
    /// Path and query of the upgrade.
    pub path: String,
}

/// Connections under load.
pub struct Load {
    wire: Wire,
    pace: Pace,
    connections: Vec<Connection>,
    poll: Poll,
    buffer: Vec<u8>,
    start: Instant,
    /// When the next request is due, and whose turn it is.
    due: f64,
    turn: usize,
    times: Histogram,
    faults: Faults,
}

/// What happened in a stretch of time.
#[derive(Clone, Default)]
pub struct Window {
    /// How long it was, in seconds.
    pub seconds: f64,
    /// Latencies of the right replies.
    pub times: Histogram,
    /// Share of the time in which the generator had something to do.
    pub busy: f64,
}

impl Load {
    /// Opens the connections; nothing is sent yet.
    pub fn connect(target: &Target, wire: Wire, connections: usize, pace: Pace) -> Outcome<Self> {
        let mut load = Self {
            wire,
            pace,
            connections: Vec::with_capacity(connections),
            poll: Poll::new()?,
            buffer: vec![0; READ_BYTES],
            start: Instant::now(),
            due: 0.0,
            turn: 0,
            times: Histogram::default(),
            faults: Faults::default(),
        };
        for token in 0..connections {
            let Target { address, path } = target;
            let connection = Connection::open(*address, path, &load.wire)
                .map_err(|e| format!("connection {token} to {address}{path}: {e}"))?;
            load.poll.add(&connection, token)?;
            load.connections.push(connection);
        }
        Ok(load)
    }

    /// Another pace from now on.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// Keeps the load up for a while. `tick` is called all the time, with the seconds since the window's begin.
    pub fn window(&mut self, length: Duration, mut tick: impl FnMut(f64) -> Outcome) -> Outcome<Window> {
        self.times.clear();
        let begin = self.now();
        let end = begin + length.as_nanos() as u64;
        let mut idle = 0;
        self.due = begin as f64;
        match self.pace {
            Pace::Closed(depth) => (0..self.connections.len()).for_each(|token| self.fill(token, depth, begin)),
            Pace::FanOut(depth) => self.publish(depth, begin),
            Pace::Open(_) => {}
        }
        let mut now = begin;
        while now < end && self.connections.iter().any(|connection| !connection.closed) {
            if let Pace::Open(rate) = self.pace {
                self.send_due(now, rate);
            }
            let wait = match self.pace {
                Pace::Closed(0) => Duration::from_nanos(end - now).min(Duration::from_millis(50)),
                // Its core is its own. Asleep it would be late, and to be woken would be charged to the server.
                _ => Duration::ZERO,
            };
            let found = self.turn_around(wait)?;
            let before = std::mem::replace(&mut now, self.now());
            if !found {
                idle += now - before;
            }
            tick((now - begin) as f64 / 1e9)?;
        }
        let seconds = (now - begin) as f64 / 1e9;
        Ok(Window { seconds, times: self.times.clone(), busy: 1.0 - idle as f64 / 1e9 / seconds })
    }

    /// Asks no more, waits for what is in flight, at most so long, and tells what was wrong in all.
    pub fn finish(mut self, limit: Duration) -> Outcome<Faults> {
        self.pace = Pace::Closed(0);
        let end = self.now() + limit.as_nanos() as u64;
        while self.now() < end && self.connections.iter().any(|c| c.book.waiting() > 0) {
            self.turn_around(Duration::from_millis(20))?;
        }
        for connection in &mut self.connections {
            connection.book.close(&mut self.faults);
        }
        Ok(self.faults)
    }

    /// Waits for events and deals with them. Whether there were any.
    fn turn_around(&mut self, wait: Duration) -> Outcome<bool> {
        self.poll.wait(wait)?;
        let now = self.now();
        for at in 0..self.poll.events.len() {
            let Event { data, flags } = self.poll.events[at];
            let token = data.u64() as usize;
            let connection = &mut self.connections[token];
            if !connection.closed && flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                let times = &mut self.times;
                let right = |asked: u64| times.add(now.saturating_sub(asked));
                connection.receive(&self.wire, &mut self.buffer, &mut self.faults, right);
            }
            if connection.closed {
                self.poll.remove(connection)?;
                continue;
            }
            match self.pace {
                Pace::Closed(depth) => self.fill(token, depth, now),
                Pace::Open(_) | Pace::FanOut(_) => connection.flush(&mut self.faults),
            }
            self.poll.watch_writes(&self.connections[token], token)?;
        }
        if let Pace::FanOut(depth) = self.pace {
            self.publish(depth, now);
        }
        Ok(!self.poll.events.is_empty())
    }

    /// Requests up to the depth, in one write.
    fn fill(&mut self, token: usize, depth: usize, now: u64) {
        let connection = &mut self.connections[token];
        while connection.book.waiting() < depth && !connection.closed {
            connection.ask(now, &self.wire);
        }
        connection.flush(&mut self.faults);
    }

    /// Publications up to the depth.
    fn publish(&mut self, depth: usize, now: u64) {
        let waiting = self.connections.iter().map(|connection| connection.book.waiting()).max().unwrap_or_default();
        for _ in waiting..depth {
            self.connections[0].ask(now, &self.wire);
            for subscriber in self.connections[1..].iter_mut().filter(|connection| !connection.closed) {
                subscriber.book.ask(now);
            }
        }
        self.connections[0].flush(&mut self.faults);
    }

    /// All requests that are due, one write a connection.
    fn send_due(&mut self, now: u64, rate: f64) {
        let count = self.connections.len();
        let first = self.turn;
        while self.due <= now as f64 {
            let connection = &mut self.connections[self.turn % count];
            if !connection.closed {
                connection.ask(self.due as u64, &self.wire);
            }
            self.turn += 1;
            self.due += 1e9 / rate;
        }
        for token in first..self.turn.min(first + count) {
            self.connections[token % count].flush(&mut self.faults);
        }
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

/// One epoll instance with its events.
pub struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
    /// Which connections are watched for writes.
    writes: Vec<bool>,
}

impl Poll {
    fn new() -> Outcome<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(1024), writes: Vec::new() })
    }

    fn add(&mut self, connection: &Connection, token: usize) -> Outcome {
        self.writes.push(false);
        Ok(epoll::add(&self.epoll, connection.stream(), EventData::new_u64(token as u64), EventFlags::IN)?)
    }

    fn remove(&self, connection: &Connection) -> Outcome {
        Ok(epoll::delete(&self.epoll, connection.stream())?)
    }

    /// Asks for an event when a full socket can be written again.
    fn watch_writes(&mut self, connection: &Connection, token: usize) -> Outcome {
        let blocked = connection.blocked();
        if self.writes[token] != blocked {
            let flags = if blocked { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            epoll::modify(&self.epoll, connection.stream(), EventData::new_u64(token as u64), flags)?;
            self.writes[token] = blocked;
        }
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Outcome {
        let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
