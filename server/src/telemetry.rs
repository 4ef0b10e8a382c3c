//! The log: on stderr, as text or JSON, a line an event. Control characters from outside are escaped, so that nobody can
//! forge a line or drive a terminal.

use crate::config::{Format, Level, Log};
use std::borrow::Cow;
use std::io::{self, IsTerminal};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log of this process. A log that somebody has started before stays.
pub fn init(log: &Log) {
    let _ = subscriber(log, io::stderr, io::stderr().is_terminal()).try_init();
}

fn subscriber<W>(log: &Log, writer: W, colour: bool) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_max_level(filter(log.level)).with_writer(writer);
    match log.format {
        Format::Json => Box::new(builder.json().flatten_event(true).finish()),
        Format::Text => {
            let fields = debug_fn(|out, field, value| {
                let value = format!("{value:?}");
                let value = escaped(&value);
                if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
            });
            Box::new(builder.with_ansi(colour).fmt_fields(fields.delimited(" ")).finish())
        }
    }
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

/// `text` with its control characters written as Rust writes them.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() { out.extend(character.escape_default()) } else { out.push(character) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, level: Level, colour: bool, work: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(&Log { level, format }, move || writer.clone(), colour);
        tracing::subscriber::with_default(subscriber, work);
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    const HOSTILE: &str = "a\n2026-01-01 ERROR forged\r\u{1b}[2J\u{9b}31m\u{7}\u{7f}é";

    fn tell_hostile() {
        let span = tracing::info_span!("session", peer = %HOSTILE);
        let _entered = span.enter();
        tracing::info!(shown = %HOSTILE, debugged = ?HOSTILE, plain = HOSTILE, "told: {HOSTILE}");
    }

    #[test]
    fn control_characters_from_outside_reach_neither_the_lines_nor_the_terminal() {
        let text = logged(Format::Text, Level::Info, false, tell_hostile);
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(!text.trim_end().contains(char::is_control), "{text:?}");
        assert_eq!(text.matches("a\\n2026-01-01 ERROR forged\\r\\u{1b}[2J").count(), 5, "{text}");
        assert!(text.contains('é'), "{text}");
        assert!(logged(Format::Text, Level::Info, true, || tracing::info!(x = %"\u{1b}[2J")).contains("\\u{1b}[2J"));

        let json = logged(Format::Json, Level::Info, false, tell_hostile);
        assert_eq!(json.matches('\n').count(), 1, "{json}");
        assert!(!json.contains('\u{1b}'), "{json:?}");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((json["shown"].as_str(), json["span"]["peer"].as_str()), (Some(HOSTILE), Some(HOSTILE)));
    }

    #[test]
    fn only_what_the_level_admits_is_told() {
        let tell = || {
            tracing::error!("E");
            tracing::warn!("W");
            tracing::info!("I");
            tracing::debug!("D");
            tracing::trace!("T");
        };
        let levels = [Level::Off, Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];
        for (lines, level) in levels.into_iter().enumerate() {
            assert_eq!(logged(Format::Text, level, false, tell).lines().count(), lines, "{level:?}");
        }
    }
}
