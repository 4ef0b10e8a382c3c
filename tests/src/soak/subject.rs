//! The plugins under swap, each in several contents, built once before anything is measured.

use super::book::Route;
use crate::{cc, dist, repo_file, root};
use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// A plugin under swap.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Its id, and the name of its file.
    pub id: &'static str,
    /// Where it comes from.
    pub source: Source,
    /// How it takes commands.
    pub kind: Kind,
}

/// The source of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `tests/c/soak.c`.
    C,
    /// `tests/rust/soak`.
    Rust,
}

/// The kind of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SERIAL and CONCURRENT commands; old and new version run beside each other.
    Plain,
    /// The same; the old version stops before the new one starts.
    Exclusive,
    /// EXCLUSIVE, with a count that is handed over.
    Stateful,
    /// INLINE commands.
    Inline,
}

/// What is swapped all the time and must leave nothing behind. A new kind is a line here.
pub const SUBJECTS: &[Subject] = &[
    Subject { id: "c-plain", source: Source::C, kind: Kind::Plain },
    Subject { id: "c-exclusive", source: Source::C, kind: Kind::Exclusive },
    Subject { id: "c-stateful", source: Source::C, kind: Kind::Stateful },
    Subject { id: "c-inline", source: Source::C, kind: Kind::Inline },
    Subject { id: "rust-plain", source: Source::Rust, kind: Kind::Plain },
    Subject { id: "rust-exclusive", source: Source::Rust, kind: Kind::Exclusive },
    Subject { id: "rust-stateful", source: Source::Rust, kind: Kind::Stateful },
];

/// What is kept in the process by every swap, by the rules of the house: INLINE with thread-locals.
pub const KEPT: Subject = Subject { id: "rust-inline", source: Source::Rust, kind: Kind::Inline };

/// The versions, as the plugins tell them.
pub const VERSIONS: [&str; 3] = ["1.0.1", "1.0.2", "1.0.3"];

/// Commands to one key in a row: enough to overlap, few enough that keys change often.
const RUN: usize = 12;

impl Subject {
    /// The subject of an id.
    pub fn of(id: &str) -> Self {
        let found = SUBJECTS.iter().chain([&KEPT]).find(|subject| subject.id == id);
        *found.unwrap_or_else(|| panic!("{id} is none of the subjects"))
    }

    /// Its commands; `plugin` is its number.
    pub fn routes(&self, plugin: usize) -> Vec<Route> {
        let route = |class, counts, run| Route { plugin, key: format!("{}.{class}", self.id).into(), counts, run };
        match self.kind {
            Kind::Inline => vec![route("inline", false, RUN)],
            // CONCURRENT commands of one plain session follow each other.
            kind => vec![route("serial", kind == Kind::Stateful, RUN), route("concurrent", false, RUN / 3)],
        }
    }

    /// Builds every version into `folder`.
    pub fn build(&self, folder: &Path, optimised: bool) -> Vec<(&'static str, PathBuf)> {
        let built = VERSIONS.iter().enumerate().map(|(index, version)| {
            let to = cc::library_path(folder, &format!("{}-{version}", self.id));
            match self.source {
                Source::C => self.build_c(version, optimised, &to),
                Source::Rust => self.build_rust(index, optimised, &to),
            }
            (*version, to)
        });
        built.collect()
    }

    fn build_c(&self, version: &str, optimised: bool, to: &Path) {
        let flags = match self.kind {
            Kind::Plain | Kind::Inline => "0",
            Kind::Exclusive => "JF_PLUGIN_EXCLUSIVE",
            Kind::Stateful => "JF_PLUGIN_STATEFUL",
        };
        let id = format!("-DSOAK_ID=\"{}\"", self.id);
        let version = format!("-DSOAK_VERSION=\"{version}\"");
        let flags = format!("-DSOAK_FLAGS={flags}");
        let mut all = vec!["-D_POSIX_C_SOURCE=200809L", if optimised { "-O2" } else { "-O0" }, &id, &version, &flags];
        all.extend((self.kind == Kind::Inline).then_some("-DSOAK_INLINE"));
        cc::library("c11", &[&repo_file("tests/c/soak.c")], &all, to);
    }

    /// In a target folder of its own, where cargo keeps each variant by its features.
    fn build_rust(&self, version: usize, optimised: bool, to: &Path) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _building = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let kind = match self.kind {
            Kind::Plain => None,
            Kind::Exclusive => Some("exclusive"),
            Kind::Inline => Some("inline"),
            Kind::Stateful => Some("stateful"),
        };
        let features: Vec<&str> = kind.into_iter().chain([None, Some("v2"), Some("v3")][version]).collect();
        let target = dist::target().join("variants");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(["build", "--package=jackfield-soak", "--quiet", "--features", &features.join(",")]);
        cargo.args(optimised.then_some("--release")).arg("--target-dir").arg(&target);
        // Swaps of megabytes of debug data would measure the disk.
        cargo.env("CARGO_PROFILE_DEV_STRIP", "debuginfo").env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo");
        let output = cargo.current_dir(root()).stdin(Stdio::null()).output().expect("cargo can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let name = format!("{}jackfield_soak{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
        let built = target.join(if optimised { "release" } else { "debug" }).join(name);
        fs::copy(&built, to).unwrap_or_else(|e| panic!("{}: {e}", built.display()));
    }
}
