//! A state goes from version to version, is migrated or refused with a reason, and no panic on the way gets out.

#![forbid(unsafe_code)]

use jackfield_plugin::testing::{Bench, SavedState};
use jackfield_plugin::{
    Abilities, Call, Commands, Error, Failure, Host, Info, Plugin, Saved, Saver, State, Stateful, Status, Written,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// A plugin that keeps notes in the shape `S`, and stumbles where its config says.
struct Notes<S> {
    host: Host,
    notes: Mutex<S>,
    config: Config,
}

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    panic: String,
    #[serde(default)]
    fail: String,
}

/// The shape of the notes in one version.
trait Shape: State + Default + Clone + Send + Sync + 'static {
    const VERSION: &'static str;
    fn add(&mut self, note: String);
}

/// Schema 1: a text.
#[derive(Clone, Default, Serialize, Deserialize)]
struct One(String);

/// Schema 2: a list; knows what schema 1 was.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Two(Vec<String>);

/// Schema 3: only the last note; knows nothing but schema 4, in which it is a number's text.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Three {
    last: String,
}

impl State for One {
    const SCHEMA: u32 = 1;
}

impl State for Two {
    const SCHEMA: u32 = 2;

    fn from_older(saved: &Saved<'_>) -> Result<Self, Error> {
        match saved.schema() {
            1 => Ok(Self(saved.read::<One>()?.0.split_terminator(',').map(str::to_owned).collect())),
            _ => Err(saved.refused::<Self>()),
        }
    }
}

impl State for Three {
    const SCHEMA: u32 = 3;

    fn from_newer(saved: &Saved<'_>) -> Result<Self, Error> {
        assert_ne!(saved.schema(), 5, "stumbled");
        Ok(Self { last: saved.read::<u64>()?.to_string() })
    }
}

impl Shape for One {
    const VERSION: &'static str = "1.0.0";
    fn add(&mut self, note: String) {
        self.0 += &format!("{note},");
    }
}

impl Shape for Two {
    const VERSION: &'static str = "2.0.0";
    fn add(&mut self, note: String) {
        self.0.push(note);
    }
}

impl Shape for Three {
    const VERSION: &'static str = "3.0.0";
    fn add(&mut self, note: String) {
        self.last = note;
    }
}

impl<S: Shape> Notes<S> {
    fn stumble(&self, at: &str) -> Result<(), Error> {
        assert_ne!(self.config.panic, at, "stumbled");
        if self.config.fail == at { Err("no pen".into()) } else { Ok(()) }
    }

    fn add(&self, _call: &Call, note: String) -> Result<S, Failure> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.add(note);
        Ok(notes.clone())
    }
}

impl<S: Shape> Stateful for Notes<S> {
    type State = S;

    fn save(&self, saver: Saver<'_, S>) -> Result<Written, Error> {
        self.stumble("save")?;
        self.host.info("save");
        saver.write(&self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn restore(&self, state: S, saved: &Saved<'_>) -> Result<(), Error> {
        self.stumble("restore")?;
        self.host.info(format_args!("restore {} of {}", saved.schema(), saved.version()));
        *self.notes.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }
}

impl<S: Shape> Plugin for Notes<S>
where
    S: DeserializeOwned,
{
    type Config = Config;
    const INFO: Info = Info::new("notes", "Notes", S::VERSION);
    const ABILITIES: Abilities<Self> = Abilities::new().stateful();

    fn new(host: Host, config: Config) -> Result<Self, Error> {
        Ok(Self { host, notes: Mutex::default(), config })
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add("note", Self::add);
    }

    fn start(&self) -> Result<(), Error> {
        self.stumble("start")?;
        self.host.info("start");
        Ok(())
    }

    fn stop(&self) {
        self.host.info("stop");
    }
}

fn bench<S: Shape>(config: &str) -> Bench<Notes<S>> {
    Bench::new(config).expect("it stumbles later")
}

#[test]
fn what_was_saved_is_there_in_the_next_version() {
    let old = bench::<Two>("{}");
    old.call("note", r#""a""#).success();
    old.call("note", r#""b""#).success();
    let new = old.hand_over::<Notes<Two>>("{}").unwrap();
    assert_eq!(new.call("note", r#""c""#).json, r#"["a","b","c"]"#);
    assert_eq!(old.log(), ["start", "stop", "save"]);
    assert_eq!(new.log(), ["restore 2 of 2.0.0", "start"]);
}

#[test]
fn an_older_schema_is_migrated_by_the_new_version() {
    let old = bench::<One>("{}");
    old.call("note", r#""a""#).success();
    let new = old.hand_over::<Notes<Two>>("{}").unwrap();
    assert_eq!(new.call("note", r#""b""#).json, r#"["a","b"]"#);
    assert_eq!(new.log(), ["restore 1 of 1.0.0", "start"]);
}

#[test]
fn a_refused_hand_over_leaves_the_old_version_serving_with_its_state() {
    let old = bench::<Two>("{}");
    old.call("note", r#""a""#).success();
    for (config, step, status, why) in [
        (r#"{"fail": "restore"}"#, "restore", Status::State, "no pen"),
        (r#"{"panic": "restore"}"#, "restore", Status::Panic, "'restore' panicked: assertion"),
        (r#"{"fail": "start"}"#, "start", Status::Failed, "no pen"),
        ("7", "create", Status::Invalid, "the config of plugin 'notes'"),
    ] {
        let refused = old.hand_over::<Notes<Two>>(config).err().unwrap();
        assert_eq!((refused.step, refused.status), (step, status), "{config}");
        assert!(refused.why.starts_with(why), "{refused}");
    }
    assert_eq!(old.call("note", r#""b""#).json, r#"["a","b"]"#);
    assert_eq!(old.log()[..4], ["start", "stop", "save", "start"]);
}

#[test]
fn a_schema_without_a_way_is_refused_with_both_numbers_and_the_version() {
    let none = Bench::<Notes<Three>>::restored("{}", &SavedState::new(2, "2.0.0", "[]")).err().unwrap();
    assert_eq!((none.step, none.status), ("restore", Status::State));
    let text = "the state was saved by version 2.0.0 with schema 2, which is not known to a version with schema 3";
    assert_eq!(none.why, text);
    let newer = Bench::<Notes<Two>>::restored("{}", &SavedState::new(3, "3.0.0", r#"{"last": "a"}"#)).err().unwrap();
    assert_eq!(newer.why, "the state was saved by version 3.0.0 with schema 3, which is newer than schema 2");
    let unknown = Bench::<Notes<Two>>::restored("{}", &SavedState::new(0, "0.1.0", "[]")).err().unwrap();
    assert!(unknown.why.ends_with("not known to a version with schema 2"), "{unknown}");
}

#[test]
fn a_newer_schema_is_accepted_by_an_author_who_says_how() {
    let bench = Bench::<Notes<Three>>::restored("{}", &SavedState::new(4, "4.0.0", "17")).unwrap();
    assert_eq!(bench.save().unwrap(), SavedState::new(3, "3.0.0", r#"{"last":"17"}"#));
    let panicked = Bench::<Notes<Three>>::restored("{}", &SavedState::new(5, "5.0.0", "17")).err().unwrap();
    assert_eq!((panicked.step, panicked.status), ("restore", Status::Panic));
}

#[test]
fn what_is_not_of_its_schema_is_refused_with_the_reason() {
    for bytes in ["", "[1]", "[\"a\"] x", "\u{0}"] {
        let refused = Bench::<Notes<Two>>::restored("{}", &SavedState::new(2, "2.0.1", bytes)).err().unwrap();
        assert_eq!(refused.status, Status::State, "{bytes}");
        let begin = "what version 2.0.1 saved is not of schema 2: ";
        assert!(refused.why.starts_with(begin) && refused.why.contains("column"), "{refused}");
    }
}

#[test]
fn a_save_that_fails_or_panics_is_told_and_the_plugin_goes_on() {
    for (config, status, why) in [
        (r#"{"fail": "save"}"#, Status::Failed, "the state is not saved: no pen"),
        (r#"{"panic": "save"}"#, Status::Panic, "the state is not saved: 'save' panicked: assertion"),
    ] {
        let bench = bench::<Two>(config);
        let refused = bench.hand_over::<Notes<Two>>("{}").err().unwrap();
        assert_eq!((refused.step, refused.status), ("save", status));
        assert!(bench.log()[2].starts_with(why), "{:?}", bench.log());
        assert_eq!(bench.call("note", r#""a""#).json, r#"["a"]"#);
    }
}

#[test]
fn a_state_that_is_no_json_is_not_saved() {
    struct Odd;
    #[derive(Deserialize)]
    struct NoJson;
    impl Serialize for NoJson {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("a lock is held"))
        }
    }
    impl State for NoJson {
        const SCHEMA: u32 = 1;
    }
    impl Stateful for Odd {
        type State = NoJson;
        fn save(&self, saver: Saver<'_, NoJson>) -> Result<Written, Error> {
            saver.write(&NoJson)
        }
        fn restore(&self, _state: NoJson, _saved: &Saved<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    impl Plugin for Odd {
        type Config = jackfield_plugin::NoConfig;
        const INFO: Info = Info::new("odd", "Odd", "1.0.0");
        const ABILITIES: Abilities<Self> = Abilities::new().stateful();
        fn new(_host: Host, _config: Self::Config) -> Result<Self, Error> {
            Ok(Self)
        }
        fn commands(_commands: &mut Commands<Self>) {}
    }
    let bench = Bench::<Odd>::new("{}").unwrap();
    assert_eq!(bench.save().err().unwrap().status, Status::Failed);
    assert_eq!(bench.log(), ["the state is not saved: a lock is held"]);
}

#[test]
fn after_a_crash_the_next_run_has_the_last_saved_state_and_the_store() {
    let first = bench::<Two>("{}");
    first.call("note", r#""a""#).success();
    let saved = first.save().unwrap();
    first.call("note", r#""b""#).success();
    let batch = first.store().begin().unwrap();
    batch.put_json("c", "d", &1, &[]).unwrap();
    batch.commit().unwrap();
    let second = first.after_crash::<Notes<Two>>("{}", Some(&saved)).unwrap();
    assert_eq!(second.call("note", r#""c""#).json, r#"["a","c"]"#);
    assert_eq!(second.store().get_json("c", "d").unwrap(), Some(1));
    let third = second.after_crash::<Notes<Two>>("{}", None).unwrap();
    assert_eq!(third.call("note", r#""d""#).json, r#"["d"]"#);
}
