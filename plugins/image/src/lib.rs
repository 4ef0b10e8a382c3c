//! `image`: imports photos into measurement series.
//!
//! A model for authors of commands that take files: params are checked by hand, because plain clients know the texts;
//! what comes from outside is limited before it is believed; all is written in one batch. What is written, and where:
//! `plugins/README.md`.

#![forbid(unsafe_code)]

mod decode;
mod import;
mod jpeg;
mod metadata;
mod params;
mod source;
#[cfg(test)]
mod tests;

use import::{Imported, Request, Why};
use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, Plugin, Store};
use params::{Params, Sent, code};
use serde::Deserialize;
use serde_json::json;
use source::Source;
use std::borrow::Cow;
use std::path::PathBuf;

/// The operator's settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Most pixels of an image.
    image_pixels: u64,
    /// Largest file, in MiB.
    import_mib: u64,
    /// Folders from which files may be read; none: all.
    roots: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self { image_pixels: 400_000_000, import_mib: 4096, roots: Vec::new() }
    }
}

/// Told of each import that is in the store.
const TOPIC: &str = "project.images";

struct Images {
    host: Host,
    store: Store,
    config: Config,
}

impl Plugin for Images {
    type Config = Config;
    // EXCLUSIVE: two versions at once could take the same number for an id.
    const INFO: Info =
        Info::new("image", "Images", env!("CARGO_PKG_VERSION")).license(env!("CARGO_PKG_LICENSE")).exclusive();

    fn new(host: Host, config: Config) -> Result<Self, Error> {
        let store = host.store().ok_or("image needs a server with a store")?;
        Ok(Self { host, store, config })
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add_raw("image", Self::image)
            .serial()
            .ack_only()
            .cancel_on_disconnect()
            .help("Imports an image (JPEG, PNG, TIFF, BMP, WebP) into a measurement series")
            .params_schema(include_str!("params.schema.json"))
            .result_schema(include_str!("result.schema.json"))
            .order(&["file", "name", "focal_length"])
            .example(r#"{"file": "tests/fixtures/images/photo.jpg", "name": "other", "focal_length": 50}"#)
            .example(r#"{"file": "tests/fixtures/images/alpha.png", "name": "other", "focal_length": "50.0"}"#);
    }
}

impl Images {
    fn image<'a>(&self, call: &Call<'a>, params: &'a str) -> Result<Cow<'a, str>, Failure> {
        let params = Params::parse(params, call.attachment_count() > 0)?;
        let (source, file) = self.open(call, &params)?;
        let imported = self.import(call, source, &file, &params).map_err(|why| {
            let message = format!("Image could not be imported from file {file}.");
            match why {
                Why::Cancelled => Failure::cancelled(),
                Why::Content(reason) => {
                    Failure::failed(message).code(code::IMPORT).details(json!({"file": file, "reason": reason}))
                }
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
            return Ok((Source::Attachment(attachment.bytes), name.to_owned()));
        }
        let shown = params.file.as_ref().map(Sent::shown).unwrap_or_default();
        let opened = match params.file.as_ref().and_then(Sent::text) {
            Some(path) => Source::open(&path, &self.config.roots),
            None => Err("this is neither a path nor an attachment that was sent".to_owned()),
        };
        match opened {
            Ok(source) => Ok((source, shown)),
            Err(reason) => Err(Failure::failed(format!("Image file {shown} could not be read."))
                .code(code::UNREADABLE)
                .details(json!({"path": "/file", "file": shown, "reason": reason, "expected": "a readable file"}))),
        }
    }

    fn import(&self, call: &Call, source: Source, file: &str, params: &Params) -> Result<Imported, Why> {
        let series = params.name.text().filter(|name| !name.is_empty() && name.len() <= 512);
        let series = series.ok_or_else(|| {
            Why::Content(format!("the name is {}, expected a text of 1 to 512 bytes", params.name.json()))
        })?;
        let focal_length = params.focal_length.positive().ok_or_else(|| {
            let given = params.focal_length.json();
            Why::Content(format!("the focal length is {given}, expected a number of mm greater than 0"))
        })?;
        let limit = self.config.import_mib.saturating_mul(1 << 20);
        if source.size() > limit {
            let text = format!("the file has {} bytes, the limit is {limit} (import_mib)", source.size());
            return Err(Why::Content(text));
        }
        call.progress(0, 4, "reading");
        let bytes = source.bytes().map_err(Why::Content)?;
        let pixels = self.config.image_pixels;
        import::import(&self.store, call, &Request { file, bytes: &bytes, series: &series, focal_length, pixels })
    }
}

jackfield_plugin::export!(Images);
