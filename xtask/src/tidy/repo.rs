//! What the rules look at: the packages of the workspace and the text files of the repository.

use crate::Outcome;
use cargo_metadata::{DependencyKind, MetadataCommand};
use std::fs;
use std::path::Path;

/// The repository as the rules see it.
#[derive(Default)]
pub struct Repo {
    /// Members of the workspace.
    pub packages: Vec<Package>,
    /// All text files, but not those of [`SKIPPED`] folders.
    pub files: Vec<File>,
}

/// A member of the workspace.
pub struct Package {
    /// Folder from the root, such as `plugin-api/sdk`.
    pub folder: String,
    /// Text of its `Cargo.toml`.
    pub manifest: String,
    /// What it names in its dependency tables.
    pub imports: Vec<Import>,
}

/// One dependency.
pub struct Import {
    /// Name of the crate.
    pub name: String,
    /// Folder from the root, of a crate of this repository.
    pub folder: Option<String>,
    /// Of its tests alone.
    pub dev: bool,
}

/// A text file.
pub struct File {
    /// Path from the root, with `/` between its parts.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Folders that are made, not written.
const SKIPPED: [&str; 6] = [".git", "target", "node_modules", ".venv", "__pycache__", "jackfield-data"];

impl Repo {
    /// Reads the repository at `root`.
    pub fn read(root: &Path) -> Outcome<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { packages: packages(root)?, files })
    }

    /// The Rust files below `folder` (all: `""`).
    pub fn rust(&self, folder: &str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.path.starts_with(folder) && file.path.ends_with(".rs"))
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Outcome {
    let entries = fs::read_dir(folder).map_err(|e| format!("cannot list {}: {e}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() && name != ".git" {
            let bytes = fs::read(entry.path()).map_err(|e| format!("cannot read {path}: {e}"))?;
            // What is no UTF-8 is no text: images and other fixtures.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}

fn packages(root: &Path) -> Outcome<Vec<Package>> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let folder = |path: &Path| -> Option<String> {
        let parts: Vec<_> = path.strip_prefix(root).ok()?.iter().map(|part| part.to_string_lossy()).collect();
        Some(parts.join("/"))
    };
    let mut packages = Vec::new();
    for package in &metadata.packages {
        let path = package.manifest_path.as_std_path();
        let home = path.parent().and_then(folder);
        let home = home.ok_or_else(|| format!("{} lies outside of the repository", package.manifest_path))?;
        let manifest = fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let imports = package
            .dependencies
            .iter()
            .map(|d| Import {
                name: d.name.clone(),
                folder: d.path.as_ref().and_then(|path| folder(path.as_std_path())),
                dev: d.kind == DependencyKind::Development,
            })
            .collect();
        packages.push(Package { folder: home, manifest, imports });
    }
    Ok(packages)
}
