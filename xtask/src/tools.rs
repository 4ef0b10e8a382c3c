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
}

const REQUIREMENTS: &str = "tests/requirements.txt";

/// Finds everything; with `install`, gets what is missing first. An error names all that is missing, with the commands.
pub fn find(install: bool) -> Outcome<Tools> {
    let venv = build::metadata()?.target_directory.join("venv").into_std_path_buf();
    if install {
        for missing in missing(&venv) {
            println!("missing: {}", missing.what);
            get(&missing.fix, &venv)?;
        }
    }
    let missing = missing(&venv);
    if !missing.is_empty() {
        let lines: Vec<String> = missing.iter().map(|m| format!("  {}: {}", m.what, line(&m.fix, &venv))).collect();
        let hint = "get it with the commands shown, or all of it with `cargo xtask test --install`";
        return Err(format!("missing for the tests:\n{}\n{hint}", lines.join("\n")).into());
    }
    let chromium = chromium().ok_or("chromium is gone")?;
    Ok(Tools { python: python(&venv), chromium })
}

fn missing(venv: &Path) -> Vec<Missing> {
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
    need(chromium().is_some(), "chromium (or JACKFIELD_CHROMIUM=program)", Fix::Apt(&["chromium"]));
    if cfg!(target_os = "linux") {
        need(on_path("valgrind").is_some(), "valgrind", Fix::Apt(&["valgrind"]));
    }
    // Debian's python3 has venv without its installer until python3-venv is there.
    if !is_current(venv, &root().join(REQUIREMENTS)) {
        let able = works(Command::new("python3").args(["-c", "import venv, ensurepip"]));
        need(able, "python3 with venv", Fix::Apt(&["python3", "python3-venv"]));
        need(false, "the Python packages of tests/requirements.txt", Fix::Venv);
    }
    missing
}

fn get(fix: &Fix, venv: &Path) -> Outcome {
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
        Fix::Venv => make_venv(venv, &root().join(REQUIREMENTS)),
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
    let same = fs::read(venv.join("requirements.txt")).ok() == fs::read(requirements).ok();
    same && works(Command::new(python(venv)).arg("--version"))
}

fn make_venv(venv: &Path, requirements: &Path) -> Outcome {
    succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--requirement"];
    succeed(Command::new(python(venv)).args(pip).arg(requirements))?;
    // Tells the next run what is in there; written last.
    fs::copy(requirements, venv.join("requirements.txt"))?;
    Ok(())
}

/// What a person would type.
fn line(fix: &Fix, venv: &Path) -> String {
    match fix {
        Fix::Apt(packages) => format!("apt-get install {}", packages.join(" ")),
        Fix::Rustup(component) => format!("rustup component add {component}"),
        Fix::Venv => format!("cargo xtask test --install (makes {})", venv.display()),
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
