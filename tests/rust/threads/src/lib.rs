//! A plugin that leaves in its threads all that a plugin in Rust can: a handle of the thread itself, for which std takes a
//! thread-local key a copy, thread-locals with destructors, and a thread of its own, which it joins.

#![forbid(unsafe_code)]

use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin};
use std::borrow::Cow;
use std::cell::RefCell;
use std::thread;

struct Threads;

impl Plugin for Threads {
    type Config = NoConfig;
    const INFO: Info = Info::new("threads", "Threads", env!("CARGO_PKG_VERSION"));

    fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add_raw("threads", Self::names).serial().help("The names of the thread that runs it and of its own");
    }
}

thread_local! {
    static LAST: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn own_name() -> String {
    let name = thread::current().name().unwrap_or("nameless").to_owned();
    LAST.with_borrow_mut(|last| last.push(name.clone()));
    name
}

impl Threads {
    fn names<'a>(&self, _: &Call<'a>, _: &'a str) -> Result<Cow<'a, str>, Failure> {
        let other = thread::Builder::new().name("other".to_owned()).spawn(own_name);
        let other = other.ok().and_then(|thread| thread.join().ok()).unwrap_or_default();
        Ok(format!("[\"{}\", \"{other}\"]", own_name()).into())
    }
}

jackfield_plugin::export!(Threads);
