use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

/// A socket below the WebSocket protocol: reads in large pieces and hands them on in small ones, and knows whether a further
/// attempt is worth while. It never waits where the protocol reads and writes: [`Inlet::poll_fill`] does.
///
/// tungstenite clears as many bytes of its own read buffer before each attempt as it may read, and keeps that buffer as long
/// as the connection lives. So it gets a small one, and what the system has is read into a large one that a connection
/// borrows from its thread, only while something stands in it.
#[derive(Debug)]
pub(super) struct Inlet {
    pub stream: TcpStream,
    /// Size of one read in bytes.
    buffer: usize,
    /// What was read and not handed on yet.
    read: Option<Lent>,
    /// Bytes read and not yet known to be parsed; never too few.
    unparsed: usize,
    /// The last read filled its buffer, so the socket may hold more.
    full: bool,
    /// The peer has ended its sending side.
    ended: bool,
    /// The socket has not taken all that the protocol wrote.
    blocked: bool,
}

/// A read buffer with something in it.
#[derive(Debug)]
struct Lent {
    buffer: Box<[u8]>,
    from: usize,
    to: usize,
}

/// Buffers that a thread keeps for its connections. More are needed only while connections stand in the middle of a read.
const SPARE: usize = 4;

thread_local! {
    static SPARES: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

fn borrow(size: usize) -> Box<[u8]> {
    let spare = SPARES.with_borrow_mut(|spares| {
        let fitting = spares.iter().position(|spare| spare.len() == size)?;
        Some(spares.swap_remove(fitting))
    });
    spare.unwrap_or_else(|| vec![0; size].into())
}

fn give_back(buffer: Box<[u8]>) {
    SPARES.with_borrow_mut(|spares| {
        if spares.len() == SPARE {
            // The oldest goes, so that sizes that nobody asks for any more do not stay.
            spares.remove(0);
        }
        spares.push(buffer);
    });
}

impl Inlet {
    /// Reads `buffer` bytes at once. `unparsed`: bytes that were read before this took over.
    pub fn new(stream: TcpStream, buffer: usize, unparsed: usize) -> Self {
        Self { stream, buffer, read: None, unparsed, full: false, ended: false, blocked: false }
    }

    /// What the protocol above should read at once where the system is read `buffer` bytes at once.
    pub fn portion(buffer: usize) -> usize {
        (buffer / 4).clamp(1024, 4096)
    }

    /// Whether something was read that is not parsed.
    pub fn holds_more(&self) -> bool {
        self.unparsed > 0
    }

    /// Whether the socket is known to hold nothing more.
    pub fn is_drained(&self) -> bool {
        !self.full
    }

    /// A message of this length was parsed: at least its smallest masked frame has left the buffer.
    pub fn parsed(&mut self, length: usize) {
        let extended = match length {
            0..=125 => 0,
            126..=0xFFFF => 2,
            _ => 8,
        };
        self.unparsed = self.unparsed.saturating_sub(2 + extended + 4 + length);
    }

    /// Waits for bytes, or the end, where all that was read is handed on.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = borrow(self.buffer);
        let mut space = ReadBuf::new(&mut buffer);
        let done = Pin::new(&mut self.stream).poll_read(cx, &mut space);
        let length = space.filled().len();
        if length == 0 {
            give_back(buffer);
            self.full = false;
            self.ended = matches!(done, Poll::Ready(Ok(())));
        } else {
            self.full = length == self.buffer;
            self.unparsed += length;
            self.read = Some(Lent { buffer, from: 0, to: length });
        }
        done
    }

    /// Whether the socket has not taken all that the protocol wrote.
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Waits until what the socket did not take can be tried again.
    pub fn poll_unblocked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.poll_write_ready(cx))?;
        self.blocked = false;
        Poll::Ready(Ok(()))
    }
}

impl Read for Inlet {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(lent) = &mut self.read else {
            return if self.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        };
        let length = out.len().min(lent.to - lent.from);
        out[..length].copy_from_slice(&lent.buffer[lent.from..lent.from + length]);
        lent.from += length;
        if let Some(empty) = self.read.take_if(|lent| lent.from == lent.to) {
            give_back(empty.buffer);
        }
        Ok(length)
    }
}

impl Write for Inlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes).inspect_err(|error| self.blocked |= error.kind() == io::ErrorKind::WouldBlock)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
