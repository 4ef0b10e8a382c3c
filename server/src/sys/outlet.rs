//! One output stream of another process, read without waiting and kept within a bound.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// What is kept of more than the bound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The beginning.
    First(usize),
    /// The end.
    Last(usize),
}

/// The reading end of a pipe. What is beyond the bound is read and dropped, so that the writer never waits.
pub struct Outlet<R> {
    /// `None` after its end.
    from: Option<R>,
    keep: Keep,
    kept: Vec<u8>,
    dropped: bool,
}

impl<R: Read + AsFd> Outlet<R> {
    /// Of a pipe that is there.
    pub fn new(from: Option<R>, keep: Keep) -> io::Result<Self> {
        if let Some(from) = &from {
            rustix::io::ioctl_fionbio(from, true)?;
        }
        Ok(Self { from, keep, kept: Vec::new(), dropped: false })
    }

    /// What to wait for; `None` after its end.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.from.as_ref().map(AsFd::as_fd)
    }

    /// Takes what is there, up to a few pages; whether there may be more.
    pub fn take(&mut self) -> bool {
        let mut bytes = [0; 16 << 10];
        let Some(from) = &mut self.from else { return false };
        match from.read(&mut bytes) {
            Ok(0) => self.from = None,
            Ok(count) => {
                self.add(&bytes[..count]);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.from = None,
        }
        false
    }

    fn add(&mut self, bytes: &[u8]) {
        match self.keep {
            Keep::First(bound) => {
                let fits = bytes.len().min(bound - self.kept.len());
                self.dropped |= fits < bytes.len();
                self.kept.extend_from_slice(&bytes[..fits]);
            }
            Keep::Last(bound) => {
                self.kept.extend_from_slice(bytes);
                let over = self.kept.len().saturating_sub(bound);
                self.dropped |= over > 0;
                self.kept.drain(..over);
            }
        }
    }

    /// What was kept.
    pub fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether there was more than the bound.
    pub fn has_dropped(&self) -> bool {
        self.dropped
    }
}
