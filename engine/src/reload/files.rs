//! Plugin folders and the files in them: which count, who may have written them, and reading one without being fooled.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// No plugin is larger.
const MAX_FILE: u64 = 1 << 30;

/// Tells versions of a file apart without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    device_and_inode: (u64, u64),
    length: u64,
    modified: Option<SystemTime>,
    /// Mode, owner and status time: a `chmod` alone can make a file acceptable.
    status: (u32, u32, i64),
}

/// What stands in a folder under a plugin's name.
pub(crate) enum Found {
    /// Something that can be looked into.
    File(Signature),
    /// Nothing that can be a plugin: why.
    Unusable(String),
    /// Nothing: it went after it was listed.
    Gone,
}

/// Whether a file counts by its name.
pub(crate) fn is_plugin_name(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|suffix| suffix == std::env::consts::DLL_EXTENSION)
}

/// The files of a folder that can be plugins, in order of name: `.so`, `.dylib` or `.dll`, no leading dot.
pub(crate) fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_plugin_name(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The links among them, in no order. A folder that cannot be listed has none.
pub(crate) fn links(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    links.map(|entry| entry.path()).filter(|path| is_plugin_name(path)).collect()
}

/// Tells a folder from another one that was put in its place: device, inode, and when it was made, since the number of a
/// removed inode is soon used again.
pub(crate) type Identity = ((u64, u64), Option<SystemTime>);

/// What a path leads to now; `None`: nothing.
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((signature(&metadata).device_and_inode, metadata.created().ok()))
}

/// Looks at a file, following links.
pub(crate) fn look(path: &Path) -> Found {
    match std::fs::metadata(path) {
        Ok(metadata) => Found::File(signature(&metadata)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match std::fs::symlink_metadata(path) {
            Ok(link) if link.is_symlink() => {
                Found::Unusable("it is a link to something that does not exist".to_owned())
            }
            // Or it has come back between the two looks: the next one tells.
            _ => Found::Gone,
        },
        Err(error) => Found::Unusable(format!("it cannot be looked at: {error}")),
    }
}

/// Reads a whole plugin file through one descriptor. `Err(None)`: it changed meanwhile; `Err(Some)`: why it is refused.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, Signature), Option<String>> {
    let cannot = |error: std::io::Error| Some(format!("it cannot be read: {error}"));
    // Looked at before it is opened: opening a device or a pipe does something to it.
    let before = std::fs::metadata(path).map_err(cannot)?;
    check_file(&before).map_err(Some)?;
    let mut file = open(path).map_err(cannot)?;
    let opened = file.metadata().map_err(cannot)?;
    check_file(&opened).map_err(Some)?;
    let mut bytes = Vec::with_capacity(usize::try_from(opened.len()).unwrap_or_default());
    file.by_ref().take(MAX_FILE).read_to_end(&mut bytes).map_err(cannot)?;
    let after = std::fs::metadata(path).map_err(|_| None)?;
    let signature = signature(&opened);
    if signature != self::signature(&after) || bytes.len() as u64 != opened.len() {
        return Err(None);
    }
    Ok((bytes, signature))
}

fn check_file(metadata: &Metadata) -> Result<(), String> {
    if !metadata.is_file() {
        return Err(format!("it is {}, not a regular file", kind(metadata)));
    }
    if metadata.len() > MAX_FILE {
        return Err(format!("it has {} bytes; at most {MAX_FILE} are loaded", metadata.len()));
    }
    check_writers(metadata)
}

/// Checks that nobody else can put plugins into a folder.
pub(crate) fn check_folder(folder: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(folder).map_err(|error| format!("the folder cannot be looked at: {error}"))?;
    if !metadata.is_dir() {
        return Err("it is not a folder".to_owned());
    }
    check_writers(&metadata)
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // Were it a pipe after all, opening must not wait for a writer.
    File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

/// Owner: this user or root. Others must not write; a group only where it is the owner's own (the usual umask 002).
#[cfg(unix)]
fn check_writers(metadata: &Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let (mode, owner, group) = (metadata.mode(), metadata.uid(), metadata.gid());
    let user = rustix::process::geteuid().as_raw();
    if owner != user && owner != 0 {
        return Err(format!("it belongs to user {owner}, neither to root nor to the server's user {user}"));
    }
    if mode & 0o002 != 0 {
        return Err(format!("everybody may write to it (mode {:03o}); chmod o-w", mode & 0o777));
    }
    let own_group = if owner == user { rustix::process::getegid().as_raw() } else { 0 };
    if mode & 0o020 != 0 && group != own_group {
        return Err(format!("group {group} may write to it (mode {:03o}); chmod g-w", mode & 0o777));
    }
    Ok(())
}

/// Elsewhere the folder's access list is the operator's.
#[cfg(not(unix))]
fn check_writers(_: &Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn signature(metadata: &Metadata) -> Signature {
    use std::os::unix::fs::MetadataExt;
    Signature {
        device_and_inode: (metadata.dev(), metadata.ino()),
        length: metadata.len(),
        modified: metadata.modified().ok(),
        status: (metadata.mode(), metadata.uid(), metadata.ctime().wrapping_mul(1_000_000_000) + metadata.ctime_nsec()),
    }
}

#[cfg(not(unix))]
fn signature(metadata: &Metadata) -> Signature {
    Signature {
        device_and_inode: (0, 0),
        length: metadata.len(),
        modified: metadata.modified().ok(),
        status: (0, 0, 0),
    }
}

#[cfg(unix)]
fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a fifo",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "something special",
    }
}

#[cfg(not(unix))]
fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() { "a folder" } else { "something special" }
}

impl Signature {
    /// How long ago the content was written; zero for times in the future.
    pub fn age(&self) -> std::time::Duration {
        self.modified.and_then(|modified| modified.elapsed().ok()).unwrap_or_default()
    }
}
