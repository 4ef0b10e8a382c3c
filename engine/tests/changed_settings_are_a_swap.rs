//! New settings of a plugin: a swap of that plugin from the same file, and of no other.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use jackfield_engine::PluginConfig;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, SystemTime};
use support::{Bench, Latch, Setup, desk, desk_version};

/// An engine with `desk` and `other`, and the settings that it was started with.
fn start(mut setup: Setup) -> (Bench, HashMap<String, PluginConfig>) {
    setup.configure("other", json!({}));
    let settings = setup.config.plugins.clone();
    let other = desk(&["-DID=\"other\"", "-DVERSION=\"o\""]);
    (setup.with("desk.so", &desk_version("1")).with("other.so", &other).start(), settings)
}

fn generation(bench: &Bench, name: &str) -> Value {
    bench.plugin(name)["generation"].clone()
}

/// Gives `desk` other settings.
fn change(bench: &Bench, settings: &mut HashMap<String, PluginConfig>, change: impl FnOnce(&mut PluginConfig)) {
    change(settings.get_mut("desk").unwrap());
    bench.engine.configure(settings.clone());
}

/// Waits until the engine has done all that was asked for before.
fn is_done(bench: &Bench) {
    assert_eq!(bench.call("jackfield.plugins.unload", &json!({"plugin": "none"})).code(), "INVALID_PARAMS");
}

#[test]
fn each_kind_of_setting_reaches_its_plugin_and_no_other() {
    let (bench, mut settings) = start(Setup::new());
    let (before, other) = (generation(&bench, "desk.so"), generation(&bench, "other.so"));
    bench.engine.configure(settings.clone());
    is_done(&bench);
    assert_eq!((generation(&bench, "desk.so"), bench.steps_so_far()), (before, vec![]), "nothing has changed");

    change(&bench, &mut settings, |desk| drop(desk.config.insert("refuse".to_owned(), false.into())));
    assert_eq!(bench.step("swapped")["plugin"], "desk");
    bench.step("closed");
    let threads = || bench.plugin("desk.so")["generations"][0]["threads"].as_u64().unwrap();
    let four = threads();
    change(&bench, &mut settings, |desk| desk.threads = 7);
    bench.step("swapped");
    bench.step("closed");
    assert_eq!(threads(), four + 3);
    let deadline = Duration::from_millis(50);
    change(&bench, &mut settings, |desk| desk.deadlines = [("desk.serial".to_owned(), deadline)].into());
    bench.step("swapped");
    assert_eq!(bench.call("desk.serial", &json!({"do": "until-cancelled"})).code(), "DEADLINE");
    // Settings that are no longer there are the default ones again.
    let log = settings["desk"].config["log"].clone();
    settings.remove("desk");
    bench.engine.configure(settings.clone());
    bench.step("swapped");
    assert_eq!(threads(), four);
    let default = PluginConfig { config: [("log".to_owned(), log)].into_iter().collect(), ..PluginConfig::default() };
    settings.insert("desk".to_owned(), default);
    bench.engine.configure(settings);
    bench.step("swapped");
    assert_eq!(generation(&bench, "other.so"), other);
}

#[test]
fn settings_that_the_plugin_refuses_leave_the_old_ones_serving_until_they_change_again() {
    let (bench, mut settings) = start(Setup::new());
    let before = generation(&bench, "desk.so");
    let is_refused = |text: &str| text.contains("created: ") && text.contains("'refuse' is true");
    let refuse = |settings: &mut HashMap<String, PluginConfig>, more: u32| {
        change(&bench, settings, |desk| {
            desk.config.insert("refuse".to_owned(), true.into());
            desk.config.insert("more".to_owned(), more.into());
        });
        let event = bench.step("refused");
        let reason = event["reason"].as_str().unwrap();
        assert!(event["plugin"] == "desk" && is_refused(reason), "{event}");
        assert_eq!((generation(&bench, "desk.so"), bench.version().as_str()), (before.clone(), "1"));
    };
    refuse(&mut settings, 1);
    // Not again by itself, not by the same file, but by command and at each change.
    bench.put("desk.so", &desk_version("1"));
    bench.step("settled");
    is_done(&bench);
    assert!(!bench.steps_so_far().contains(&"refused".to_owned()));
    let reload = bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"}));
    assert!(is_refused(&reload.failure().message), "{}", reload.failure().message);
    bench.steps_so_far();
    refuse(&mut settings, 2);
    // Back to those it serves with: nothing to do, and nothing is refused any more.
    change(&bench, &mut settings, |desk| desk.config.retain(|key, _| key == "log"));
    bench.until("desk.so", "accepted again", |plugin| plugin["refused"].is_null());
    assert_eq!(generation(&bench, "desk.so"), before);
    refuse(&mut settings, 3);
    change(&bench, &mut settings, |desk| drop(desk.config.insert("refuse".to_owned(), false.into())));
    bench.step("swapped");
    assert!(bench.plugin("desk.so")["refused"].is_null());
    // A plugin that never served comes in with settings that it takes.
    let new = desk(&["-DID=\"new\""]);
    settings.entry("new".to_owned()).or_default().config.insert("refuse".to_owned(), true.into());
    bench.engine.configure(settings.clone());
    bench.put("new.so", &new);
    bench.step("refused");
    settings.remove("new");
    bench.engine.configure(settings);
    assert_eq!(bench.step("swapped")["plugin"], "new");
}

#[test]
fn disabled_is_an_unload_until_it_is_enabled_again() {
    let (bench, mut settings) = start(Setup::new());
    // Blocked by a plugin that will be disabled: its turn comes then.
    bench.put("third.so", &desk(&["-DID=\"third\"", "-DPREFIX=\"desk.\""]));
    bench.step("refused");
    change(&bench, &mut settings, |desk| desk.disabled = true);
    let event = bench.step("unloaded");
    assert_eq!((&event["plugin"], &event["reason"]), (&json!("desk"), &json!("the configuration disables it")));
    assert_eq!(bench.step("swapped")["plugin"], "third");
    let refused = bench.refused("desk.so");
    assert!(refused.0 == "loaded" && refused.1.contains("disabled = true"), "{refused:?}");
    std::fs::remove_file(bench.folder.join("third.so")).unwrap();
    bench.step("unloaded");
    change(&bench, &mut settings, |desk| desk.disabled = false);
    bench.step("swapped");
    assert_eq!(bench.version(), "1");
    // What was unloaded by command stays so, whatever its settings are.
    bench.call("jackfield.plugins.unload", &json!({"plugin": "desk"})).json();
    bench.steps_so_far();
    change(&bench, &mut settings, |desk| desk.threads = 2);
    is_done(&bench);
    is_done(&bench);
    assert_eq!(
        (bench.plugin("desk.so")["state"].as_str(), bench.steps_so_far().contains(&"swapped".to_owned())),
        (Some("unloaded"), false)
    );
}

#[test]
fn commands_run_and_wait_through_a_change_of_settings() {
    let (bench, mut settings) = start(Setup::new());
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    let waiting = bench.send("desk.serial", &json!({"do": "version"}));
    change(&bench, &mut settings, |desk| desk.threads = 2);
    bench.step("swapped");
    assert_eq!(waiting.answer().json(), "1");
    latch.release();
    assert_eq!(running.answer().json(), "1");
}

#[test]
fn a_change_waits_for_a_busy_exclusive_plugin() {
    let mut setup = Setup::new();
    setup.config.limits.hold_ms = 50;
    let mut settings = setup.config.plugins.clone();
    let bench = setup.with("desk.so", &desk(&["-DFLAGS=JF_PLUGIN_EXCLUSIVE"])).start();
    let latch = Latch::new();
    let running = bench.send("desk.serial", &json!({"do": "wait", "fd": latch.fd()}));
    bench.wire.wait_for("begin 1");
    change(&bench, &mut settings, |desk| desk.threads = 2);
    assert!(bench.step("refused")["reason"].as_str().unwrap().contains("hold_ms"));
    latch.release();
    assert_eq!(running.answer().json(), "1");
    bench.step("swapped");
    assert!(bench.plugin("desk.so")["refused"].is_null());
}

#[test]
fn a_reload_of_a_plugin_whose_file_is_bad_now_says_why() {
    let (bench, _) = start(Setup::new());
    let before = generation(&bench, "desk.so");
    let fresh = bench.folder.join("fresh");
    std::fs::write(&fresh, "no library").unwrap();
    // Older than what may still be being written.
    let written = std::fs::File::options().write(true).open(&fresh).unwrap();
    written.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    std::fs::rename(fresh, bench.folder.join("desk.so")).unwrap();
    bench.step("refused");
    for _ in 0..2 {
        let reload = bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"}));
        assert_eq!(reload.code(), "UNAVAILABLE");
        let message = &reload.failure().message;
        assert!(message.contains("desk.so was refused at step proved: it is not a complete"), "{message}");
    }
    assert_eq!((generation(&bench, "desk.so"), bench.version().as_str()), (before.clone(), "1"));
    // The same content as ever: a reload is a swap all the same.
    bench.put("desk.so", &desk_version("1"));
    bench.until("desk.so", "accepted again", |plugin| plugin["refused"].is_null());
    let now = bench.call("jackfield.plugins.reload", &json!({"plugin": "desk"})).json()["generation"].clone();
    assert!(now.as_u64() > before.as_u64());
}
