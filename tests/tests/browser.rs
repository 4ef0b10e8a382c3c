//! A web page that a person has open in a browser on the same machine cannot drive a local server, unless its origin is
//! listed: with a real Chromium.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control};
use jackfield_tests::log::Log;
use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{PATIENCE, cc, dist, repo_file};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use tempfile::TempDir;

/// A name that the browser resolves to this machine, as after a rebinding of DNS.
const REBOUND: &str = "rebound.test";

/// The web server of another origin: gives the page, and takes what the page tells.
struct Site {
    address: String,
    told: Receiver<Value>,
}

impl Site {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, told) = channel();
        // Ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                // A browser opens connections that it does not use.
                std::thread::spawn(move || serve(stream, &tell));
            }
        });
        Self { address, told }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens the page in a new browser, and gives what came of its attempts.
    fn visit(&self, server: &Server) -> Value {
        let (ws, tcp) = (server.address("ws"), server.address("tcp"));
        let port = ws.rsplit(':').next().unwrap();
        let browser = Browser::open(&format!("{}/?ws={ws}&tcp={tcp}&rebound={REBOUND}:{port}", self.origin()));
        self.told
            .recv_timeout(2 * PATIENCE)
            .unwrap_or_else(|_| panic!("the page tells nothing\n{}", browser.log.text()))
    }
}

/// One request, one answer.
fn serve(stream: TcpStream, tell: &Sender<Value>) -> Option<()> {
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
    let answer = match lines.first()? {
        line if line.starts_with("post /told ") => {
            let _ = tell.send(serde_json::from_slice(&body).ok()?);
            String::new()
        }
        line if line.starts_with("get /?") => {
            fs::read_to_string(repo_file("tests/fixtures/browser/page.html")).unwrap()
        }
        _ => String::new(),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n", answer.len());
    write!(stream.get_mut(), "{head}Connection: close\r\n\r\n{answer}").ok()
}

/// A headless Chromium; ended, with all its processes, when dropped.
struct Browser {
    child: Child,
    log: Log,
    _profile: TempDir,
}

impl Browser {
    fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(dist::chromium());
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--disable-dev-shm-usage", "--no-proxy-server"]);
        command.arg(format!("--host-resolver-rules=MAP {REBOUND} 127.0.0.1"));
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        Self { child, log, _profile: profile }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
        // The profile can be removed when nobody writes to it any more: each process holds stderr.
        self.log.wait_for_end(PATIENCE);
    }
}

/// A server with a command that counts, which lets pages of these origins in.
fn server(origins: &[String]) -> Server {
    let home = Home::new();
    cc::library("c11", &[&repo_file("tests/c/counter.c")], &[], &home.plugin("counter"));
    let setup = Setup::in_home(home).listen("ws://127.0.0.1:0").listen(control::LISTEN).arg("-v");
    setup.config(&format!("[http]\norigins = {}\n", json!(origins))).start()
}

fn counted(control: &mut Control) -> Value {
    control.call("counter.count", &json!({}))
}

/// Each attempt came to an end without an answer, except those named.
fn assert_unanswered(told: &Value, except: &[&str]) {
    let attempts = told.as_object().expect("an object");
    assert_eq!(attempts.len(), 11, "{told}");
    for (attempt, outcome) in attempts.iter().filter(|(attempt, _)| !except.contains(&attempt.as_str())) {
        let outcome = outcome.as_str().unwrap_or_default();
        let ended = ["closed", "failed: TypeError", "loaded", "sent"].contains(&outcome);
        assert!(ended && (!attempt.starts_with("socket") || outcome == "closed"), "{attempt}: {outcome}");
    }
}

#[test]
fn a_page_of_another_origin_executes_nothing() {
    let (site, server) = (Site::open(), server(&["https://listed.test".to_owned()]));
    let mut control = Control::of(&server);
    let told = site.visit(&server);
    assert_unanswered(&told, &[]);
    assert_eq!(counted(&mut control), json!(0), "{told}");

    // The attempts did arrive, and were turned away for the right reasons.
    server.expect_log("the Origin is neither the server's own nor in the list http.origins");
    server.expect_log("the Host is not a loopback address");
    let foreign = "the connection begins with an HTTP request";
    let arrived = server.log().text().lines().filter(|line| line.contains(foreign)).count();
    assert!(arrived >= 4, "a socket, a post, a get and a form: {arrived}");

    // What the page sent to the tcp port is a command for a client that sends no HTTP before it.
    control.send("\u{4}{\"count\": {}}\u{4}\r\n{\"count\": {}}").unwrap();
    let answers: Vec<String> = (0..3).map(|_| control.receive().unwrap()).collect();
    assert!(answers.contains(&"1".to_owned()) && answers.contains(&"2".to_owned()), "{answers:?}");
    assert_eq!(counted(&mut control), json!(2));
}

#[test]
fn a_page_of_a_listed_origin_executes_by_websocket_alone() {
    let site = Site::open();
    let server = server(&[site.origin()]);
    let mut control = Control::of(&server);
    let told = site.visit(&server);
    assert_eq!(told["socket"], "answered: 1", "{told}");
    assert_unanswered(&told, &["socket"]);
    assert_eq!(counted(&mut control), json!(1), "{told}");
}
