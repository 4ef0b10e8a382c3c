//! Where the bytes of an import come from: a file, or an attachment.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

/// Bytes to read, and how many there are.
pub enum Source<'a> {
    File(io::Take<File>, u64),
    Attachment(Cursor<&'a [u8]>),
}

impl<'a> Source<'a> {
    /// Opens a regular file. With `roots`, only one that lies in one of these folders once links are followed.
    pub fn open(path: &str, roots: &[PathBuf]) -> Result<Self, String> {
        let path = permitted(Path::new(path), roots)?;
        let mut options = OpenOptions::new();
        options.read(true);
        // A FIFO would else hold up whoever opens it until somebody writes.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
        let file = options.open(path).map_err(|error| error.to_string())?;
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("this is no regular file".into());
        }
        // A file that grows meanwhile is not read further.
        Ok(Self::File(file.take(metadata.len()), metadata.len()))
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

fn permitted(path: &Path, roots: &[PathBuf]) -> Result<PathBuf, String> {
    if roots.is_empty() {
        return Ok(path.to_owned());
    }
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    let inside = |root: &PathBuf| root.canonicalize().is_ok_and(|root| path.starts_with(root));
    if roots.iter().any(inside) {
        Ok(path)
    } else {
        Err("the file is outside the folders that the operator allows".into())
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
