//! Where the bytes of an import come from: a file, or an attachment.

use jackfield_plugin::files;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

/// Bytes to read, and how many there are.
pub enum Source<'a> {
    File(io::Take<File>, u64),
    Attachment(Cursor<&'a [u8]>),
}

impl<'a> Source<'a> {
    /// Opens a regular file. With `roots`, only one that lies in one of these folders once links are followed.
    pub fn open(path: &str, roots: &[PathBuf]) -> Result<Self, String> {
        let (file, size) = files::open(path, roots)?;
        // A file that grows meanwhile is not read further.
        Ok(Self::File(file.take(size), size))
    }

    pub fn attachment(bytes: &'a [u8]) -> Self {
        Self::Attachment(Cursor::new(bytes))
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::File(_, size) => *size,
            Self::Attachment(bytes) => bytes.get_ref().len() as u64,
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file, _) => file.read(out),
            Self::Attachment(bytes) => bytes.read(out),
        }
    }
}
