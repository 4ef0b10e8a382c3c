//! `cargo xtask soak`: builds, then runs the measurements of `tests/src/bin/soak.rs` against what was built.

use crate::build::{self, Profile};
use crate::{Outcome, cargo, succeed};

/// What to measure.
pub enum Measure {
    /// Swaps under load; no new one after so many seconds.
    Swaps(u64, Option<u64>),
    /// From the end of writing to the first answer.
    Latency,
    /// Commands of one plugin while another is swapped.
    Neighbour,
}

/// An error where a promise was broken.
pub fn run(release: bool, measure: &Measure) -> Outcome {
    let dist = build::run(Profile::new(release))?;
    let mut command = cargo();
    command.args(["run", "--quiet", "--package=jackfield-tests", "--bin=soak"]);
    command.args(release.then_some("--release")).arg("--").env("JACKFIELD_DIST", dist);
    match measure {
        Measure::Swaps(swaps, within) => {
            command.arg("run").arg(swaps.to_string()).args(within.map(|seconds| seconds.to_string()));
        }
        Measure::Latency => {
            command.arg("latency");
        }
        Measure::Neighbour => {
            command.arg("neighbour");
        }
    }
    succeed(&mut command)
}
