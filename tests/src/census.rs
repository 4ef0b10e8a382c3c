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
    /// The engine's threads by role: the beginning of its name, or all of it where there is no generation in the name.
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
            if let Some(name) = name.trim().strip_prefix("jf-") {
                *threads.entry(role(name)).or_default() += 1;
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

/// The role in `17-worker-2`, `manager` and so on. The system cuts names after 15 bytes, so that of a generation with a high
/// number only the beginning of the role is left.
fn role(name: &str) -> String {
    match name.split_once('-') {
        Some((generation, role)) if generation.parse::<u64>().is_ok() => role.chars().take(3).collect(),
        _ => name.to_owned(),
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_all_generations_have_the_same_roles() {
        assert_eq!(["7-control", "10104-contro", "manager", "close"].map(role), ["con", "con", "manager", "close"]);
    }
}
