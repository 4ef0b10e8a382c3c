//! `cargo xtask bench`: builds what is measured and what it is measured against, then runs the program `bench`.

use crate::build::{self, Profile};
use crate::{Outcome, cargo, root, succeed, tools};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace of the reference servers.
pub const PEERS: &str = "bench/peers/Cargo.toml";

/// What to measure.
pub struct Order {
    /// Few and short rounds.
    pub quick: bool,
    /// Rows by name; all without it.
    pub only: Vec<String>,
    /// Fail where a must is missed.
    pub check: bool,
    /// Write the results into `bench/`.
    pub record: bool,
}

/// The rows with their ratios.
pub fn run(order: &Order) -> Outcome {
    let dist = build::run(Profile::Optimized)?;
    let target = build::metadata()?.target_directory.into_std_path_buf();
    let mut points = cargo();
    points.args([
        "build",
        Profile::Optimized.argument(),
        "--package=jackfield-plugin-elements",
        "--example=million_points",
    ]);
    succeed(&mut points)?;
    let mut bench = bench(true, "suite", &dist);
    bench.arg("--peers").arg(peers(&target)?);
    bench.arg("--points").arg(target.join("optimized/examples/million_points")).arg("--out").arg(target.join("bench"));
    match tools::venv(&target.join("bench/venv"), &root().join("bench/peers/requirements.txt")) {
        Ok(python) => _ = bench.arg("--python").arg(python),
        Err(error) => println!("WARNING: the Python servers are not measured: {error}"),
    }
    bench.args(order.only.iter().flat_map(|only| ["--only", only]));
    let flags = [(order.quick, "--quick"), (order.check, "--check"), (order.record, "--record")];
    bench.args(flags.into_iter().filter_map(|(on, flag)| on.then_some(flag)));
    succeed(&mut bench)
}

/// Instructions of a command in each case.
pub fn instructions(record: bool) -> Outcome {
    let dist = build::run(Profile::Optimized)?;
    let target = build::metadata()?.target_directory.into_std_path_buf();
    let mut bench = bench(true, "instructions", &dist);
    bench.arg("--peers").arg(peers(&target)?).args(record.then_some("--record"));
    succeed(&mut bench)
}

/// Whether a command has become too dear, by instructions: the program, one plugin, one case.
pub fn guard() -> Outcome {
    if !cfg!(target_os = "linux") {
        println!("WARNING: NOT CHECKED: counting instructions needs Linux");
        return Ok(());
    }
    let dist = build::some(Profile::Optimized, |plugin| plugin == "echo")?;
    // Not optimised, as the tests have built it: its own speed does not matter here.
    succeed(bench(false, "instructions", &dist).arg("--guard"))
}

/// The program `bench` with one of its commands.
fn bench(release: bool, command: &str, dist: &Path) -> Command {
    let mut bench = cargo();
    bench.args([
        "run",
        Profile::new(release).argument(),
        "--quiet",
        "--package=jackfield-bench",
        "--bin=bench",
        "--",
        command,
    ]);
    bench.arg("--dist").arg(dist).arg("--source").arg(root().join("bench"));
    bench
}

/// The reference servers, built.
fn peers(target: &Path) -> Outcome<PathBuf> {
    let folder = target.join("bench/peers");
    succeed(cargo().args(["build", "--release", "--locked", "--manifest-path", PEERS, "--target-dir"]).arg(&folder))?;
    Ok(folder.join("release/peers"))
}
