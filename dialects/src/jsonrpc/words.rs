//! What is sent.

use jackfield_message::{Attachment, Attachments, ErrorCode, Event, Failure, Progress, Reply};
use serde_json::{Value, json};
use std::fmt::Write;

/// "Invalid Request", and why.
pub(super) fn invalid(what: &str) -> Failure {
    Failure::new(ErrorCode::InvalidRequest, format!("Invalid Request: {what}."))
}

/// The answer to a request, and what follows it. Without `binary` nothing follows: attachments stand in the answer.
pub(super) fn reply(id: &str, reply: Reply, binary: bool) -> (String, Attachments) {
    let success = match reply.outcome {
        Ok(success) => success,
        Err(failure) => return (self::failure(id, &failure), Attachments::default()),
    };
    const AROUND: usize = r#"{"jsonrpc":"2.0","id":,"result":}"#.len();
    let mut text = String::with_capacity(AROUND + id.len() + success.json.len());
    text.push_str(r#"{"jsonrpc":"2.0","id":"#);
    text.push_str(id);
    text.push_str(r#","result":"#);
    text.push_str(&success.json);
    if success.attachments.is_empty() {
        text.push('}');
        return (text, Attachments::default());
    }
    add_attachments(&mut text, &success.attachments, binary);
    text.push('}');
    (text, if binary { success.attachments } else { Attachments::default() })
}

fn add_attachments(text: &mut String, attachments: &[Attachment], binary: bool) {
    if !binary {
        let inside: Vec<Value> =
            attachments.iter().map(|part| json!({ "$base64": super::attachments::base64(&part.bytes) })).collect();
        let _ = write!(text, ",\"attachments\":{}", Value::from(inside));
    } else {
        let _ = write!(text, ",\"attachments\":{}", attachments.len());
    }
    if attachments.iter().any(|part| !part.name.is_empty() || !part.content_type.is_empty()) {
        let info: Vec<Value> = attachments
            .iter()
            .map(|part| json!({ "name": &*part.name, "content_type": &*part.content_type }))
            .collect();
        let _ = write!(text, ",\"attachment_info\":{}", Value::from(info));
    }
}

pub(super) fn failure(id: &str, failure: &Failure) -> String {
    let (code, message, data) = (failure.code.number(), Value::from(failure.message.as_str()), failure.data());
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message},"data":{data}}}}}"#)
}

pub(super) fn progress(mark: &str, progress: &Progress) -> String {
    let Progress { done, total, text } = progress;
    let text = Value::from(text.as_str());
    notification("progress", format_args!(r#"{{"progress":{mark},"done":{done},"total":{total},"text":{text}}}"#))
}

pub(super) fn event(subscription: u64, event: &Event, dropped: u64) -> String {
    let (topic, data) = (Value::from(event.topic()), event.data());
    let dropped = if dropped > 0 { format!(r#","dropped":{dropped}"#) } else { String::new() };
    notification("event", format_args!(r#"{{"subscription":{subscription},"topic":{topic},"data":{data}{dropped}}}"#))
}

pub(super) fn closed(subscription: u64) -> String {
    let reason = "Events were not taken in time (limit topic_queue).";
    notification("event", format_args!(r#"{{"subscription":{subscription},"closed":true,"reason":"{reason}"}}"#))
}

fn notification(name: &str, params: std::fmt::Arguments<'_>) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"jackfield.{name}","params":{params}}}"#)
}
