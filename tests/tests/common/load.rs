//! Python clients that send numbered commands without pause and check every answer (`tests/scripts/load.py`).

use jackfield_tests::log::Log;
use jackfield_tests::{PATIENCE, dist, repo_file};
use serde_json::Value;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

/// One client process. Dropping it ends it.
pub struct Load {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Log,
    line: usize,
}

/// What was answered so far.
pub struct Totals(Value);

impl Load {
    /// Begins to send; `window` commands of each session are under way at once.
    pub fn start(url: &str, sessions: usize, window: usize) -> Self {
        let mut command = Command::new(dist::python());
        command.arg(repo_file("tests/scripts/load.py")).args([url, &sessions.to_string(), &window.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python runs");
        let stdout = Log::of(child.stdout.take().expect("stdout is piped"));
        let mut load = Self { stdin: child.stdin.take(), child, stdout, line: 0 };
        while load.totals().answered() == 0 {}
        load
    }

    /// What was answered so far; panics where an answer was wrong.
    pub fn totals(&mut self) -> Totals {
        let stdin = self.stdin.as_mut().expect("stdin is open until the end");
        // A client that has ended says why below.
        let _ = stdin.write_all(b"\n");
        self.next()
    }

    /// Stops sending, waits for all answers, and tells the last totals.
    pub fn finish(mut self) -> Totals {
        drop(self.stdin.take());
        let totals = self.next();
        assert!(self.stdout.wait_for_end(PATIENCE), "the clients do not end");
        assert!(self.child.wait().expect("a child can be waited for").success(), "the clients end with an error");
        totals
    }

    fn next(&mut self) -> Totals {
        let line = self.stdout.wait_for(self.line, PATIENCE, |_| true);
        let (line, next) = line.expect("the clients tell their totals");
        self.line = next;
        let totals: Value = serde_json::from_str(&line).expect("totals are JSON");
        assert_eq!(totals["wrong"], Value::Null, "a command was not answered as it should be");
        Totals(totals)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Totals {
    /// Commands that were answered.
    pub fn answered(&self) -> u64 {
        self.0["answered"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum()
    }

    /// The versions of the C plugin that answered.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        self.0["versions"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}
