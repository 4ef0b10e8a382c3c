//! The libraries of the cases.

use super::case::Source;
use jackfield_tests::{cc, dist, repo_file, root};
use std::env::consts;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A good version of the subject.
pub fn good(version: &str) -> &'static Path {
    static GOOD: [OnceLock<PathBuf>; 2] = [const { OnceLock::new() }; 2];
    let library = &GOOD[usize::from(version != "1.0.0")];
    library.get_or_init(|| c("table.c", &[&format!("-DVERSION=\"{version}\"")], &shared().join(version)))
}

/// A plugin that counts its commands.
pub fn witness() -> &'static Path {
    static WITNESS: OnceLock<PathBuf> = OnceLock::new();
    WITNESS.get_or_init(|| {
        let flags = ["-DPLUGIN_ID=\"witness\"", "-DPLUGIN_KEY=\"witness\""];
        cc::library("c11", &[&repo_file("tests/c/counter.c")], &flags, &shared().join("witness"))
    })
}

/// The library of a case, in `folder` or where it was built before.
pub fn compile(source: Source, folder: &Path) -> PathBuf {
    match source {
        Source::C(file, defines) => c(file, defines, &folder.join("bad")),
        Source::Panics(_) => panics().to_owned(),
    }
}

/// Compiles a file of `tests/misbehaving/`.
pub fn c(file: &str, defines: &[&str], to: &Path) -> PathBuf {
    let flags = [&["-pthread"], defines].concat();
    cc::library("gnu11", &[&repo_file(&format!("tests/misbehaving/{file}"))], &flags, to)
}

/// Where libraries that several cases use are put; kept until the test has ended.
fn shared() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder can be made")).path()
}

/// The plugin in Rust, built in a target folder of its own: the test's may be in use.
fn panics() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = dist::target().join("variants");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(["build", "--package=jackfield-plugin-panics", "--lib", "--quiet", "--target-dir"]).arg(&target);
        let output =
            cargo.env("CARGO_PROFILE_DEV_STRIP", "debuginfo").current_dir(root()).stdin(Stdio::null()).output();
        let output = output.expect("cargo runs the tests, and can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (prefix, suffix) = (consts::DLL_PREFIX, consts::DLL_SUFFIX);
        target.join("debug").join(format!("{prefix}jackfield_plugin_panics{suffix}"))
    })
}
