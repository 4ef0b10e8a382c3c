//! What authors rely on: handlers, answers, attachments, progress, cancel, examples.

#![forbid(unsafe_code)]

use jackfield_plugin::testing::{Attachment, Bench, Progress, Request};
use jackfield_plugin::{
    Call, Commands, Error, Failure, Host, Info, NoConfig, Pending, Plugin, Status, StoreError, Token,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

struct Kit {
    host: Host,
    worker: Mutex<Option<(Sender<Pending>, JoinHandle<()>)>>,
    cancelled: (Sender<Token>, Mutex<Receiver<Token>>),
}

#[derive(Deserialize)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
struct Total {
    total: i64,
}

impl Plugin for Kit {
    type Config = NoConfig;
    const INFO: Info = Info::new("kit", "Kit", "1.0.0").license("MIT").build("test").topics(&["project.**"]);

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        host.info("made");
        let (sender, receiver) = channel();
        Ok(Self { host, worker: Mutex::new(None), cancelled: (sender, Mutex::new(receiver)) })
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add("sum", Self::sum).concurrent().order(&["a", "b"]).example(r#"{"a": 1, "b": 2}"#);
        commands.add("pass", |_: &Self, _: &Call, raw: Box<RawValue>| Ok(raw));
        commands.add_raw("raw", Self::raw).inline().read_only().idempotent();
        commands.add_raw("large", |_: &Self, _: &Call, _| Ok(format!("\"{}\"", "x".repeat(100_000)).into()));
        commands.add_raw("broken", |_: &Self, _: &Call, _| Ok("{".into()));
        commands.add("fail", Self::fail).ack_only().example("null");
        commands.add("count", Self::count).cancel_on_disconnect();
        commands.add("who", Self::who).example("null");
        commands.add("parts", Self::parts);
        commands.add("wait", Self::wait);
        commands.add_deferred("later", Self::later);
        commands.add_deferred("drop", |_: &Self, pending: Pending, (): ()| drop(pending));
        commands.add_deferred("never", |_: &Self, _: Pending, _: Sum| panic!("the handler was reached"));
        commands.add_deferred("inline", |_: &Self, pending: Pending, (): ()| std::mem::forget(pending)).inline();
        commands.add("map", |_: &Self, _: &Call, (): ()| Ok(std::collections::HashMap::from([((1, 2), 3)])));
        commands.catch_all(|_: &Self, _: &Call, message: serde_json::Value| Ok(json!({"unmatched": message})));
    }

    fn start(&self) -> Result<(), Error> {
        let (sender, receiver) = channel::<Pending>();
        let thread = std::thread::spawn(move || {
            for mut pending in receiver {
                let params = pending.command().params().to_owned();
                let number = pending.attach("copy", "text/plain", params.clone().into_bytes());
                pending.command().progress(1, 1, "done");
                pending.reply(Ok(json!({"params": params, "$attachment": number})));
            }
        });
        *self.worker.lock().unwrap_or_else(|e| e.into_inner()) = Some((sender, thread));
        Ok(())
    }

    fn stop(&self) {
        if let Some((sender, thread)) = self.worker.lock().unwrap_or_else(|e| e.into_inner()).take() {
            drop(sender);
            thread.join().expect("the worker does not panic");
        }
        self.host.info("stopped");
    }

    fn cancel(&self, token: Token) {
        self.cancelled.0.send(token).expect("the receiver is in the same struct");
    }
}

impl Kit {
    fn sum(&self, _call: &Call, Sum { a, b }: Sum) -> Result<Total, Failure> {
        Ok(Total { total: a + b })
    }

    fn raw<'a>(&self, call: &Call<'a>, params: &'a str) -> Result<Cow<'a, str>, Failure> {
        for attachment in call.attachments() {
            call.attach(attachment.name, attachment.content_type, attachment.bytes);
        }
        Ok(params.into())
    }

    fn fail(&self, _call: &Call, (): ()) -> Result<(), Failure> {
        Err(Failure::unavailable("No camera on port 1.").code(17).details(json!({"port": 1})))
    }

    fn count(&self, call: &Call, to: u64) -> Result<u64, Failure> {
        for done in 0..to {
            if call.is_cancelled() {
                return Err(Failure::cancelled());
            }
            call.progress(done, to, "counting");
        }
        Ok(to)
    }

    fn who(&self, call: &Call, (): ()) -> Result<serde_json::Value, Failure> {
        Ok(json!([call.session(), call.principal(), call.dialect(), call.trace_id(), call.deadline_ns(), call.key()]))
    }

    fn parts(&self, call: &Call, len: usize) -> Result<usize, Failure> {
        call.attach("zeros", "", vec![0; len]);
        Ok(call.attach("ones", "application/octet-stream", vec![1; len]))
    }

    /// Ends when `cancel` was called for it.
    fn wait(&self, call: &Call, (): ()) -> Result<bool, Failure> {
        let cancelled = self.cancelled.1.lock().unwrap_or_else(|e| e.into_inner());
        let token = cancelled.recv().map_err(|error| Failure::internal(error.to_string()))?;
        Ok(token == call.token() && call.is_cancelled())
    }

    fn later(&self, pending: Pending, _params: serde_json::Value) {
        if let Some((sender, _)) = &*self.worker.lock().unwrap_or_else(|e| e.into_inner()) {
            // A pending that comes back is dropped, which answers it.
            let _ = sender.send(pending);
        }
    }
}

fn bench() -> Bench<Kit> {
    Bench::new("{}").expect("the kit starts")
}

#[test]
fn typed_params_and_results() {
    assert_eq!(bench().call("sum", r#"{"a": 40, "b": 2}"#).json, r#"{"total":42}"#);
}

#[test]
fn params_that_do_not_fit_never_reach_the_handler_and_are_named() {
    for key in ["sum", "never"] {
        let outcome = bench().call(key, r#"{"a": 40}"#);
        assert_eq!(outcome.status, Err(Status::InvalidParams));
        assert_eq!(outcome.message, format!("Params of '{key}': missing field `b` at line 1 column 9."));
    }
}

#[test]
fn raw_params_come_back_byte_for_byte() {
    for params in [" { \"b\" : 1e3,\n\"a\": \"\\u00e4\" , \"b\":2 } ", "null", "[]", "\"\u{1F600}\""] {
        assert_eq!(bench().call("raw", params).json, params);
    }
    assert_eq!(bench().call("pass", "{ \"z\":1,  \"a\":1.0 }").json, "{ \"z\":1,  \"a\":1.0 }");
}

#[test]
fn large_results_arrive_whole() {
    assert_eq!(bench().call("large", "null").json.len(), 100_002);
}

#[test]
fn a_result_that_is_no_json_is_the_plugins_fault() {
    let outcome = bench().call("broken", "null");
    assert_eq!(outcome.status, Err(Status::Internal));
    assert!(outcome.message.starts_with("the reply is not usable: its JSON: EOF"), "{}", outcome.message);
    let outcome = bench().call("map", "null");
    assert_eq!(
        (outcome.status, outcome.message.as_str()),
        (Err(Status::Internal), "The result is no JSON: key must be a string.")
    );
}

#[test]
fn a_failure_carries_code_message_and_details() {
    let outcome = bench().call("fail", "null");
    assert_eq!(outcome.status, Err(Status::Unavailable));
    assert_eq!((outcome.code, outcome.message.as_str()), (17, "No camera on port 1."));
    assert_eq!(outcome.json, r#"{"port":1}"#);
}

#[test]
fn store_errors_keep_their_kind() {
    let failure = Failure::from(StoreError::NotFound("blob x".into()));
    assert_eq!((failure.status, failure.message.as_str()), (Status::NotFound, "blob x"));
    assert_eq!(Failure::from(StoreError::WrongThread("t".into())).status, Status::Internal);
}

#[test]
fn attachments_travel_both_ways() {
    let sent = vec![Attachment::new("a", "text/plain", *b"one"), Attachment::new("", "", vec![7; 10_000])];
    assert_eq!(bench().call_with("raw", "1", sent.clone()).attachments, sent);
    for len in [0, 10, 100_000] {
        let outcome = bench().call("parts", len);
        assert_eq!(outcome.json, "1");
        let ones = Attachment::new("ones", "application/octet-stream", vec![1; len]);
        assert_eq!(outcome.attachments, [Attachment::new("zeros", "", vec![0; len]), ones]);
    }
}

#[test]
fn a_call_tells_who_asks() {
    let request = Request {
        key: "who".into(),
        params: "null".into(),
        session: 3,
        principal: "ada".into(),
        dialect: "zeiss".into(),
        trace_id: "ff".into(),
        deadline_ns: 5,
        ..Request::default()
    };
    assert_eq!(bench().send(request).success(), json!([3, "ada", "zeiss", "ff", 5, "who"]));
    assert_eq!(bench().call("who", "null").success(), json!([0, "", "", "", null, "who"]));
}

#[test]
fn progress_is_told_in_order() {
    let outcome = bench().call("count", "2");
    let progress = |done| Progress { done, total: 2, text: "counting".into() };
    assert_eq!(outcome.progress, [progress(0), progress(1)]);
}

#[test]
fn a_cancelled_command_ends_where_it_is() {
    let bench = bench();
    bench.cancel_when(|progress| progress.done == 3);
    let outcome = bench.call("count", "1000000");
    assert_eq!((outcome.status, outcome.progress.len()), (Err(Status::Cancelled), 4));
}

#[test]
fn cancel_reaches_the_plugin_while_its_handler_runs() {
    let request = Request { key: "wait".into(), params: "null".into(), cancelled: true, ..Request::default() };
    assert_eq!(bench().send(request).json, "true");
}

#[test]
fn a_deferred_command_is_answered_from_another_thread() {
    let outcome = bench().call("later", "[1, 2]");
    assert_eq!(outcome.success(), json!({"params": "[1, 2]", "$attachment": 0}));
    assert_eq!(outcome.attachments, [Attachment::new("copy", "text/plain", *b"[1, 2]")]);
    assert_eq!(outcome.progress.len(), 1);
}

#[test]
fn a_dropped_pending_answers_cancelled() {
    let outcome = bench().call("drop", "null");
    assert_eq!(outcome.status, Err(Status::Cancelled));
    assert_eq!(outcome.message, "The plugin gave up 'drop' without an answer.");
}

#[test]
fn an_inline_command_cannot_be_deferred() {
    assert_eq!(bench().call("inline", "null").status, Err(Status::Internal));
}

#[test]
fn a_command_without_an_answer_ends_at_the_limit() {
    struct Silent;
    impl Plugin for Silent {
        type Config = NoConfig;
        const INFO: Info = Info::new("silent", "Silent", "1.0.0");
        fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
            Ok(Self)
        }
        fn commands(commands: &mut Commands<Self>) {
            commands.add_deferred("hush", |_: &Self, pending: Pending, (): ()| std::mem::forget(pending));
        }
    }
    let bench = Bench::<Silent>::new("{}").unwrap().limit(std::time::Duration::from_millis(20));
    assert_eq!(bench.call("hush", "null").status, Err(Status::Deadline));
}

#[test]
fn what_no_key_matches_goes_to_the_catch_all_whole() {
    assert_eq!(bench().call("", r#"{"x": 1}"#).json, r#"{"unmatched":{"x":1}}"#);
}

#[test]
fn an_unknown_key_is_answered() {
    let outcome = bench().call("nobody", "null");
    assert_eq!(outcome.status, Err(Status::UnknownKey));
    assert_eq!(outcome.message, "The plugin 'kit' has no command 'nobody'.");
}

#[test]
fn examples_that_fail_are_named() {
    let why = bench().run_examples().unwrap_err();
    assert_eq!(why, "'fail' with null: unavailable: No camera on port 1.\n");
}

#[test]
fn a_plugin_can_be_stopped_and_started_again() {
    let bench = bench();
    bench.restart().unwrap();
    assert!(bench.call("later", "1").status.is_ok());
    assert_eq!(bench.log(), ["made", "stopped"]);
}

#[test]
fn commands_may_run_at_once() {
    let bench = bench();
    std::thread::scope(|scope| {
        for a in 0..8 {
            let bench = &bench;
            scope.spawn(move || assert_eq!(bench.call("sum", json!({"a": a, "b": 1})).success()["total"], a + 1));
        }
    });
}

#[test]
fn a_wrong_config_is_refused_by_name() {
    let refused = Bench::<Kit>::new(r#"{"colour": 1}"#).err().unwrap();
    assert_eq!((refused.step, refused.status), ("create", Status::Invalid));
    assert!(refused.why.starts_with("the config of plugin 'kit': unknown field `colour`"), "{}", refused.why);
}
