//! `cargo xtask build`: compiles the program, the shipped plugins and libjackfield, and lays them out as they are installed.

use crate::layout::Piece;
use crate::{Outcome, cargo, library, notices, root, succeed};
use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{Artifact, Message, Metadata, MetadataCommand, camino::Utf8PathBuf};
use std::env::consts;
use std::fs;
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quickly.
    Dev,
    /// Optimised, crate by crate.
    Release,
    /// Optimised as a whole: for what is measured.
    Optimized,
}

impl Profile {
    /// The one of `--release`, or not.
    pub fn new(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    /// What is shipped, or with `dev` a quick stand-in for it.
    pub fn shipped(dev: bool) -> Self {
        if dev { Self::Dev } else { Self::Optimized }
    }

    /// As cargo is told of it.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Dev => "--profile=dev",
            Self::Release => "--profile=release",
            Self::Optimized => "--profile=optimized",
        }
    }

    /// Below the target folder, where it is laid out. What is measured lies apart, so that no other build replaces it.
    fn layout(self) -> &'static str {
        if self == Self::Optimized { "bench/dist" } else { "dist" }
    }
}

/// Builds everything into `target/dist`, optimised as a whole into `target/bench/dist`, and returns that folder.
pub fn run(profile: Profile) -> Outcome<PathBuf> {
    let metadata = metadata()?;
    let dist = metadata.target_directory.join(profile.layout()).into_std_path_buf();
    install(&everything(&metadata, profile)?, &dist, false)
}

/// Builds everything into any folder, for those who install or package it.
pub fn into(profile: Profile, prefix: &Path) -> Outcome<PathBuf> {
    // Of debug information there is several times as much as of the rest, and whoever runs what is shipped has no sources;
    // the names of functions, which backtraces show, stay.
    let strip = profile == Profile::Optimized;
    install(&everything(&metadata()?, profile)?, &std::path::absolute(prefix)?, strip)
}

/// The program and some of the plugins alone, by name.
pub fn some(profile: Profile, wanted: impl Fn(&str) -> bool) -> Outcome<PathBuf> {
    let metadata = metadata()?;
    let dist = metadata.target_directory.join(profile.layout()).into_std_path_buf();
    let mut pieces = plugins(&metadata, profile, wanted)?;
    pieces.push(Piece::executable(program(profile)?, PROGRAM));
    install(&pieces, &dist, false)
}

fn everything(metadata: &Metadata, profile: Profile) -> Outcome<Vec<Piece>> {
    let program = program(profile)?;
    let mut pieces = man_pages(&program, metadata.target_directory.join("man").as_std_path())?;
    pieces.push(Piece::executable(program, PROGRAM));
    pieces.extend(plugins(metadata, profile, |_| true)?);
    pieces.extend(library::pieces(profile)?);
    pieces.extend(texts()?);
    pieces.push(Piece::text(notices::text()?, NOTICES));
    Ok(pieces)
}

fn install(pieces: &[Piece], dist: &Path, strip: bool) -> Outcome<PathBuf> {
    for piece in pieces {
        piece.install(dist, strip)?;
    }
    Ok(dist.to_owned())
}

/// The man pages, which the program writes into a scratch folder.
fn man_pages(program: &Path, scratch: &Path) -> Outcome<Vec<Piece>> {
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    succeed(Command::new(program).arg("man").arg(scratch))?;
    let mut pieces = Vec::new();
    for entry in fs::read_dir(scratch)? {
        let entry = entry?;
        pieces.push(Piece::file(entry.path(), Path::new("share/man/man1").join(entry.file_name())));
    }
    Ok(pieces)
}

/// The headers, and what is to be read by people.
fn texts() -> Outcome<Vec<Piece>> {
    let mut pieces = Vec::new();
    for (folder, to) in [("include/jackfield", "include/jackfield"), ("", "share/jackfield")] {
        for entry in fs::read_dir(root().join(folder))? {
            let from = entry?.path();
            let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let shared = ["LICENSE", "README", "CHANGELOG"].iter().any(|start| name.starts_with(start));
            if from.is_file() && (!folder.is_empty() || shared) {
                pieces.push(Piece::file(from, Path::new(to).join(name)));
            }
        }
    }
    Ok(pieces)
}

/// What cargo knows of the workspace.
pub fn metadata() -> Outcome<Metadata> {
    Ok(MetadataCommand::new().current_dir(root()).no_deps().exec()?)
}

/// Folders of plugins in Rust, and where they are installed, each plugin under the name of its folder.
const PLUGINS: [(&str, &str); 2] = [("plugins", "lib/jackfield/plugins"), ("examples", "share/jackfield/examples")];

/// What the crates want said that are linked in, from the top of the layout.
pub const NOTICES: &str = "share/jackfield/THIRD-PARTY.txt";

/// The program, from the top of the layout.
const PROGRAM: &str = if cfg!(windows) { "bin/jackfield.exe" } else { "bin/jackfield" };

/// Compiles the program.
fn program(profile: Profile) -> Outcome<PathBuf> {
    // Alone: in one run with the plugins it would share their features, and not its crates with libjackfield.
    let built = compile(cargo().args(["build", "--package=jackfield", profile.argument()]), &[])?;
    let program = built.artifacts.into_iter().find_map(|artifact| artifact.executable);
    Ok(program.ok_or("cargo has built no program")?.into())
}

/// Compiles the shipped plugins and the examples of plugins.
fn plugins(metadata: &Metadata, profile: Profile, wanted: impl Fn(&str) -> bool) -> Outcome<Vec<Piece>> {
    let plugins: Vec<(&str, &str, &Path)> = metadata
        .packages
        .iter()
        .filter_map(|package| {
            let folder = package.manifest_path.parent()?;
            let parent = folder.parent()?.file_name()?;
            let (_, to) = PLUGINS.into_iter().find(|(from, _)| *from == parent)?;
            Some((package.name.as_str(), folder.file_name()?, Path::new(to)))
        })
        .filter(|(_, name, _)| wanted(name))
        .collect();
    let mut command = cargo();
    command.arg("build").args(plugins.iter().map(|(package, ..)| format!("--package={package}")));
    let mut pieces = Vec::new();
    for artifact in compile(command.arg(profile.argument()), &[])?.artifacts {
        let folder = artifact.manifest_path.parent().and_then(|folder| folder.file_name());
        let plugin = plugins.iter().find(|(_, name, _)| Some(*name) == folder);
        let library = artifact.filenames.iter().find(|file| is_library(file));
        if let (Some((_, name, to)), Some(library)) = (plugin, library) {
            pieces.push(Piece::executable(library, to.join(format!("{name}{}", consts::DLL_SUFFIX))));
        }
    }
    match pieces.len() == plugins.len() {
        true => Ok(pieces),
        false => Err(format!("{} libraries, expected {} plugins", pieces.len(), plugins.len()).into()),
    }
}

/// What cargo has compiled.
#[derive(Default)]
pub struct Built {
    /// Also what was there already.
    pub artifacts: Vec<Artifact>,
    /// The answer to `--print=native-static-libs`.
    pub native: String,
}

/// Runs `cargo build` or, with arguments for the compiler, `cargo rustc`.
pub fn compile(command: &mut Command, compiler: &[&str]) -> Outcome<Built> {
    let colours = if std::io::stderr().is_terminal() { ",json-diagnostic-rendered-ansi" } else { "" };
    command.arg(format!("--message-format=json{colours}"));
    if !compiler.is_empty() {
        command.arg("--").args(compiler);
    }
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("cannot run cargo: {e}"))?;
    let output = child.stdout.take().ok_or("cargo has no output")?;
    let mut built = Built::default();
    for message in Message::parse_stream(BufReader::new(output)) {
        match message? {
            Message::CompilerArtifact(artifact) => built.artifacts.push(artifact),
            Message::CompilerMessage(said) => match said.message.message.strip_prefix("native-static-libs: ") {
                Some(native) => built.native = native.to_owned(),
                // The compiler's introduction to that.
                None if said.message.level == DiagnosticLevel::Note => {}
                None => eprint!("{}", said.message.rendered.unwrap_or_default()),
            },
            _ => {}
        }
    }
    if !child.wait()?.success() {
        return Err("the build failed; what cargo says stands above".into());
    }
    Ok(built)
}

fn is_library(file: &Utf8PathBuf) -> bool {
    file.extension() == Some(consts::DLL_EXTENSION)
}
