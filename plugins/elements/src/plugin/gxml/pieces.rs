//! The bytes of a file, piece by piece: counts them, and ends the reading when a limit is passed or it is given up.

use std::io::{self, BufRead, BufReader, Read};

/// One tag with its attributes, or one text. Base64 of a curve of 1.3 million points fits.
const MAX_EVENT: u64 = 64 << 20;
/// Read at once, and between two calls of `tick`.
const PIECE: usize = 64 << 10;

pub struct Pieces<R, T> {
    inner: BufReader<R>,
    tick: T,
    /// Bytes read in all, with those that wait in `inner`.
    read: u64,
    /// Where in them the event begins that is being read.
    event: u64,
    /// `tick` said so.
    pub cancelled: bool,
}

impl<R: Read, T: FnMut(u64) -> bool> Pieces<R, T> {
    pub fn new(source: R, tick: T) -> Self {
        Self { inner: BufReader::with_capacity(PIECE, source), tick, read: 0, event: 0, cancelled: false }
    }

    /// What is read from here on is one tag or text.
    pub fn begin_event(&mut self) {
        self.event = self.read - self.inner.buffer().len() as u64;
    }

    /// Reads the next piece. Limits are checked here, so that they cost nothing a tag.
    #[cold]
    fn refill(&mut self) -> io::Result<()> {
        if self.read - self.event > MAX_EVENT {
            let text = format!("one tag or text is longer than {} MiB", MAX_EVENT >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        if !(self.tick)(self.read) {
            self.cancelled = true;
            return Err(io::Error::other("cancelled"));
        }
        self.read += self.inner.fill_buf()?.len() as u64;
        Ok(())
    }

    /// Passes over the white space before a tag, of which a file has as much as of tags, and gives its length. Where it may
    /// be anything else, or goes on behind this piece, it is left to the reader.
    pub fn skip_blank(&mut self) -> u64 {
        let piece = self.inner.buffer();
        match piece.iter().position(|byte| !byte.is_ascii_whitespace()) {
            Some(len) if piece[len] == b'<' => {
                self.consume(len);
                len as u64
            }
            _ => 0,
        }
    }
}

impl<R: Read, T: FnMut(u64) -> bool> BufRead for Pieces<R, T> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.inner.buffer().is_empty() {
            self.refill()?;
        }
        Ok(self.inner.buffer())
    }

    #[inline]
    fn consume(&mut self, len: usize) {
        self.inner.consume(len);
    }
}

impl<R: Read, T: FnMut(u64) -> bool> Read for Pieces<R, T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.read(out)?;
        self.consume(len);
        Ok(len)
    }
}
