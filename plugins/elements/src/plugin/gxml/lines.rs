//! The records on their way out: one JSON text a line, in pages.

use super::json::Json;
use super::{Fault, Result};
use std::io::Write;

/// Elements of a page.
const PAGE_ELEMENTS: u64 = 1000;
/// A page ends early behind this, so that a large element costs nobody who looks for the next ones.
const PAGE_BYTES: u64 = 1 << 20;
/// Written at once.
const PIECE: usize = 64 << 10;

/// Number of a page's first element, and the byte at which its line begins.
pub type Page = (u64, u64);

pub struct Lines<W> {
    sink: W,
    /// The end of what was written, not yet with the sink.
    pub json: Json,
    /// Bytes that the sink has.
    flushed: u64,
    count: u64,
    pages: Vec<Page>,
}

impl<W: Write> Lines<W> {
    pub fn new(sink: W) -> Self {
        Self { sink, json: Json(Vec::with_capacity(2 * PIECE)), flushed: 0, count: 0, pages: Vec::new() }
    }

    /// Lines ended so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next line begins here.
    pub fn begin(&mut self) {
        let at = self.flushed + self.json.0.len() as u64;
        let full = |&(first, start): &Page| self.count - first >= PAGE_ELEMENTS || at - start >= PAGE_BYTES;
        if self.pages.last().is_none_or(full) {
            self.pages.push((self.count, at));
        }
    }

    pub fn end(&mut self) -> Result<()> {
        self.json.raw("\n");
        self.count += 1;
        self.relieve()
    }

    /// Passes on what there is, if it is much. Also in the middle of a line; the last byte stays, because it decides
    /// whether a comma is needed.
    pub fn relieve(&mut self) -> Result<()> {
        if self.json.0.len() < PIECE { Ok(()) } else { self.flush(self.json.0.len() - 1) }
    }

    fn flush(&mut self, len: usize) -> Result<()> {
        self.sink.write_all(&self.json.0[..len]).map_err(Fault::Sink)?;
        self.flushed += len as u64;
        self.json.0.drain(..len);
        Ok(())
    }

    /// Passes on the rest; gives the pages.
    pub fn finish(&mut self) -> Result<Vec<Page>> {
        self.flush(self.json.0.len())?;
        Ok(std::mem::take(&mut self.pages))
    }
}
