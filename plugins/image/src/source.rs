//! Where the bytes of an import come from: a file, or an attachment.

use jackfield_plugin::files;
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Bytes to read, and how many there are.
pub enum Source<'a> {
    File(File, u64),
    Attachment(&'a [u8]),
}

impl<'a> Source<'a> {
    /// Opens a regular file. With `roots`, only one that lies in one of these folders once links are followed.
    pub fn open(path: &str, roots: &[PathBuf]) -> Result<Self, String> {
        let (file, size) = files::open(path, roots)?;
        Ok(Self::File(file, size))
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
