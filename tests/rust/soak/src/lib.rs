//! What the soak swaps, in Rust: every answer tells the key, the version, a stamp of the generation, and its params.
//!
//! The stamp is the monotonic clock at `new`, in nanoseconds: of two generations of a plugin the newer one has the greater.
//! It is logged as `born STAMP`, so that the log tells which generation it stands for. Each command does what makes unloading
//! Rust hard: it asks for the current thread, and leaves a thread-local with a destructor behind. STATEFUL, `.serial` adds
//! the third of its params to a count that outlives the swap, and tells it. `tests/c/soak.c` is the same in C.

#![forbid(unsafe_code)]

use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin};
use rustix::time::{ClockId, clock_gettime};
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! kinds {
    ($($id:literal when $kind:meta),+) => {$(
        #[cfg($kind)]
        macro_rules! key { ($of:literal) => { concat!($id, $of) }; }
    )+};
}
kinds! {
    "rust-plain" when not(any(feature = "exclusive", feature = "stateful", feature = "inline")),
    "rust-exclusive" when feature = "exclusive",
    "rust-stateful" when all(feature = "stateful", not(feature = "exclusive")),
    "rust-inline" when all(feature = "inline", not(any(feature = "exclusive", feature = "stateful")))
}

const VERSION: &str = match (cfg!(feature = "v2"), cfg!(feature = "v3")) {
    (_, true) => "1.0.3",
    (true, false) => "1.0.2",
    (false, false) => "1.0.1",
};

/// Commands that threads which have ended had done.
static LEFT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static DONE: Done = const { Done(Cell::new(0)) };
}

/// Commands that this thread has done.
struct Done(Cell<u64>);

impl Drop for Done {
    fn drop(&mut self) {
        LEFT.fetch_add(self.0.get(), Ordering::Relaxed);
    }
}

struct Soak {
    stamp: i64,
    #[cfg(feature = "stateful")]
    count: AtomicU64,
}

/// What is handed over.
#[cfg(feature = "stateful")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Count(u64);

#[cfg(feature = "stateful")]
impl jackfield_plugin::State for Count {
    const SCHEMA: u32 = 1;
}

#[cfg(feature = "stateful")]
impl jackfield_plugin::Stateful for Soak {
    type State = Count;

    fn save(&self, saver: jackfield_plugin::Saver<'_, Count>) -> Result<jackfield_plugin::Written, Error> {
        saver.write(&Count(self.count.load(Ordering::Relaxed)))
    }

    fn restore(&self, Count(count): Count, _saved: &jackfield_plugin::Saved<'_>) -> Result<(), Error> {
        self.count.store(count, Ordering::Relaxed);
        Ok(())
    }
}

impl Plugin for Soak {
    type Config = NoConfig;
    const INFO: Info = {
        let info = Info::new(key!(""), "Soak", VERSION);
        if cfg!(feature = "exclusive") { info.exclusive() } else { info }
    };
    #[cfg(feature = "stateful")]
    const ABILITIES: jackfield_plugin::Abilities<Self> = jackfield_plugin::Abilities::new().stateful();

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        let now = clock_gettime(ClockId::Monotonic);
        let stamp = now.tv_sec * 1_000_000_000 + now.tv_nsec;
        host.info(format_args!("born {stamp}"));
        Ok(Self {
            stamp,
            #[cfg(feature = "stateful")]
            count: AtomicU64::new(0),
        })
    }

    fn commands(commands: &mut Commands<Self>) {
        if cfg!(feature = "inline") {
            commands.add_raw(key!(".inline"), Self::answer).inline();
        } else {
            #[cfg(not(feature = "stateful"))]
            commands.add_raw(key!(".serial"), Self::answer).serial();
            #[cfg(feature = "stateful")]
            commands.add_raw(key!(".serial"), Self::count).serial();
            commands.add_raw(key!(".concurrent"), Self::answer).concurrent();
        }
    }
}

impl Soak {
    #[cfg(feature = "stateful")]
    fn count<'a>(&self, call: &Call<'a>, params: &'a str) -> Result<Cow<'a, str>, Failure> {
        let (_, _, add): (u64, u64, u64) =
            serde_json::from_str(params).map_err(|error| Failure::invalid_params(error.to_string()))?;
        // SERIAL commands are the only ones that count.
        let count = self.count.fetch_add(add, Ordering::Relaxed) + add;
        self.tell(call, &format!(r#""count":{count},"#), params)
    }

    fn answer<'a>(&self, call: &Call<'a>, params: &'a str) -> Result<Cow<'a, str>, Failure> {
        self.tell(call, "", params)
    }

    fn tell<'a>(&self, call: &Call<'a>, count: &str, params: &'a str) -> Result<Cow<'a, str>, Failure> {
        std::hint::black_box(std::thread::current());
        DONE.with(|done| done.0.set(done.0.get() + 1));
        let (key, stamp) = (call.key(), self.stamp);
        Ok(format!(r#"{{"of":"{key}","version":"{VERSION}","stamp":{stamp},{count}"to":{params}}}"#).into())
    }
}

jackfield_plugin::export!(Soak);
