//! Plugin files tried in a process of their own before they are loaded into the server.

use super::outlet::{Keep, Outlet};
use super::signals;
use jackfield_engine::services::{Probe, ProbeError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest answer; longer descriptors are absurd.
const ANSWER: usize = 4 << 20;
/// Of what a plugin says on stdout and stderr, this much of the end is told.
const LAST_WORDS: usize = 300;
/// Reads after the end: more than any pipe holds, so that a process that got away cannot keep us.
const LAST_READS: usize = 256;
/// How often is looked where the system cannot tell of an end.
const LOOK: Duration = Duration::from_millis(5);
/// What the system's loader, the C library and temporary files go by.
const ENVIRONMENT: [&str; 6] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LANGUAGE", "TMPDIR"];

/// Starts `PROGRAM probe FILE` for each candidate: a process group of its own, with an empty stdin and a clean environment,
/// of which nothing is left when the verdict is there.
pub struct ProbeProcess {
    program: PathBuf,
}

impl ProbeProcess {
    /// `program` is the file of a `jackfield` of this very version.
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Tries `library` and gives its descriptor as JSON, as [`jackfield_engine::inspect`] makes it. Blocks, no longer than
    /// `limit`.
    pub fn describe(&self, library: &Path, limit: Duration) -> Result<String, ProbeError> {
        let until = Instant::now() + limit;
        let mut running = Running::start(&self.program, library).map_err(|error| {
            let program = self.program.display();
            ProbeError::Unavailable(format!("no probe process can be started from {program}: {error}"))
        })?;
        let in_time = running.wait(until);
        let end = match running.end() {
            _ if !in_time => End::Hung,
            Ok(status) => End::Known(status),
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => End::Taken,
            Err(error) => return Err(ProbeError::Unavailable(format!("the probe process was lost: {error}"))),
        };
        running.verdict(end, limit).map_err(ProbeError::Refused)
    }
}

impl Probe for ProbeProcess {
    fn probe(&self, library: &Path, limit: Duration) -> Result<(), ProbeError> {
        self.describe(library, limit).map(drop)
    }
}

/// How a probe process has ended.
enum End {
    /// Not in time.
    Hung,
    Known(ExitStatus),
    /// An application that we are part of ignores SIGCHLD, or waits for any child: only the answer is known.
    Taken,
}

/// A probe process. Dropping it ends it.
struct Running {
    child: Child,
    group: Option<Pid>,
    /// Readable when the process has ended, where the system has such.
    ended: Option<OwnedFd>,
    answer: Outlet<ChildStdout>,
    words: Outlet<ChildStderr>,
}

impl Running {
    fn start(program: &Path, library: &Path) -> io::Result<Self> {
        let locale = |name: &str| name.starts_with("LC_");
        let environment = std::env::vars_os()
            .filter(|(name, _)| name.to_str().is_some_and(|name| ENVIRONMENT.contains(&name) || locale(name)));
        let mut child = Command::new(program)
            .args(["probe", "--watched"])
            .arg(std::path::absolute(library)?)
            .env_clear()
            .envs(environment)
            // The end that is held here tells it that we live; nothing is ever written.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Some(Pid::from_child(&child));
        let (answer, words) = (child.stdout.take(), child.stderr.take());
        let pipes = Outlet::new(answer, Keep::First(ANSWER))
            .and_then(|answer| Ok((answer, Outlet::new(words, Keep::Last(LAST_WORDS))?)));
        match pipes {
            Ok((answer, words)) => Ok(Self { ended: end_of(&child), child, group, answer, words }),
            Err(error) => {
                let _ = child.kill().and_then(|()| child.wait());
                Err(error)
            }
        }
    }

    /// Waits for its end, and reads what it writes meanwhile; false: it goes on.
    fn wait(&mut self, until: Instant) -> bool {
        loop {
            if self.has_ended() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let pipes = [self.answer.descriptor(), self.words.descriptor(), self.ended.as_ref().map(AsFd::as_fd)];
            let mut polled: Vec<_> =
                pipes.iter().flatten().map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN)).collect();
            let nap = if self.ended.is_some() { left } else { left.min(LOOK) };
            // An error, such as an interrupt, is the same as nothing: it is looked again.
            let _ = poll(&mut polled, Timespec::try_from(nap).ok().as_ref());
            self.answer.take();
            self.words.take();
        }
    }

    /// Whether it has ended. It is not reaped: until then nobody else can get its number, nor that of its group.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // Whoever cannot be waited for is gone.
        waitid(WaitId::Pid(Pid::from_child(&self.child)), options).map_or(true, |status| status.is_some())
    }

    /// Ends it with all that it has started, reaps it, and reads the rest.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(group) = self.group.take() {
            // An error: all of it has gone.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let status = self.child.wait();
        for _ in 0..LAST_READS {
            let more = [self.answer.take(), self.words.take()];
            if more == [false; 2] {
                break;
            }
        }
        status
    }

    /// The descriptor, or what happened.
    fn verdict(&self, end: End, limit: Duration) -> Result<String, String> {
        let answer = String::from_utf8_lossy(self.answer.kept());
        let answer = answer.trim_end();
        let what = match end {
            End::Hung => {
                format!("it hung when loaded in a probe process: longer than {} s (limit probe_s)", limit.as_secs_f64())
            }
            _ if self.answer.has_dropped() => {
                format!("its descriptor has more than {} MiB", ANSWER >> 20)
            }
            // A descriptor is one JSON object, whole; anything else says why there is none.
            End::Taken if answer.starts_with('{') && answer.ends_with('}') => return Ok(answer.to_owned()),
            End::Taken if !answer.is_empty() => answer.to_owned(),
            End::Taken => "the probe process that loaded it ended without a word, and how is not known: this process \
                 ignores SIGCHLD, or somebody else in it waits for all children"
                .to_owned(),
            End::Known(status) => match (status.code(), status.signal()) {
                (Some(0), _) if !answer.is_empty() => return Ok(answer.to_owned()),
                (Some(1), _) if !answer.is_empty() => answer.to_owned(),
                (Some(code), _) => {
                    format!("it ended the process itself with exit code {code} when loaded in a probe process")
                }
                (None, Some(libc::SIGKILL)) => {
                    "it was killed (SIGKILL) when loaded in a probe process: perhaps for want of memory".to_owned()
                }
                (None, signal) => {
                    format!("it crashed when loaded in a probe process ({})", signals::name(signal.unwrap_or_default()))
                }
            },
        };
        let words = String::from_utf8_lossy(self.words.kept());
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { Err(what) } else { Err(format!("{what}; its last words: {}", lines.join(" | "))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.group.is_some() {
            let _ = self.end();
        }
    }
}

#[cfg(target_os = "linux")]
fn end_of(child: &Child) -> Option<OwnedFd> {
    rustix::process::pidfd_open(Pid::from_child(child), rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn end_of(_: &Child) -> Option<OwnedFd> {
    None
}
