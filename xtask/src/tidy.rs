//! `cargo xtask tidy`: holds what the compiler cannot see: who may import whom, where `unsafe` may stand, how files look.
//!
//! Each rule is one small function over a [`Repo`], with its reason. A test gives each of them a bad sample.

mod code;
mod fence;
mod files;
mod imports;
mod repo;
mod rust;

pub use repo::{File, Import, Package, Repo};

use crate::{Outcome, root};
use std::fmt;

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// File, from the root of the repository, with `/` between its parts.
    pub path: String,
    /// Line, counted from 1.
    pub line: usize,
    /// What is there, and what to do about it.
    pub text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

/// A rule, by the name that messages show.
pub struct Rule {
    /// Short name.
    pub name: &'static str,
    /// Why it is one.
    pub reason: &'static str,
    /// Finds the breaches.
    pub check: fn(&Repo) -> Vec<Finding>,
}

/// All rules.
pub const RULES: [Rule; 11] = [
    Rule {
        name: "imports",
        reason: "arrows between the crates point one way (ARCHITECTURE.md)",
        check: imports::one_way,
    },
    Rule {
        name: "contract-alone",
        reason: "plugin-api is the contract: it must build anywhere, with anything",
        check: imports::contract_alone,
    },
    Rule {
        name: "no-outside",
        reason: "engine and dialects do no I/O of their own, so that they can be embedded and tested without a world",
        check: imports::no_outside,
    },
    Rule {
        name: "no-outside-names",
        reason: "the standard library's environment, sockets, files, threads and clocks are the outside too",
        check: rust::no_outside_names,
    },
    Rule {
        name: "unsafe-fence",
        reason: "unsafe code stands in a few named places, where it is reviewed as such",
        check: fence::unsafe_fence,
    },
    Rule { name: "lints", reason: "the lints of the workspace hold in every member", check: imports::lints },
    Rule { name: "file-length", reason: "one idea a file", check: files::length },
    Rule { name: "left-over", reason: "what is in the repository is whole", check: files::left_over },
    Rule { name: "white-space", reason: "differences show what changed, not who typed it", check: files::white_space },
    Rule { name: "machine-path", reason: "the repository builds on any machine", check: files::machine_path },
    Rule {
        name: "registry",
        reason: "every dependency comes from crates.io, under its usual name",
        check: files::registry,
    },
];

/// Checks the repository.
pub fn run() -> Outcome {
    let repo = Repo::read(root())?;
    let broken = broken(&repo);
    if broken.is_empty() {
        return Ok(());
    }
    Err(Report(broken).to_string().into())
}

/// The rules that the repository breaks, with all breaches.
pub fn broken(repo: &Repo) -> Vec<(&'static Rule, Vec<Finding>)> {
    RULES.iter().map(|rule| (rule, (rule.check)(repo))).filter(|(_, findings)| !findings.is_empty()).collect()
}

struct Report(Vec<(&'static Rule, Vec<Finding>)>);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.0.iter().map(|(_, findings)| findings.len()).sum();
        writeln!(f, "{count} breaches of the house rules")?;
        for (rule, findings) in &self.0 {
            writeln!(f, "{} ({}):", rule.name, rule.reason)?;
            for finding in findings {
                writeln!(f, "  {}:{}: {}", finding.path, finding.line, finding.text)?;
            }
        }
        Ok(())
    }
}
