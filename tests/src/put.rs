//! The ways in which build tools and people put a new library into the place of an old one, system call by system call.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// How a file comes into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `gcc -o`: remove, create, write with the ELF header and the section table last, `chmod`.
    Linker,
    /// cargo: the compiler writes a file of its own, then remove, then a hard link to that.
    HardLink,
    /// `cp` over it: the same inode, cut to nothing and written again.
    Copy,
    /// A temporary name beside it, then `mv` over it.
    Rename,
    /// `install`: remove, create for the owner alone, write, `chmod`.
    Install,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Linker, Self::HardLink, Self::Copy, Self::Rename, Self::Install];

    /// Puts the content of `from` at `to`.
    pub fn put(self, from: &Path, to: &Path) -> io::Result<()> {
        match self {
            Self::Linker => link(&fs::read(from)?, to),
            Self::HardLink => {
                let compiled = to.with_extension("deps");
                remove(&compiled)?;
                write_pieces(&mut File::create(&compiled)?, from)?;
                remove(to)?;
                fs::hard_link(compiled, to)
            }
            Self::Copy => write_pieces(&mut OpenOptions::new().write(true).create(true).truncate(true).open(to)?, from),
            Self::Rename => {
                let beside = to.with_extension("fresh");
                write_pieces(&mut File::create(&beside)?, from)?;
                fs::rename(beside, to)
            }
            Self::Install => {
                remove(to)?;
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
                write_pieces(&mut file, from)?;
                file.set_permissions(fs::Permissions::from_mode(0o755))
            }
        }
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_pieces(file: &mut File, from: &Path) -> io::Result<()> {
    fs::read(from)?.chunks(64 << 10).try_for_each(|piece| file.write_all(piece))
}

/// As GNU ld does it: sections first, then the header at the front, then the table of sections.
fn link(library: &[u8], to: &Path) -> io::Result<()> {
    /// Size of an ELF64 header, and where in it the offset of the section table stands.
    const HEADER: usize = 64;
    const TABLE: std::ops::Range<usize> = 40..48;
    let table = library.get(TABLE).and_then(|bytes| bytes.try_into().ok()).map(u64::from_ne_bytes).unwrap_or_default();
    let table = usize::try_from(table).ok().filter(|table| (HEADER..library.len()).contains(table));
    let table = table.ok_or_else(|| io::Error::other("not an ELF64 library with a section table"))?;
    remove(to)?;
    let file = OpenOptions::new().write(true).create_new(true).open(to)?;
    let mut at = HEADER;
    for piece in library[HEADER..table].chunks(32 << 10) {
        file.write_all_at(piece, at as u64)?;
        at += piece.len();
    }
    file.write_all_at(&library[..HEADER], 0)?;
    file.write_all_at(&library[table..], table as u64)?;
    drop(file);
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))
}
