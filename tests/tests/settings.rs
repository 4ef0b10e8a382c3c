//! SIGHUP: changed settings of plugins take effect in a server that runs, others are named. And two servers on one folder.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control, wait_for_step};
use jackfield_tests::gate::{self, Gate};
use jackfield_tests::put::Way;
use jackfield_tests::server::{Server, Setup};
use jackfield_tests::{cc, repo_file};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Changes the config file and sends SIGHUP.
fn reconfigure(server: &Server, config: &str) {
    fs::write(server.home().path().join("jackfield.toml"), config).unwrap();
    server.signal(Signal::HUP);
}

/// Waits for a line of the JSON log that says `message`; gives its keys.
fn keys(server: &Server, message: &str) -> String {
    let line: Value = serde_json::from_str(&server.expect_log(message)).unwrap();
    line["keys"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn sighup_gives_plugins_their_changed_settings_and_names_what_waits_for_the_next_start() {
    let setup = gate::setup().plugin("image").plugin("echo").listen(control::LISTEN);
    let setup = setup.arg("--log").arg("json").config("[plugin.echo]\nthreads = 3\n");
    let (gate, home) = (Gate::new(setup.home(), "gate"), setup.home());
    let [gate_file, image, echo] = ["gate", "image", "echo"].map(|name| home.plugin(name));
    let server = setup.start();
    let mut control = Control::of(&server);
    let mut generation = |file: &Path| control.plugin(file)["generation"].clone();
    let before = [&gate_file, &image, &echo].map(|file| generation(file));

    // A deadline for one, settings that another refuses, and a key that only a start can change.
    reconfigure(
        &server,
        "[plugin.echo]\nthreads = 3\n[plugin.gate.deadline_s]\n\"gate.wait\" = 0.05\n\
         [plugin.image.config]\nimage_pixels = \"many\"\n[limits]\nnesting = 5\n",
    );
    let applied = keys(&server, "settings of plugins have changed");
    assert_eq!(applied, "plugin.gate.deadline_s.\"gate.wait\", plugin.image.config.image_pixels");
    assert_eq!(keys(&server, "take effect at the next start"), "limits.nesting");
    let (refused, _) = wait_for_step(&server, 0, &image, |step| step["step"] == "refused");
    assert!(refused["reason"].as_str().unwrap().contains("\"many\""), "{refused}");
    wait_for_step(&server, 0, &gate_file, |step| step["step"] == "swapped" && step["generation"] != before[0]);
    let mut asked = Control::of(&server);
    asked.send(&gate.message()).unwrap();
    let held = gate.entered();
    let answer = asked.receive().unwrap();
    assert!(answer.contains("gate.wait") && answer.starts_with("Error: "), "{answer}");
    drop(held);
    assert_eq!([&image, &echo].map(|file| generation(file)), [before[1].clone(), before[2].clone()]);

    // Mended, and one is disabled.
    reconfigure(&server, "[plugin.echo]\ndisabled = true\n[plugin.image.config]\nimage_pixels = 1000\n");
    let swapped = control.wait_for_plugin(&image, |plugin| plugin["generation"] != before[1]);
    assert!(swapped["refused"].is_null(), "{swapped}");
    let disabled = control.wait_for_plugin(&echo, |plugin| plugin["state"] == "refused");
    assert!(disabled["refused"]["reason"].as_str().unwrap().contains("disabled = true"), "{disabled}");
    assert!(control.ask(r#"{"echo": 1}"#).starts_with("Error: Unknown request"));
    reconfigure(&server, "");
    control.wait_for_plugin(&echo, |plugin| plugin["state"] == "serving");
    assert_eq!(control.ask(r#"{"echo": 1}"#), "1");
}

#[test]
fn two_servers_on_one_plugin_folder_both_swap() {
    let versions = tempfile::tempdir().unwrap();
    let version = |number: u32| {
        let to = versions.path().join(format!("{number}.so"));
        let flag = format!("-DPLUGIN_VERSION=\"{number}\"");
        cc::library("c11", &[&repo_file("examples/plugin-c/plugin.c")], &[&flag], &to)
    };
    let setup = Setup::new().listen(control::LISTEN);
    let file = setup.home().install(&version(1), "greet");
    let folder = setup.home().plugins();
    let one = setup.start();
    let two = Setup::new().listen(control::LISTEN).arg("--plugins").arg(folder).start();
    let (mut first, mut second) = (Control::of(&one), Control::of(&two));
    let serves = |control: &mut Control, number: u32| {
        let version = json!(number.to_string());
        control.wait_for_plugin(&file, |plugin| plugin["version"] == version);
        assert_eq!(control.call("c.greet", &json!({"name": "Ada"}))["version"], version);
    };
    for (number, way) in (2..).zip(Way::ALL) {
        way.put(&version(number), &file).unwrap();
        serves(&mut first, number);
        serves(&mut second, number);
    }
    // The end of one is nothing to the other.
    let _home = one.kill();
    Way::Rename.put(&version(8), &file).unwrap();
    serves(&mut second, 8);
}
