//! Answers `Ok` to any JSON message that no key matches, as the basic server of the ZEISS INSPECT IPC examples does.
//!
//! A catch-all gets the whole message as its params, whatever JSON value that is. One such plugin at most is served.

#![forbid(unsafe_code)]

use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin};
use serde::de::IgnoredAny;

struct CatchAll;

impl Plugin for CatchAll {
    type Config = NoConfig;
    const INFO: Info = Info::new("catch-all", "Catch-all", env!("CARGO_PKG_VERSION"));

    fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn commands(commands: &mut Commands<Self>) {
        // ACK_ONLY: plain clients get the bare acknowledgement, `Ok`, not the result `null`.
        let any = commands.catch_all(Self::acknowledge).concurrent().ack_only().read_only().idempotent();
        any.help("Acknowledges any message").example(r#"{"anything": 1}"#).example("42").example(r#""hello""#);
    }
}

impl CatchAll {
    fn acknowledge(&self, _call: &Call, _message: IgnoredAny) -> Result<(), Failure> {
        Ok(())
    }
}

jackfield_plugin::export!(CatchAll);

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_plugin::testing::Bench;

    #[test]
    fn any_json_value_is_acknowledged() {
        let bench = Bench::<CatchAll>::new("{}").unwrap();
        for message in [r#"{"a": 1}"#, "{}", "[1]", "42", "true", "null", r#""hello""#] {
            assert_eq!(bench.call("", message).json, "null");
        }
        assert_eq!(bench.run_examples(), Ok(3));
    }
}
