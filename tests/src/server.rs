//! A `jackfield serve` of its own for a test: temporary folders, ports chosen by the system, ended with the test.

mod setup;

pub use setup::Setup;

use crate::log::Log;
use crate::{PATIENCE, cc, dist};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use tempfile::TempDir;

/// A running server. Dropping it kills it; when a test fails, its log is printed.
pub struct Server {
    child: Child,
    stdout: Log,
    stderr: Log,
    urls: Vec<String>,
    /// Where the data and the plugins are, until the last use.
    home: Home,
}

/// The folders of a server. Given on to the next start by [`Server::into_home`].
pub struct Home(TempDir);

/// How a server ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// The last of what it wrote to stderr.
    pub stderr: String,
}

impl Server {
    /// A server with these shipped plugins and one ws listener; [`Setup`] for anything else.
    pub fn with(plugins: &[&str]) -> Self {
        plugins.iter().fold(Setup::new(), |setup, id| setup.plugin(id)).start()
    }

    /// The URLs of its listeners, in the order in which they were printed.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// The first URL of a scheme (`ws`, `tcp`, `unix`).
    pub fn url(&self, scheme: &str) -> &str {
        let found = self.urls.iter().find(|url| url.split("://").next() == Some(scheme));
        found.unwrap_or_else(|| panic!("no listener of scheme {scheme} among {:?}", self.urls))
    }

    /// `HOST:PORT` of the first URL of a scheme.
    pub fn address(&self, scheme: &str) -> &str {
        let rest = self.url(scheme).split("://").nth(1).unwrap_or_default();
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of memory that its process has now, and had at most.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process that runs");
        let bytes = |line: &str| {
            let found = status.lines().find_map(|found| found.strip_prefix(line)).expect("a line of every process");
            found.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
        };
        (bytes("VmRSS:"), bytes("VmHWM:"))
    }

    /// The folders of this server.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// What it writes to stderr.
    pub fn log(&self) -> &Log {
        &self.stderr
    }

    /// Waits for a line of its log that holds `text`; panics when none comes.
    pub fn expect_log(&self, text: &str) -> String {
        let found = self.stderr.wait_for(0, PATIENCE, |line| line.contains(text));
        found.unwrap_or_else(|| panic!("the log says nothing of {text:?}")).0
    }

    /// Asks it to stop, as a service manager does.
    #[cfg(unix)]
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.process(), signal)
            .expect("a child that was not waited for can be signalled");
    }

    /// Stops all its threads where they are, and waits until they stand: some go on for a while after the signal.
    #[cfg(unix)]
    pub fn pause(&self) {
        self.signal(rustix::process::Signal::STOP);
        let stopped = rustix::process::waitpid(Some(self.process()), rustix::process::WaitOptions::UNTRACED);
        assert!(stopped.is_ok_and(|found| found.is_some_and(|(_, status)| status.stopped())), "it does not stop");
    }

    #[cfg(unix)]
    fn process(&self) -> rustix::process::Pid {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        pid.expect("a child has a process id")
    }

    /// Ends it at once, as a crash does, and waits until it is gone.
    pub fn kill(mut self) -> Home {
        self.child.kill().expect("a child that was not waited for can be killed");
        self.child.wait().expect("a child can be waited for");
        self.take_home()
    }

    /// Waits until it has ended by itself; panics when it goes on.
    pub fn wait(mut self) -> (Ended, Home) {
        let ended = ended(&mut self.child, &self.stdout, &self.stderr);
        (ended, self.take_home())
    }

    fn take_home(mut self) -> Home {
        let empty = Home(tempfile::tempdir().expect("a temporary folder can be made"));
        std::mem::replace(&mut self.home, empty)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- log of the server ----\n{}\n----", self.stderr.text());
        }
    }
}

impl Home {
    /// New, empty folders.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for name in ["plugins", "data"] {
            fs::create_dir(folder.path().join(name)).expect("a folder can be made in a temporary folder");
        }
        Self(folder)
    }

    /// The server's working folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The plugin folder.
    pub fn plugins(&self) -> PathBuf {
        self.path().join("plugins")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Where the plugin file `name` is, or will be.
    pub fn plugin(&self, name: &str) -> PathBuf {
        cc::library_path(&self.plugins(), name)
    }

    /// Puts a library into the plugin folder as `name`, whole, by a rename: loaded, or swapped in, by a server that runs.
    pub fn install(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.plugin(name);
        let fresh = self.plugins().join(format!(".{name}.fresh"));
        fs::copy(from, &fresh).unwrap_or_else(|e| panic!("cannot copy {}: {e}", from.display()));
        fs::rename(&fresh, &to).expect("a file can be renamed in a temporary folder");
        to
    }

    /// Puts a shipped plugin into the plugin folder.
    pub fn install_shipped(&self, id: &str) -> PathBuf {
        self.install(&dist::plugin(id), id)
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits for the end of a server. Its stdout closes when it, and all that it started, has ended.
fn ended(child: &mut Child, stdout: &Log, stderr: &Log) -> Ended {
    if !stdout.wait_for_end(PATIENCE) || !stderr.wait_for_end(PATIENCE) {
        // It must not outlive the test that fails here.
        let _ = child.kill();
        panic!("the server (or something that it started) does not end\n{}", stderr.text());
    }
    let status: ExitStatus = child.wait().expect("a child can be waited for");
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    Ended { code: status.code(), signal, stdout: stdout.text(), stderr: stderr.text() }
}
