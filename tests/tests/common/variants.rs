//! Several versions of one plugin, so that a swap can be seen.

use jackfield_tests::{cc, dist, repo_file, root};
use std::env::consts;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// The versions.
pub const VERSIONS: [&str; 3] = ["1.0.1", "1.0.2", "1.0.3"];

/// The C example.
pub fn c_example(version: &str, to: &Path) {
    let define = format!("-DPLUGIN_VERSION=\"{version}\"");
    cc::library("c11", &[&repo_file("examples/plugin-c/plugin.c")], &[&define], to);
}

/// The shipped echo, built in a target folder of its own.
pub fn echo(version: &str, to: &Path) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _building = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let target = dist::target().join("variants");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--package=jackfield-plugin-echo", "--lib", "--quiet", "--target-dir"]).arg(&target);
    cargo.env("JACKFIELD_ECHO_VERSION", version).env("CARGO_PROFILE_DEV_STRIP", "debuginfo");
    let output = cargo.current_dir(root()).stdin(Stdio::null()).output().expect("cargo runs the tests, and can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (prefix, suffix) = (consts::DLL_PREFIX, consts::DLL_SUFFIX);
    let built = target.join("debug").join(format!("{prefix}jackfield_plugin_echo{suffix}"));
    fs::copy(&built, to).unwrap_or_else(|e| panic!("{}: {e}", built.display()));
}
