//! Private copies of plugin files. The loader finds a library by path and by inode, so each generation gets a name and an
//! inode of its own; and the file that a build writes is never mapped, so that writing to it cannot kill the process.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of the copies: this engine's own, emptied at start.
pub(crate) struct Copies {
    folder: PathBuf,
}

/// For this user alone.
fn make(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

impl Copies {
    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder (mode 0700), or empties it: copies of an earlier run are of no use.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        make(folder)?;
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|suffix| suffix == std::env::consts::DLL_EXTENSION) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(Self { folder: folder.canonicalize()? })
    }

    /// Writes the proved bytes under a name that was never used before in this process.
    pub fn write(
        &self,
        original: &Path,
        generation: u64,
        hash: &blake3::Hash,
        bytes: &[u8],
    ) -> std::io::Result<PathBuf> {
        let stem = original.file_stem().unwrap_or_default().to_string_lossy();
        let short = &hash.to_hex()[..8];
        let name = format!("{stem}.{}.{generation}.{short}.{}", std::process::id(), std::env::consts::DLL_EXTENSION);
        let path = self.folder.join(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o700);
        let opened = match options.open(&path) {
            // Somebody has tidied up.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                make(&self.folder)?;
                options.open(&path)
            }
            opened => opened,
        };
        let written = opened?.write_all(bytes);
        // What is left of a full disk helps nobody.
        written.inspect_err(|_| Self::remove(&path)).map(|()| path)
    }

    /// Removes the copy of a generation that is out of the process. Kept until then for debuggers and backtraces.
    pub fn remove(path: &Path) {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(file = %path.display(), %error, "the private copy of a closed plugin cannot be removed");
        }
    }
}
