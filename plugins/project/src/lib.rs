//! `project`: tells and exports what `image` and `elements` have put into the project.
//!
//! A model for authors of commands that only read: typed params, concurrent, every reply bounded. What is read, and from
//! where: `plugins/README.md`.

#![forbid(unsafe_code)]

mod blob;
mod export;
mod get;
mod list;
mod model;
mod records;
mod summary;
#[cfg(test)]
mod tests;

use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin, Store};
use serde::de::IgnoredAny;
use serde_json::Value;

struct Project(Store);

impl Plugin for Project {
    type Config = NoConfig;
    const INFO: Info = Info::new("project", "Project", env!("CARGO_PKG_VERSION")).license(env!("CARGO_PKG_LICENSE"));

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self(host.store().ok_or("project needs a server with a store")?))
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add("project", |project, _: &Call, _: IgnoredAny| project.summary())
            .concurrent()
            .read_only()
            .help("What is in the project: series, images, stages, numbers of elements")
            .params_schema(r#"{"type": ["object", "null"]}"#)
            .result_schema(include_str!("schemas/project.result.json"))
            .example("{}");
        commands
            .add("project.list", Self::list)
            .concurrent()
            .read_only()
            .help("Lists series, images, stages, elements of stages, or elements in the clipboard, a part at a time")
            .params_schema(include_str!("schemas/list.params.json"))
            .result_schema(include_str!("schemas/list.result.json"))
            .order(&["kind", "offset", "limit"])
            .example(r#"{"kind": "images"}"#)
            .example(r#"{"kind": "elements", "offset": 100, "limit": 50}"#);
        commands
            .add("project.get", Self::get)
            .concurrent()
            .read_only()
            .help("One image, series, stage, import or element, whole")
            .params_schema(include_str!("schemas/get.params.json"))
            .result_schema(include_str!("schemas/get.result.json"))
            .order(&["id"])
            .example(r#"{"id": "import-1/0"}"#)
            .example(r#"{"id": "stage-1"}"#);
        commands
            .add("project.export", Self::export)
            .concurrent()
            .read_only()
            .help("Elements as a text: GXML or CSV")
            .params_schema(include_str!("schemas/export.params.json"))
            .result_schema(include_str!("schemas/export.result.json"))
            .order(&["format", "kind", "offset", "limit"])
            .example(r#"{"format": "gxml", "stage": "stage-1"}"#)
            .example(r#"{"format": "csv", "kind": "clipboard", "limit": 1000}"#);
        commands
            .add("project.blob", Self::blob)
            .concurrent()
            .read_only()
            .help("The bytes of an image, of its thumbnail, or of the records of an import")
            .params_schema(include_str!("schemas/blob.params.json"))
            .result_schema(include_str!("schemas/blob.result.json"))
            .order(&["id", "thumbnail", "encoding"])
            .example(r#"{"id": "image-1", "thumbnail": true}"#)
            .example(r#"{"id": "import-1", "encoding": "base64", "offset": 0, "length": 1000}"#);
    }
}

impl Project {
    fn summary(&self) -> Result<summary::Summary, Failure> {
        summary::summary(&self.0)
    }

    fn list(&self, call: &Call, params: list::Params) -> Result<list::List, Failure> {
        list::list(&self.0, call, &params)
    }

    fn get(&self, _call: &Call, params: get::Params) -> Result<get::Thing, Failure> {
        get::get(&self.0, params)
    }

    fn export(&self, call: &Call, params: export::Params) -> Result<export::Export, Failure> {
        export::export(&self.0, call, &params)
    }

    fn blob(&self, call: &Call, params: blob::Params) -> Result<Value, Failure> {
        blob::blob(&self.0, call, &params)
    }
}

jackfield_plugin::export!(Project);
