//! Alone in its process, whose thread-local keys it uses up: a load that might take the last one is refused, and everything
//! that serves goes on.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use serde_json::json;
use support::{Setup, compile};

/// The counter, which takes 300 keys when it is loaded and never gives them back, as a copy of Rust's std does with one.
fn greedy(version: usize) -> std::path::PathBuf {
    let takes = "\n#include <pthread.h>\n__attribute__((constructor)) static void take(void) {\n    pthread_key_t key;\n    \
                 for (int i = 0; i < 300; i++) pthread_key_create(&key, NULL);\n}\n";
    let source = format!("{}{takes}", include_str!("support/counter.c"));
    compile(&source, &["-DFLAGS=0", &format!("-DVERSION=\"{version}\""), "-pthread"])
}

#[test]
fn a_load_is_refused_before_the_last_key_is_taken_and_the_budget_says_so() {
    let bench = Setup::new().with("count.so", &greedy(1)).start();
    let budget = || bench.report()["reload_budget"].as_u64().unwrap();
    let mut version = 1;
    while budget() >= 300 + 24 {
        version += 1;
        bench.put("count.so", &greedy(version));
        bench.step("closed");
    }
    assert!(version >= 3, "there were keys for {version} loads");
    // Room for some more, and for this one no longer: it still gets in, since nobody knows what it takes.
    if budget() >= 24 {
        version += 1;
        bench.put("count.so", &greedy(version));
        bench.step("swapped");
    }
    bench.put("count.so", &greedy(version + 1));
    let (step, reason) = bench.refused("count.so");
    assert_eq!(step, "loaded");
    assert!(reason.contains("thread-local keys are left") && reason.contains("Restart the server"), "{reason}");
    assert!(budget() < 24);
    assert_eq!(bench.call("count.add", &json!({})).json()["version"], version.to_string());
}
