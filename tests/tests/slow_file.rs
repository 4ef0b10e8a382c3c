//! A file that is still being written is looked at, and left alone until it is whole.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::control::{self, Control, wait_for_step};
use jackfield_tests::server::Setup;
use jackfield_tests::soak::load::{Load, Manner, Pace};
use jackfield_tests::soak::subject::Subject;
use jackfield_tests::soak::target::Target;
use jackfield_tests::soak::watch::Watch;
use serde_json::Value;
use std::fs;
use std::io::Write;

#[test]
fn a_file_that_is_written_slowly_is_never_loaded_half() {
    let setup = Setup::new().listen("ws://127.0.0.1:0").listen(control::LISTEN).config("[plugins]\nsettle_ms = 5\n");
    let setup = setup.arg("-v").arg("--log").arg("json");
    let subjects = ["c-plain", "rust-plain"].map(Subject::of);
    let mut targets = Target::all(&subjects, setup.home(), false);
    let server = setup.start();
    let watch = Watch::start(server.log(), Target::files(&targets));
    let mut control = Control::of(&server);
    let routes: Vec<_> = targets.iter().flat_map(|target| target.subject.routes(target.number)).collect();
    let load = Load::start(server.url("ws"), Pace { sessions: 1, manner: Manner::Window(8) }, &routes, &watch.floors());
    for (target, piece) in targets.iter_mut().zip([1 << 10, 32 << 10]) {
        let generation = control.plugin(&target.file)["generation"].clone();
        let to = target.file.clone();
        let content = fs::read(target.advance()).unwrap();
        let mut file = fs::OpenOptions::new().write(true).truncate(true).open(&to).unwrap();
        let pieces: Vec<&[u8]> = content.chunks(piece).collect();
        let mut line = 0;
        for (index, piece) in pieces.iter().enumerate() {
            file.write_all(piece).unwrap();
            if index + 1 < pieces.len() {
                // It was looked at with this much in it, and left alone.
                line = wait_for_step(&server, line, &to, |step| step["step"] == "settled").1;
                assert_eq!(control.plugin(&to)["generation"], generation, "after {} pieces", index + 1);
            }
        }
        drop(file);
        target.swapped(&watch).unwrap();
        let plugin = control.plugin(&to);
        assert_eq!((&plugin["version"], &plugin["refused"]), (&Value::from(target.version()), &Value::Null));
        assert_eq!(plugin["generations"].as_array().map(Vec::len), Some(2), "one swap: {plugin}");
    }
    let tally = load.finish();
    assert_eq!(tally.faults.count(), 0, "{}", tally.faults);
}
