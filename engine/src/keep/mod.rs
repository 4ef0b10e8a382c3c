//! What outlives the process, in a folder of the engine's own.
//!
//! - [`states`]: what STATEFUL plugins saved
//! - [`trials`]: which content was on trial, which was good, which is not tried again
//! - [`verdicts`]: which content a probe has found sound
//!
//! Without a folder nothing is kept: every look-up finds nothing.

mod states;
mod trials;
mod verdicts;

pub(crate) use states::States;
pub(crate) use trials::Trials;
pub(crate) use verdicts::Verdicts;

use crate::LastEnd;
use std::io::{self, Write};
use std::path::Path;

pub(crate) struct Keep {
    pub states: States,
    pub trials: Trials,
    pub verdicts: Verdicts,
}

impl Keep {
    /// Makes the folders where missing. `last_end` says who is to blame for what was on trial.
    pub fn open(folder: Option<&Path>, last_end: &LastEnd, version: &str) -> io::Result<Self> {
        Ok(Self {
            states: States::open(folder)?,
            trials: Trials::open(folder, last_end)?,
            verdicts: Verdicts::open(folder, version),
        })
    }
}

/// Makes a folder for this user alone.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Writes a file under a temporary name first: it is there whole, or as it was before. A crash of this process cannot undo
/// it; against a loss of power it is not synchronised.
fn replace(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let fresh = path.with_extension("fresh");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    let written =
        pieces.iter().try_for_each(|piece| file.write_all(piece)).and_then(|()| std::fs::rename(&fresh, path));
    written.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&fresh);
    })
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
