//! The plugin and its one command.

pub mod gxml;
mod import;
mod params;
mod source;

use import::{Imported, Mode, Why};
use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, Plugin, Store};
use params::{Params, code};
use serde::Deserialize;
use serde_json::{Value, json};
use source::Source;
use std::borrow::Cow;
use std::path::PathBuf;

/// The operator's settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Largest file, in MiB.
    import_mib: u64,
    /// Folders from which files may be read; none: all.
    roots: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self { import_mib: 4096, roots: Vec::new() }
    }
}

/// Told of each import that is in the store.
const TOPIC: &str = "project.elements";

/// Imports GXML files.
pub struct Elements {
    host: Host,
    store: Store,
    config: Config,
}

impl Plugin for Elements {
    type Config = Config;
    // EXCLUSIVE: two versions at once could take the same number for an id.
    const INFO: Info =
        Info::new("elements", "Elements", env!("CARGO_PKG_VERSION")).license(env!("CARGO_PKG_LICENSE")).exclusive();

    fn new(host: Host, config: Config) -> Result<Self, Error> {
        let store = host.store().ok_or("elements needs a server with a store")?;
        Ok(Self { host, store, config })
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add_raw("elements", Self::elements)
            .serial()
            .ack_only()
            .cancel_on_disconnect()
            .help("Imports a GOM Inspection Exchange file (GXML) into the clipboard or a new stage")
            .params_schema(include_str!("params.schema.json"))
            .result_schema(include_str!("result.schema.json"))
            .order(&["file", "import_mode"])
            .example(r#"{"file": "tests/fixtures/gxml/cut_points.gxml", "import_mode": "clipboard"}"#)
            .example(r#"{"file": "tests/fixtures/gxml/cut_one_of_each.gxml", "import_mode": "new_stage"}"#);
    }
}

impl Elements {
    fn elements<'a>(&self, call: &Call<'a>, params: &'a str) -> Result<Cow<'a, str>, Failure> {
        let params = Params::parse(params, call.attachment_count() > 0)?;
        let (source, file) = self.open(call, &params)?;
        let mode = params.import_mode.shown();
        let imported = self.import(call, source, &file, &mode).map_err(|why| {
            let message = format!("Elements could not be imported from file {file} with import mode {mode}.");
            match why {
                Why::Cancelled => Failure::cancelled(),
                Why::Content(reason) => Failure::failed(message)
                    .code(code::IMPORT)
                    .details(json!({"file": file, "import_mode": mode, "reason": reason, "expected": Mode::NAMES})),
                Why::Store(status, reason) => {
                    Failure::new(status, message).code(code::IMPORT).details(json!({"file": file, "reason": reason}))
                }
            }
        })?;
        if let Err(why) = self.host.publish(TOPIC, &imported.event(&file)) {
            self.host.warn(format_args!("{TOPIC}: the import from {file} is not told: {why:?}"));
        }
        serde_json::to_string(&imported).map(Cow::Owned).map_err(|error| Failure::internal(error.to_string()))
    }

    /// The bytes, and what they are called.
    fn open<'c>(&self, call: &Call<'c>, params: &Params) -> Result<(Source<'c>, String), Failure> {
        let index = match &params.file {
            None => Some(0),
            Some(file) => file.attachment(),
        };
        if let Some(attachment) = index.and_then(|index| call.attachment(index)) {
            let name = if attachment.name.is_empty() { "attachment" } else { attachment.name };
            return Ok((Source::attachment(attachment.bytes), name.to_owned()));
        }
        let shown = params.file.as_ref().map(params::Sent::shown).unwrap_or_default();
        let opened = match params.file.as_ref().and_then(params::Sent::text) {
            Some(path) => Source::open(&path, &self.config.roots),
            None => Err("this is neither a path nor an attachment that was sent".to_owned()),
        };
        match opened {
            Ok(source) => Ok((source, shown)),
            Err(reason) => Err(Failure::failed(format!("Elements file {shown} could not be read."))
                .code(code::UNREADABLE)
                .details(json!({"path": "/file", "file": shown, "reason": reason, "expected": "a readable file"}))),
        }
    }

    fn import(&self, call: &Call, source: Source, file: &str, mode: &str) -> Result<Imported, Why> {
        let mode =
            Mode::parse(mode).ok_or_else(|| Why::Content(format!("the import mode is {}", Value::from(mode))))?;
        let limit = self.config.import_mib.saturating_mul(1 << 20);
        if source.size() > limit {
            let text = format!("the file has {} bytes, the limit is {limit} (import_mib)", source.size());
            return Err(Why::Content(text));
        }
        import::import(&self.store, call, source, file, mode)
    }
}
