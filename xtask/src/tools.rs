//! What the tests need beside cargo: found, named where missing, and got with `--install`.

use crate::{Outcome, build, cargo, root, succeed};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The foreign programs that the tests use.
pub struct Tools {
    /// Python with the packages of `tests/requirements.txt`.
    pub python: PathBuf,
    /// The npm packages of `tests/package.json`; `node` itself is on the path.
    pub node_modules: PathBuf,
    /// A Chromium for the browser tests.
    pub chromium: PathBuf,
}

/// Something that is missing: what, and the command that gets it.
struct Missing {
    what: &'static str,
    fix: Fix,
}

/// How something missing is got.
enum Fix {
    /// Packages of Debian and its kin.
    Apt(&'static [&'static str]),
    /// Components of the Rust toolchain.
    Rustup(&'static str),
    /// The Python environment in the target folder.
    Venv,
    /// The npm packages in the target folder.
    Npm,
}

/// Where in the target folder packages of other languages are.
struct Folders {
    venv: PathBuf,
    node: PathBuf,
}

const REQUIREMENTS: &str = "tests/requirements.txt";
const PACKAGES: &str = "tests/package.json";

/// Finds everything; with `install`, gets what is missing first. An error names all that is missing, with the commands.
pub fn find(install: bool) -> Outcome<Tools> {
    let target = build::metadata()?.target_directory.into_std_path_buf();
    let folders = Folders { venv: target.join("venv"), node: target.join("node") };
    if install {
        for missing in missing(&folders) {
            println!("missing: {}", missing.what);
            get(&missing.fix, &folders)?;
        }
    }
    let missing = missing(&folders);
    if !missing.is_empty() {
        let lines: Vec<String> = missing.iter().map(|m| format!("  {}: {}", m.what, line(&m.fix, &folders))).collect();
        let hint = "get it with the commands shown, or all of it with `cargo xtask test --install`";
        return Err(format!("missing for the tests:\n{}\n{hint}", lines.join("\n")).into());
    }
    let chromium = chromium().ok_or("chromium is gone")?;
    Ok(Tools { python: python(&folders.venv), node_modules: folders.node.join("node_modules"), chromium })
}

fn missing(folders: &Folders) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut need = |there: bool, what, fix| {
        if !there {
            missing.push(Missing { what, fix });
        }
    };
    need(works(cargo().args(["fmt", "--version"])), "rustfmt", Fix::Rustup("rustfmt"));
    need(works(cargo().args(["clippy", "--version"])), "clippy", Fix::Rustup("clippy"));
    let compilers = ["cc", "c++", "make"].iter().all(|name| on_path(name).is_some());
    need(compilers, "a C and C++ compiler and make", Fix::Apt(&["gcc", "g++", "libc6-dev", "make"]));
    let installers = ["cmake", "pkg-config", "dpkg-shlibdeps"].iter().all(|name| on_path(name).is_some());
    need(chromium().is_some(), "chromium (or JACKFIELD_CHROMIUM=program)", Fix::Apt(&["chromium"]));
    if cfg!(target_os = "linux") {
        need(on_path("valgrind").is_some(), "valgrind", Fix::Apt(&["valgrind"]));
        need(installers, "cmake, pkg-config and dpkg-shlibdeps", Fix::Apt(&["cmake", "pkg-config", "dpkg-dev"]));
    }
    // Debian's python3 has venv without its installer until python3-venv is there.
    if !is_current(&folders.venv, &root().join(REQUIREMENTS)) {
        let able = works(Command::new("python3").args(["-c", "import venv, ensurepip"]));
        need(able, "python3 with venv", Fix::Apt(&["python3", "python3-venv"]));
        need(false, "the Python packages of tests/requirements.txt", Fix::Venv);
    }
    let glib = works(Command::new("pkg-config").args(["--exists", "glib-2.0"]));
    need(glib, "pkg-config and GLib", Fix::Apt(&["pkg-config", "libglib2.0-dev"]));
    let node = works(Command::new("node").args(["-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"]));
    need(node && works(npm().arg("--version")), "Node 20 or newer with npm", Fix::Apt(&["nodejs", "npm"]));
    if !is_same(&folders.node.join(INSTALLED), &root().join(PACKAGES)) {
        need(false, "the npm packages of tests/package.json", Fix::Npm);
    }
    missing
}

fn get(fix: &Fix, folders: &Folders) -> Outcome {
    match fix {
        Fix::Apt(packages) => {
            let apt = |args: &[&str]| {
                // `sudo env`: sudo drops the environment.
                let mut command = match on_path("sudo") {
                    Some(sudo) if !is_root() => Command::new(sudo),
                    _ => Command::new("env"),
                };
                if !is_root() {
                    command.arg("env");
                }
                command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(args);
                command
            };
            succeed(&mut apt(&["update"]))?;
            let install = ["install", "-y", "--no-install-recommends"];
            succeed(apt(&install).args(*packages))
        }
        Fix::Rustup(component) => succeed(Command::new("rustup").args(["component", "add", component])),
        Fix::Venv => make_venv(&folders.venv, &root().join(REQUIREMENTS)),
        Fix::Npm => install_packages(&folders.node, &root().join(PACKAGES)),
    }
}

/// A Python environment with these packages in `folder`; nothing is done where it is there.
pub fn venv(folder: &Path, requirements: &Path) -> Outcome<PathBuf> {
    if !is_current(folder, requirements) {
        make_venv(folder, requirements)?;
    }
    Ok(python(folder))
}

fn is_current(venv: &Path, requirements: &Path) -> bool {
    is_same(&venv.join("requirements.txt"), requirements) && works(Command::new(python(venv)).arg("--version"))
}

fn make_venv(venv: &Path, requirements: &Path) -> Outcome {
    succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--requirement"];
    succeed(Command::new(python(venv)).args(pip).arg(requirements))?;
    // Tells the next run what is in there; written last.
    fs::copy(requirements, venv.join("requirements.txt"))?;
    Ok(())
}

/// The copy of the list of npm packages that is written when they are there.
const INSTALLED: &str = "installed.json";

fn install_packages(folder: &Path, packages: &Path) -> Outcome {
    // Packages that are no longer in the list must not be found.
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(folder)?,
    }
    fs::copy(packages, folder.join("package.json"))?;
    let quietly = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];
    succeed(npm().arg("install").args(quietly).arg("--prefix").arg(folder))?;
    fs::copy(packages, folder.join(INSTALLED))?;
    Ok(())
}

fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Whether both files are there, with the same content.
fn is_same(one: &Path, other: &Path) -> bool {
    fs::read(one).is_ok_and(|content| fs::read(other).is_ok_and(|wanted| content == wanted))
}

/// What a person would type.
fn line(fix: &Fix, folders: &Folders) -> String {
    match fix {
        Fix::Apt(packages) => format!("apt-get install {}", packages.join(" ")),
        Fix::Rustup(component) => format!("rustup component add {component}"),
        Fix::Venv => format!("cargo xtask test --install (makes {})", folders.venv.display()),
        Fix::Npm => format!("cargo xtask test --install (makes {})", folders.node.display()),
    }
}

fn python(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

fn chromium() -> Option<PathBuf> {
    match env::var_os("JACKFIELD_CHROMIUM") {
        Some(path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
        None => ["chromium", "chromium-browser", "google-chrome", "chrome"].iter().find_map(|name| on_path(name)),
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether a command can be run and says yes; silent.
fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
