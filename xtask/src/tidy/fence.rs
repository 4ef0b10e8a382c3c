//! Where `unsafe` may stand.

use super::code::{code, lines_with};
use super::{Finding, Repo};

/// The files and folders that may hold unsafe code, and for what.
const PLACES: [(&str, &str); 8] = [
    ("plugin-api/src/", "the C structs themselves"),
    ("plugin-api/sdk/src/export.rs", "the SDK's edge to the host"),
    ("plugin-api/sdk/src/export/", "the same, in more than one file"),
    ("engine/src/host/ffi.rs", "the engine's edge to plugins"),
    ("engine/src/host/ffi/", "the same, in more than one file"),
    ("server/src/sys/", "processes, signals"),
    ("server/src/bin/jackfield/keys.rs", "the program's own pthread keys; a library must not export them"),
    ("embed/src/", "the C interface for host applications"),
];

/// The word stands only there. Names of lints are other words.
pub fn unsafe_fence(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.rust("") {
        if PLACES.iter().any(|(place, _)| file.path.starts_with(place)) {
            continue;
        }
        for line in lines_with(&code(&file.text), "unsafe") {
            let places: Vec<&str> = PLACES.iter().map(|(place, _)| *place).collect();
            let text = format!("unsafe code; it may stand only in {}", places.join(", "));
            findings.push(Finding::new(&file.path, line, text));
        }
    }
    findings
}
