//! Events and calls of other commands, in safe Rust.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_plugin::testing::{Attachment, Bench, Outcome, Request};
use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Pending, Plugin, Reply, Status};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Counts what it hears, and asks others.
struct Clerk {
    host: Host,
    heard: Mutex<Vec<String>>,
    /// Dropped with what holds it.
    held: Arc<()>,
    replies: Arc<AtomicU64>,
}

impl Plugin for Clerk {
    type Config = NoConfig;
    const INFO: Info = Info::new("clerk", "Clerk", "1.0.0").topics(&["project.*"]);

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        if host.publish("clerk.made", &1) != Err(Status::WrongState) {
            return Err("published from `new`".into());
        }
        Ok(Self { host, heard: Mutex::default(), held: Arc::default(), replies: Arc::default() })
    }

    fn start(&self) -> Result<(), Error> {
        let replies = self.replies.clone();
        let done = move |reply: &Reply| {
            assert_eq!(reply.status(), Err(Status::OutcomeUnknown));
            replies.fetch_add(1, Ordering::Relaxed);
        };
        // Nobody answers it in most tests.
        let _ = self.host.call("in start", &(), done);
        self.host.publish("clerk.started", &json!({"by": "clerk"})).map_err(|status| status.to_string().into())
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add("heard", |clerk: &Self, _: &Call, (): ()| Ok(clerk.heard.lock().unwrap().clone()));
        commands.add("held", |clerk: &Self, _: &Call, (): ()| Ok(Arc::strong_count(&clerk.held) - 1));
        commands.add("replies", |clerk: &Self, _: &Call, (): ()| Ok(clerk.replies.load(Ordering::Relaxed)));
        commands.add("publish", |clerk: &Self, _: &Call, (topic, data): (String, Value)| {
            clerk.host.publish(&topic, &data).map_err(|status| Failure::new(status, "not published"))
        });
        commands.add_deferred("ask", |_: &Self, pending: Pending, (key, params): (String, Value)| {
            pending.call(&key, &params, |pending, reply| pending.reply(reply.result::<Value>()));
        });
        commands.add_deferred("twice", |_: &Self, pending: Pending, key: String| {
            pending.call(&key.clone(), &1, move |pending, first| match first.result::<Value>() {
                Ok(first) => pending.call(&key, &2, move |pending, second| {
                    pending.reply(second.result::<Value>().map(|second| json!([first, second])));
                }),
                Err(failure) => pending.reply::<()>(Err(failure)),
            });
        });
        commands.add_deferred("relay", |_: &Self, mut pending: Pending, (): ()| {
            let command = pending.command();
            let (name, bytes) = command.attachment(0).map(|one| (one.name.to_owned(), one.bytes.to_vec())).unwrap();
            let outgoing =
                command.outgoing("store").timeout(Duration::from_micros(1)).attach(name, "text/plain", bytes);
            let sent = outgoing.send(&json!({"$attachment": 0}), move |reply: &Reply| {
                let one = reply.attachment(0).unwrap();
                assert_eq!((reply.attachment_count(), reply.attachment(1)), (1, None));
                pending.attach(one.name.to_owned(), one.content_type.to_owned(), one.bytes.to_vec());
                pending.reply(reply.result::<Value>());
            });
            assert_eq!(sent, Ok(()));
        });
        commands.add("fire", |clerk: &Self, call: &Call, key: String| {
            let (held, replies) = (clerk.held.clone(), clerk.replies.clone());
            let done = move |_: &Reply| {
                drop(held);
                replies.fetch_add(1, Ordering::Relaxed);
            };
            call.call(&key, "text", done).map_err(|status| Failure::new(status, "refused"))
        });
        commands
            .add("inline", |_: &Self, call: &Call, (): ()| {
                call.call("any", &(), |_: &Reply| ()).map_err(|status| Failure::new(status, "refused"))
            })
            .inline();
        commands.add("clumsy", |clerk: &Self, call: &Call, (): ()| {
            let held = clerk.held.clone();
            let done = move |_: &Reply| {
                let _held = held;
                panic!("stumbled in done")
            };
            call.call("any", &(), done).map_err(|status| Failure::new(status, "refused"))
        });
    }

    fn event(&self, topic: &str, data: &str, dropped: u64) {
        assert!(data != "\"panic\"", "stumbled in event");
        self.heard.lock().unwrap().push(format!("{topic} {data} {dropped}"));
        if data == "\"ask\"" {
            let replies = self.replies.clone();
            let done = move |_: &Reply| _ = replies.fetch_add(1, Ordering::Relaxed);
            self.host.call("any", &(), done).unwrap();
        }
    }
}

fn bench() -> Bench<Clerk> {
    Bench::new("{}").unwrap()
}

#[test]
fn a_plugin_publishes_and_the_bench_keeps_it() {
    let bench = bench();
    assert_eq!(bench.call("publish", json!(["clerk.x", [1, 2]])).status, Ok(()));
    for bad in ["", "a..b", "a.*", "jackfield.x"] {
        assert_eq!(bench.call("publish", json!([bad, 1])).status, Err(Status::Invalid), "{bad:?}");
    }
    let published = [("clerk.started", r#"{"by":"clerk"}"#), ("clerk.x", "[1,2]")];
    assert_eq!(bench.published(), published.map(|(topic, data)| (topic.to_owned(), data.to_owned())));
}

#[test]
fn events_reach_the_plugin_and_a_panic_in_one_stays_inside() {
    let bench = bench();
    bench.event("project.images", json!({"n": 1}));
    bench.event("project.images", json!("panic"));
    bench.event_after_drops("project.elements", 2, 7);
    assert_eq!(bench.call("heard", "null").success(), json!([r#"project.images {"n":1} 0"#, "project.elements 2 7"]));
    let log = bench.log().join("\n");
    assert!(log.contains("'event' panicked on topic 'project.images': stumbled in event"), "{log}");
}

#[test]
fn a_deferred_command_is_answered_with_the_reply_to_its_call() {
    let bench = bench();
    bench.answer_calls(|request: &Request| match request.key.as_str() {
        "sum" => Outcome::ok(format!("[{},\"{}\",{}]", request.params, request.principal, request.session)),
        _ => Outcome { code: 7, json: r#"{"why":1}"#.into(), ..Outcome::failed(Status::Busy, "later") },
    });
    let request = Request { key: "ask".into(), params: json!(["sum", [1, 2]]).to_string(), ..Request::default() };
    let outcome = bench.send(Request { principal: "ada".into(), session: 4, ..request });
    assert_eq!(outcome.success(), json!([[1, 2], "ada", 4]));
    let failed = bench.call("ask", json!(["other", null]));
    assert_eq!((failed.status, failed.code, &*failed.message), (Err(Status::Busy), 7, "later"));
    assert_eq!(failed.json, r#"{"why":1}"#);
}

#[test]
fn one_call_may_follow_another() {
    let bench = bench();
    bench.answer_calls(|request| Outcome::ok(format!("{}0", request.params)));
    assert_eq!(bench.call("twice", r#""any""#).success(), json!([10, 20]));
}

#[test]
fn attachments_go_out_and_come_back() {
    let bench = bench();
    bench.answer_calls(|request| {
        let mut outcome = Outcome::ok(&request.params);
        outcome.attachments.push(request.attachments[0].clone());
        outcome
    });
    let outcome = bench.call_with("relay", "null", vec![Attachment::new("a", "ignored", [1, 2, 3])]);
    assert_eq!(outcome.success(), json!({"$attachment": 0}));
    assert_eq!(outcome.attachments, [Attachment::new("a", "text/plain", [1, 2, 3])]);
}

#[test]
fn a_refused_call_drops_what_was_to_be_done_and_answers_a_deferred_command() {
    let bench = bench();
    let outcome = bench.call("ask", json!(["none", 1]));
    assert_eq!(outcome.status, Err(Status::UnknownKey));
    assert!(outcome.message.contains("'none' cannot be called"), "{}", outcome.message);
    assert_eq!(bench.call("fire", r#""none""#).status, Err(Status::UnknownKey));
    assert_eq!(bench.call("held", "null").success(), 0);
    bench.answer_calls(|_| Outcome::ok(1));
    assert_eq!(bench.call("inline", "null").status, Err(Status::WrongThread));
}

#[test]
fn a_reply_is_taken_care_of_also_when_nobody_waits_for_it() {
    let bench = bench();
    bench.answer_calls(|request| Outcome::ok(&request.params));
    assert_eq!(bench.call("fire", r#""any""#).status, Ok(()));
    bench.event("project.images", json!("ask"));
    assert_eq!((bench.call("replies", "null").success(), bench.call("held", "null").success()), (json!(2), json!(0)));
    assert_eq!(bench.call("clumsy", "null").status, Ok(()));
    bench.event("project.images", 1);
    assert_eq!(bench.call("held", "null").success(), 0, "a panic keeps what the closure holds");
    let log = bench.log().join("\n");
    assert!(log.contains("the reply to a call panicked: stumbled in done"), "{log}");
}

#[test]
fn a_plugin_that_is_stopped_is_told_of_its_calls_before() {
    let bench = bench();
    bench.answer_calls(|_| Outcome::failed(Status::OutcomeUnknown, "by the bench"));
    // The call of the second start is out when the third stops it; that of the third is answered by the bench.
    bench.restart().unwrap();
    bench.restart().unwrap();
    bench.event("project.images", 1);
    assert_eq!(bench.call("replies", "null").success(), 2);
    assert_eq!(bench.published().len(), 3);
}
