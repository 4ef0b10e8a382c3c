//! `cargo xtask build`: compiles the program and the shipped plugins and lays them out as they are installed.

use crate::{Outcome, cargo, root};
use cargo_metadata::{Message, Metadata, MetadataCommand, camino::Utf8PathBuf};
use std::fs;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A file of the layout.
struct Piece {
    from: PathBuf,
    /// From the top of the layout.
    to: PathBuf,
    executable: bool,
}

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
    some(profile, |_| true)
}

/// The same with some of the plugins, by name.
pub fn some(profile: Profile, wanted: impl Fn(&str) -> bool) -> Outcome<PathBuf> {
    let metadata = metadata()?;
    let dist = metadata.target_directory.join(profile.layout()).into_std_path_buf();
    let mut pieces = compiled(&metadata, profile, wanted)?;
    for (folder, to) in [("include/jackfield", "include/jackfield"), ("", "share/jackfield")] {
        for entry in fs::read_dir(root().join(folder))? {
            let from = entry?.path();
            let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let shared = ["LICENSE", "README", "CHANGELOG"].iter().any(|start| name.starts_with(start));
            if from.is_file() && (!folder.is_empty() || shared) {
                pieces.push(Piece { from, to: Path::new(to).join(name), executable: false });
            }
        }
    }
    for piece in &pieces {
        install(piece, &dist)?;
    }
    Ok(dist)
}

/// What cargo knows of the workspace.
pub fn metadata() -> Outcome<Metadata> {
    Ok(MetadataCommand::new().current_dir(root()).no_deps().exec()?)
}

/// Folders of plugins in Rust, and where they are installed, each plugin under the name of its folder.
const PLUGINS: [(&str, &str); 2] = [("plugins", "lib/jackfield/plugins"), ("examples", "share/jackfield/examples")];

/// Compiles the program, the shipped plugins and the examples of plugins.
fn compiled(metadata: &Metadata, profile: Profile, wanted: impl Fn(&str) -> bool) -> Outcome<Vec<Piece>> {
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
    command.args(["build", "--message-format=json-render-diagnostics", "--package=jackfield"]);
    command.args(plugins.iter().map(|(package, ..)| format!("--package={package}")));
    command.arg(profile.argument());
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("cannot run cargo: {e}"))?;
    let output = child.stdout.take().ok_or("cargo has no output")?;
    let mut pieces = Vec::new();
    for message in Message::parse_stream(BufReader::new(output)) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        if let Some(program) = &artifact.executable
            && artifact.target.name == "jackfield"
        {
            let name = format!("jackfield{}", std::env::consts::EXE_SUFFIX);
            pieces.push(Piece { from: program.into(), to: Path::new("bin").join(name), executable: true });
        }
        let folder = artifact.manifest_path.parent().and_then(|folder| folder.file_name());
        let plugin = plugins.iter().find(|(_, name, _)| Some(*name) == folder);
        let library = artifact.filenames.iter().find(|file| is_library(file));
        if let (Some((_, name, to)), Some(library)) = (plugin, library) {
            let to = to.join(format!("{name}{}", std::env::consts::DLL_SUFFIX));
            pieces.push(Piece { from: library.into(), to, executable: true });
        }
    }
    if !child.wait()?.success() {
        return Err("the build failed; what cargo says stands above".into());
    }
    match pieces.len() == plugins.len() + 1 {
        true => Ok(pieces),
        false => Err(format!("{} products, expected the program and {} plugins", pieces.len(), plugins.len()).into()),
    }
}

fn is_library(file: &Utf8PathBuf) -> bool {
    file.extension() == Some(std::env::consts::DLL_EXTENSION)
}

/// Puts a file into its place by a rename, so that a server that runs from this tree sees either the old or the new one
/// whole; not at all where the content is the same, so that it does not swap for nothing.
fn install(piece: &Piece, dist: &Path) -> Outcome {
    let to = dist.join(&piece.to);
    let fail = |e: std::io::Error| format!("cannot install {}: {e}", to.display());
    let content = fs::read(&piece.from).map_err(fail)?;
    match fs::read(&to) {
        Ok(old) if old == content => return Ok(()),
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(fail(e).into()),
        _ => {}
    }
    let folder = to.parent().unwrap_or(dist);
    fs::create_dir_all(folder).map_err(fail)?;
    // A name that begins with a dot is no plugin to a server that watches the folder.
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}.{}", std::process::id()));
    fs::write(&fresh, content).and_then(|()| set_mode(&fresh, piece.executable)).map_err(fail)?;
    fs::rename(&fresh, &to).map_err(|e| {
        // The rename's error is the one to tell; the temporary file may be gone already.
        let _ = fs::remove_file(&fresh);
        fail(e)
    })?;
    Ok(())
}

/// Not writable by others, whatever the umask: the server refuses such plugins.
#[cfg(unix)]
fn set_mode(file: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: bool) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn only_new_content_takes_the_place_of_an_installed_file() {
        let folder = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        let dist = folder.join("dist");
        fs::create_dir_all(&folder).unwrap();
        let piece = Piece { from: folder.join("built"), to: "lib/a.so".into(), executable: true };
        let put = |content: &str| {
            fs::write(&piece.from, content).unwrap();
            install(&piece, &dist).unwrap();
            let file = dist.join("lib/a.so");
            let held = fs::metadata(&file).unwrap();
            (fs::read_to_string(&file).unwrap(), held.ino(), held.mode() & 0o777)
        };
        let first = put("one");
        let again = put("one");
        // Held open, so that its inode is not given to the next file.
        let _open = fs::File::open(dist.join("lib/a.so")).unwrap();
        let other = put("two");
        let left = fs::read_dir(dist.join("lib")).unwrap().count();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(first, again);
        assert_eq!((first.0.as_str(), other.0.as_str(), first.2, other.2), ("one", "two", 0o755, 0o755));
        assert_ne!(first.1, other.1, "written in place");
        assert_eq!(left, 1, "a temporary file is left");
    }
}
