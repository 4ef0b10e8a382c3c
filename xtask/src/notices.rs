//! What other people's crates that are linked into what is shipped want to be said with it.

use crate::{Outcome, root};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId, TargetKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Begins the names of files with such texts.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// All of it as one text: the crates with their licences, then each text once, with those who have it.
pub fn text() -> Outcome<String> {
    let metadata = metadata()?;
    let mut list = String::from(
        "Crates of other people that are linked into Jackfield, each with its licence as it names it.\n\
         Their notices and licences stand below.\n\n",
    );
    let mut texts = BTreeMap::<String, BTreeSet<String>>::new();
    for package in linked(&metadata)? {
        let name = format!("{} {}", package.name, package.version);
        writeln!(list, "{name}: {}", package.license.as_deref().unwrap_or("see its text"))?;
        for text in texts_of(package)? {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    for (text, names) in &texts {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        write!(list, "\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join(", "))?;
    }
    Ok(list)
}

/// With what is compiled for this system alone.
fn metadata() -> Outcome<Metadata> {
    let said = String::from_utf8(Command::new("rustc").arg("-vV").output()?.stdout)?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc does not name its host")?;
    let options = ["--locked", "--filter-platform", host].map(str::to_owned).to_vec();
    Ok(MetadataCommand::new().current_dir(root()).features(CargoOpt::AllFeatures).other_options(options).exec()?)
}

/// Everything of other people that is in the program, the library, or a plugin that is installed, in the order of names.
fn linked(metadata: &Metadata) -> Outcome<Vec<&Package>> {
    let nodes = &metadata.resolve.as_ref().ok_or("cargo tells no dependencies")?.nodes;
    let nodes: HashMap<&PackageId, &Node> = nodes.iter().map(|node| (&node.id, node)).collect();
    let shipped = |package: &&Package| {
        let folder = package.manifest_path.strip_prefix(root()).map_or_else(|_| "".into(), |path| path.to_string());
        ["server/", "embed/", "plugins/", "examples/"].iter().any(|part| folder.starts_with(part))
    };
    let mut due: Vec<&PackageId> = metadata.workspace_packages().into_iter().filter(shipped).map(|p| &p.id).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = due.pop() {
        // What runs in the compiler is not in what it makes.
        if metadata[id].targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro)) || !seen.insert(id) {
            continue;
        }
        let normal = |kinds: &[cargo_metadata::DepKindInfo]| kinds.iter().any(|of| of.kind == DependencyKind::Normal);
        due.extend(nodes[id].deps.iter().filter(|dep| normal(&dep.dep_kinds)).map(|dep| &dep.pkg));
    }
    let mut packages: Vec<&Package> = seen.into_iter().map(|id| &metadata[id]).filter(|p| p.source.is_some()).collect();
    packages.sort_by_key(|package| (package.name.to_string(), package.version.clone()));
    Ok(packages)
}

/// The texts that lie with a crate; where there is none, what there is to say.
fn texts_of(package: &Package) -> Outcome<Vec<String>> {
    let folder = package.manifest_path.parent().map_or(Path::new(""), |folder| folder.as_std_path());
    let mut files: Vec<_> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
            path.is_file() && NAMES.iter().any(|start| name.starts_with(start))
        })
        .chain(package.license_file().map(|file| file.into_std_path_buf()))
        .collect();
    files.sort();
    files.dedup();
    let mut texts = Vec::new();
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(file)?).replace("\r\n", "\n");
        texts.push(text.trim_matches('\n').trim_end().to_owned());
    }
    if texts.is_empty() {
        let authors = if package.authors.is_empty() { "not named".to_owned() } else { package.authors.join(", ") };
        texts.push(format!("No text lies with it. Its authors: {authors}."));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_linked_crate_is_named_with_a_text_and_no_path_of_this_machine() {
        let text = text().unwrap();
        let (list, texts) = text.split_once(&"-".repeat(80)).unwrap();
        let names: Vec<&str> =
            list.lines().skip(3).filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
        for wanted in ["tokio ", "tungstenite ", "serde_json ", "rusqlite ", "image ", "quick-xml "] {
            assert!(names.iter().any(|name| name.starts_with(wanted)), "{wanted} is missing");
        }
        // Of the build, the tests and the compiler.
        for other in ["cbindgen ", "proptest ", "loom ", "syn ", "cargo_metadata "] {
            assert!(!names.iter().any(|name| name.starts_with(other)), "{other} is not linked");
        }
        for name in names {
            assert!(texts.contains(name), "{name} has no text");
        }
        assert!(!text.contains(&*root().to_string_lossy()) && !text.contains(".cargo/registry"));
    }
}
