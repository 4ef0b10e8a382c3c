//! A plugin with a state: a count that goes from version to version and over a restart of the server, and that tells when
//! a crash has cost something.

#![forbid(unsafe_code)]

mod mark;
#[cfg(feature = "schema-1")]
mod schema_1;
#[cfg(not(feature = "schema-1"))]
mod schema_2;

use jackfield_plugin::{
    Abilities, Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin, Saved, Saver, State, Stateful, Written,
};
use mark::Mark;
#[cfg(feature = "schema-1")]
use schema_1::Tally;
#[cfg(not(feature = "schema-1"))]
use schema_2::Tally;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Set at build time where two versions of this plugin are wanted, as when a swap is tried.
const VERSION: &str = match option_env!("JACKFIELD_COUNTER_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

struct Counter {
    host: Host,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    tally: Tally,
    /// Version and schema of who saved what this one began with.
    saved: Option<(String, u32)>,
    /// Known from the first start on.
    came: Option<Came>,
}

/// How the count came to this version.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "came", rename_all = "snake_case")]
enum Came {
    /// There was none.
    Fresh,
    /// From the last one that ran, in a swap or over a restart of the server. Nothing is missing.
    HandedOver,
    /// The last one that ran did not save: what was added to it since that time (seconds since 1970) is lost.
    AfterCrash { lost_since: u64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addition {
    by: u64,
}

#[derive(Serialize)]
struct Count {
    count: u64,
}

#[derive(Serialize)]
struct Report {
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    additions: Option<u64>,
    version: &'static str,
    schema: u32,
    #[serde(flatten)]
    came: Came,
    saved_by: Option<String>,
    saved_schema: Option<u32>,
}

impl Plugin for Counter {
    type Config = NoConfig;
    const INFO: Info = Info::new("counter", "Counter", VERSION);
    const ABILITIES: Abilities<Self> = Abilities::new().stateful();

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self { host, now: Mutex::default() })
    }

    fn commands(commands: &mut Commands<Self>) {
        let add = commands.add("counter.add", Self::add).help("Adds to the count").order(&["by"]);
        add.example(r#"{"by": 1}"#);
        let get = commands.add("counter.get", Self::get).help("The count, and how it came to this version");
        get.read_only().example("{}");
    }

    fn start(&self) -> Result<(), Error> {
        // A server without a store cannot know of crashes.
        let store = self.host.store();
        let mut now = self.now();
        // Started again after a refused swap it has its answer, and its own mark is no crash.
        if now.came.is_none() {
            let unsaved = store.as_ref().map(|store| Mark::unsaved(store, now.tally.saves)).transpose()?.flatten();
            now.came = Some(match unsaved {
                Some(Mark { since, .. }) => {
                    self.host.warn(format_args!(
                        "the last one that ran did not save: what was added since {since} (seconds since 1970) is lost; \
                         the count is {}",
                        now.tally.count()
                    ));
                    Came::AfterCrash { lost_since: since }
                }
                None if now.saved.is_some() => Came::HandedOver,
                None => Came::Fresh,
            });
        }
        store.map_or(Ok(()), |store| Mark::leave(&store, now.tally.saves)).map_err(Error::from)
    }
}

impl Stateful for Counter {
    type State = Tally;

    fn save(&self, saver: Saver<'_, Tally>) -> Result<Written, Error> {
        let mut now = self.now();
        now.tally.saves += 1;
        saver.write(&now.tally)
    }

    fn restore(&self, tally: Tally, saved: &Saved<'_>) -> Result<(), Error> {
        *self.now() = Now { tally, saved: Some((saved.version().to_owned(), saved.schema())), came: None };
        Ok(())
    }
}

impl Counter {
    fn add(&self, _call: &Call, Addition { by }: Addition) -> Result<Count, Failure> {
        let mut now = self.now();
        let too_large =
            || Failure::invalid_params(format!("The count cannot be larger than {}; 'by' is {by}.", u64::MAX));
        now.tally.add(by).map(|count| Count { count }).ok_or_else(too_large)
    }

    fn get(&self, _call: &Call, _: NoConfig) -> Result<Report, Failure> {
        let now = self.now();
        let (saved_by, saved_schema) = now.saved.clone().unzip();
        Ok(Report {
            count: now.tally.count(),
            additions: now.tally.additions(),
            version: VERSION,
            schema: Tally::SCHEMA,
            came: now.came.unwrap_or(Came::Fresh),
            saved_by,
            saved_schema,
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

jackfield_plugin::export!(Counter);

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_plugin::Status;
    use jackfield_plugin::testing::Bench;

    fn add(bench: &Bench<Counter>, by: u64) -> u64 {
        bench.call("counter.add", format!(r#"{{"by": {by}}}"#)).success()["count"].as_u64().unwrap()
    }

    /// Count, how it came, and who saved it.
    fn get(bench: &Bench<Counter>) -> (u64, String, Option<String>) {
        let report = bench.call("counter.get", "{}").success();
        let text = |name: &str| report[name].as_str().map(str::to_owned);
        (report["count"].as_u64().unwrap(), text("came").unwrap(), text("saved_by"))
    }

    #[test]
    fn additions_are_counted() {
        let bench = Bench::<Counter>::new("{}").unwrap();
        assert_eq!((add(&bench, 2), add(&bench, 40)), (2, 42));
        assert_eq!(get(&bench), (42, "fresh".into(), None));
        for by in ["-1", "1.5", "18446744073709551615"] {
            let outcome = bench.call("counter.add", format!(r#"{{"by": {by}}}"#));
            assert_eq!(outcome.status, Err(Status::InvalidParams), "{by}");
        }
        assert_eq!(get(&bench).0, 42);
    }

    #[test]
    fn the_count_is_handed_over_from_version_to_version() {
        let mut bench = Bench::<Counter>::new("{}").unwrap();
        for swaps in 1..=5 {
            assert_eq!(add(&bench, 1), swaps);
            bench = bench.hand_over::<Counter>("{}").unwrap();
            assert_eq!(get(&bench), (swaps, "handed_over".into(), Some(VERSION.into())));
        }
    }

    #[test]
    fn a_refused_successor_leaves_the_count_where_it_was() {
        let bench = Bench::<Counter>::new("{}").unwrap();
        add(&bench, 5);
        assert!(bench.hand_over::<Counter>(r#"{"no": "such setting"}"#).is_err());
        bench.restart().unwrap();
        assert_eq!(add(&bench, 1), 6);
        assert_eq!(get(&bench), (6, "fresh".into(), None));
    }

    #[test]
    fn a_crash_costs_what_was_added_since_the_last_save_and_that_is_told() {
        let bench = Bench::<Counter>::new("{}").unwrap();
        add(&bench, 5);
        let saved = bench.save().unwrap();
        add(&bench, 2);
        let bench = bench.after_crash::<Counter>("{}", Some(&saved)).unwrap();
        assert_eq!(get(&bench), (5, "after_crash".into(), Some(VERSION.into())));
        assert!(bench.call("counter.get", "{}").success()["lost_since"].as_u64().is_some_and(|since| since > 0));
        assert!(bench.log()[0].ends_with("is lost; the count is 5"), "{:?}", bench.log());
        // What is handed over from then on is whole again.
        let bench = bench.hand_over::<Counter>("{}").unwrap();
        assert_eq!(get(&bench).1, "handed_over");
        let bench = bench.after_crash::<Counter>("{}", None).unwrap();
        assert_eq!(get(&bench), (0, "after_crash".into(), None), "nothing saved is there");
    }

    #[test]
    fn its_examples_work() {
        assert_eq!(Bench::<Counter>::new("{}").unwrap().run_examples(), Ok(2));
    }
}
