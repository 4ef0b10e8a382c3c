//! Files that a client names: a path in a command may lead anywhere, also to what is no file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// Opens a regular file for reading; gives it with its size in bytes. With `roots`, only one that lies in one of these folders
/// once links are followed. Never waits for a FIFO. The error is a reason for people. Read it, do not map it: a mapped file
/// that somebody cuts ends the process.
pub fn open(path: &str, roots: &[PathBuf]) -> Result<(File, u64), String> {
    let path = permitted(Path::new(path), roots)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // A FIFO would else hold up whoever opens it until somebody writes.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err("this is no regular file".into()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_inside_the_roots_are_opened() {
        let here = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
        let (this, other) = (here.join("files.rs"), here.join("../Cargo.toml"));
        let open = |path: &Path, roots: &[PathBuf]| super::open(path.to_str().unwrap(), roots).map(|(_, size)| size);
        assert_eq!(open(&this, &[]), Ok(this.metadata().unwrap().len()));
        assert!(open(&this, std::slice::from_ref(&here)).is_ok());
        assert!(open(&other, std::slice::from_ref(&here)).unwrap_err().contains("outside"));
        assert_eq!(open(&here, &[]).unwrap_err(), "this is no regular file");
        assert!(open(&here.join("none"), &[]).is_err());
    }
}
