//! Where the bytes of an import come from: a file, or an attachment.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes to read, and how many there are.
pub enum Source<'a> {
    File(File, u64),
    Attachment(&'a [u8]),
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
        if metadata.is_file() { Ok(Self::File(file, metadata.len())) } else { Err("this is no regular file".into()) }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::File(_, size) => *size,
            Self::Attachment(bytes) => bytes.len() as u64,
        }
    }

    /// All of it, as large as it was when it was opened: what is decoded is what is stored, whatever becomes of the file
    /// meanwhile (a mapped file that is cut would end the process).
    pub fn bytes(self) -> Result<Cow<'a, [u8]>, String> {
        match self {
            Self::Attachment(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::File(file, size) => {
                let mut bytes = Vec::new();
                let room = usize::try_from(size).map_err(|error| error.to_string())?;
                bytes.try_reserve_exact(room).map_err(|error| error.to_string())?;
                file.take(size).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
                Ok(Cow::Owned(bytes))
            }
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
