use super::{CLOSE_LIMIT, Eol, Transport, TransportError, WRITE_BYTES, linger};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use jackfield_dialects::{Close, Frame};
use jackfield_message::ByteString;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Ends a message.
const EOT: u8 = 0x04;

/// As the first byte of a message: the client is done.
const CTRL_Z: u8 = 0x1A;

/// What a connection of a browser or another HTTP client begins with. Ended by a space, so that a message may begin with the word.
const HTTP_METHODS: [&[u8]; 10] =
    [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ", b"PATCH ", b"PRI "];

/// What a TLS connection begins with (RFC 8446 section 5.1).
const TLS_HELLO: &[u8] = &[0x16, 0x03];

/// How a tcp listener wants it.
#[derive(Clone, Copy, Debug)]
pub struct TcpOptions {
    /// What ends an answer.
    pub eol: Eol,
    /// One request, then the end.
    pub once: bool,
    /// Bytes of one read.
    pub buffer: usize,
    /// Longest message in bytes, without its end.
    pub message_bytes: usize,
}

/// Messages ended by 0x04, as in the IPC socket example of ZEISS INSPECT. The end of the client's sending side ends a message too,
/// if it is more than white space. What is not UTF-8 comes as [`Frame::Binary`].
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    options: TcpOptions,
    read: BytesMut,
    /// Bytes of `read` that hold no 0x04.
    scanned: usize,
    /// Bytes of white space at the beginning of `read`.
    blank: usize,
    /// Something other than white space has come.
    begun: bool,
    /// It is known to be no HTTP and no TLS.
    known: bool,
    /// The last read filled its space, so the socket may hold more.
    full: bool,
    /// The peer has ended its sending side.
    ended: bool,
    /// No further message is taken.
    done: bool,
    queued: BytesMut,
}

/// What the bytes read so far give.
enum Step {
    Message(Frame),
    More,
    End,
}

impl Tcp {
    /// On a new connection.
    pub fn new(stream: TcpStream, options: TcpOptions) -> Self {
        Self {
            stream,
            options,
            read: BytesMut::new(),
            scanned: 0,
            blank: 0,
            begun: false,
            known: false,
            full: false,
            ended: false,
            done: false,
            queued: BytesMut::new(),
        }
    }

    fn step(&mut self) -> Result<Step, TransportError> {
        if self.done {
            return Ok(Step::End);
        }
        if !self.known {
            match greeting(&self.read) {
                Greeting::Message => self.known = true,
                Greeting::Undecided if self.ended => self.known = true,
                Greeting::Undecided => return Ok(Step::More),
                Greeting::Foreign(why) => {
                    self.finish();
                    return Err(TransportError::Refused(why));
                }
            }
        }
        if !self.begun {
            self.blank += self.read[self.blank..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            match self.read.get(self.blank) {
                Some(&CTRL_Z) => {
                    self.finish();
                    return Ok(Step::End);
                }
                first => self.begun = first.is_some(),
            }
        }
        let end = memchr::memchr(EOT, &self.read[self.scanned..]).map(|at| self.scanned + at);
        self.scanned = end.unwrap_or(self.read.len());
        if self.scanned > self.options.message_bytes {
            self.finish();
            return Err(TransportError::TooLarge { limit: self.options.message_bytes });
        }
        if let Some(end) = end {
            let message = self.read.split_to(end).freeze();
            self.read.advance(1);
            (self.scanned, self.blank, self.begun) = (0, 0, false);
            if self.options.once {
                self.finish();
            }
            return Ok(Step::Message(frame(message)));
        }
        if !self.ended {
            return Ok(Step::More);
        }
        let rest = self.read.split().freeze();
        let request = self.begun || self.options.once;
        self.finish();
        Ok(if request { Step::Message(frame(rest)) } else { Step::End })
    }

    /// Takes no further message, and forgets what has come behind the last one.
    fn finish(&mut self) {
        self.done = true;
        self.read = BytesMut::new();
    }

    fn filled(&mut self, length: usize) {
        self.full = length == self.options.buffer;
        self.ended = length == 0;
    }

    /// Never more than one read beyond what `step` allows.
    fn try_fill(&mut self) -> io::Result<()> {
        self.read.reserve(self.options.buffer);
        let length = self.stream.try_read_buf(&mut (&mut self.read).limit(self.options.buffer))?;
        self.filled(length);
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.read.reserve(self.options.buffer);
        let length = self.stream.read_buf(&mut (&mut self.read).limit(self.options.buffer)).await?;
        self.filled(length);
        Ok(())
    }
}

impl Transport for Tcp {
    const HAS_CLOSE_CODES: bool = false;

    fn hears(&self) -> bool {
        // A half close is how clients of the original end a request.
        true
    }

    async fn next(&mut self) -> Result<Option<Frame>, TransportError> {
        loop {
            match self.step()? {
                Step::Message(frame) => return Ok(Some(frame)),
                Step::End => return Ok(None),
                Step::More => self.fill().await?,
            }
        }
    }

    fn ready(&mut self) -> Result<Option<Frame>, TransportError> {
        loop {
            match self.step()? {
                Step::Message(frame) => return Ok(Some(frame)),
                Step::More if self.full => match self.try_fill() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                    other => other?,
                },
                Step::More | Step::End => return Ok(None),
            }
        }
    }

    fn queue(&mut self, frame: Frame) -> Result<(), TransportError> {
        let bytes = match frame {
            Frame::Text(text) => text.into_bytes(),
            Frame::Binary(bytes) => bytes,
        };
        let eol = self.options.eol.bytes();
        self.queued.reserve(bytes.len() + eol.len());
        self.queued.extend_from_slice(&bytes);
        self.queued.extend_from_slice(eol);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.queued.len() >= WRITE_BYTES
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.stream.write_all_buf(&mut self.queued).await?;
        if self.queued.capacity() > WRITE_BYTES {
            self.queued = BytesMut::new();
        }
        Ok(())
    }

    async fn close(&mut self, _close: Option<Close>) {
        self.finish();
        let _ = timeout(CLOSE_LIMIT, async {
            if self.flush().await.is_ok() {
                linger(&mut self.stream).await;
            }
        })
        .await;
    }
}

fn frame(message: Bytes) -> Frame {
    match ByteString::try_from(message.clone()) {
        Ok(text) => Frame::Text(text),
        Err(_) => Frame::Binary(message),
    }
}

enum Greeting {
    /// Not that of another protocol.
    Message,
    /// It may still become one.
    Undecided,
    /// Another protocol's.
    Foreign(&'static str),
}

/// A web page can make a browser open a connection to any port and send an HTTP request whose body it chooses: nothing of such a
/// connection is ever a message.
fn greeting(read: &[u8]) -> Greeting {
    let begins = |with: &[u8]| read.starts_with(with);
    let may_become = |with: &[u8]| with.starts_with(read);
    if HTTP_METHODS.into_iter().any(begins) {
        Greeting::Foreign("the connection begins with an HTTP request, and this is no HTTP port")
    } else if begins(TLS_HELLO) {
        Greeting::Foreign("the connection begins with a TLS hello, and this port is not encrypted")
    } else if HTTP_METHODS.into_iter().any(may_become) || may_become(TLS_HELLO) {
        Greeting::Undecided
    } else {
        Greeting::Message
    }
}
