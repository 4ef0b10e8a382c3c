//! The log: on stderr, as text or JSON, a line an event. Control characters from outside are escaped, so that nobody can
//! forge a line or drive a terminal.

use crate::config::{Format, Level, Log};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Metadata, Subscriber};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log of this process. A log that somebody has started before stays.
pub fn init(log: &Log) {
    let _ = subscriber(log, io::stderr, io::stderr().is_terminal()).try_init();
}

/// Takes one line of a log: its level, what speaks, the text without control characters.
pub type Line = Arc<dyn Fn(&tracing::Level, &str, &str) + Send + Sync>;

/// A log whose lines go to `line`, for an application that has its own. It takes effect where it is made the default of a
/// thread.
pub fn to(level: Level, line: Line) -> Dispatch {
    let builder = tracing_subscriber::fmt().with_max_level(filter(level)).with_writer(Lines(line));
    let fields = debug_fn(write_field);
    let builder = builder.with_ansi(false).without_time().with_level(false).with_target(false);
    Dispatch::new(builder.fmt_fields(fields.delimited(" ")).finish())
}

/// Makes a writer for each line.
struct Lines(Line);

/// One line, told when it is complete.
struct Whole {
    line: Line,
    level: tracing::Level,
    target: String,
    text: Vec<u8>,
}

impl Whole {
    fn new(line: &Line, level: tracing::Level, target: &str) -> Self {
        Self { line: line.clone(), level, target: target.to_owned(), text: Vec::new() }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Whole;

    fn make_writer(&'a self) -> Whole {
        Whole::new(&self.0, tracing::Level::INFO, "")
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Whole {
        Whole::new(&self.0, *of.level(), of.target())
    }
}

impl io::Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        (self.line)(&self.level, &self.target, String::from_utf8_lossy(&self.text).trim());
    }
}

fn subscriber<W>(log: &Log, writer: W, colour: bool) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_max_level(filter(log.level)).with_writer(writer);
    match log.format {
        Format::Json => Box::new(builder.json().flatten_event(true).finish()),
        Format::Text => {
            let fields = debug_fn(write_field);
            Box::new(builder.with_ansi(colour).fmt_fields(fields.delimited(" ")).finish())
        }
    }
}

/// A field of a line, with its control characters escaped.
fn write_field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = escaped(&value);
    if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
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
