//! A server under measurement: started on its core, its address read from what it prints, ended with the bench.

use crate::load::Target;
use crate::proc::Cores;
use crate::{Outcome, by_hand, proc};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    lines: Receiver<(Instant, String)>,
    /// The URLs that it printed, or was given.
    pub urls: Vec<String>,
    /// From before the process was made until the line that says that it is ready.
    pub start: Duration,
    log: PathBuf,
    _folder: TempDir,
}

/// How a server is started.
pub struct Starter<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// Program and arguments.
    pub command: Command,
    /// A line with this text says that it is ready.
    pub ready: &'a str,
    /// Where it listens, if it does not print that.
    pub url: Option<String>,
    /// How long it may take.
    pub patience: Duration,
}

impl<'a> Starter<'a> {
    /// One that prints `listening URL` and is ready then.
    pub fn new(name: &'a str, command: Command) -> Self {
        Self { name, command, ready: "listening ", url: None, patience: Duration::from_secs(20) }
    }

    /// Starts it on a core of its own, or with `None` on any.
    pub fn start(mut self, cores: &Cores, core: Option<usize>) -> Outcome<Server> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        cores.pin(core)?;
        let begin = Instant::now();
        let child = self.command.spawn();
        proc::pin(cores.generator)?;
        let mut child = child.map_err(|e| format!("cannot run {:?}: {e}", self.command.get_program()))?;
        let stdout = child.stdout.take().ok_or("a piped stdout is there")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            // Nobody may be left to hear it; the pipe is emptied all the same, so that the server does not wait.
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| _ = sender.send((Instant::now(), line)));
        });
        let urls = self.url.into_iter().collect();
        let mut server = Server { child, lines, urls, start: Duration::ZERO, log, _folder: folder };
        let limit = begin + self.patience;
        loop {
            let wait = limit.saturating_duration_since(Instant::now());
            let Ok((time, line)) = server.lines.recv_timeout(wait) else {
                return Err(format!("{} does not say {:?}; its log:\n{}", self.name, self.ready, server.log()).into());
            };
            server.urls.extend(line.strip_prefix("listening ").map(str::to_owned));
            if line.contains(self.ready) {
                server.start = time - begin;
                return Ok(server);
            }
        }
    }
}

impl Server {
    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens, by the place in the order of its listeners.
    pub fn target(&self, listener: usize) -> Outcome<Target> {
        by_hand::target(self.urls.get(listener).ok_or_else(|| format!("no listener {listener} in {:?}", self.urls))?)
    }

    /// What it wrote to stderr.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to stop, and waits until it, and all that has its stdout, is gone.
    pub fn stop(mut self, patience: Duration) -> Outcome {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).ok_or("a child has a process id")?;
        kill_process(pid, Signal::TERM)?;
        let limit = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    return Err(format!("process {pid:?} does not stop; its log:\n{}", self.log()).into());
                }
            }
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free now, for servers that cannot choose one themselves.
pub fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
