//! Plugins in Rust, built for a test from a crate of the workspace.

use crate::{dist, root};
use std::env::{self, consts};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Builds the library of `package` with `environment`, in a target folder of its own, and copies it to `to`.
pub fn library(package: &str, environment: &[(&str, &str)], to: &Path) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _building = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let target = dist::target().join("variants");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--lib", "--quiet", "--package", package, "--target-dir"]).arg(&target);
    cargo.envs(environment.iter().copied()).env("CARGO_PROFILE_DEV_STRIP", "debuginfo");
    let output = cargo.current_dir(root()).stdin(Stdio::null()).output().expect("cargo runs the tests, and can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let name = format!("{}{}{}", consts::DLL_PREFIX, package.replace('-', "_"), consts::DLL_SUFFIX);
    let built = target.join("debug").join(name);
    fs::copy(&built, to).unwrap_or_else(|e| panic!("{}: {e}", built.display()));
}
