//! Rules over Rust source.

use super::code::{code, lines_with, without_tests};
use super::{File, Finding, Repo};

/// Modules of `std` that a crate's sources must not name.
const MODULES: [(&str, &[&str]); 3] = [
    ("engine/src/", &["env", "net"]),
    ("engine/message/src/", &["env", "net", "fs", "thread"]),
    ("dialects/src/", &["env", "net", "fs", "thread"]),
];

/// Other names that a crate's sources must not use: clocks, and what is set once for the whole process.
const NAMES: [(&str, &[&str]); 2] = [
    ("engine/src/", &["set_global_default", "set_hook", "set_logger", "set_var"]),
    ("dialects/src/", &["Instant", "SystemTime"]),
];

/// `engine` and `dialects` do not reach the outside through the standard library; their tests may.
pub fn no_outside_names(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (folder, modules) in MODULES {
        for (file, code) in sources(repo, folder) {
            for module in modules {
                let found = std_lines(&code, module).into_iter();
                findings.extend(found.map(|line| finding(file, line, &format!("std::{module}"))));
            }
        }
    }
    for (folder, names) in NAMES {
        for (file, code) in sources(repo, folder) {
            for name in names {
                let found = lines_with(&code, name).into_iter();
                findings.extend(found.map(|line| finding(file, line, name)));
            }
        }
    }
    findings
}

fn finding(file: &File, line: usize, name: &str) -> Finding {
    Finding::new(&file.path, line, format!("names {name}: take it as a value from the caller"))
}

/// The sources below `folder` with their code, tests left out.
fn sources<'a>(repo: &'a Repo, folder: &'a str) -> impl Iterator<Item = (&'a File, String)> {
    repo.rust(folder)
        .filter(|file| !file.path.ends_with("/tests.rs") && !file.path.contains("/tests/"))
        .map(|file| (file, without_tests(&code(&file.text)).to_owned()))
}

/// Lines where `code` names `std::MODULE`, also in a group (`use std::{env, fs}`).
fn std_lines(code: &str, module: &str) -> Vec<usize> {
    // Constants of the target are none of the outside.
    let mut lines = lines_with(&code.replace("std::env::consts::", "std::consts::"), &format!("std::{module}"));
    for (at, _) in code.match_indices("std::{") {
        let mut depth = 0;
        let mut top = String::new();
        for c in code[at + "std::".len()..].chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            // What stands deeper belongs to another module: `std::{io::{self, net}}`.
            top.push(if depth == 1 || c == '\n' { c } else { ' ' });
            if depth == 0 {
                break;
            }
        }
        let first = code[..at].lines().count().max(1);
        lines.extend(top.lines().enumerate().filter(|(_, text)| heads(text, module)).map(|(number, _)| first + number));
    }
    lines
}

/// Whether one of the paths of a group's line begins with `module`.
fn heads(line: &str, module: &str) -> bool {
    line.split([',', '{', '}']).any(|path| path.trim().split("::").next() == Some(module))
}
