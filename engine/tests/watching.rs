//! However a new file or folder comes into the place of an old one, it is found; and what is not there is not needed.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

#[path = "../../tests/src/put.rs"]
mod put;
mod support;

use jackfield_engine::Watch;
use put::Way;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use std::fs::{create_dir, create_dir_all, metadata, remove_dir_all, remove_file, rename};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::{Bench, Setup, desk, desk_version, install};

/// The poll finds a change within a second. So many changes, one after the other, take it longer than [`TOO_LONG`], even if
/// some of them happen to come just before a look.
const SWITCHES: usize = 8;
const TOO_LONG: Duration = Duration::from_secs(3);

/// Makes changes, each in place before the next; events find them, and not only the poll.
fn found_by_events(bench: &Bench, mut change: impl FnMut(usize, &Path)) {
    let versions: Vec<_> = (2..2 + SWITCHES).map(|version| desk_version(&version.to_string())).collect();
    let begun = Instant::now();
    for (number, library) in versions.iter().enumerate() {
        change(number + 1, library);
        bench.step("swapped");
        assert_eq!(bench.version(), (number + 2).to_string());
        // Each thing that the engine is told makes it look again: nothing more is to come.
        bench.step("closed");
        assert_eq!(bench.call("jackfield.plugins.unload", &json!({"plugin": "none"})).code(), "INVALID_PARAMS");
    }
    assert!(begun.elapsed() < TOO_LONG, "{SWITCHES} changes took {:?}", begun.elapsed());
}

/// A volume as Kubernetes keeps it: `..data` is a link to the folder of the moment, switched by a rename.
struct Volume(PathBuf);

impl Volume {
    fn switch(&self, number: usize, library: &Path, file: &str) {
        let fresh = self.0.join(format!("..2024_{number}"));
        create_dir_all(fresh.join(file).parent().unwrap()).unwrap();
        install(library, &fresh.join(file));
        symlink(fresh.file_name().unwrap(), self.0.join("..data_tmp")).unwrap();
        rename(self.0.join("..data_tmp"), self.0.join("..data")).unwrap();
        // Not the last one: that it goes is an event, too.
        if number > 1 {
            remove_dir_all(self.0.join(format!("..2024_{}", number - 2))).unwrap();
        }
    }
}

#[test]
fn a_linked_file_is_followed_when_kubernetes_switches_its_folder() {
    let setup = Setup::new();
    let volume = Volume(setup.folder.clone());
    volume.switch(0, &desk_version("1"), "desk.so");
    symlink("..data/desk.so", setup.folder.join("desk.so")).unwrap();
    let bench = setup.start();
    assert_eq!(bench.version(), "1");
    found_by_events(&bench, |number, library| volume.switch(number, library, "desk.so"));
}

#[test]
fn a_folder_behind_a_link_is_followed_when_kubernetes_switches_it() {
    let mut setup = Setup::new();
    let volume = Volume(setup.folder.clone());
    volume.switch(0, &desk_version("1"), "plugins/desk.so");
    setup.config.folders = vec![setup.folder.join("..data/plugins")];
    let bench = setup.start();
    found_by_events(&bench, |number, library| volume.switch(number, library, "plugins/desk.so"));
    // Its own folder is watched, too, after all that.
    bench.put("..data/plugins/desk.so", &desk_version("1"));
    bench.step("swapped");
}

#[test]
fn a_linked_file_outside_is_watched_where_it_is() {
    let setup = Setup::new();
    let build = setup.folder.with_file_name("build");
    create_dir(&build).unwrap();
    install(&desk_version("1"), &build.join("libdesk.so.1"));
    symlink(build.join("libdesk.so.1"), setup.folder.join("desk.so")).unwrap();
    let bench = setup.start();
    found_by_events(&bench, |_, library| install(library, &build.join("libdesk.so.1")));
}

#[test]
fn a_folder_that_is_replaced_is_watched_anew() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    found_by_events(&bench, |number, library| {
        let fresh = bench.folder.with_file_name("fresh");
        create_dir(&fresh).unwrap();
        install(library, &fresh.join("desk.so"));
        // Removed, or exchanged in one step: a watch on it ends, or goes on elsewhere.
        if number % 2 == 0 {
            remove_dir_all(&bench.folder).unwrap();
            rename(&fresh, &bench.folder).unwrap();
        } else {
            renameat_with(CWD, &fresh, CWD, &bench.folder, RenameFlags::EXCHANGE).unwrap();
            remove_dir_all(&fresh).unwrap();
        }
    });
    let fresh = bench.folder.with_file_name("fresh");
    create_dir(&fresh).unwrap();
    install(&desk_version("1"), &fresh.join("desk.so"));
    renameat_with(CWD, &fresh, CWD, &bench.folder, RenameFlags::EXCHANGE).unwrap();
    bench.step("swapped");
    found_by_events(&bench, |_, library| bench.put("desk.so", library));
}

#[test]
fn a_folder_that_goes_takes_its_plugins_with_it_until_it_comes_back() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let (folder, away) = (&bench.folder, bench.folder.with_file_name("away"));
    let generation = || bench.plugin("desk.so")["generation"].clone();
    let first = generation();
    // Gone for a moment, and the same again: nothing happens. A second file tells that it was looked at.
    rename(folder, &away).unwrap();
    rename(&away, folder).unwrap();
    bench.put("more.so", &desk(&["-DID=\"more\""]));
    assert_eq!(bench.step("swapped")["plugin"], "more");
    remove_dir_all(folder).unwrap();
    create_dir(folder).unwrap();
    bench.put("desk.so", &desk_version("1"));
    assert_eq!(bench.step("unloaded")["plugin"], "more");
    assert_eq!(generation(), first);
    // Gone for good: unloaded, and the folder is told of.
    rename(folder, &away).unwrap();
    assert_eq!(bench.step("unloaded")["plugin"], "desk");
    assert_eq!(bench.call("desk.serial", &json!({})).code(), "UNKNOWN_KEY");
    let (step, reason) = bench.refused("plugins");
    assert!(step == "seen" && reason.contains("No such file"), "{step}: {reason}");
    // And back, with the same content.
    rename(&away, folder).unwrap();
    bench.step("swapped");
    assert_eq!(bench.version(), "1");
    bench.until("plugins", "there", serde_json::Value::is_null);
    remove_dir_all(folder).unwrap();
    assert_eq!(bench.step("unloaded")["plugin"], "desk");
    create_dir(folder).unwrap();
    bench.put("desk.so", &desk_version("2"));
    bench.step("swapped");
    assert_eq!(bench.version(), "2");
}

#[test]
fn the_poll_alone_finds_every_way_of_putting_a_file_in_place() {
    let mut setup = Setup::new();
    setup.config.watch = Watch::Poll;
    let library = |name: &str, version: &str| desk(&[&format!("-DID=\"{name}\""), &format!("-DVERSION=\"{version}\"")]);
    let names: Vec<String> = (0..Way::ALL.len() + 2).map(|number| format!("way{number}")).collect();
    for name in &names {
        setup.configure(name, json!({}));
        install(&library(name, "1"), &setup.folder.join(name).with_extension("so"));
    }
    let bench = setup.start();
    let files: Vec<PathBuf> = names.iter().map(|name| bench.folder.join(name).with_extension("so")).collect();
    let [.., rewritten, renamed] = names.as_slice() else { unreachable!() };
    for (way, (name, file)) in Way::ALL.into_iter().zip(names.iter().zip(&files)) {
        way.put(&library(name, "2"), file).unwrap();
    }
    // As large and as old as before: by another content of the same inode, and by another inode.
    for (name, fresh) in [(rewritten, files[Way::ALL.len()].clone()), (renamed, bench.folder.join("fresh"))] {
        let file = bench.folder.join(name).with_extension("so");
        let before = metadata(&file).unwrap();
        Way::Copy.put(&library(name, "2"), &fresh).unwrap();
        let written = std::fs::File::options().write(true).open(&fresh).unwrap();
        written.set_modified(before.modified().unwrap()).unwrap();
        drop(written);
        rename(&fresh, &file).unwrap();
        let after = metadata(&file).unwrap();
        assert_eq!((after.len(), after.modified().unwrap()), (before.len(), before.modified().unwrap()));
    }
    for name in &names {
        bench.until(&format!("{name}.so"), "at version 2", |plugin| plugin["version"] == "2");
        assert_eq!(bench.call(&format!("{name}.serial"), &json!({"do": "version"})).json(), "2");
    }
}

#[test]
fn with_watching_off_what_comes_or_goes_waits_for_a_command() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1")).with("more.so", &desk(&["-DID=\"more\""]));
    setup.config.watch = Watch::Off;
    let bench = setup.start();
    remove_file(bench.folder.join("desk.so")).unwrap();
    bench.put("new.so", &desk(&["-DID=\"new\""]));
    let reload = |id: &str| bench.call("jackfield.plugins.reload", &json!({"plugin": id}));
    // With anything else than `Off` the folder would be looked at before the second of these.
    assert_eq!([reload("more").code(), reload("more").code()], ["OK", "OK"]);
    assert!(bench.plugin("new.so").is_null());
    assert_eq!(bench.version(), "1");
    let failure = reload("desk");
    assert!(failure.failure().message.contains("No such file"), "{}", failure.failure().message);
    assert_eq!(bench.version(), "1");
}

#[test]
fn the_first_of_several_folders_is_first_and_a_bad_one_hurts_no_other() {
    let mut setup = Setup::new();
    let folders = ["first", "open", "second", "missing"].map(|name| setup.folder.join(name));
    for folder in &folders[..3] {
        create_dir(folder).unwrap();
    }
    let [first, open, second, missing] = &folders;
    install(&desk_version("1"), &first.join("desk.so"));
    install(&desk_version("2"), &second.join("desk.so"));
    install(&desk(&["-DID=\"other\""]), &second.join("a.so"));
    install(&desk(&["-DID=\"open\""]), &open.join("open.so"));
    std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o777)).unwrap();
    setup.config.folders = folders.to_vec();
    let bench = setup.start();
    assert_eq!(bench.version(), "1");
    assert_eq!(bench.call("other.serial", &json!({})).code(), "OK");
    let (step, reason) = bench.refused("second/desk.so");
    assert!(step == "loaded" && reason.contains(first.join("desk.so").to_str().unwrap()), "{step}: {reason}");
    assert!(bench.refused("open").1.contains("chmod o-w"));
    assert!(bench.refused("missing").1.contains("No such file"));
    assert_eq!(bench.call("open.serial", &json!({})).code(), "UNKNOWN_KEY");
    // The second has its turn when the first has gone; a folder that is mended is looked at.
    remove_file(first.join("desk.so")).unwrap();
    assert_eq!(bench.step("unloaded")["version"], "1");
    assert_eq!(bench.step("swapped")["version"], "2");
    assert_eq!(bench.version(), "2");
    std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(bench.step("swapped")["plugin"], "open");
    create_dir(missing).unwrap();
    install(&desk(&["-DID=\"late\""]), &missing.join("desk.so"));
    assert_eq!(bench.step("swapped")["plugin"], "late");
    assert_eq!(bench.version(), "2");
    // A bad one that holds what serves takes nothing away, also when it would be time for what has gone.
    std::fs::set_permissions(second, std::fs::Permissions::from_mode(0o777)).unwrap();
    bench.refused("second");
    remove_file(missing.join("desk.so")).unwrap();
    assert_eq!(bench.step("unloaded")["plugin"], "late");
    assert_eq!(bench.version(), "2");
}

#[test]
fn two_engines_on_one_folder_do_not_disturb_each_other() {
    let one = Setup::new().with("desk.so", &desk_version("1"));
    let mut two = Setup::new();
    two.config.folders = vec![one.folder.clone()];
    let (one, two) = (one.start(), two.start());
    for version in ["2", "3", "4"] {
        one.put("desk.so", &desk_version(version));
        for bench in [&one, &two] {
            bench.step("swapped");
            assert_eq!(bench.version(), version);
            bench.step("closed");
        }
    }
    // What one engine is told to do, or that it ends, is its own affair.
    one.call("jackfield.plugins.unload", &json!({"plugin": "desk"})).json();
    assert_eq!((two.version().as_str(), one.call("desk.serial", &json!({})).code()), ("4", "UNKNOWN_KEY"));
    let folder = one.folder.clone();
    two.engine.shutdown(None);
    one.call("jackfield.plugins.load", &json!({"file": "desk.so"})).json();
    assert_eq!(one.version(), "4");
    install(&desk_version("5"), &folder.join("desk.so"));
    one.step("swapped");
    one.step("swapped");
    assert_eq!(one.version(), "5");
}
