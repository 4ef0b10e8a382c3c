//! Any messages in any order, on a connection of its own and on one that is shared with the plain form: each answer is JSON of
//! the right form, and each call is answered once.
#![no_main]

use jackfield_dialects::{Action, Auto, Dialect, Frame, JsonRpc, JsonRpcOptions, Keys, Request, ZeissOptions};
use jackfield_message::{ByteString, ErrorCode, Reply, json};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

struct Known;

impl Keys for Known {
    fn is_command(&self, key: &str) -> bool {
        matches!(key, "image" | "echo")
    }

    fn catches_all(&self) -> bool {
        false
    }

    fn param_order(&self, key: &str) -> Vec<ByteString> {
        if key == "image" { vec!["file".into(), "name".into()] } else { Vec::new() }
    }
}

/// Between two messages, in the input. One that begins with 0x01, or is no UTF-8, is binary.
const NEXT: u8 = 0;

fn frame(bytes: &[u8]) -> Frame {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with('\u{1}') => Frame::Text(text.into()),
        _ => Frame::Binary(bytes.to_vec().into()),
    }
}

/// Sees to the actions as a session does; calls are answered at once or when the next message has come.
struct Session<D> {
    dialect: D,
    late: Vec<Request>,
}

impl<D: Dialect> Session<D> {
    fn take(&mut self, bytes: &[u8]) {
        let mut actions = Vec::new();
        self.dialect.on_message(frame(bytes), &Known, &mut actions);
        let late = std::mem::take(&mut self.late);
        let mut frames = Vec::new();
        for action in actions {
            match action {
                Action::Call { request, command, .. } => {
                    let params: Result<&serde_json::value::RawValue, _> = serde_json::from_str(command.params());
                    assert!(params.is_ok(), "params are not JSON: {command:?}");
                    if command.key().len() % 2 == 0 {
                        let mut reply = Reply::ok(command.params());
                        if let Ok(success) = &mut reply.outcome {
                            success.attachments = command.attachments;
                        }
                        // What a plain command gives may look like anything.
                        let mut plain = Vec::new();
                        let frames = if request == Request::InTurn { &mut plain } else { &mut frames };
                        self.dialect.on_reply(request, reply, frames);
                    } else {
                        self.late.push(request);
                    }
                }
                Action::Answer { frame, .. } => frames.push(frame),
                Action::Cancel { request, target } => {
                    let reply = Reply::ok(if target.is_some() { "true" } else { "false" });
                    self.dialect.on_reply(request, reply, &mut frames);
                }
                Action::Attachments { .. } | Action::Quit { .. } => {}
            }
        }
        for request in late {
            self.dialect.on_reply(request, Reply::error(ErrorCode::Busy, "later"), &mut frames);
        }
        for frame in frames {
            let Frame::Text(text) = frame else { continue };
            if text.starts_with('{') || text.starts_with('[') {
                assert!(json::check(&text, json::DEFAULT_NESTING).is_ok(), "an answer is no JSON: {text}");
                // An id may be a number beyond all that this can hold.
                let Ok(value) = serde_json::from_str::<Value>(&text) else { continue };
                let answers = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
                if answers.iter().any(|answer| answer.get("jsonrpc").is_some()) {
                    assert!(answers.iter().all(|answer| {
                        answer.get("id").is_some() && answer.get("result").is_some() != answer.get("error").is_some()
                    }));
                }
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let options =
        || JsonRpcOptions { nesting: 32, batch: 8, attachments: 4, attachment_bytes: 64, ..JsonRpcOptions::default() };
    let zeiss = ZeissOptions { ack: "Ok".into(), quit_word: true, one_line: false, nesting: 32 };
    let mut alone = Session { dialect: JsonRpc::new(options()), late: Vec::new() };
    let mut shared = Session { dialect: Auto::new(zeiss, options()), late: Vec::new() };
    for message in bytes.split(|byte| *byte == NEXT) {
        alone.take(message);
        shared.take(message);
    }
});
