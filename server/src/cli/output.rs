//! What a client command came to, and how that is told: text, or one JSON value; and the exit code.

use jackfield_message::json;
use std::borrow::Cow;
use std::io::{self, Write};
use std::process::ExitCode;

/// What the server's error answers begin with.
pub const ERROR_MARK: &str = "Error: ";

/// Deepest nesting that is taken for JSON: what the server sends is its own affair.
const NESTING: usize = 1 << 20;

/// What a client command came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer, as it came, and how it is shown to people.
    Done {
        /// The answer.
        answer: String,
        /// Instead of the answer, for people.
        shown: Option<String>,
    },
    /// The server's error answer, or what is wrong with its answer.
    Failed(String),
    /// An error answer with what programs go by.
    Refused(Refusal),
    /// The command line is wrong.
    Usage(String),
    /// No connection, or it was lost.
    Disconnected(String),
    /// Ended by Ctrl-C, and what that came to.
    Cancelled(String),
    /// All was said already; the exit code.
    Said(u8),
}

/// An error of JSON-RPC.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its number.
    pub code: i64,
    /// For people.
    pub message: String,
    /// More, as JSON.
    pub data: Option<String>,
}

/// What goes where.
#[derive(Debug, PartialEq, Eq)]
pub struct Printed {
    /// To stdout.
    pub stdout: String,
    /// To stderr.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

impl Refusal {
    fn json(&self) -> String {
        let (message, data) = (serde_json::Value::from(self.message.as_str()), self.data.as_deref().unwrap_or("null"));
        format!(r#"{{"ok":false,"error":{message},"code":{},"data":{}}}"#, self.code, one_line(data))
    }
}

/// JSON without line ends: they can only be space in it.
pub fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\r', '\n']) { Cow::Owned(json.replace(['\r', '\n'], " ")) } else { Cow::Borrowed(json) }
}

/// Prints the outcome.
pub fn print(json: bool, outcome: Outcome) -> ExitCode {
    let Printed { stdout, stderr, code } = render(json, outcome);
    to_stderr(&stderr);
    if to_stdout(&stdout) { code.into() } else { ExitCode::FAILURE }
}

/// Writes text to stdout, a line break behind it. False where nobody takes it (a closed pipe).
pub fn to_stdout(text: &str) -> bool {
    text.is_empty() || {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()).is_ok()
    }
}

/// Writes text to stderr. If nobody takes it, there is nobody left to tell.
pub fn to_stderr(text: &str) {
    if !text.is_empty() {
        let _ = writeln!(io::stderr().lock(), "{}", text.trim_end_matches('\n'));
    }
}

/// What is printed, and the exit code.
pub fn render(json: bool, outcome: Outcome) -> Printed {
    let (code, text) = match outcome {
        Outcome::Done { answer, .. } if json => {
            return Printed { stdout: done_json(&answer), stderr: String::new(), code: 0 };
        }
        Outcome::Done { answer, shown } => {
            return Printed { stdout: shown.unwrap_or(answer), stderr: String::new(), code: 0 };
        }
        Outcome::Failed(text) => (1, text),
        Outcome::Refused(refusal) if json => {
            return Printed { stdout: refusal.json(), stderr: String::new(), code: 1 };
        }
        Outcome::Refused(refusal) => (1, format!("{ERROR_MARK}{}", refusal.message)),
        Outcome::Said(code) => return Printed { stdout: String::new(), stderr: String::new(), code },
        Outcome::Usage(text) => (2, text),
        Outcome::Disconnected(text) => (3, text),
        Outcome::Cancelled(text) => (130, text),
    };
    if json {
        Printed { stdout: failed_json(&text), stderr: String::new(), code }
    } else if text.starts_with(ERROR_MARK) {
        Printed { stdout: String::new(), stderr: text, code }
    } else {
        Printed { stdout: String::new(), stderr: format!("error: {text}"), code }
    }
}

/// `{"ok": true, "result": ...}`: the answer as it came if it is JSON, else as a string.
pub fn done_json(answer: &str) -> String {
    match json::check(answer, NESTING) {
        Ok(_) => format!("{{\"ok\":true,\"result\":{}}}", answer.trim()),
        Err(_) => format!("{{\"ok\":true,\"result\":{}}}", serde_json::Value::from(answer)),
    }
}

/// `{"ok": false, "error": "..."}`, without the mark.
pub fn failed_json(text: &str) -> String {
    serde_json::json!({ "ok": false, "error": text.strip_prefix(ERROR_MARK).unwrap_or(text) }).to_string()
}

/// Checks JSON from the command line.
pub fn check_json(text: &str) -> Result<(), String> {
    json::check(text, NESTING).map(drop).map_err(|why| why.to_string())
}
