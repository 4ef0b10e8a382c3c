//! Every recorded request of the original servers against this one: byte for byte their answers, but for the rules of
//! [`RULES`], each with its reason. Where an original ended the connection with 1011, or died, this one answers an error and
//! goes on.

#![cfg(unix)]

use jackfield_tests::client::{Message, Tcp, Ws};
use jackfield_tests::server::{Server, Setup};
use jackfield_tests::{dist, repo_file};
use serde_json::Value;
use std::fs;
use std::path::Path;

const MALFORMED: &str = "Error: Malformed JSON message.";
const NOT_TEXT: &str = "Error: The message is not text (JSON in UTF-8).";
const UNKNOWN: &str = "Error: Unknown request:\n";

/// Where this server answers otherwise, on purpose. The first rule that applies counts.
const RULES: [Rule; 9] = [
    Rule {
        why: "bytes that are not text are told so; the originals ended",
        applies: |case| case.binary || case.bytes.is_some(),
        answer: |_| NOT_TEXT.into(),
    },
    Rule {
        why: "JSON is strict: no NaN, no Infinity, no lone surrogates",
        applies: |case| {
            matches!(&*case.text, "NaN" | r#"{"a": NaN, "b": -Infinity}"# | r#""\ud800""# | r#"{"a": "\ud800"}"#)
        },
        answer: |_| MALFORMED.into(),
    },
    Rule {
        why: "Ctrl-Z ends the connection without an answer, and not the server",
        applies: |case| case.text == "\u{1a}",
        answer: |_| String::new(),
    },
    Rule {
        why: "quit is a word and no JSON value",
        applies: |case| {
            let values = [r#""quit""#, r#"["quit"]"#, r#"{"quit": 1}"#, r#"{"quit": 1, "x": 2}"#, r#""my quit""#];
            case.original.as_deref() == Some("bye") && values.contains(&&*case.text)
        },
        answer: as_sent,
    },
    Rule {
        why: "a value that has no keys is an unknown request; the originals looked for the key in its text, or ended",
        applies: |case| {
            let values = ["42", "null", "true", r#""image""#, r#"["image"]"#, r#""elements""#, r#"["elements"]"#];
            !case.catches_all() && (values.contains(&&*case.text) || case.text == r#""no image here""#)
        },
        answer: as_sent,
    },
    Rule {
        why: "an unknown request comes back as it was sent, not as Python prints it",
        applies: |case| case.original.as_deref().is_some_and(|text| text.starts_with(UNKNOWN)),
        answer: as_sent,
    },
    Rule {
        why: "params that are no object have no parameters; the originals looked for their names in a text or an array, or ended",
        applies: |case| !case.catches_all() && case.params().is_some_and(|(_, params)| !params.is_object()),
        answer: |case| {
            let key = case.params().map(|(key, _)| key).unwrap_or_default();
            format!("Error: Missing parameter 'file' in '{key}' request.")
        },
    },
    Rule {
        why: "a file that is no text cannot be read; the originals ended, but for numbers",
        applies: |case| case.original.is_none() && case.params().is_some_and(|(_, params)| !params["file"].is_string()),
        answer: |case| {
            let file = case.params().map(|(_, params)| params["file"].to_string()).unwrap_or_default();
            format!("Error: Image file {file} could not be read.")
        },
    },
    Rule {
        why: "an import that fails is told so, whichever step of it; only known import modes are taken",
        applies: |case| case.fixture.is_some(),
        answer: |case| match case.params() {
            Some((key, params)) if key == "elements" => format!(
                "Error: Elements could not be imported from file {} with import mode {}.",
                params["file"].as_str().unwrap_or_default(),
                params["import_mode"].as_str().unwrap_or_default()
            ),
            Some((_, params)) => {
                format!("Error: Image could not be imported from file {}.", params["file"].as_str().unwrap_or_default())
            }
            None => String::new(),
        },
    },
];

struct Rule {
    why: &'static str,
    applies: fn(&Case) -> bool,
    /// Without what the transport puts behind it.
    answer: fn(&Case) -> String,
}

/// A recorded request, its placeholders filled in.
struct Case {
    server: String,
    /// Without the end byte of tcp, and up to it.
    text: String,
    /// As it goes over tcp.
    parts: Vec<String>,
    bytes: Option<Vec<u8>>,
    /// Without CR LF of tcp.
    original: Option<String>,
    then: String,
    binary: bool,
    half_close: bool,
    fixture: Option<String>,
}

impl Case {
    fn read(line: &str, files: &Files) -> Self {
        let case: Value = serde_json::from_str(line).expect("a line of the fixture is JSON");
        let text = |name: &str| case[name].as_str().map(str::to_owned);
        let fixture = text("fixture");
        let fill = |text: String| files.fill(&text, fixture.as_deref());
        let send = fill(text("send").unwrap_or_default());
        let parts = case["send_parts"].as_array().map(|parts| {
            parts.iter().map(|part| fill(part.as_str().expect("parts are texts").to_owned())).collect::<Vec<_>>()
        });
        Self {
            server: text("server").expect("each case has a server"),
            text: send.split('\u{4}').next().unwrap_or_default().to_owned(),
            parts: parts.unwrap_or_else(|| vec![send]),
            bytes: text("send_hex").map(|hex| unhex(&hex)),
            original: text("expect").map(|text| fill(text.trim_end_matches("\r\n").to_owned())),
            then: text("then").expect("each case tells what becomes of the connection"),
            binary: case["frame"] == "binary",
            half_close: case["half_close"] == true,
            fixture,
        }
    }

    fn catches_all(&self) -> bool {
        self.server == "ws_basics"
    }

    /// Of a command of the originals: its key and params, where the text is an object with one of them.
    fn params(&self) -> Option<(String, Value)> {
        let message: Value = serde_json::from_str(&self.text).ok()?;
        let key = ["image", "elements"].into_iter().find(|key| message.get(key).is_some())?;
        Some((key.to_owned(), message[key].clone()))
    }

    /// What this server is to answer, and the rule by which that is not the original's answer.
    fn expected(&self) -> (String, Option<usize>) {
        match RULES.iter().position(|rule| (rule.applies)(self)) {
            Some(rule) => ((RULES[rule].answer)(self), Some(rule)),
            None => (self.original.clone().unwrap_or_else(|| panic!("no rule for {:?}", self.text)), None),
        }
    }
}

fn as_sent(case: &Case) -> String {
    format!("{UNKNOWN}{}", case.text.trim())
}

/// What the placeholders stand for.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).expect("a new file");
        let fixture = |path: &str| fs::read(repo_file(path)).expect("a fixture can be read");
        write("image.bmp", &fixture("tests/fixtures/images/small.bmp"));
        write("broken.bmp", b"no image");
        write("points.gxml", &fixture("tests/fixtures/gxml/cut_points.gxml"));
        write("broken.gxml", b"no XML");
        Self { folder }
    }

    /// Where a step of the host is to fail, the files are such that it does.
    fn fill(&self, text: &str, fixture: Option<&str>) -> String {
        let fails = fixture.is_some_and(|fixture| fixture.ends_with(" fails"));
        let path = |path: &Path| path.to_str().expect("the path of a temporary folder is UTF-8").to_owned();
        let file = |good: &str, bad: &str| path(&self.folder.path().join(if fails { bad } else { good }));
        text.replace("${IMAGE}", &file("image.bmp", "broken.bmp"))
            .replace("${GXML}", &file("points.gxml", "broken.gxml"))
            .replace("${DIR}", &path(self.folder.path()))
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}

/// Replays all cases of an original server; `start` makes ours, a fresh one after each that ended by a quit.
fn replay(original: &str, count: usize, rules: &[usize], start: impl Fn() -> Server) {
    let fixture = fs::read_to_string(repo_file("tests/fixtures/zeiss/conformance.jsonl")).expect("the fixture is text");
    let files = Files::new();
    let cases: Vec<Case> =
        fixture.lines().map(|line| Case::read(line, &files)).filter(|case| case.server == original).collect();
    assert_eq!(cases.len(), count);
    let mut used = Vec::new();
    let mut server = start();
    for case in &cases {
        let (expected, rule) = case.expected();
        used.extend(rule);
        let why = rule.map_or("as the original", |rule| RULES[rule].why);
        if original == "tcp" {
            assert_eq!(over_tcp(&server, case), expected, "{:?} ({why})", case.text);
            continue;
        }
        let mut client = Ws::to(&server);
        match case.binary {
            true => client.0.send(Message::binary(case.text.clone())).expect("the server takes messages"),
            false => client.send(&[&case.text]),
        }
        assert_eq!(client.receive(), expected, "{:?} ({why})", case.text);
        if case.then.starts_with("close 1000") {
            // One of the originals went on by mistake; its documentation says that it stops.
            assert_eq!(client.closed(), (1000, "Closing connection.".into()), "{:?}", case.text);
            assert_eq!(server.wait().0.code, Some(0));
            server = start();
        } else {
            assert_eq!(client.ask("{"), MALFORMED, "the connection does not go on after {:?}", case.text);
        }
    }
    server.terminate();
    assert_eq!(server.wait().0.code, Some(0));
    used.sort_unstable();
    used.dedup();
    assert_eq!(used, rules, "the rules that were needed");
}

/// The answer, without its CR LF; empty: none. The server closes after it.
fn over_tcp(server: &Server, case: &Case) -> String {
    let mut client = Tcp::to(server);
    match &case.bytes {
        Some(bytes) => client.send(bytes),
        None => case.parts.iter().for_each(|part| client.send(part)),
    }
    if case.half_close {
        client.half_close();
    }
    let answer = client.rest();
    match answer.strip_suffix("\r\n") {
        Some(answer) => answer.to_owned(),
        None => answer,
    }
}

#[test]
fn the_basic_server_is_a_catch_all() {
    replay("ws_basics", 57, &[0, 1], || {
        Setup::new().plugin_file(&dist::example("plugin-catch-all")).listen("ws://127.0.0.1:0?dialect=zeiss").start()
    });
}

#[test]
fn the_websocket_server_is_image_and_elements() {
    replay("ws_example", 104, &[0, 1, 3, 4, 5, 6, 7, 8], || {
        Setup::new().plugin("image").plugin("elements").listen("ws://127.0.0.1:0?dialect=zeiss&ok=O.k.").start()
    });
}

#[test]
fn the_tcp_server_is_the_same_with_one_request_a_connection() {
    replay("tcp", 65, &[0, 1, 2, 4, 5, 6, 7, 8], || {
        Setup::new().plugin("image").plugin("elements").listen("tcp://127.0.0.1:0?once=1").start()
    });
}
