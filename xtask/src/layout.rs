//! What lies in an installed tree, and how it gets there: whole or not at all, and only where it differs.

use crate::{Outcome, succeed};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file or link of the layout.
pub struct Piece {
    /// From the top of the layout.
    pub to: PathBuf,
    /// What is there.
    pub what: What,
}

/// What a piece is.
pub enum What {
    /// A compiled file: a program or shared library (`executable`), or an archive.
    Code { from: PathBuf, executable: bool },
    /// A file as it is.
    File(PathBuf),
    /// A file with this text.
    Text(String),
    /// A link to a neighbour of this name.
    Link(String),
}

impl Piece {
    /// A program or shared library.
    pub fn executable(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        Self { to: to.into(), what: What::Code { from: from.into(), executable: true } }
    }

    /// A library to link in.
    pub fn archive(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        Self { to: to.into(), what: What::Code { from: from.into(), executable: false } }
    }

    /// A file as it is.
    pub fn file(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        Self { to: to.into(), what: What::File(from.into()) }
    }

    /// A file with this text.
    pub fn text(text: impl Into<String>, to: impl Into<PathBuf>) -> Self {
        Self { to: to.into(), what: What::Text(text.into()) }
    }

    /// A link to a neighbour of this name.
    pub fn link(name: impl Into<String>, to: impl Into<PathBuf>) -> Self {
        Self { to: to.into(), what: What::Link(name.into()) }
    }

    /// Puts it into its place by a rename, so that a server that runs from this tree sees either the old or the new one
    /// whole; not at all where it is the same, so that it does not swap for nothing. `strip` takes debug information out.
    pub fn install(&self, dist: &Path, strip: bool) -> Outcome {
        let to = dist.join(&self.to);
        // A name that begins with a dot is no plugin to a server that watches the folder.
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let fresh = to.with_file_name(format!(".{name}.{}", std::process::id()));
        let put = || -> Outcome {
            if self.make(&to, &fresh, strip)? {
                fs::rename(&fresh, &to)?;
            }
            Ok(())
        };
        put().map_err(|error| {
            // That error is the one to tell; the temporary file may not be there.
            let _ = fs::remove_file(&fresh);
            format!("cannot install {}: {error}", to.display()).into()
        })
    }

    /// Makes it as `fresh`; false if `to` is the same already.
    fn make(&self, to: &Path, fresh: &Path, strip: bool) -> Outcome<bool> {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        let content = match &self.what {
            What::Link(target) => {
                if fs::read_link(to).is_ok_and(|old| old == Path::new(target)) {
                    return Ok(false);
                }
                link(target, fresh)?;
                return Ok(true);
            }
            What::Code { from, .. } if strip => stripped(from, fresh)?,
            What::Code { from, .. } | What::File(from) => fs::read(from)?,
            What::Text(text) => text.clone().into_bytes(),
        };
        // What was a link becomes a file.
        match fs::symlink_metadata(to).and_then(|held| if held.is_file() { fs::read(to).map(Some) } else { Ok(None) }) {
            Ok(Some(old)) if old == content => return Ok(false),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::write(fresh, content)?;
        set_mode(fresh, matches!(self.what, What::Code { executable: true, .. }))?;
        Ok(true)
    }
}

/// A compiled file without its debug information; `scratch` is gone afterwards.
fn stripped(from: &Path, scratch: &Path) -> Outcome<Vec<u8>> {
    succeed(Command::new("strip").arg("-S").arg("-o").arg(scratch).arg(from))?;
    let content = fs::read(scratch)?;
    fs::remove_file(scratch)?;
    Ok(content)
}

/// Not writable by others, whatever the umask: the server refuses such plugins.
#[cfg(unix)]
fn set_mode(file: &Path, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn link(target: &str, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn only_new_content_takes_the_place_of_an_installed_file_or_link() {
        let folder = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        let dist = folder.join("dist");
        fs::create_dir_all(&folder).unwrap();
        let built = folder.join("built");
        let file = dist.join("lib/a.so");
        let put = |content: &str| {
            fs::write(&built, content).unwrap();
            Piece::executable(&built, "lib/a.so").install(&dist, false).unwrap();
            let held = fs::metadata(&file).unwrap();
            (fs::read_to_string(&file).unwrap(), held.ino(), held.mode() & 0o777)
        };
        let lead = |name: &str| {
            Piece::link(name, "lib/b.so").install(&dist, false).unwrap();
            let link = dist.join("lib/b.so");
            (fs::read_link(&link).unwrap().display().to_string(), fs::symlink_metadata(&link).unwrap().ino())
        };
        let first = put("one");
        let again = put("one");
        // Held open, so that its inode is not given to the next file.
        let _open = fs::File::open(&file).unwrap();
        let other = put("two");
        let links = [lead("a.so"), lead("a.so"), lead("c.so")];
        // A file in the place of a link leaves what that led to alone.
        lead("a.so");
        Piece::text("three", "lib/b.so").install(&dist, false).unwrap();
        let texts = ["a.so", "b.so"].map(|name| fs::read_to_string(dist.join("lib").join(name)).unwrap());
        let left = fs::read_dir(dist.join("lib")).unwrap().count();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(first, again);
        assert_eq!((first.0.as_str(), other.0.as_str(), first.2, other.2), ("one", "two", 0o755, 0o755));
        assert_ne!(first.1, other.1, "written in place");
        assert_eq!(links[0], links[1]);
        assert_eq!((links[0].0.as_str(), links[2].0.as_str()), ("a.so", "c.so"));
        assert_eq!(texts, ["two", "three"]);
        assert_eq!(left, 2, "a temporary file is left");
    }
}
