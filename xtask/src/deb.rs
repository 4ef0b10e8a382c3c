//! `cargo xtask deb`: an installed tree as three Debian packages.

mod package;

use crate::build::{self, Profile};
use crate::layout::{Piece, What};
use crate::library::{self, MAJOR, Place, VERSION};
use crate::{Outcome, root};
use package::{Package, said};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of the packages: that of Jackfield, and of how it is packaged.
const REVISION: &str = concat!(env!("CARGO_PKG_VERSION"), "-1");

/// Builds all that is installed and packs it into `target/deb`.
pub fn run(dev: bool) -> Outcome<Vec<PathBuf>> {
    let folder = build::metadata()?.target_directory.join("deb").into_std_path_buf();
    let tree = build::into(Profile::shipped(dev), &folder.join("tree"))?;
    pack(&tree, &folder, dev)
}

/// Packs an installed tree into `folder`; `quick` packages are larger.
pub fn pack(tree: &Path, folder: &Path, quick: bool) -> Outcome<Vec<PathBuf>> {
    let triplet = said(Command::new("cc").arg("-print-multiarch"))?;
    let libdir = format!("lib/{triplet}");
    let library = format!("libjackfield{MAJOR}");
    let packages = [
        program(tree, folder)?,
        shared(tree, folder, &library, &libdir)?,
        development(tree, folder, &library, &libdir)?,
    ];
    packages.into_iter().map(|package| package.pack(quick)).collect()
}

/// The program, its plugins and its service.
fn program(tree: &Path, folder: &Path) -> Outcome<Package> {
    let mut package =
        Package::new(folder, "jackfield", "net", "command server whose plugins are replaced while it runs")?;
    package.about(
        "Anything that speaks JSON over a WebSocket or TCP calls a command by its\n\
         key. The handlers are plugins behind one C interface: when the file of a\n\
         plugin changes, the new code is in place at once, and no command is lost.",
    );
    package.copy(&tree.join("bin/jackfield"), "usr/bin/jackfield", 0o755)?;
    package.copy_folder(&tree.join("lib/jackfield/plugins"), "usr/lib/jackfield/plugins", |_| true)?;
    for page in fs::read_dir(tree.join("share/man/man1"))? {
        let page = page?;
        let to = format!("usr/share/man/man1/{}.gz", page.file_name().to_string_lossy());
        package.compressed(&fs::read(page.path())?, &to)?;
    }
    package.text("usr/lib/systemd/system/jackfield.service", include_str!("../templates/deb/jackfield.service"))?;
    package.text("etc/jackfield/jackfield.toml", include_str!("../templates/deb/jackfield.toml"))?;
    package.control("conffiles", "/etc/jackfield/jackfield.toml\n")?;
    package.script("postinst", include_str!("../templates/deb/postinst"))?;
    package.script("prerm", include_str!("../templates/deb/prerm"))?;
    package.script("postrm", include_str!("../templates/deb/postrm"))?;
    document(&mut package, tree)?;
    Ok(package)
}

/// The shared library.
fn shared(tree: &Path, folder: &Path, name: &str, libdir: &str) -> Outcome<Package> {
    let mut package = Package::new(folder, name, "libs", "command server inside a host application")?;
    package.about("The library that programs need which have the Jackfield server inside.");
    package.field("Multi-Arch", "same");
    package.copy_folder(&tree.join("lib"), &format!("usr/{libdir}"), |name| name.starts_with("libjackfield.so."))?;
    package.control("shlibs", &format!("libjackfield {MAJOR} {name} (>= {VERSION})\n"))?;
    package.control("triggers", "activate-noawait ldconfig\n")?;
    document(&mut package, tree)?;
    Ok(package)
}

/// What those need who build with it.
fn development(tree: &Path, folder: &Path, library: &str, libdir: &str) -> Outcome<Package> {
    let mut package =
        Package::new(folder, "libjackfield-dev", "libdevel", "command server inside a host application (development)")?;
    package.about(
        "Headers, static library, pkg-config file and CMake package: for host\n\
         applications with the Jackfield server inside, and for plugins.",
    );
    package.field("Multi-Arch", "same");
    package.depends(&format!("{library} (= {REVISION})"));
    package.copy_folder(&tree.join("include/jackfield"), "usr/include/jackfield", |_| true)?;
    package.copy_folder(&tree.join("lib"), &format!("usr/{libdir}"), |name| {
        ["libjackfield.so", "libjackfield.a"].contains(&name)
    })?;
    // The place is another than in the tree, what it is linked with the same.
    let told = fs::read_to_string(tree.join("lib/pkgconfig/jackfield.pc"))?;
    let native = told.lines().find_map(|line| line.strip_prefix("Libs.private: ")).unwrap_or_default();
    for Piece { to, what } in library::descriptions(native, &Place { prefix: "/usr", libdir }) {
        let What::Text(text) = what else { continue };
        package.text(&format!("usr/{}", to.display()), &text)?;
    }
    document(&mut package, tree)?;
    Ok(package)
}

/// What every package says of itself.
fn document(package: &mut Package, tree: &Path) -> Outcome {
    let text = fs::read_to_string(root().join("LICENSE-MIT"))?;
    // Without its headline; a line of the license is one with a blank before it, an empty one has a dot.
    let terms = text.lines().skip_while(|line| !line.starts_with("Permission"));
    let terms: Vec<String> = terms.map(|line| format!(" {}", if line.is_empty() { "." } else { line })).collect();
    let copyright = include_str!("../templates/deb/copyright").replace("@MIT@", &terms.join("\n"));
    let doc = format!("usr/share/doc/{}", package.name());
    package.text(&format!("{doc}/copyright"), &copyright)?;
    package.compressed(&fs::read(tree.join(build::NOTICES))?, &format!("{doc}/THIRD-PARTY.txt.gz"))?;
    let date = said(Command::new("date").args(["-R", "-u", "-d"]).arg(format!("@{}", package::epoch()?)))?;
    let changes = format!(
        "jackfield ({REVISION}) unstable; urgency=medium\n\n  * Packaged from its own build.\n\n -- {}  {date}\n",
        package::MAINTAINER
    );
    package.compressed(changes.as_bytes(), &format!("{doc}/changelog.Debian.gz"))?;
    package.compressed(&fs::read(root().join("CHANGELOG.md"))?, &format!("{doc}/changelog.gz"))
}
