//! What was built: the program with its plugins, the reference servers, and Jackfield started from there.

use crate::Outcome;
use crate::proc::Cores;
use crate::server::{Server, Starter};
use clap::Args;
use std::env::consts::DLL_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Where things are.
#[derive(Args, Clone)]
pub struct Tree {
    /// The layout of the optimised build
    #[arg(long)]
    pub dist: PathBuf,
    /// The folder `bench/` of the repository
    #[arg(long)]
    pub source: PathBuf,
}

impl Tree {
    /// The program.
    pub fn program(&self) -> PathBuf {
        self.dist.join("bin/jackfield")
    }

    /// A shipped plugin.
    pub fn shipped(&self, name: &str) -> PathBuf {
        self.dist.join(format!("lib/jackfield/plugins/{name}{DLL_SUFFIX}"))
    }

    /// Compiles `plugins/serial.c` with an id, a key and a version of its own.
    pub fn compile(&self, id: &str, key: &str, version: &str, to: &Path) -> Outcome {
        let define = |name: &str, value: &str| format!("-D{name}=\"{value}\"");
        let defines = [define("ID", id), define("KEY", key), define("VERSION", version)];
        let mut command = self.cc("plugins/serial.c", to);
        run(command.args(["-shared", "-fPIC", "-fvisibility=hidden"]).args(defines))
    }

    /// Compiles `hosts/host.c` with libjackfield of the layout, and no other: cargo puts folders of its own into
    /// LD_LIBRARY_PATH, which the newer kind of path in a program comes behind.
    pub fn compile_host(&self, to: &Path) -> Outcome {
        let libraries = fs::canonicalize(self.dist.join("lib"))?;
        let at = format!("-L{}", libraries.display());
        let found = format!("-Wl,--disable-new-dtags,-rpath,{}", libraries.display());
        run(self.cc("hosts/host.c", to).args([&*at, "-ljackfield", &*found]))
    }

    fn cc(&self, source: &str, to: &Path) -> Command {
        let mut command = Command::new("cc");
        command.args(["-std=c99", "-O2", "-Wall", "-Wextra", "-I"]).arg(self.dist.join("include"));
        command.arg(self.source.join(source)).arg("-o").arg(to);
        command
    }
}

fn run(command: &mut Command) -> Outcome {
    let output = command.output().map_err(|e| format!("cannot run cc, which compiles what the bench uses: {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("cc: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Folders of a Jackfield of its own.
pub struct Home {
    folder: TempDir,
    tree: Tree,
}

impl Home {
    /// Empty ones.
    pub fn new(tree: &Tree) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["plugins", "stage"] {
            fs::create_dir(folder.path().join(name))?;
        }
        // Named, so that no other configuration of this machine is looked for.
        fs::write(folder.path().join("jackfield.toml"), "")?;
        // The server has a working folder of its own.
        let dist = fs::canonicalize(&tree.dist).map_err(|e| format!("no layout in {}: {e}", tree.dist.display()))?;
        Ok(Self { folder, tree: Tree { dist, ..tree.clone() } })
    }

    /// Ones with the plugins `echo` and `serial`.
    pub fn usual(tree: &Tree) -> Outcome<Self> {
        let home = Self::new(tree)?;
        home.install(&tree.shipped("echo"), "echo")?;
        tree.compile("serial", "serial", "1.0.0", &home.plugin("serial"))?;
        Ok(home)
    }

    /// Where a plugin file is, or will be.
    pub fn plugin(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("plugins/{name}{DLL_SUFFIX}"))
    }

    /// A file beside the plugin folder, on the same file system.
    pub fn staged(&self, name: &str) -> PathBuf {
        self.folder.path().join("stage").join(name)
    }

    /// Copies a plugin into its place; for before a start.
    pub fn install(&self, from: &Path, name: &str) -> Outcome {
        let to = self.plugin(name);
        fs::copy(from, to).map_err(|e| format!("cannot copy {}: {e}", from.display()))?;
        Ok(())
    }

    /// Dates the plugins' files back: a server waits until a file that was written lately is written no more.
    pub fn age(&self) -> Outcome {
        let before = SystemTime::now() - Duration::from_secs(60);
        for entry in fs::read_dir(self.folder.path().join("plugins"))? {
            fs::File::options().write(true).open(entry?.path())?.set_modified(before)?;
        }
        Ok(())
    }

    /// Forgets all data, as before a first start.
    pub fn clear(&self) -> Outcome {
        match fs::remove_dir_all(self.folder.path().join("data")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// `serve` with these listeners, behind `wrapper` if there is one.
    pub fn command(&self, wrapper: &[&str], listeners: &[&str]) -> Command {
        let program = self.tree.program();
        let mut command = match wrapper {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        let home = self.folder.path();
        command.arg("serve").arg("--config").arg(home.join("jackfield.toml"));
        command.arg("--data").arg(home.join("data")).arg("--plugins").arg(home.join("plugins")).current_dir(home);
        command.args(listeners.iter().flat_map(|listener| ["--listen", listener]));
        command
    }

    /// Starts it.
    pub fn start(&self, cores: &Cores, core: Option<usize>, listeners: &[&str]) -> Outcome<Server> {
        start(self.command(&[], listeners), cores, core, Duration::from_secs(30))
    }
}

/// Starts a Jackfield; it is ready when it says so.
pub fn start(command: Command, cores: &Cores, core: Option<usize>, patience: Duration) -> Outcome<Server> {
    Starter { ready: "ready", patience, ..Starter::new("jackfield", command) }.start(cores, core)
}
