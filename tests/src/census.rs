//! What a server's process holds: threads of plugins, mapped copies of libraries, descriptors.

use crate::PATIENCE;
use crate::control::Control;
use crate::server::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// One count.
#[derive(Clone, Debug, PartialEq)]
pub struct Census {
    /// The engine's threads by name, without the numbers in it.
    pub threads: BTreeMap<String, usize>,
    /// Generations of which a private copy is mapped.
    pub copies: BTreeSet<u64>,
    /// Generations of which a private copy lies on the disk.
    pub files: BTreeSet<u64>,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Census {
    /// Counts now.
    pub fn take(server: &Server) -> Self {
        let process = Path::new("/proc").join(server.pid().to_string());
        let copies = server.home().data().join("plugins");
        let mut threads = BTreeMap::new();
        for task in entries(&process.join("task")) {
            // A thread that has ended since is none.
            let name = fs::read_to_string(process.join("task").join(task).join("comm")).unwrap_or_default();
            if name.starts_with("jf-") {
                *threads.entry(name.trim().replace(|c: char| c.is_ascii_digit(), "")).or_default() += 1;
            }
        }
        let maps = fs::read_to_string(process.join("maps")).expect("a process that runs has a map");
        let mapped = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(line[at..].trim())));
        Self {
            threads,
            copies: mapped.filter_map(|path| generation(path.strip_prefix(&copies).ok()?.to_str()?)).collect(),
            files: entries(&copies).iter().filter_map(|name| generation(name)).collect(),
            descriptors: entries(&process.join("fd")).len(),
        }
    }

    /// Counts until it is as `expected`; between two counts the server answers a command.
    pub fn wait_for(expected: &Self, server: &Server, control: &mut Control) {
        let begun = Instant::now();
        loop {
            let census = Self::take(server);
            if census == *expected {
                return;
            }
            if begun.elapsed() > PATIENCE {
                assert_eq!(census, *expected, "it does not come to that");
            }
            control.plugins();
        }
    }
}

/// The generation in the name of a copy: `STEM.PROCESS.GENERATION.HASH.so`.
fn generation(copy: &str) -> Option<u64> {
    copy.rsplit('.').nth(2)?.parse().ok()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect()
}
