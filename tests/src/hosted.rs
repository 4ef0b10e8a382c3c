//! Host applications in C, with libjackfield of the built tree.

use crate::{cc, dist, repo_file};
use std::env::consts;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of libjackfield in the built tree.
pub fn libraries() -> PathBuf {
    let folder = dist::dist().join("lib");
    let file = cc::library_path(&folder, "libjackfield");
    assert!(file.exists(), "{} is missing: run `cargo xtask build`", file.display());
    folder
}

/// What links a program with that library, and no other: cargo puts folders of its own into LD_LIBRARY_PATH, which the newer
/// kind of path in a program comes behind.
pub fn link_flags() -> [String; 3] {
    let folder = libraries();
    let older = if cfg!(target_os = "macos") { "" } else { "--disable-new-dtags," };
    [format!("-L{}", folder.display()), "-ljackfield".into(), format!("-Wl,{older}-rpath,{}", folder.display())]
}

/// Compiles `tests/c/embed/NAME.c` into a program in `folder` that finds its library; `flags` come last.
pub fn program(name: &str, folder: &Path, flags: &[&str]) -> PathBuf {
    let source = repo_file(&format!("tests/c/embed/{name}.c"));
    let linked = link_flags();
    let mut all = vec!["-D_GNU_SOURCE", "-g", "-pthread"];
    all.extend(linked.iter().map(String::as_str));
    all.extend(flags);
    cc::program("c99", &[&source], &all, &folder.join(format!("{name}{}", consts::EXE_SUFFIX)))
}

/// A program under valgrind, which ends with an error of its own where it finds one, or a leak that nothing points to.
pub fn valgrind(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
    command.args(["--error-exitcode=99", "--num-callers=30"]).arg(program);
    command
}
