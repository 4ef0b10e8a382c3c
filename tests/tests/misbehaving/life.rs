//! What plugins do at the beginning and at the end of their lives, and plugins that do not come back.

use super::case::Promise::{Refused, Scene};
use super::case::{Case, Source};
use super::stage::Stage;

pub const LEFT_THREAD: &str = "leaves a thread running";
pub const LOOP_WITH_OTHERS_WAITING: &str = "loops for ever while other commands wait";

/// Short enough to wait for, long enough for a busy machine.
const SHORT: &str = "[limits]\nlifecycle_s = 1.5\n";

const LOOP: &str = "[plugin.subject.deadline_s]\nsubject = 1\n[limits]\ncancel_grace_s = 0.2\ndrain_s = 0.5\n";

pub fn cases() -> Vec<Case> {
    let fails = |does, defines: &'static [&'static str], step, reason| {
        Case::new(does, Source::C("life.c", defines), Refused(step, reason))
    };
    let blocks = |does, defines: &'static [&'static str], scene| {
        Case::new(does, Source::C("life.c", defines), Scene(scene)).config(SHORT)
    };
    vec![
        fails("create fails", &["-DAT=CREATE_", "-DFAILS"], "created", "create answered -20"),
        fails(
            "create fails with a reason",
            &["-DAT=CREATE_", "-DFAILS", "-DWHY={(const uint8_t*)\"no camera\",9,NULL,NULL}"],
            "created",
            "create answered -20: no camera",
        ),
        fails(
            "create fails with a reason, NULL with a length",
            &["-DAT=CREATE_", "-DFAILS", "-DWHY={NULL,9,NULL,NULL}"],
            "created",
            "create answered -20: (its text cannot be read: a null with a length)",
        ),
        fails(
            "create fails with a reason of 1 GiB",
            &["-DAT=CREATE_", "-DFAILS", "-DWHY={(const uint8_t*)\"no\",GIB,NULL,NULL}"],
            "created",
            "(its text cannot be read: a length of 1073741824 bytes",
        ),
        fails(
            "start fails with a reason that is no UTF-8",
            &["-DAT=START_", "-DFAILS", "-DWHY={(const uint8_t*)\"\\xffno\",3,NULL,NULL}"],
            "started",
            "start answered -20: \u{fffd}no",
        ),
        blocks("its entry function blocks", &["-DAT=ENTRY"], entry_blocks_the_probe)
            .config("[limits]\nprobe_s = 1.5\n"),
        blocks("its entry function blocks, and there is no probe", &["-DAT=ENTRY"], entry_blocks)
            .config("probe = false\n[limits]\nlifecycle_s = 1.5\n"),
        blocks("create blocks", &["-DAT=CREATE_"], create_blocks),
        blocks("start blocks", &["-DAT=START_"], start_blocks),
        blocks("stop blocks", &["-DAT=STOP_"], stop_blocks),
        blocks("destroy blocks", &["-DAT=DESTROY_"], destroy_blocks),
        Case::new("calls the host from create and destroy", Source::C("wrong_state.c", &[]), Scene(wrong_state)),
        Case::new("loops for ever", Source::C("loop.c", &[]), Scene(loops)).config(LOOP),
        Case::new(LOOP_WITH_OTHERS_WAITING, Source::C("loop.c", &[]), Scene(others_wait)).config(LOOP),
        Case::new(LEFT_THREAD, Source::C("left_thread.c", &[]), Scene(left_thread)),
    ]
}

/// Its generation: the good version and the witness are 1 and 2.
const BAD: u64 = 3;

/// Refused at its limit while 1.0.0 serves, and told as retired; `held` is let go afterwards.
fn blocks_at(stage: &mut Stage, step: &str, reason: &str, ends_with: &str) {
    let gate = stage.gate();
    stage.put(&stage.bad.clone());
    let held = gate.entered();
    assert_eq!(stage.ask("null"), "\"1.0.0\"");
    stage.is_refused(step, reason);
    assert_eq!(stage.ask("null"), "\"1.0.0\"");
    stage.ends(BAD, "retired", reason);
    drop(held);
    if !ends_with.is_empty() {
        stage.log(ends_with);
        stage.tell("destroyed on its own control thread when it did return");
    }
}

fn entry_blocks_the_probe(stage: &mut Stage) {
    let gate = stage.gate();
    stage.put(&stage.bad.clone());
    let _held = gate.entered();
    stage.is_refused("probed", "it hung when loaded in a probe process: longer than 1.5 s (limit probe_s)");
    assert_eq!(stage.ask("null"), "\"1.0.0\"");
}

fn entry_blocks(stage: &mut Stage) {
    blocks_at(stage, "loaded", "loading it took longer than 1.5 s (limit lifecycle_s)", "");
}

fn create_blocks(stage: &mut Stage) {
    blocks_at(stage, "created", "create took longer than 1.5 s (limit lifecycle_s)", "destroyed on jf-3-control");
}

fn start_blocks(stage: &mut Stage) {
    blocks_at(stage, "started", "start took longer than 1.5 s", "destroyed on jf-3-control");
}

/// 3.0.0 serves long before that; let go, it goes on in memory that is still there.
fn end_blocks(stage: &mut Stage, why: &str) {
    let generation = stage.put_bad();
    let gate = stage.gate();
    stage.replace();
    let held = gate.entered();
    stage.ends(generation, "retired", why);
    drop(held);
}

fn stop_blocks(stage: &mut Stage) {
    end_blocks(stage, "stop did not return within 1.5 s");
}

fn destroy_blocks(stage: &mut Stage) {
    end_blocks(stage, "destroy did not return within 1.5 s");
    stage.log("destroyed on jf-");
}

fn wrong_state(stage: &mut Stage) {
    let generation = stage.put_bad();
    assert_eq!(stage.ask("null"), "1");
    stage.replace();
    stage.ends(generation, "closed", "");
    for line in ["create: reply -10", "create: progress -10", "create: is_cancelled 1", "create: service 1"] {
        stage.log(line);
    }
    for line in ["reply -10", "progress -10", "is_cancelled 1", "service 0", "begin -10"] {
        stage.log(&format!("destroy: {line}"));
    }
    stage.tell("each answered JF_E_WRONG_STATE; no service from destroy");
}

fn loops(stage: &mut Stage) {
    let generation = stage.put_bad();
    let answer = stage.ask("\"loop\"");
    assert!(answer.contains("'subject' was not answered in time and may still take effect"), "{answer}");
    stage.tell(format!("answered {answer}"));
    stage.replace();
    stage.ends(generation, "retired", "1 commands, 0 calls and 0 buffers were still out after 0.5 s (limit drain_s)");
}

/// What waits behind the loop is answered by a fresh generation of the same file, without any swap.
fn others_wait(stage: &mut Stage) {
    let generation = stage.put_bad();
    let mut looping = stage.send("\"loop\"");
    stage.wait_for(|plugin| plugin["generations"][0]["in_flight"] == 1);
    let answer = looping.receive().unwrap();
    assert!(answer.contains("was not answered in time"), "{answer}");
    assert_eq!(stage.ask("null"), "\"2.0.0\"", "a fresh generation serves");
    let fresh = stage.report()["generation"].as_u64().unwrap();
    assert!(fresh > generation, "{fresh}");
    stage.tell(format!("answered {answer}; what waited was answered by a fresh generation"));
    stage.ends(generation, "retired", "");
}

fn left_thread(stage: &mut Stage) {
    let gate = stage.gate();
    let generation = stage.put_bad();
    stage.replace();
    stage.ends(generation, "retired", "thread");
    drop(gate.entered());
    stage.log("still here");
    stage.tell("its thread goes on in code that is still there");
}
