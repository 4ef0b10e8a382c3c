//! Plugin `subject` in Rust: panics in the callback that `PANIC_AT` names, and answers its version otherwise.

#![forbid(unsafe_code)]

use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Pending, Plugin, Token};
use serde::{Serialize, Serializer};
use std::sync::Mutex;

const VERSION: &str = "2.0.0";

struct Panics {
    /// A command that is to be cancelled.
    kept: Mutex<Option<Pending>>,
}

/// Panics if this is the place.
fn pass(place: &str) {
    let at = std::env::var("PANIC_AT").unwrap_or_default();
    assert!(at != place, "in {place}");
}

/// The result of the command.
struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        pass("result");
        serializer.serialize_str(VERSION)
    }
}

impl Plugin for Panics {
    type Config = NoConfig;
    const INFO: Info = Info::new("subject", "Subject", VERSION);

    fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
        pass("new");
        Ok(Self { kept: Mutex::default() })
    }

    fn commands(commands: &mut Commands<Self>) {
        pass("commands");
        match std::env::var("PANIC_AT").as_deref() {
            Ok("deferred" | "cancel") => {
                commands.add_deferred("subject", Self::deferred);
            }
            _ => {
                commands.add("subject", Self::subject);
            }
        }
    }

    fn start(&self) -> Result<(), Error> {
        pass("start");
        Ok(())
    }

    fn cancel(&self, _token: Token) {
        // Gone without an answer, it is answered CANCELLED.
        drop(self.kept.lock().map(|mut kept| kept.take()));
        pass("cancel");
    }

    fn stop(&self) {
        pass("stop");
    }
}

impl Panics {
    fn subject(&self, _call: &Call<'_>, (): ()) -> Result<Version, Failure> {
        pass("handle");
        Ok(Version)
    }

    /// Waits for its cancel.
    fn deferred(&self, pending: Pending, (): ()) {
        pass("deferred");
        if let Ok(mut kept) = self.kept.lock() {
            *kept = Some(pending);
        }
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        pass("drop");
    }
}

jackfield_plugin::export!(Panics);
