//! The built tree as somebody else gets it: moved, and used without the repository.

use crate::script::run;
use crate::{dist, repo_file};
use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A copy of an installed tree, beside a folder of somebody's sources.
pub struct Moved {
    folder: TempDir,
    prefix: PathBuf,
}

impl Moved {
    /// Of these files and folders of the built tree.
    pub fn built(parts: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let to = folder.path().join("prefix");
        fs::create_dir(&to).expect("a folder can be made");
        // As they are, links as links.
        run(Command::new("cp").args(["-a", "--parents"]).args(parts).arg(&to).current_dir(dist::dist()));
        Self::around(folder, to)
    }

    /// With the tree that lies in this folder at `prefix`.
    pub fn around(folder: TempDir, prefix: PathBuf) -> Self {
        let sources = folder.path().join("sources");
        fs::create_dir(&sources).expect("a folder can be made");
        for name in ["install/host.c", "install/CMakeLists.txt", "minimal.c"] {
            let from = repo_file(&format!("tests/c/{name}"));
            fs::copy(&from, sources.join(from.file_name().unwrap_or_default())).expect("a source can be copied");
        }
        Self { folder, prefix }
    }

    /// The top of the tree.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// A place for what is made.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What pkg-config says of the jackfield in `LIBDIR/pkgconfig`; `sysroot` is what its paths begin below.
    pub fn pkg_config(&self, libdir: &Path, sysroot: Option<&Path>, args: &[&str]) -> Vec<String> {
        let mut command = Command::new("pkg-config");
        command.args(args).arg("jackfield").env("PKG_CONFIG_LIBDIR", libdir.join("pkgconfig"));
        command.env_remove("PKG_CONFIG_PATH").envs(sysroot.map(|folder| ("PKG_CONFIG_SYSROOT_DIR", folder)));
        run(&mut command).0.split_whitespace().map(str::to_owned).collect()
    }

    /// Compiles `host.c` with such flags alone.
    pub fn compile(&self, name: &str, flags: &[String]) -> PathBuf {
        let program = self.path(&format!("{name}{}", consts::EXE_SUFFIX));
        run(Command::new("cc").arg(self.path("sources/host.c")).args(flags).arg("-o").arg(&program));
        program
    }

    /// Configures `CMakeLists.txt` with a version to ask for, in a folder of its own, and gives that folder; the error is
    /// what CMake says.
    pub fn cmake(&self, version: &str) -> Result<PathBuf, String> {
        let build = self.path(&format!("build-{version}"));
        let mut command = Command::new("cmake");
        command.arg("-S").arg(self.path("sources")).arg("-B").arg(&build).arg(format!("-DVERSION={version}"));
        command.arg(format!("-DCMAKE_PREFIX_PATH={}", self.prefix().display()));
        let output = command.output().unwrap_or_else(|e| panic!("no cmake ({e}): run `cargo xtask test --install`"));
        if output.status.success() { Ok(build) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }
}

/// What a program or library says of itself for the loader: the values of `kind` (NEEDED, SONAME) in its dynamic section.
pub fn dynamic(file: &Path, kind: &str) -> Vec<String> {
    let said = run(Command::new("readelf").arg("-d").arg(file)).0;
    let lines = said.lines().filter(|line| line.contains(&format!("({kind})")));
    lines.filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned())).collect()
}
