//! One connection: requests gathered into one write, replies cut from what was read.

use super::{Book, Faults};
use crate::wire::{Framing, Split, Wire, ws};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Until a server must have accepted, and have answered the handshake.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is read at once.
pub const READ_BYTES: usize = 256 << 10;

/// A connection whose handshake is done.
pub struct Connection {
    stream: TcpStream,
    /// The beginning of a reply that is not all there.
    rest: Vec<u8>,
    out: Vec<u8>,
    /// So much of `out` is written.
    written: usize,
    /// What it has asked.
    pub book: Book,
    /// The server has closed it.
    pub closed: bool,
}

/// Opens a connection and does what comes before the first request.
pub fn open(address: SocketAddr, path: &str, wire: &Wire) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if wire.upgrade {
        ws::handshake(&mut stream, &address.to_string(), path)?;
    }
    if let Some(hello) = &wire.hello {
        stream.write_all(hello)?;
        skip(&mut stream, wire.framing)?;
    }
    Ok(stream)
}

/// Reads one reply.
fn skip(stream: &mut TcpStream, framing: Framing) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        match framing.split(&read) {
            Split::More => {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                read.extend(byte);
            }
            Split::Reply { .. } => return Ok(()),
            other => return Err(io::Error::other(format!("{other:?} in answer to the hello"))),
        }
    }
}

impl Connection {
    /// Opens one.
    pub fn open(address: SocketAddr, path: &str, wire: &Wire) -> io::Result<Self> {
        let stream = open(address, path, wire)?;
        stream.set_nonblocking(true)?;
        let (rest, out) = Default::default();
        Ok(Self { stream, rest, out, written: 0, book: Book::new(wire.ordered), closed: false })
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether something waits to be written.
    pub fn blocked(&self) -> bool {
        self.written < self.out.len()
    }

    /// Queues a request whose latency counts from `time`.
    pub fn ask(&mut self, time: u64, wire: &Wire) {
        let number = self.book.ask(time);
        wire.request.put(number, &mut self.out);
    }

    /// Writes what is queued, as far as the socket takes it.
    pub fn flush(&mut self, faults: &mut Faults) {
        while self.blocked() && !self.closed {
            match (&self.stream).write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.close(faults),
            }
        }
        self.out.clear();
        self.written = 0;
    }

    /// Reads what is there and gives the time of each request that was answered rightly to `right`. `buffer` is lent.
    pub fn receive(&mut self, wire: &Wire, buffer: &mut [u8], faults: &mut Faults, mut right: impl FnMut(u64)) {
        let kept = self.rest.len();
        buffer[..kept].copy_from_slice(&self.rest);
        let end = match (&self.stream).read(&mut buffer[kept..]) {
            Ok(0) => return self.close(faults),
            Ok(count) => kept + count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            Err(_) => return self.close(faults),
        };
        let mut at = 0;
        loop {
            match wire.framing.split(&buffer[at..end]) {
                Split::Reply { payload, end } => {
                    let reply = wire.reply.read(&buffer[at + payload.start..at + payload.end]);
                    if let Some(time) = self.book.answer(reply, faults) {
                        right(time);
                    }
                    at += end;
                }
                Split::Other { end } => at += end,
                Split::More if end - at < buffer.len() => break,
                Split::More | Split::Broken(_) => {
                    faults.wrong += 1;
                    return self.close(faults);
                }
                Split::Closed => return self.close(faults),
            }
        }
        self.rest.clear();
        self.rest.extend_from_slice(&buffer[at..end]);
    }

    fn close(&mut self, faults: &mut Faults) {
        faults.closed += u64::from(!self.closed);
        self.closed = true;
        self.book.close(faults);
    }
}
