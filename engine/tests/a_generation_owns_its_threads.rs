//! Plugin code runs on threads of its generation, which end before the library goes; what does not end is kept, and why.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{Latch, Setup, compile, counter, desk_version, mapped_from};

#[test]
fn hooks_are_the_first_and_the_last_call_on_each_thread() {
    let library = counter(&["-DFLAGS=0", "-DTHREADS"]);
    let mut setup = Setup::new().with("count.so", &library);
    setup.configure("count", json!({})).threads = 2;
    let bench = setup.start();
    let threads = |word: &str, count: usize| -> BTreeSet<String> {
        (0..count).map(|_| bench.wire.wait_for(word)[word.len()..].to_owned()).collect()
    };
    // The control thread is told first, before `create`; then the serial one and two workers.
    let created = bench.wire.wait_for("create 1 ");
    let control: Vec<_> = created["create 1 ".len()..].split(' ').collect();
    assert_eq!(control[0], control[1], "{created}");
    let mut entered = threads("enter ", 3);
    entered.insert(control[0].to_owned());
    assert_eq!(entered.len(), 4);
    assert!(!bench.wire.has("leave"));
    bench.put("count.so", &counter(&["-DFLAGS=0", "-DVERSION=\"2\""]));
    bench.step("closed");
    assert_eq!(threads("leave ", 4), entered);
    assert!(!bench.wire.has("leave") && !bench.wire.has("enter"));
    assert!(mapped_from(&bench.copies).iter().all(|line| !line.contains(".1.")), "{:?}", mapped_from(&bench.copies));
}

#[test]
fn a_plugin_that_does_not_want_a_thread_is_refused() {
    let bench = Setup::new().with("count.so", &counter(&["-DFLAGS=0", "-DTHREADS", "-DENTER_FAILS"])).start();
    let (step, reason) = bench.refused("count.so");
    assert!(step == "created" && reason.contains("`enter` answered -20"), "{step}: {reason}");
    assert_eq!(std::fs::read_dir(&bench.copies).unwrap().count(), 0, "nothing of it stays");
}

/// A plugin whose `name` waits for a byte from the descriptor that its config names.
fn slow(name: &str) -> std::path::PathBuf {
    compile(&include_str!("support/slow.c").replace("SLOW_FUNCTION", name), &["-pthread"])
}

#[test]
fn an_end_that_takes_too_long_retires_the_generation_and_holds_up_nobody() {
    for (name, why) in [
        ("stop", "stop did not return"),
        ("destroy", "destroy did not return"),
        ("thread_local", "a thread of it did not end"),
    ] {
        let latch = Latch::new();
        let mut setup = Setup::new().with("desk.so", &desk_version("1")).with("slow.so", &slow(name));
        setup.configure("slow", json!({"waits": latch.fd()}));
        setup.config.limits.lifecycle_s = 0.3;
        let bench = setup.start();
        assert_eq!(bench.call("slow.serial", &json!({})).json(), Value::Null);
        bench.call("jackfield.plugins.unload", &json!({"plugin": "slow"})).json();
        let retired = bench.step("retired");
        assert!(retired["reason"].as_str().unwrap().contains(why), "{retired}");
        assert_eq!(bench.version(), "1");
        // It can be loaded again beside what is left of it.
        latch.release();
        bench.call("jackfield.plugins.load", &json!({"file": "slow.so"})).json();
        assert_eq!(bench.call("slow.serial", &json!({})).code(), "OK");
        assert!(!mapped_from(&bench.copies).is_empty());
        for _ in 0..4 {
            latch.release();
        }
    }
}

#[test]
fn what_is_pinned_is_kept_and_the_next_version_serves_beside_it() {
    let library = |version: &str| counter(&["-DFLAGS=JF_PLUGIN_PINNED", &format!("-DVERSION=\"{version}\"")]);
    let mut setup = Setup::new().with("count.so", &library("1"));
    setup.configure("count", json!({}));
    let bench = setup.start();
    bench.put("count.so", &library("2"));
    let retired = bench.step("retired");
    assert_eq!((&retired["version"], &retired["reason"]), (&json!("1"), &json!("the plugin is PINNED")));
    bench.wire.wait_for("destroy 1");
    assert_eq!(bench.call("count.get", &json!({})).json()["version"], "2");
}
