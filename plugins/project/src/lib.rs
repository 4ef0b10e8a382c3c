//! `project`: tells what is in the project, and gives it back.
//!
//! A model for authors of commands that read: they run at the same time and change nothing; what they take from the store
//! is checked before it is believed; every answer has a limit, however large the project is. What is read, and where it
//! is: `plugins/README.md`.

#![forbid(unsafe_code)]

mod blob;
mod documents;
mod element;
mod export;
mod get;
mod list;
mod params;
mod records;
mod selection;
mod summary;
#[cfg(test)]
mod tests;

use documents::Documents;
use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin, Store};

struct Project {
    store: Store,
}

impl Plugin for Project {
    type Config = NoConfig;
    const INFO: Info = Info::new("project", "Project", env!("CARGO_PKG_VERSION")).license(env!("CARGO_PKG_LICENSE"));

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self { store: host.store().ok_or("project needs a server with a store")? })
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add("project", Self::summary)
            .concurrent()
            .read_only()
            .idempotent()
            .help("Tells what is in the project: series with their images, stages, the clipboard, elements by type")
            .params_schema(include_str!("schemas/project.params.json"))
            .result_schema(include_str!("schemas/project.result.json"))
            .example("{}");
        commands
            .add("project.list", Self::list)
            .concurrent()
            .read_only()
            .idempotent()
            .help("Lists series, images, stages, elements (those of stages) or the clipboard, a part at a time")
            .params_schema(include_str!("schemas/list.params.json"))
            .result_schema(include_str!("schemas/list.result.json"))
            .order(&["kind", "offset", "limit"])
            .example(r#"{"kind": "images"}"#)
            .example(r#"{"kind": "clipboard", "offset": 100, "limit": 20}"#);
        commands
            .add("project.get", Self::get)
            .concurrent()
            .read_only()
            .idempotent()
            .help(
                "Gives one thing whole: an image, series, stage, import or element, by the id that project.list tells",
            )
            .params_schema(include_str!("schemas/get.params.json"))
            .result_schema(include_str!("schemas/get.result.json"))
            .order(&["id"])
            .example(r#"{"id": "image-1"}"#)
            .example(r#"{"id": "series/other"}"#)
            .example(r#"{"id": "import-1/0"}"#);
        commands
            .add("project.export", Self::export)
            .concurrent()
            .read_only()
            .idempotent()
            .help("Exports elements as GXML, or as CSV with one row an element; at most 8 MiB of text at a time")
            .params_schema(include_str!("schemas/export.params.json"))
            .result_schema(include_str!("schemas/export.result.json"))
            .order(&["format", "kind", "stage", "import", "offset", "limit"])
            .example(r#"{"format": "gxml", "stage": "stage-1"}"#)
            .example(r#"{"format": "csv", "kind": "clipboard", "offset": 0, "limit": 1000}"#);
        commands
            .add("project.blob", Self::blob)
            .concurrent()
            .read_only()
            .idempotent()
            .help("Gives the bytes of an image, its thumbnail, or the records of an import (one JSON text a line)")
            .params_schema(include_str!("schemas/blob.params.json"))
            .result_schema(include_str!("schemas/blob.result.json"))
            .order(&["id", "thumbnail", "encoding", "offset", "length"])
            .example(r#"{"id": "image-1"}"#)
            .example(r#"{"id": "image-1", "thumbnail": true, "encoding": "base64"}"#);
    }
}

impl Project {
    fn documents<'d>(&'d self, call: &'d Call) -> Documents<'d> {
        Documents::new(&self.store, **call)
    }

    fn summary(&self, call: &Call, _params: Option<params::Nothing>) -> Result<summary::Summary, Failure> {
        summary::summary(&self.documents(call))
    }

    fn list(&self, call: &Call, params: params::List) -> Result<list::Listed, Failure> {
        list::list(&self.documents(call), &params)
    }

    fn get(&self, call: &Call, params: params::Get) -> Result<get::Got, Failure> {
        get::get(&self.documents(call), &params.id)
    }

    fn export(&self, call: &Call, params: params::Export) -> Result<export::Exported, Failure> {
        export::export(&self.documents(call), &params)
    }

    fn blob(&self, call: &Call, params: params::Blob) -> Result<blob::Answer, Failure> {
        let mut found = blob::blob(&self.documents(call), &params)?;
        if let Some(bytes) = found.attachment.take() {
            let number = call.attach(found.name, found.answer.content_type, bytes);
            found.answer.blob = Some(blob::Reference { attachment: number });
        }
        Ok(found.answer)
    }
}

jackfield_plugin::export!(Project);
