//! The house rules hold, and each of them catches what it is for.

use xtask::tidy::{File, Import, Package, RULES, Repo, broken};

/// A repository of one file.
fn file(path: &str, text: &str) -> Repo {
    Repo { files: vec![File { path: path.to_owned(), text: text.to_owned() }], ..Repo::default() }
}

/// A repository of one package with one import: `name`, or the folder of a crate of the repository.
fn package(folder: &str, import: &str, dev: bool) -> Repo {
    let internal = import.starts_with("./").then(|| import[2..].to_owned());
    let import = Import { name: import.to_owned(), folder: internal, dev };
    let manifest = "[package]\n\n[lints]\nworkspace = true\n".to_owned();
    Repo { packages: vec![Package { folder: folder.to_owned(), manifest, imports: vec![import] }], ..Repo::default() }
}

fn manifest(text: &str) -> Repo {
    Repo {
        packages: vec![Package { folder: "engine".into(), manifest: text.into(), imports: vec![] }],
        ..Repo::default()
    }
}

/// A rule, a repository that breaks it in this line, and one that nearly does.
fn samples() -> Vec<(&'static str, Repo, usize, Repo)> {
    // Put together here, so that this file does not break the rules.
    let mark = concat!("TO", "DO");
    let hole = concat!("unimple", "mented!()");
    let home = concat!("/ho", "me/");
    let unsafe_in_prose = "// unsafe\nlet a = \"unsafe\"; /* unsafe */ #[allow(unsafe_code)]\n";
    let long = "//! a\n".repeat(501);
    let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    vec![
        ("imports", package("plugin-api/sdk", "./engine", false), 1, package("plugin-api/sdk", "./plugin-api", false)),
        ("imports", package("dialects", "./server", true), 1, package("dialects", "./engine/message", false)),
        (
            "imports",
            package("plugins/new", "./plugin-api", false),
            1,
            package("plugins/new", "./plugin-api/sdk", false),
        ),
        ("imports", package("unknown", "serde", false), 1, package("tests", "./server", true)),
        ("contract-alone", package("plugin-api", "serde", true), 1, package("plugin-api/sdk", "serde", false)),
        ("no-outside", package("dialects", "tokio-util", false), 1, package("dialects", "tokio-util", true)),
        ("no-outside", package("dialects", "rustix", false), 1, package("engine", "rustix", false)),
        ("no-outside", package("engine", "hyper", false), 1, package("server", "hyper", false)),
        (
            "no-outside-names",
            file("engine/src/a.rs", "//! a\nuse std::env;\n"),
            2,
            file("server/src/a.rs", "use std::env;\n"),
        ),
        (
            "no-outside-names",
            file("engine/src/a.rs", "//! a\nlet a = std::env::var(\"A\");\n"),
            2,
            file("engine/src/a.rs", "let a = std::env::consts::DLL_SUFFIX;\n"),
        ),
        (
            "no-outside-names",
            file("dialects/src/a.rs", "use std::{\n    io::Read,\n    net::TcpStream,\n};\n"),
            3,
            file(
                "dialects/src/a.rs",
                "use std::{io::{self, net}, rc::Rc};\n#[cfg(test)]\nmod tests {\nuse std::fs;\n}\n",
            ),
        ),
        (
            "no-outside-names",
            file("dialects/src/a.rs", "let a = Instant::now();\n"),
            1,
            file("dialects/src/a.rs", "// Instant\nlet a = \"std::net\"; let b = Instantly;\n"),
        ),
        ("no-outside-names", file("engine/src/a.rs", "std::panic::set_hook(hook);\n"), 1, file("engine/src/a.rs", "")),
        (
            "unsafe-fence",
            file("engine/src/a.rs", "let a = \"\nb\"; unsafe { c() }\n"),
            2,
            file("engine/src/a.rs", unsafe_in_prose),
        ),
        (
            "unsafe-fence",
            file("tests/src/a.rs", "unsafe fn a() {}\n"),
            1,
            file("engine/src/host/ffi/a.rs", "unsafe fn a() {}\n"),
        ),
        (
            "unsafe-fence",
            file("server/src/app.rs", "//! a\nunsafe { b() }\n"),
            2,
            file("server/src/sys/crash.rs", "unsafe { b() }\n"),
        ),
        (
            "unsafe-fence",
            file("server/src/bin/jackfield/main.rs", "unsafe { b() }\n"),
            1,
            file("server/src/bin/jackfield/keys.rs", "unsafe { b() }\n"),
        ),
        ("lints", manifest("[package]\n[lints]\n\n[lints.rust]\n"), 1, manifest("[lints]\nworkspace = true\n")),
        ("lints", manifest("[package]\n"), 1, manifest("[package]\n[lints]\nworkspace = true\n")),
        ("file-length", file("engine/src/a.rs", &long), 501, file("tests/fixtures/a.py", &long)),
        (
            "left-over",
            file("README.md", &format!("a\n<!-- {mark}: b -->\n")),
            2,
            file("README.md", &format!("{mark}S\n")),
        ),
        ("left-over", file("engine/src/a.rs", &format!("{hole}\n")), 1, file("engine/src/a.rs", "done!()\n")),
        ("white-space", file("engine/src/a.rs", "fn a() {\n\tb();\n}\n"), 2, file("Makefile", "a:\n\tb\n")),
        ("white-space", file("engine/src/a.rs", "fn a() {} \n"), 1, file("README.md", "a  \n")),
        ("white-space", file("engine/src/a.rs", "fn a() {}"), 1, file("engine/src/a.rs", "fn a() {}\n")),
        (
            "machine-path",
            file("README.md", &format!("cd {home}ann/jackfield\n")),
            1,
            file("README.md", &format!("https://example.org{home}page target{home}a\n")),
        ),
        (
            "registry",
            file("Cargo.lock", "source = \"registry+https://example.org/index\"\n"),
            1,
            file("Cargo.lock", lock),
        ),
    ]
}

#[test]
fn the_repository_keeps_every_rule() {
    if let Err(report) = xtask::tidy::run() {
        panic!("{report}");
    }
}

#[test]
fn each_rule_catches_its_bad_sample_in_the_right_line() {
    for (rule, bad, line, _) in samples() {
        let found = broken(&bad);
        let Some((_, findings)) = found.iter().find(|(broken, _)| broken.name == rule) else {
            panic!("{rule} misses its sample in line {line}");
        };
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [line], "{rule}: {findings:?}");
    }
}

#[test]
fn each_rule_lets_what_only_looks_bad_pass() {
    for (rule, _, line, good) in samples() {
        let found = broken(&good);
        let caught = found.iter().find(|(broken, _)| broken.name == rule);
        assert!(caught.is_none(), "{rule} (sample of line {line}): {:?}", caught.map(|(_, findings)| findings));
    }
}

#[test]
fn every_rule_has_a_sample() {
    let samples = samples();
    let without: Vec<_> = RULES.iter().filter(|rule| !samples.iter().any(|(name, ..)| *name == rule.name)).collect();
    assert!(without.is_empty(), "{:?}", without.iter().map(|rule| rule.name).collect::<Vec<_>>());
}
