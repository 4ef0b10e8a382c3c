//! STATEFUL plugins that do not hand their state over.

use super::case::Promise::Scene;
use super::case::{Case, Source};
use super::library;
use super::stage::Stage;
use std::path::PathBuf;

pub const SAVE_FAILS: &str = "save fails";
pub const SAVE_BLOCKS: &str = "save blocks";
pub const SAVE_100_MIB: &str = "save gives 100 MiB";
pub const RESTORE_REFUSES: &str = "restore refuses";

pub fn cases() -> Vec<Case> {
    let case =
        |does, defines: &'static [&'static str], scene| Case::new(does, Source::C("state.c", defines), Scene(scene));
    vec![
        case(SAVE_FAILS, &["-DSAVE=JF_E_UNAVAILABLE"], save_fails),
        case(SAVE_BLOCKS, &["-DSAVE=give_late(sink)"], save_blocks).config("[limits]\nlifecycle_s = 1.5\n"),
        case(SAVE_100_MIB, &["-DSAVE=give_100_mib(sink)"], save_100_mib).config("[limits]\nstate_mib = 64\n"),
        case(RESTORE_REFUSES, &["-DRESTORE=refuse(why)"], restore_refuses),
    ]
}

/// A version that hands its state over as it should.
fn stateful(stage: &Stage, version: &str) -> PathBuf {
    let to = stage.server.home().path().join(format!("stateful-{version}"));
    library::c("state.c", &[&format!("-DVERSION=\"{version}\"")], &to)
}

/// The case's version serves, and its successor is refused at `saved`; commands are answered by the old one, by its count.
fn save_is_refused(stage: &mut Stage, reason: &str) {
    let generation = stage.put_bad();
    assert_eq!(stage.ask("null"), "1");
    stage.put(&stateful(stage, "2.1.0"));
    let plugin = stage.wait_for(|plugin| plugin["refused"].is_object());
    let refused = plugin["refused"].clone();
    let told = refused["reason"].as_str().unwrap_or_default();
    assert!(refused["step"] == "saved" && told.contains(reason), "{plugin}");
    assert_eq!(stage.ask("null"), "2", "the old version goes on with what it had");
    assert_eq!(stage.report()["generation"], generation, "the same generation");
    stage.tell(format!("its successor is refused at 'saved': {told}; it goes on with its state"));
}

/// Without its file there is nothing to hand over.
fn start_anew(stage: &mut Stage) {
    std::fs::remove_file(stage.file()).unwrap();
    stage.wait_for(|plugin| plugin.is_null() || plugin["state"] == "unloaded");
}

fn save_fails(stage: &mut Stage) {
    save_is_refused(stage, "save answered -20");
    start_anew(stage);
}

fn save_100_mib(stage: &mut Stage) {
    save_is_refused(stage, "save wrote more than 64 MiB (limit state_mib)");
    stage.log("the sink says -8");
    start_anew(stage);
}

/// Its control thread is gone for good: it is retired, and nobody waits for it longer than the limit.
fn save_blocks(stage: &mut Stage) {
    let generation = stage.put_bad();
    let gate = stage.gate();
    assert_eq!(stage.ask("null"), "1");
    stage.put(&stateful(stage, "2.1.0"));
    let held = gate.entered();
    let plugin = stage.wait_for(|plugin| plugin["refused"].is_object());
    let told = plugin["refused"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(plugin["refused"]["step"] == "saved" && told.contains("save did not return"), "{plugin}");
    stage.ends(generation, "retired", "");
    stage.tell(format!("its successor is refused at 'saved': {told}"));
    drop(held);
    start_anew(stage);
}

/// The old version goes on with its count, and a version that takes it over follows.
fn restore_refuses(stage: &mut Stage) {
    stage.put(&stateful(stage, "1.1.0"));
    stage.wait_for(|plugin| plugin["version"] == "1.1.0");
    assert_eq!(stage.ask("null"), "1");
    stage.put(&stage.bad.clone());
    let plugin = stage.wait_for(|plugin| plugin["refused"].is_object());
    let told = plugin["refused"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(plugin["refused"]["step"] == "restored" && told.contains("schema 1 is too old"), "{plugin}");
    assert_eq!(stage.ask("null"), "2");
    stage.put(&stateful(stage, "2.2.0"));
    stage.wait_for(|plugin| plugin["version"] == "2.2.0");
    assert_eq!(stage.ask("null"), "3");
    stage
        .tell(format!("refused at 'restored': {told}; the count is whole in the old version and in the next good one"));
}
