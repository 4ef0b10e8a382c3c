//! Plugins that call others, or themselves, or the server.

use super::case::Promise::{Scene, Serves};
use super::case::{Case, Source};
use super::library;
use super::stage::Stage;

pub const A_B_A: &str = "A calls B, which calls A";
pub const OF_ITSELF: &str = "calls itself from within handle";
pub const RELOAD_OF_ITSELF: &str = "asks for a reload of itself from within handle";
pub const RELOAD_OF_ITSELF_EXCLUSIVE: &str = "EXCLUSIVE, asks for a reload of itself from within handle";
pub const FROM_CREATE: &str = "publishes and calls from create";

const RELOAD: &[&str] = &["-DTARGET=\"jackfield.plugins.reload\"", "-DARGUMENT=\"{\\\"plugin\\\":\\\"subject\\\"}\""];
const RELOAD_EXCLUSIVE: &[&str] = &[RELOAD[0], RELOAD[1], "-DFLAGS=JF_PLUGIN_EXCLUSIVE"];

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(A_B_A, Source::C("nested.c", &["-DTARGET=\"other\""]), Scene(a_b_a)),
        // JF_E_CYCLE.
        Case::new(OF_ITSELF, Source::C("nested.c", &["-DTARGET=\"subject\""]), Serves("[\"call\", -19]", 0, &[])),
        Case::new(RELOAD_OF_ITSELF, Source::C("nested.c", RELOAD), Scene(reload_of_itself)),
        Case::new(RELOAD_OF_ITSELF_EXCLUSIVE, Source::C("nested.c", RELOAD_EXCLUSIVE), Scene(reload_in_its_own_way))
            .config("[limits]\nhold_ms = 500\n"),
        Case::new(
            FROM_CREATE,
            Source::C("early_services.c", &[]),
            Serves("\"2.0.0\"", 0, &["publish -10", "call -10"]),
        ),
    ]
}

/// B is told at once that its call would come back to A, which waits for B.
fn a_b_a(stage: &mut Stage) {
    let other = stage.server.home().path().join("other");
    let defines = ["-DID=\"other\"", "-DTARGET=\"subject\""];
    stage.server.home().install(&library::c("nested.c", &defines, &other), "other");
    let file = stage.server.home().plugin("other");
    stage.control.wait_for_plugin(&file, |plugin| plugin["state"] == "serving");
    let generation = stage.put_bad();
    let answer = stage.ask("null");
    // A got from B, as its result, that B's call of A is a cycle.
    assert_eq!(answer, "[0, [\"call\", -19]]");
    stage.tell(format!("answered {answer}: B's call of A is JF_E_CYCLE"));
    stage.replace();
    stage.ends(generation, "closed", "");
}

/// It is answered, by the swap or by the refusal; the command that asked ends in the generation that it entered.
fn reload_of_itself(stage: &mut Stage) {
    let generation = stage.put_bad();
    let answer = stage.ask("null");
    assert!(answer.starts_with("[0, {"), "{answer}");
    let fresh = stage.wait_for(|plugin| plugin["generation"].as_u64() > Some(generation))["generation"].clone();
    stage.tell(format!("answered {answer}; generation {fresh} of the same file serves"));
    stage.ends(generation, "closed", "");
}

/// The swap cannot wait for the command that waits for it: it is refused within `hold_ms`, and tried again when that command
/// has ended.
fn reload_in_its_own_way(stage: &mut Stage) {
    let generation = stage.put_bad();
    let answer = stage.ask("null");
    assert!(answer.starts_with("[-"), "{answer}");
    stage.tell(format!("answered {answer}: the reload was refused, as not drained"));
    stage.wait_for(|plugin| plugin["generation"].as_u64() > Some(generation));
    stage.ends(generation, "closed", "");
}
