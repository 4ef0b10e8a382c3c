//! The operator's view of a server: commands over tcp, and the steps of swaps as its log tells them.

use crate::PATIENCE;
use crate::server::Server;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

/// The listener that [`Control`] needs.
pub const LISTEN: &str = "tcp://127.0.0.1:0?eol=eot";

/// The end of a message, and of an answer.
const EOT: u8 = 0x04;

/// A connection to a listener [`LISTEN`].
pub struct Control(BufReader<TcpStream>);

impl Control {
    /// Connects; every answer is waited for within the usual patience.
    pub fn of(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address("tcp")).expect("a server that is ready takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a limit");
        Self(BufReader::new(stream))
    }

    /// The answer to a message, as text. `Err`: the connection is closed, or nothing came in time.
    pub fn try_ask(&mut self, message: &str) -> std::io::Result<String> {
        self.send(message)?;
        self.receive()
    }

    /// The answer to a message, as text.
    pub fn ask(&mut self, message: &str) -> String {
        self.try_ask(message).unwrap_or_else(|e| panic!("no answer to {message}: {e}"))
    }

    /// Sends a message.
    pub fn send(&mut self, message: &str) -> std::io::Result<()> {
        self.0.get_mut().write_all(&[message.as_bytes(), &[EOT]].concat())
    }

    /// The next answer.
    pub fn receive(&mut self) -> std::io::Result<String> {
        let mut answer = Vec::new();
        self.0.read_until(EOT, &mut answer)?;
        match answer.pop() {
            Some(EOT) => String::from_utf8(answer).map_err(std::io::Error::other),
            _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The result of a command; panics where it is an error.
    pub fn call(&mut self, key: &str, params: &Value) -> Value {
        let answer = self.ask(&serde_json::json!({ key: params }).to_string());
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{key} answers {answer}"))
    }

    /// What `jackfield.plugins` answers.
    pub fn plugins(&mut self) -> Value {
        self.call("jackfield.plugins", &Value::Object(serde_json::Map::new()))
    }

    /// What `jackfield.plugins` says of one file, by its path; null where it says nothing.
    pub fn plugin(&mut self, file: &Path) -> Value {
        let plugins = self.plugins()["plugins"].take();
        let of_file = |plugin: &&Value| plugin["file"].as_str().is_some_and(|path| Path::new(path) == file);
        plugins.as_array().into_iter().flatten().find(of_file).cloned().unwrap_or_default()
    }

    /// Asks for what `jackfield.plugins` says of `file` until it is `as_wished`, and returns that.
    pub fn wait_for_plugin(&mut self, file: &Path, as_wished: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let plugin = self.plugin(file);
            if as_wished(&plugin) {
                return plugin;
            }
            assert!(begun.elapsed() < PATIENCE, "{} does not get there: {plugin}", file.display());
        }
    }
}

/// Waits for a step of the swap of `file` that `matches`, in the JSON log of `server` (`--log json`, `-v` for the lesser
/// steps) from line `from` on; gives the step and the number of the line after it.
pub fn wait_for_step(server: &Server, from: usize, file: &Path, matches: impl Fn(&Value) -> bool) -> (Value, usize) {
    let step = |line: &str| -> Option<Value> {
        let step: Value = serde_json::from_str(line).ok()?;
        let of_file = step["message"] == "plugin" && step["file"].as_str().is_some_and(|path| Path::new(path) == file);
        (of_file && matches(&step)).then_some(step)
    };
    let found = server.log().wait_for(from, PATIENCE, |line| step(line).is_some());
    let (line, next) =
        found.unwrap_or_else(|| panic!("the step of {} that is waited for does not come", file.display()));
    (step(&line).unwrap_or_default(), next)
}
