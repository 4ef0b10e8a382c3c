//! One Debian package: its files in a folder, what it says of itself, and the archive.

use super::REVISION;
use crate::{Outcome, root};
use std::env;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who the packages are from.
pub const MAINTAINER: &str = "Jackfield <jackfield@localhost>";

/// A package that is being put together.
pub struct Package {
    /// Where its files lie as they will be installed, with `DEBIAN` beside them.
    stage: PathBuf,
    /// The archive to be.
    archive: PathBuf,
    name: String,
    /// The lines of its control file.
    fields: Vec<(String, String)>,
    depends: Vec<String>,
    about: String,
    /// Compiled files, which tell what they need.
    compiled: Vec<PathBuf>,
}

impl Package {
    /// An empty one.
    pub fn new(folder: &Path, name: &str, section: &str, headline: &str) -> Outcome<Self> {
        let architecture = said(Command::new("dpkg").arg("--print-architecture"))?;
        let stage = folder.join(name);
        if stage.exists() {
            fs::remove_dir_all(&stage)?;
        }
        fs::create_dir_all(stage.join("DEBIAN"))?;
        let mut package = Self {
            stage,
            archive: folder.join(format!("{name}_{REVISION}_{architecture}.deb")),
            name: name.to_owned(),
            fields: Vec::new(),
            depends: Vec::new(),
            about: headline.to_owned(),
            compiled: Vec::new(),
        };
        if name != "jackfield" {
            package.field("Source", "jackfield");
        }
        for (name, value) in [("Version", REVISION), ("Architecture", &architecture), ("Maintainer", MAINTAINER)] {
            package.field(name, value);
        }
        package.field("Section", section);
        package.field("Priority", "optional");
        Ok(package)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// With a line in its control file.
    pub fn field(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// Needs another package.
    pub fn depends(&mut self, on: &str) {
        self.depends.push(on.to_owned());
    }

    /// With a description below its headline.
    pub fn about(&mut self, text: &str) {
        for line in text.lines() {
            let _ = write!(self.about, "\n {line}");
        }
    }

    /// A file with this content.
    fn put(&self, to: &str, content: &[u8], mode: u32) -> Outcome {
        let to = self.stage.join(to);
        fs::create_dir_all(to.parent().unwrap_or(&self.stage))?;
        fs::write(&to, content)?;
        Ok(fs::set_permissions(&to, Permissions::from_mode(mode))?)
    }

    /// A file with this text.
    pub fn text(&self, to: &str, text: &str) -> Outcome {
        self.put(to, text.as_bytes(), 0o644)
    }

    /// A file with this content, by gzip.
    pub fn compressed(&self, content: &[u8], to: &str) -> Outcome {
        let mut gzip = Command::new("gzip").args(["-9n"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        // Documents are small, and gzip reads all before it writes much: neither side waits for the other.
        gzip.stdin.take().ok_or("gzip has no input")?.write_all(content)?;
        let output = gzip.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("gzip failed: {}", output.status).into());
        }
        self.put(to, &output.stdout, 0o644)
    }

    /// A compiled or other file of the tree.
    pub fn copy(&mut self, from: &Path, to: &str, mode: u32) -> Outcome {
        self.put(to, &fs::read(from).map_err(|e| format!("{}: {e}", from.display()))?, mode)?;
        if mode == 0o755 || to.contains(".so") {
            self.compiled.push(self.stage.join(to));
        }
        Ok(())
    }

    /// The files and links of a folder of the tree, by name.
    pub fn copy_folder(&mut self, from: &Path, to: &str, wanted: impl Fn(&str) -> bool) -> Outcome {
        let mut entries: Vec<_> = fs::read_dir(from)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let to = format!("{to}/{name}");
            let kind = entry.file_type()?;
            if !wanted(&name) || kind.is_dir() {
                continue;
            }
            if kind.is_symlink() {
                let to = self.stage.join(to);
                fs::create_dir_all(to.parent().unwrap_or(&self.stage))?;
                symlink(fs::read_link(entry.path())?, to)?;
            } else {
                self.copy(&entry.path(), &to, 0o644)?;
            }
        }
        Ok(())
    }

    /// A file for dpkg itself.
    pub fn control(&self, name: &str, text: &str) -> Outcome {
        self.put(&format!("DEBIAN/{name}"), text.as_bytes(), 0o644)
    }

    /// A program that dpkg runs.
    pub fn script(&self, name: &str, text: &str) -> Outcome {
        self.put(&format!("DEBIAN/{name}"), text.as_bytes(), 0o755)
    }

    /// Makes the archive.
    pub fn pack(mut self, quick: bool) -> Outcome<PathBuf> {
        if !quick && !self.compiled.is_empty() {
            // Debian's packages have no names of functions either.
            said(Command::new("strip").arg("--strip-unneeded").args(&self.compiled))?;
        }
        // Whatever the umask.
        said(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(&self.stage))?;
        // A configuration is its owner's to change.
        let sums = "find usr -type f -print0 2>/dev/null | sort -z | xargs -0 md5sum";
        let sums = said(Command::new("sh").arg("-c").arg(sums).current_dir(&self.stage))?;
        self.control("md5sums", &format!("{sums}\n"))?;
        let size = said(Command::new("du").args(["-sk", "--apparent-size", "--exclude=DEBIAN"]).arg(&self.stage))?;
        self.field("Installed-Size", size.split_whitespace().next().unwrap_or_default());
        let mut depends = self.libraries()?;
        depends.append(&mut self.depends);
        let mut control = format!("Package: {}\n", self.name);
        for (name, value) in &self.fields {
            writeln!(control, "{name}: {value}")?;
        }
        if !depends.is_empty() {
            writeln!(control, "Depends: {}", depends.join(", "))?;
        }
        writeln!(control, "Description: {}", self.about)?;
        self.control("control", &control)?;
        let mut dpkg = Command::new("dpkg-deb");
        dpkg.arg("--root-owner-group").arg(if quick { "-Znone" } else { "-Zxz" });
        // Times of files are bounded by it: the same sources make the same package.
        dpkg.env("SOURCE_DATE_EPOCH", epoch()?).arg("--build").arg(&self.stage).arg(&self.archive);
        said(&mut dpkg)?;
        Ok(self.archive)
    }

    /// The packages with the libraries that the compiled files need.
    fn libraries(&self) -> Outcome<Vec<String>> {
        if self.compiled.is_empty() {
            return Ok(Vec::new());
        }
        // It wants the control file of a source package around it.
        let source = self.stage.with_extension("source");
        fs::create_dir_all(source.join("debian"))?;
        fs::write(
            source.join("debian/control"),
            format!("Source: jackfield\n\nPackage: {}\nArchitecture: any\n", self.name),
        )?;
        let mut command = Command::new("dpkg-shlibdeps");
        let told = said(command.arg("-O").args(&self.compiled).current_dir(&source).stderr(Stdio::null()));
        fs::remove_dir_all(&source)?;
        match told {
            Ok(told) => Ok(vec![told.trim_start_matches("shlibs:Depends=").to_owned()]),
            Err(error) => {
                println!("WARNING: versions of libraries are not looked at: {error}");
                Ok(vec!["libc6".to_owned()])
            }
        }
    }
}

/// What a command writes to stdout.
pub fn said(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|e| format!("cannot run {command:?}: {e}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// The time of these sources, in seconds: `$SOURCE_DATE_EPOCH`, or that of the last commit.
pub fn epoch() -> Outcome<String> {
    if let Ok(epoch) = env::var("SOURCE_DATE_EPOCH") {
        return Ok(epoch);
    }
    let told = said(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()));
    told.map_err(|error| format!("no time for the packages, set SOURCE_DATE_EPOCH: {error}").into())
}
