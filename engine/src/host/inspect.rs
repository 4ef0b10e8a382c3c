//! A plugin file asked who it is, in a process that serves nothing: what a probe does.

use super::{Descriptor, HostTable, Ledger, Library};
use crate::Limits;
use crate::control::Control;
use crate::spawn::Spawner;
use jackfield_plugin_api as abi;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The flags of a descriptor, with the words in which they are told.
const FLAGS: [(u32, &str); 3] =
    [(abi::JF_PLUGIN_PINNED, "PINNED"), (abi::JF_PLUGIN_EXCLUSIVE, "EXCLUSIVE"), (abi::JF_PLUGIN_STATEFUL, "STATEFUL")];

/// Loads `library` as an engine does, calls its entry function, reads its descriptor and unloads it; never `create`. The
/// host that it sees can `log` and nothing else.
///
/// Gives the descriptor as JSON, `{"id", "name", "version", "license", "build", "abi": "1.MINOR", "flags": [...], "keys":
/// [{"key", "class", "help"}]}`, or the reason why it is no plugin. Runs the library's own code without any limit of time,
/// and a library that crashes takes the process with it: for a process of its own, and bytes that were proved complete.
pub fn inspect(library: &Path) -> Result<String, String> {
    // As in an engine: the thread that ran its code ends before it is unloaded.
    let no_thread = |error| format!("a thread cannot be started: {error}");
    let (control, thread) = Control::start("jf-inspect", &Spawner::default()).map_err(no_thread)?;
    let host = HostTable::new(Ledger::new(
        0,
        Arc::new(Limits::default()),
        None,
        Weak::new(),
        control.clone(),
        Spawner::default(),
    ));
    let (path, table) = (library.to_owned(), host.clone());
    let loaded = control.run(Duration::MAX, move || {
        let library = Library::open(&path, None)?;
        let entered = library.entry(&table).map(|(_, descriptor)| descriptor);
        Ok((library, entered))
    });
    control.finish();
    let _ = thread.join();
    let loaded = loaded.map_err(|_| "the thread that loaded it has panicked".to_owned())?;
    let (library, descriptor) = loaded.map_err(|error: super::LoadError| error.to_string())?;
    if !library.close() {
        // What stays in the process may still call the host.
        std::mem::forget(host);
    }
    descriptor.map(|descriptor| describe(&descriptor).to_string()).map_err(|error| error.to_string())
}

fn describe(descriptor: &Descriptor) -> Value {
    let Descriptor { id, name, version, license, build, .. } = descriptor;
    let flags: Vec<_> = FLAGS.iter().filter(|(flag, _)| descriptor.flags & flag != 0).map(|(_, word)| *word).collect();
    let keys = descriptor
        .commands
        .iter()
        .map(|command| json!({"key": &*command.key, "class": command.class.as_str(), "help": command.help}));
    json!({
        "id": id, "name": name, "version": version, "license": license, "build": build,
        "abi": format!("1.{}", descriptor.abi_minor), "flags": flags, "keys": keys.collect::<Vec<_>>(),
    })
}
