//! Programs in other languages that a test starts: scripts of its own, and tools.

use crate::log::Log;
use crate::{PATIENCE, dist};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A program whose lines a test reads. Dropping it kills it, with all that it started; when a test fails, what it wrote to
/// stderr is printed.
pub struct Script {
    child: Child,
    stdout: Log,
    stderr: Log,
    /// The lines of stdout before this one were taken.
    next: usize,
}

/// A Python with the packages of `tests/requirements.txt`, which leaves nothing beside its scripts.
pub fn python() -> Command {
    let mut command = Command::new(dist::python());
    command.arg("-u").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Node, with the packages of `tests/package.json` where `require` finds them.
pub fn node() -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", dist::node_modules());
    command
}

/// The command for a script, by its Python or Node.
pub fn of(script: &Path) -> Command {
    let is_python = script.extension().is_some_and(|extension| extension == "py");
    let mut command = if is_python { python() } else { node() };
    command.arg(script);
    command
}

/// Runs a program to its end, which must be a good one, and gives what it wrote to stdout and to stderr.
pub fn run(command: &mut Command) -> (String, String) {
    Script::start(command).finish()
}

impl Script {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
        let stdout = Log::of(child.stdout.take().expect("stdout is piped"));
        let stderr = Log::of(child.stderr.take().expect("stderr is piped"));
        Self { child, stdout, stderr, next: 0 }
    }

    /// The next line of stdout that `matches`; those before it are passed over.
    pub fn expect(&mut self, matches: impl Fn(&str) -> bool) -> String {
        let found = self.stdout.wait_for(self.next, PATIENCE, matches);
        let (line, next) = found.unwrap_or_else(|| panic!("that line does not come; stdout:\n{}", self.stdout.text()));
        self.next = next;
        line
    }

    /// The next line of stdout.
    pub fn line(&mut self) -> String {
        self.expect(|_| true)
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is piped");
        writeln!(stdin, "{line}").expect("the program goes on");
    }

    /// Sends it what Ctrl-C sends.
    pub fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        kill_process(pid, Signal::INT).expect("a child that was not waited for can be signalled");
    }

    /// Waits for its end, which must be a good one, and gives what it wrote to stdout and to stderr.
    pub fn finish(mut self) -> (String, String) {
        let status = self.wait();
        assert!(status.success(), "{status}; stdout:\n{}", self.stdout.text());
        (self.stdout.text(), self.stderr.text())
    }

    /// Waits for its end, of whatever kind, and gives its exit code, and what it wrote to stderr.
    pub fn end(mut self) -> (Option<i32>, String) {
        (self.wait().code(), self.stderr.text())
    }

    fn wait(&mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        let ended = self.stdout.wait_for_end(PATIENCE) && self.stderr.wait_for_end(PATIENCE);
        assert!(ended, "the program does not end; stdout:\n{}", self.stdout.text());
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Its number is its own until it is waited for.
        if let (Ok(None), Ok(pid)) = (self.child.try_wait(), i32::try_from(self.child.id())) {
            let _ = Pid::from_raw(pid).map(|group| kill_process_group(group, Signal::KILL));
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("---- stderr of the program ----\n{}\n----", self.stderr.text());
        }
    }
}
