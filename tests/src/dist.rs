//! What was built and installed before the tests: `cargo xtask test` gives the places in the environment.

use std::env::{self, consts};
use std::path::PathBuf;

/// The tree that `cargo xtask build` lays out: `JACKFIELD_DIST`, or `target/dist`.
pub fn dist() -> PathBuf {
    let folder = env::var_os("JACKFIELD_DIST").map(PathBuf::from).unwrap_or_else(|| target().join("dist"));
    assert!(folder.is_dir(), "{} is missing: run `cargo xtask build`", folder.display());
    folder
}

/// The `jackfield` program.
pub fn program() -> PathBuf {
    in_dist(&format!("bin/jackfield{}", consts::EXE_SUFFIX))
}

/// A shipped plugin, by id.
pub fn plugin(id: &str) -> PathBuf {
    in_dist(&format!("lib/jackfield/plugins/{id}{}", consts::DLL_SUFFIX))
}

/// An example of a plugin in Rust, by the folder in `examples/`.
pub fn example(name: &str) -> PathBuf {
    in_dist(&format!("share/jackfield/examples/{name}{}", consts::DLL_SUFFIX))
}

/// A Python with the packages of `tests/requirements.txt`: `JACKFIELD_PYTHON`, or the one in `target/venv`.
pub fn python() -> PathBuf {
    let usual = if cfg!(windows) { "venv/Scripts/python.exe" } else { "venv/bin/python" };
    let program = env::var_os("JACKFIELD_PYTHON").map(PathBuf::from).unwrap_or_else(|| target().join(usual));
    assert!(program.is_file(), "{} is missing: run `cargo xtask test --install`", program.display());
    program
}

/// The npm packages of `tests/package.json`: `JACKFIELD_NODE_MODULES`, or those in `target/node`.
pub fn node_modules() -> PathBuf {
    let usual = || target().join("node/node_modules");
    let folder = env::var_os("JACKFIELD_NODE_MODULES").map_or_else(usual, PathBuf::from);
    assert!(folder.is_dir(), "{} is missing: run `cargo xtask test --install`", folder.display());
    folder
}

/// A Chromium: `JACKFIELD_CHROMIUM`, or the first one on the path.
pub fn chromium() -> PathBuf {
    let on_path = || {
        let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
        let names = ["chromium", "chromium-browser", "google-chrome"];
        folders.iter().flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
    };
    let program = env::var_os("JACKFIELD_CHROMIUM").map(PathBuf::from).or_else(on_path);
    program.filter(|file| file.is_file()).unwrap_or_else(|| panic!("no chromium: run `cargo xtask test --install`"))
}

/// The target folder, from the program of this test (`target/debug/deps/name`) or measurement (`target/release/name`).
pub fn target() -> PathBuf {
    let program = env::current_exe().expect("a program knows its own file");
    // cargo marks the folder for programs that make backups.
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.expect("cargo puts programs below a target folder").to_owned()
}

fn in_dist(path: &str) -> PathBuf {
    let file = dist().join(path);
    assert!(file.is_file(), "{} is missing: run `cargo xtask build`", file.display());
    file
}
