//! The system's C and C++ compilers: header checks, plugins and programs from C sources.

use crate::root;
use std::env::consts;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a source is read as: `c99`, `c11`, `c++17` and so on, as for `-std=`.
pub type Standard<'a> = &'a str;

/// The warnings that the headers promise to pass.
const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];

/// Checks a source text without making anything; the error is what the compiler says.
pub fn check(standard: Standard<'_>, text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let source = source(folder.path(), "check", standard, text);
    run(compiler(standard).args(STRICT).arg("-fsyntax-only").arg(source))
}

/// Compiles sources into a shared library at `to`; `flags` come last. `to` appears whole, by a rename, so it may lie in a
/// folder that a server watches.
pub fn library(standard: Standard<'_>, sources: &[&Path], flags: &[&str], to: &Path) -> PathBuf {
    let mut command = compiler(standard);
    command.args(STRICT).args(["-shared", "-fPIC", "-fvisibility=hidden"]);
    link(command, sources, flags, to)
}

/// Compiles a source text into a shared library at `to`, as [`library`].
pub fn library_of(standard: Standard<'_>, text: &str, flags: &[&str], to: &Path) -> PathBuf {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let source = source(folder.path(), "plugin", standard, text);
    library(standard, &[&source], flags, to)
}

/// Compiles sources into a program at `to`; `flags` come last.
pub fn program(standard: Standard<'_>, sources: &[&Path], flags: &[&str], to: &Path) -> PathBuf {
    let mut command = compiler(standard);
    command.args(STRICT);
    link(command, sources, flags, to)
}

/// `NAME` with the library suffix of this system, in `folder`.
pub fn library_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", consts::DLL_SUFFIX))
}

fn link(mut command: Command, sources: &[&Path], flags: &[&str], to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or(OsStr::new("out")).to_string_lossy();
    let fresh = to.with_file_name(format!(".{name}.fresh"));
    if let Err(said) = run(command.args(sources).args(flags).arg("-o").arg(&fresh)) {
        panic!("cannot compile {sources:?}:\n{said}");
    }
    fs::rename(&fresh, to).expect("what was compiled can be put into its place");
    to.to_owned()
}

fn compiler(standard: Standard<'_>) -> Command {
    let mut command = Command::new(if standard.starts_with("c++") { "c++" } else { "cc" });
    command.arg(format!("-std={standard}")).arg("-I").arg(root().join("include"));
    command
}

fn source(folder: &Path, name: &str, standard: Standard<'_>, text: &str) -> PathBuf {
    let file = folder.join(format!("{name}.{}", if standard.starts_with("c++") { "cpp" } else { "c" }));
    fs::write(&file, text).expect("a source can be written into a temporary folder");
    file
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|e| panic!("no C compiler ({e}): run `cargo xtask test --install`"));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
