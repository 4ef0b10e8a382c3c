//! Plugins in Rust that panic: the SDK stops each at the edge of the library.

use super::case::Promise::{Refused, Scene, Serves};
use super::case::{Case, Source};
use super::stage::Stage;

pub const ROLLED_BACK: &str = "panics soon after it has replaced a good version";

/// So that what panics goes on serving.
const NO_TRIAL: &str = "[limits]\nrollback_s = 0.001\n";

/// The one command of it that panics is cancelled.
const DEADLINE: &str = "[plugin.subject.deadline_s]\nsubject = 1\n[limits]\nrollback_s = 0.001\n";

pub fn cases() -> Vec<Case> {
    let panics = |does, at, promise| Case::new(does, Source::Panics(at), promise).config(NO_TRIAL);
    vec![
        panics("panics in the declaration of its commands", "commands", Refused("loaded", "answered -15")),
        panics("panics in new", "new", Refused("created", "create answered -15: 'create' panicked: in new")),
        panics("panics in start", "start", Refused("started", "start answered -15: 'start' panicked: in start")),
        panics(
            "panics in a handler",
            "handle",
            Serves("Error: The plugin 'subject' panicked: in handle", 0, &["a handler panicked: in handle"]),
        ),
        panics(
            "panics in a deferred handler",
            "deferred",
            Serves("Error: A panic left 'subject' unanswered.", 0, &["a handler panicked: in deferred"]),
        ),
        panics(
            "panics while its result is written",
            "result",
            Serves("Error: The plugin 'subject' panicked: in result", 0, &[]),
        ),
        Case::new("panics in cancel", Source::Panics("cancel"), Scene(in_cancel)).config(DEADLINE),
        panics("panics in stop", "stop", Scene(in_stop)),
        panics("panics in drop", "drop", Scene(in_drop)),
        Case::new(ROLLED_BACK, Source::Panics("handle"), Scene(rolled_back)),
    ]
}

fn in_cancel(stage: &mut Stage) {
    let generation = stage.put_bad();
    let answer = stage.ask("null");
    assert!(answer.contains("was not answered in time"), "{answer}");
    stage.log("'cancel' panicked: in cancel");
    stage.tell(format!("answered {answer}; the panic is logged"));
    stage.replace();
    stage.ends(generation, "closed", "");
}

fn in_stop(stage: &mut Stage) {
    at_the_end(stage, "'stop' panicked: in stop");
}

fn in_drop(stage: &mut Stage) {
    at_the_end(stage, "'destroy' panicked: in drop");
}

fn at_the_end(stage: &mut Stage, line: &str) {
    let generation = stage.put_bad();
    assert_eq!(stage.ask("null"), "\"2.0.0\"");
    stage.replace();
    stage.log(line);
    stage.tell("the panic is logged");
    stage.ends(generation, "closed", "");
}

/// The caller is told of the panic; the last good version serves again, and the file is refused until its content changes.
fn rolled_back(stage: &mut Stage) {
    let generation = stage.put_bad();
    let answer = stage.ask("null");
    assert!(answer.contains("panicked: in handle"), "{answer}");
    let plugin = stage.wait_for(|plugin| plugin["version"] == "1.0.0" && plugin["refused"].is_object());
    let reason = plugin["refused"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("panic"), "{plugin}");
    assert_eq!(stage.ask("null"), "\"1.0.0\"");
    stage.tell(format!("answered {answer}; 1.0.0 serves again: {reason}"));
    stage.ends(generation, "closed", "");
}
