//! A panic in any callback stays inside the plugin and is told.

#![forbid(unsafe_code)]

use jackfield_plugin::testing::{Bench, Request};
use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, Pending, Plugin, Status, Token};
use serde::{Deserialize, Serialize, Serializer};

/// Panics where its config says.
struct Clumsy(At);

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum At {
    Nowhere,
    Create,
    Start,
    Cancel,
    Stop,
    Destroy,
}

#[derive(Deserialize)]
struct Config {
    at: At,
}

struct Unserializable;

impl Serialize for Unserializable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in serialize")
    }
}

impl Clumsy {
    fn stumble(&self, at: At) {
        assert!(self.0 != at, "stumbled");
    }
}

impl Plugin for Clumsy {
    type Config = Config;
    const INFO: Info = Info::new("clumsy", "Clumsy", "1.0.0");

    fn new(_host: Host, Config { at }: Config) -> Result<Self, Error> {
        let clumsy = Self(at);
        clumsy.stumble(At::Create);
        Ok(clumsy)
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add("text", |_: &Self, _: &Call, text: String| -> Result<(), Failure> { panic!("{text}") });
        commands.add("literal", |_: &Self, _: &Call, (): ()| -> Result<(), Failure> { panic!("literal") });
        commands.add("odd", |_: &Self, _: &Call, (): ()| -> Result<(), Failure> { std::panic::panic_any(5) });
        commands.add("result", |_: &Self, _: &Call, (): ()| Ok(Unserializable));
        commands.add_deferred("deferred", |_: &Self, _pending: Pending, (): ()| panic!("deferred"));
        commands.add("fine", |_: &Self, _: &Call, (): ()| Ok(()));
    }

    fn start(&self) -> Result<(), Error> {
        self.stumble(At::Start);
        Ok(())
    }

    fn cancel(&self, _token: Token) {
        self.stumble(At::Cancel);
    }

    fn stop(&self) {
        self.stumble(At::Stop);
    }
}

impl Drop for Clumsy {
    fn drop(&mut self) {
        if self.0 == At::Destroy {
            panic!("stumbled");
        }
    }
}

fn bench(at: &str) -> Bench<Clumsy> {
    Bench::new(format!(r#"{{"at": "{at}"}}"#)).expect("it stumbles later")
}

#[test]
fn a_handler_that_panics_answers_with_the_text() {
    for (key, params, text) in [
        ("text", r#""formatted""#, "formatted"),
        ("literal", "null", "literal"),
        ("odd", "null", "a panic without a text"),
        ("result", "null", "in serialize"),
    ] {
        let bench = bench("nowhere");
        let outcome = bench.call(key, params);
        assert_eq!(outcome.status, Err(Status::Panic), "{key}");
        assert_eq!(outcome.message, format!("The plugin 'clumsy' panicked: {text}"));
        assert_eq!(bench.log(), [format!("a handler panicked: {text}")]);
        assert_eq!(bench.call("fine", "null").json, "null", "the instance lives on");
    }
}

#[test]
fn a_deferred_handler_that_panics_answers() {
    let bench = bench("nowhere");
    let outcome = bench.call("deferred", "null");
    assert_eq!((outcome.status, outcome.message.as_str()), (Err(Status::Panic), "A panic left 'deferred' unanswered."));
    assert_eq!(bench.log(), ["a handler panicked: deferred"]);
}

#[test]
fn create_and_start_that_panic_refuse_the_plugin() {
    for (at, step) in [("create", "create"), ("start", "start")] {
        let refused = Bench::<Clumsy>::new(format!(r#"{{"at": "{at}"}}"#)).err().unwrap();
        assert_eq!((refused.step, refused.status), (step, Status::Panic));
        assert_eq!(refused.why, format!("'{step}' panicked: stumbled"));
    }
}

#[test]
fn cancel_that_panics_is_logged() {
    let bench = bench("cancel");
    let request = Request { key: "fine".into(), params: "null".into(), cancelled: true, ..Request::default() };
    assert!(bench.send(request).status.is_ok());
    assert_eq!(bench.log(), ["'cancel' panicked: stumbled"]);
}

#[test]
fn stop_that_panics_is_logged() {
    let bench = bench("stop");
    bench.restart().unwrap();
    assert_eq!(bench.log(), ["'stop' panicked: stumbled"]);
}

#[test]
fn destroy_that_panics_does_not_unwind() {
    drop(bench("destroy"));
}

#[test]
fn an_entry_that_panics_is_no_plugin() {
    struct Undeclared;
    impl Plugin for Undeclared {
        type Config = jackfield_plugin::NoConfig;
        const INFO: Info = Info::new("undeclared", "Undeclared", "1.0.0");
        fn new(_host: Host, _config: Self::Config) -> Result<Self, Error> {
            Ok(Self)
        }
        fn commands(_commands: &mut Commands<Self>) {
            panic!("no commands");
        }
    }
    let refused = Bench::<Undeclared>::new("{}").err().unwrap();
    assert_eq!((refused.step, refused.status), ("load", Status::Panic));
    assert_eq!(refused.why, "the declaration of the commands panicked: no commands");
}

#[test]
fn an_error_of_create_reaches_the_operator_with_its_causes() {
    struct Unwilling;
    impl Plugin for Unwilling {
        type Config = jackfield_plugin::NoConfig;
        const INFO: Info = Info::new("unwilling", "Unwilling", "1.0.0");
        fn new(_host: Host, _config: Self::Config) -> Result<Self, Error> {
            Err("no licence".into())
        }
        fn commands(_commands: &mut Commands<Self>) {}
    }
    let refused = Bench::<Unwilling>::new("{}").err().unwrap();
    assert_eq!(refused.to_string(), "create: failed: no licence");
}
