//! Rules over the dependency tables of the workspace's members.

use super::{Finding, Import, Package, Repo};

/// The import table: which crates of this repository a crate may name. A folder that ends in `/` stands for all below it.
const TABLE: [(&str, &[&str]); 14] = [
    ("bench", &[]),
    ("plugin-api", &[]),
    ("plugin-api/sdk", &["plugin-api"]),
    ("engine/message", &[]),
    ("engine", &["engine/message", "plugin-api"]),
    ("dialects", &["engine/message"]),
    ("server", &["dialects", "engine", "engine/message"]),
    ("embed", &["server", "engine", "engine/message", "plugin-api"]),
    ("plugins/", &["plugin-api/sdk"]),
    ("examples/", &["plugin-api/sdk"]),
    ("tests/rust/", &["plugin-api/sdk"]),
    ("tests/misbehaving/", &["plugin-api/sdk"]),
    ("xtask", &["plugin-api"]),
    ("tests", &["plugin-api", "plugin-api/sdk", "engine", "engine/message", "dialects", "server", "embed", "xtask"]),
];

/// What `engine` and `dialects` must not import, by the beginning of the name.
const OUTSIDE: [&str; 24] = [
    "actix",
    "amqp",
    "async-",
    "axum",
    "clap",
    "config",
    "env_logger",
    "figment",
    "futures",
    "hyper",
    "lapin",
    "mio",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "toml",
    "tower",
    "tracing-subscriber",
    "tungstenite",
    "ureq",
    "warp",
];

/// What `dialects` must not import beside [`OUTSIDE`]: it has no system under it at all.
const SYSTEM: [&str; 8] = ["cpu-time", "fs4", "libc", "libloading", "notify", "rustix", "tempfile", "tracing"];

/// Crates name only the crates of this repository that the table allows.
pub fn one_way(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &repo.packages {
        let Some((_, allowed)) = TABLE.iter().find(|(folder, _)| covers(folder, &package.folder)) else {
            findings.push(manifest(
                package,
                "",
                "is not in the import table of xtask/src/tidy/imports.rs: add it there",
            ));
            continue;
        };
        for import in &package.imports {
            let Some(folder) = &import.folder else { continue };
            if !allowed.contains(&folder.as_str()) {
                let may = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                let text = format!("imports {folder}; of this repository it may import: {may}");
                findings.push(manifest(package, &import.name, text));
            }
        }
    }
    findings
}

/// `plugin-api` depends on nothing, not even in tests.
pub fn contract_alone(repo: &Repo) -> Vec<Finding> {
    let api = repo.packages.iter().filter(|package| package.folder == "plugin-api");
    api.flat_map(|package| {
        package
            .imports
            .iter()
            .map(|import| manifest(package, &import.name, format!("imports {}: remove it", import.name)))
    })
    .collect()
}

/// `engine`, `engine/message` and `dialects` import no crate that touches the outside; their tests may.
pub fn no_outside(repo: &Repo) -> Vec<Finding> {
    let banned = |package: &Package, import: &Import| {
        let begins = |list: &[&str]| list.iter().any(|start| import.name.starts_with(start));
        match package.folder.as_str() {
            "engine" => begins(&OUTSIDE),
            "dialects" | "engine/message" => begins(&OUTSIDE) || begins(&SYSTEM),
            _ => false,
        }
    };
    let mut findings = Vec::new();
    for package in &repo.packages {
        for import in package.imports.iter().filter(|import| !import.dev && banned(package, import)) {
            let text = format!("imports {}: move what needs it to server/", import.name);
            findings.push(manifest(package, &import.name, text));
        }
    }
    findings
}

/// Each member takes the lints of the workspace.
pub fn lints(repo: &Repo) -> Vec<Finding> {
    let takes = |package: &Package| {
        let mut lines = package.manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
        lines.find(|line| !line.is_empty()) == Some("workspace = true")
    };
    let without = repo.packages.iter().filter(|package| !takes(package));
    without.map(|package| manifest(package, "", "add `[lints]` with `workspace = true`")).collect()
}

fn covers(folder: &str, package: &str) -> bool {
    if folder.ends_with('/') { package.starts_with(folder) } else { package == folder }
}

/// A finding in the manifest of `package`, at the line that begins with `word`.
fn manifest(package: &Package, word: &str, text: impl Into<String>) -> Finding {
    let line = package.manifest.lines().position(|line| !word.is_empty() && line.starts_with(word));
    Finding::new(&format!("{}/Cargo.toml", package.folder), line.map_or(1, |at| at + 1), text)
}
