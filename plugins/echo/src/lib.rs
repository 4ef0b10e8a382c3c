//! The smallest plugin: `echo ANY` gives its params back, byte for byte, and the attachments with them.
//!
//! A model for authors of short, hot commands: it runs inline, on the thread that reads the client's socket, and copies
//! nothing, because what it answers is borrowed from what it was sent.

#![forbid(unsafe_code)]

use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin};
use std::borrow::Cow;

/// Set at build time where two versions of this plugin are wanted, as when a swap is tried.
const VERSION: &str = match option_env!("JACKFIELD_ECHO_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

struct Echo;

impl Plugin for Echo {
    type Config = NoConfig;
    const INFO: Info = Info::new("echo", "Echo", VERSION).license(env!("CARGO_PKG_LICENSE"));

    fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn commands(commands: &mut Commands<Self>) {
        let echo = commands.add_raw("echo", Self::echo).inline().read_only().idempotent();
        echo.help("Gives its params back").example(r#"{"hello": "world"}"#).example("[1, 2, 3]").example("null");
    }
}

impl Echo {
    fn echo<'a>(&self, call: &Call<'a>, params: &'a str) -> Result<Cow<'a, str>, Failure> {
        for attachment in call.attachments() {
            call.attach(attachment.name, attachment.content_type, attachment.bytes);
        }
        Ok(params.into())
    }
}

jackfield_plugin::export!(Echo);

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_plugin::testing::{Attachment, Bench};

    #[test]
    fn params_come_back_byte_for_byte() {
        let bench = Bench::<Echo>::new("{}").unwrap();
        for params in ["{ \"b\": 1e3,\t\"a\":\"\\u00e4\", \"b\":2}", " null\n", "\"\"", "-0.0"] {
            assert_eq!(bench.call("echo", params).json, params);
        }
        let long = format!("[{}1]", "1, ".repeat(100_000));
        assert_eq!(bench.call("echo", &long).json, long);
    }

    #[test]
    fn attachments_come_back() {
        let sent = vec![Attachment::new("a.bin", "application/octet-stream", [0, 255]), Attachment::default()];
        assert_eq!(Bench::<Echo>::new("{}").unwrap().call_with("echo", "1", sent.clone()).attachments, sent);
    }

    #[test]
    fn its_examples_work() {
        assert_eq!(Bench::<Echo>::new("{}").unwrap().run_examples(), Ok(3));
    }
}
