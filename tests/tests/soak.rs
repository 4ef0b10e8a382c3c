//! Plugins are replaced in every way that build tools know, far past the 1,022 loads that were the end of a process with Rust
//! plugins, while clients send without pause: no command is lost, doubled, answered wrongly or by a version that no longer
//! serves, and the process is afterwards as it was before. `cargo xtask soak` is the same for longer.

#![cfg(target_os = "linux")]

use jackfield_tests::soak::run::{Plan, run};

/// Swaps of what must leave nothing behind; four in five are Rust.
const SWAPS: u64 = 1500;
/// Swaps of what is kept by every swap.
const KEPT: u64 = 20;

#[test]
fn over_a_thousand_swaps_lose_no_command_and_leave_nothing_behind() {
    let plan = Plan { swaps: SWAPS, within: None, kept: KEPT, optimised: false };
    let outcome = run(plan).unwrap_or_else(|why| panic!("{why}"));
    println!("{}", outcome.tables());
    let broken = outcome.broken();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
