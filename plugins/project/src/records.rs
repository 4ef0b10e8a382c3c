//! The records of an import: one JSON text a line, found by means of the import's pages.

use crate::documents::{Documents, Import, damaged};
use jackfield_plugin::{BlobReader, Failure, StoreError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

const BUFFER: usize = 64 << 10;

/// Reads records in their order.
pub struct Records<'d> {
    documents: &'d Documents<'d>,
    import: String,
    pages: Vec<(u64, u64)>,
    elements: u64,
    reader: BufReader<BlobReader>,
    /// Number of the record that comes next.
    next: u64,
    /// The line before it is not read to its end.
    inside: bool,
}

impl<'d> Records<'d> {
    /// Stands before record `from`, which must be one that there is.
    pub fn open(documents: &'d Documents<'d>, import: Import, from: u64) -> Result<Self, Failure> {
        let Import { id, elements, blob, pages, .. } = import;
        let what = format!("the import '{id}'");
        let blob = documents.store.blob(&blob).map_err(|error| match error {
            StoreError::NotFound(text) | StoreError::Invalid(text) => damaged(&what, text),
            other => other.into(),
        })?;
        check(&pages, elements, blob.size()).map_err(|why| damaged(&what, why))?;
        // The first page begins at 0, or nothing would be found here.
        let page = pages.partition_point(|&(first, _)| first <= from).saturating_sub(1);
        let (first, byte) = pages.get(page).copied().unwrap_or_default();
        let reader = BufReader::with_capacity(BUFFER, blob);
        let mut records = Self { documents, import: id, pages, elements, reader, next: first, inside: false };
        records.seek(byte)?;
        while records.next < from {
            records.next += 1;
            records.inside = true;
            records.settle()?;
        }
        Ok(records)
    }

    /// Id of the record that was read last.
    pub fn id(&self) -> String {
        format!("{}/{}", self.import, self.next.saturating_sub(1))
    }

    /// Reads the next record into `line`, at most `max` bytes of it. Whether that is all.
    pub fn line(&mut self, line: &mut Vec<u8>, max: usize) -> Result<bool, Failure> {
        self.settle()?;
        if self.next >= self.elements {
            return Err(damaged(&format!("the import '{}'", self.import), "more records are asked for than it has"));
        }
        self.next += 1;
        self.inside = true;
        line.clear();
        self.more(line, max)
    }

    /// Reads more of the same record, until `line` has `max` bytes. Whether that is all.
    pub fn more(&mut self, line: &mut Vec<u8>, max: usize) -> Result<bool, Failure> {
        let missing = max.saturating_sub(line.len()) as u64;
        let read = self.rest().take(missing).read_to_end(line);
        read.map_err(|error| self.failure(error))?;
        // A line of just this length has its end still before it.
        if self.inside {
            match self.reader.fill_buf().map(|there| there.first() == Some(&b'\n')) {
                Ok(false) => {}
                Ok(true) => {
                    self.reader.consume(1);
                    self.inside = false;
                }
                Err(error) => return Err(self.failure(error)),
            }
        }
        Ok(!self.inside)
    }

    /// The rest of the line as a stream.
    pub fn rest(&mut self) -> Rest<'_, 'd> {
        Rest(self)
    }

    /// What an error of [`rest`](Self::rest) means.
    pub fn failure(&self, error: io::Error) -> Failure {
        if let Err(cancelled) = self.documents.go_on() {
            return cancelled;
        }
        match error.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(error) => self.damaged(error),
        }
    }

    /// The record that was read last is not what it should be.
    pub fn damaged(&self, why: impl std::fmt::Display) -> Failure {
        damaged(&format!("the record '{}'", self.id()), why)
    }

    /// Goes to the end of a line that was not read whole.
    fn settle(&mut self) -> Result<(), Failure> {
        if !self.inside {
            return Ok(());
        }
        if let Ok(page) = self.pages.binary_search_by_key(&self.next, |&(first, _)| first) {
            // Its neighbour may be very long.
            self.inside = false;
            return self.seek(self.pages[page].1);
        }
        io::copy(&mut self.rest(), &mut io::sink()).map(drop).map_err(|error| self.failure(error))
    }

    fn seek(&mut self, byte: u64) -> Result<(), Failure> {
        self.reader.seek(SeekFrom::Start(byte)).map(drop).map_err(|error| self.failure(error))
    }
}

/// The rest of one line, without its end.
pub struct Rest<'r, 'd>(&'r mut Records<'d>);

impl Read for Rest<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let records = &mut *self.0;
        if !records.inside || out.is_empty() {
            return Ok(0);
        }
        if records.reader.buffer().is_empty() && records.documents.go_on().is_err() {
            return Err(io::Error::other("cancelled"));
        }
        let there = records.reader.fill_buf()?;
        if there.is_empty() {
            let text = format!("the records end here, there should be {}", records.elements);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        let part = &there[..there.len().min(out.len())];
        match part.iter().position(|byte| *byte == b'\n') {
            Some(len) => {
                out[..len].copy_from_slice(&part[..len]);
                records.reader.consume(len + 1);
                records.inside = false;
                Ok(len)
            }
            None => {
                let len = part.len();
                out[..len].copy_from_slice(part);
                records.reader.consume(len);
                Ok(len)
            }
        }
    }
}

/// Pages begin at the beginning and rise.
fn check(pages: &[(u64, u64)], elements: u64, size: u64) -> Result<(), String> {
    if pages.first() != Some(&(0, 0)) {
        return Err("its pages do not begin with [0, 0]".into());
    }
    if !pages.is_sorted_by(|before, after| before.0 < after.0 && before.1 < after.1) {
        return Err("its pages do not rise".into());
    }
    match pages.last() {
        Some(&(first, byte)) if first >= elements || byte >= size => {
            Err(format!("its last page begins at element {first}, byte {byte}, of {elements} elements, {size} bytes"))
        }
        _ => Ok(()),
    }
}
