//! `cargo xtask header`: makes `include/jackfield/{types,command,plugin}.h` from `plugin-api/src`, `engine.h` from `embed/src`.
//!
//! The frame of each header (comment, guard, macros, prototypes) is a template in `xtask/templates`; what stands between is
//! cbindgen's, from the Rust source. `@STRUCTS@`, `@IDS@` and `@ITEMS@` mark where the generated parts go.

mod bindings;
mod order;
mod warnings;

use crate::{Outcome, root};
use jackfield_plugin_api as api;
use std::path::PathBuf;

/// One generated header.
struct Header {
    /// Where it is kept, from the root of the repository.
    path: &'static str,
    /// Its frame.
    template: &'static str,
    /// The Rust files whose items it declares.
    sources: &'static [&'static str],
    /// The Rust files whose items it uses from another header.
    uses: &'static [&'static str],
}

const HEADERS: [Header; 4] = [
    Header {
        path: "include/jackfield/types.h",
        template: include_str!("../templates/types.h"),
        sources: &["plugin-api/src/types.rs"],
        uses: &[],
    },
    Header {
        path: "include/jackfield/command.h",
        template: include_str!("../templates/command.h"),
        sources: &["plugin-api/src/command.rs"],
        uses: &["plugin-api/src/types.rs"],
    },
    Header {
        path: "include/jackfield/plugin.h",
        template: include_str!("../templates/plugin.h"),
        sources: &["plugin-api/src/plugin.rs", "plugin-api/src/ext.rs"],
        uses: &["plugin-api/src/types.rs", "plugin-api/src/command.rs"],
    },
    Header {
        path: "include/jackfield/engine.h",
        template: include_str!("../templates/engine.h"),
        sources: &[
            "embed/src/api/library.rs",
            "embed/src/api/engine.rs",
            "embed/src/api/commands.rs",
            "embed/src/api/client.rs",
        ],
        uses: &["plugin-api/src/types.rs", "plugin-api/src/command.rs"],
    },
];

/// The ids of services and extensions: the C macro, the Rust constant's name, its value, and what the header says of it.
/// cbindgen leaves string constants out, so they are written from here.
pub const IDS: [(&str, &str, &str, &str); 6] = [
    ("JF_SERVICE_STORE", "SERVICE_STORE", api::SERVICE_STORE, "Service of the host: jf_store_v1."),
    ("JF_SERVICE_TOPICS", "SERVICE_TOPICS", api::SERVICE_TOPICS, "Service of the host: jf_topics_v1."),
    ("JF_SERVICE_CALL", "SERVICE_CALL", api::SERVICE_CALL, "Service of the host: jf_call_v1."),
    ("JF_EXTENSION_STATE", "EXTENSION_STATE", api::EXTENSION_STATE, "Extension of the plugin: jf_state_v1."),
    ("JF_EXTENSION_TOPICS", "EXTENSION_TOPICS", api::EXTENSION_TOPICS, "Extension of the plugin: jf_events_v1."),
    ("JF_EXTENSION_THREAD", "EXTENSION_THREAD", api::EXTENSION_THREAD, "Extension of the plugin: jf_thread_v1."),
];

/// Writes the headers, or with `check` only tells which differ from what would be written.
pub fn run(check: bool) -> Outcome {
    let stale: Vec<(PathBuf, String)> = stale()?;
    if check && !stale.is_empty() {
        let names: Vec<String> = stale.iter().map(|(path, _)| path.display().to_string()).collect();
        return Err(format!(
            "not what the sources in plugin-api/src and embed/src say: {}\nrun `cargo xtask header` and commit the result",
            names.join(", ")
        )
        .into());
    }
    for (path, text) in stale {
        std::fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// The headers whose file is missing or differs, with the text that belongs there.
pub fn stale() -> Outcome<Vec<(PathBuf, String)>> {
    let mut stale = Vec::new();
    for header in &HEADERS {
        let path = root().join(header.path);
        let text = text(header)?;
        // A missing file reads as empty, which is never right.
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push((path, text));
        }
    }
    Ok(stale)
}

/// That of all crates of the workspace, as `jf_version` tells it.
fn version() -> String {
    let parts = env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse::<u8>().unwrap_or_default());
    let digits: String = parts.map(|part| format!("{part:02x}")).collect();
    format!("0x{digits}")
}

/// The whole text of a header.
fn text(header: &Header) -> Outcome<String> {
    let bindings = bindings::generate(header.sources, header.uses)?;
    let structs: String = bindings.structs.iter().map(|name| format!("typedef struct {name} {name};\n")).collect();
    let ids: String =
        IDS.iter().map(|(macro_name, _, id, doc)| format!("/** {doc} */\n#define {macro_name} \"{id}\"\n")).collect();
    let text = header
        .template
        .replace("@STRUCTS@\n", &structs)
        .replace("@IDS@\n", &ids)
        .replace("@ENTRY@", api::ENTRY_V1)
        .replace("@VERSION@", &version())
        .replace("@ITEMS@\n", &format!("{}\n", bindings.items.trim()));
    match text.contains('@') {
        true => Err(format!("the template of {} has a mark that nothing fills in", header.path).into()),
        false => Ok(text),
    }
}
