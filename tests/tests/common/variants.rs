//! Several versions of one plugin, so that a swap can be seen.

use jackfield_tests::{cc, repo_file, rust};
use std::path::Path;

/// The versions.
pub const VERSIONS: [&str; 3] = ["1.0.1", "1.0.2", "1.0.3"];

/// The C example.
pub fn c_example(version: &str, to: &Path) {
    let define = format!("-DPLUGIN_VERSION=\"{version}\"");
    cc::library("c11", &[&repo_file("examples/plugin-c/plugin.c")], &[&define], to);
}

/// The shipped echo.
pub fn echo(version: &str, to: &Path) {
    rust::library("jackfield-plugin-echo", &[("JACKFIELD_ECHO_VERSION", version)], to);
}
