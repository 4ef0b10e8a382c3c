//! Rules over files of any kind.

use super::code::has_word;
use super::{File, Finding, Repo};

/// What is written by people, as code.
const CODE: [&str; 11] = [".rs", ".c", ".h", ".hpp", ".cpp", ".py", ".js", ".mjs", ".html", ".css", ".sh"];

/// Code files have at most this many lines.
const MAX_LINES: usize = 500;

/// Longer files, with the reason.
const LONG: [(&str, &str); 1] = [("include/jackfield/plugin.h", "one contract, and half of it is its documentation")];

/// Files that come from elsewhere and stay as they are.
const FOREIGN: [&str; 1] = ["tests/fixtures/"];

/// A code file is one idea, and short.
pub fn length(repo: &Repo) -> Vec<Finding> {
    let long = code_files(repo).filter(|file| file.text.lines().count() > MAX_LINES);
    long.filter(|file| !LONG.iter().any(|(path, _)| *path == file.path))
        .map(|file| {
            let text = format!("{} lines, at most {MAX_LINES}: split it by idea", file.text.lines().count());
            Finding::new(&file.path, MAX_LINES + 1, text)
        })
        .collect()
}

/// No marks of work left over, in code or prose.
pub fn left_over(repo: &Repo) -> Vec<Finding> {
    // Put together here, so that this file does not hold them.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let macros = [concat!("to", "do!"), concat!("unimple", "mented!")];
    let mut findings = Vec::new();
    for file in own_files(repo) {
        for (number, line) in file.text.lines().enumerate() {
            let mark =
                words.iter().find(|word| has_word(line, word)).or_else(|| macros.iter().find(|m| line.contains(*m)));
            if let Some(mark) = mark {
                findings.push(Finding::new(&file.path, number + 1, format!("{mark}: do it, or leave it out")));
            }
        }
    }
    findings
}

/// No tabs and no blanks at the end of a line in code, and a line end at the end of the file.
pub fn white_space(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in code_files(repo) {
        for (number, line) in file.text.lines().enumerate() {
            if line.contains('\t') {
                findings.push(Finding::new(&file.path, number + 1, "a tab: use blanks, or \\t in a literal"));
            }
            if line.ends_with([' ', '\r']) {
                findings.push(Finding::new(&file.path, number + 1, "white space at the end of the line: remove it"));
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            findings.push(Finding::new(
                &file.path,
                file.text.lines().count(),
                "no line end at the end of the file: add it",
            ));
        }
    }
    findings
}

/// No absolute path of one machine.
pub fn machine_path(repo: &Repo) -> Vec<Finding> {
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
    let mut findings = Vec::new();
    for file in own_files(repo) {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(folder) = folders.iter().find(|folder| begins_path(line, folder)) {
                let text =
                    format!("a path below {folder}: use one from the root of the repository, or a temporary folder");
                findings.push(Finding::new(&file.path, number + 1, text));
            }
        }
    }
    findings
}

/// `Cargo.lock` names one source: the index of crates.io.
pub fn registry(repo: &Repo) -> Vec<Finding> {
    const SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let mut findings = Vec::new();
    for file in repo.files.iter().filter(|file| file.path.rsplit('/').next() == Some("Cargo.lock")) {
        for (number, line) in file.text.lines().enumerate() {
            if line.starts_with("source = ") && line != SOURCE {
                let text =
                    format!("{line}: take the crate from crates.io, without a source replacement that shows here");
                findings.push(Finding::new(&file.path, number + 1, text));
            }
        }
    }
    findings
}

fn own_files(repo: &Repo) -> impl Iterator<Item = &File> {
    repo.files.iter().filter(|file| !FOREIGN.iter().any(|folder| file.path.starts_with(folder)))
}

fn code_files(repo: &Repo) -> impl Iterator<Item = &File> {
    own_files(repo).filter(|file| CODE.iter().any(|end| file.path.ends_with(end)))
}

/// Whether a path begins with `folder` in `line`: not a part of a longer path or of a URL.
fn begins_path(line: &str, folder: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || "_-./}*".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(part))
}
