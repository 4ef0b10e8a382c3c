//! Hooks are told of each thread on which a plugin runs, and what goes wrong in them is told.
//!
//! The hooks of a program write into one place, so this is one test.

#![forbid(unsafe_code)]

use jackfield_plugin::testing::Bench;
use jackfield_plugin::{Abilities, Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin, Status, ThreadHooks};
use std::sync::{Mutex, PoisonError};
use std::thread::{ThreadId, current};

static TOLD: Mutex<Vec<(&str, ThreadId)>> = Mutex::new(Vec::new());

fn tell(what: &'static str) {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).push((what, current().id()));
}

fn told() -> Vec<(&'static str, ThreadId)> {
    std::mem::take(&mut *TOLD.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What hooks may do wrong.
struct Fine;
struct Failing;
struct Panicking;

impl ThreadHooks for Fine {
    fn enter() -> Result<(), Error> {
        tell("enter");
        Ok(())
    }

    fn leave() {
        tell("leave");
    }
}

impl ThreadHooks for Failing {
    fn enter() -> Result<(), Error> {
        Err("no interpreter".into())
    }

    fn leave() {
        tell("leave");
    }
}

impl ThreadHooks for Panicking {
    fn enter() -> Result<(), Error> {
        // The control thread is fine.
        assert_ne!(current().name(), Some("plugin"), "stumbled");
        Ok(())
    }

    fn leave() {
        panic!("stumbled");
    }
}

struct Guest<H>(std::marker::PhantomData<fn(H)>);

impl<H: ThreadHooks> Plugin for Guest<H> {
    type Config = NoConfig;
    const INFO: Info = Info::new("guest", "Guest", "1.0.0");
    const ABILITIES: Abilities<Self> = Abilities::new().threads::<H>();

    fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
        tell("new");
        Ok(Self(std::marker::PhantomData))
    }

    fn commands(commands: &mut Commands<Self>) {
        let command = |_: &Self, _: &Call, (): ()| -> Result<(), Failure> {
            tell("command");
            Ok(())
        };
        commands.add("serial", command);
        commands.add("inline", command).inline();
    }
}

impl<H> Drop for Guest<H> {
    fn drop(&mut self) {
        tell("drop");
    }
}

#[test]
fn hooks_are_told_of_each_thread_of_the_plugin_and_of_no_other() {
    let words = |told: &[(&'static str, ThreadId)]| told.iter().map(|(what, _)| *what).collect::<Vec<_>>();

    let bench = Bench::<Guest<Fine>>::new("{}").unwrap();
    bench.call("serial", "null").success();
    bench.call("inline", "null").success();
    drop(bench);
    let all = told();
    assert_eq!(words(&all), ["enter", "new", "enter", "command", "leave", "command", "drop", "leave"]);
    let control = all[0].1;
    assert!([1, 6, 7].iter().all(|&at| all[at].1 == control), "{all:?}");
    assert!([3, 4].iter().all(|&at| all[at].1 == all[2].1) && all[2].1 != control, "{all:?}");

    let refused = Bench::<Guest<Failing>>::new("{}").err().unwrap();
    assert_eq!(refused.to_string(), "enter: failed: a thread cannot enter: no interpreter");
    assert_eq!(words(&told()), Vec::<&str>::new(), "nothing was made, and no thread left that had not entered");

    let bench = Bench::<Guest<Panicking>>::new("{}").unwrap();
    assert_eq!(bench.call("serial", "null").status, Err(Status::Panic));
    assert_eq!(words(&told()), ["new"], "the command did not run");
    let log = bench.log();
    assert!(log[0].starts_with("'enter' of a thread panicked: assertion"), "{log:?}");
    drop(bench);
    assert_eq!(words(&told()), ["drop"]);
}
