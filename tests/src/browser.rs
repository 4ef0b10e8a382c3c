//! A web page in a real Chromium, and the web server that it comes from.

use crate::log::Log;
use crate::{PATIENCE, dist};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tempfile::TempDir;

/// A web server: gives files, and takes what pages tell by `POST /told`.
pub struct Site {
    address: String,
    told: Receiver<Value>,
}

/// Files by their paths, in small letters.
type Files = Arc<[(&'static str, PathBuf)]>;

impl Site {
    /// Serves these files until the test ends, at a port that the system chooses.
    pub fn open(files: &[(&'static str, PathBuf)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("a socket has an address").to_string();
        let (tell, told) = channel();
        let files: Files = files.into();
        // Ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tell, files) = (tell.clone(), Arc::clone(&files));
                // A browser opens connections that it does not use.
                std::thread::spawn(move || serve(stream, &files, &tell));
            }
        });
        Self { address, told }
    }

    /// As a browser writes it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a page tells next.
    pub fn told(&self, browser: &Browser) -> Value {
        self.told
            .recv_timeout(2 * PATIENCE)
            .unwrap_or_else(|_| panic!("the page tells nothing\n{}", browser.log.text()))
    }
}

/// One request, one answer.
fn serve(stream: TcpStream, files: &Files, tell: &Sender<Value>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => break,
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let request = lines.first()?;
    if request.starts_with("post /told ") {
        let _ = tell.send(serde_json::from_slice(&body).ok()?);
    }
    let path = request.strip_prefix("get ").and_then(|rest| rest.split([' ', '?']).next());
    let file = files.iter().find(|(known, _)| Some(*known) == path).map(|(_, file)| file);
    let answer = file.map(|file| fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display())));
    let is_script = file.is_some_and(|file| file.extension().is_some_and(|extension| extension == "js"));
    let content_type = if is_script { "text/javascript" } else { "text/html" };
    let answer = answer.unwrap_or_default();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n", answer.len());
    write!(stream.get_mut(), "{head}Connection: close\r\n\r\n").ok()?;
    stream.get_mut().write_all(&answer).ok()
}

/// A headless Chromium; ended, with all its processes, when dropped.
pub struct Browser {
    child: Child,
    log: Log,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page, with more arguments.
    pub fn open(url: &str, args: &[&str]) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = Command::new(dist::chromium());
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--disable-dev-shm-usage", "--no-proxy-server"]).args(args);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("a browser can be started");
        let log = Log::of(child.stderr.take().expect("stderr is piped"));
        Self { child, log, _profile: profile }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
        // The profile can be removed when nobody writes to it any more: each process holds stderr.
        self.log.wait_for_end(PATIENCE);
    }
}
