//! Whatever is put in the place of a plugin file: it kills nothing, the old version serves on, and the report says why.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod support;

use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use support::{Bench, Latch, Setup, compile, desk, desk_version, install, mapped_from};

/// Makes a file older than the time for which an unproved one counts as still being written.
fn age(path: &Path) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
}

fn put_bytes(bench: &Bench, bytes: &[u8]) {
    let fresh = bench.folder.join("fresh");
    std::fs::write(&fresh, bytes).unwrap();
    age(&fresh);
    std::fs::rename(fresh, bench.folder.join("desk.so")).unwrap();
}

/// The file is refused at `step` with a reason that has `word` in it, and version 1 serves.
#[track_caller]
fn is_refused(bench: &Bench, step: &str, word: &str) {
    let event = bench.step("refused");
    let (at, reason) = bench.refused("desk.so");
    assert_eq!(event["reason"], format!("{at}: {reason}"));
    assert!(at == step && reason.contains(word), "{at}: {reason}");
    assert_eq!((bench.version().as_str(), &bench.plugin("desk.so")["state"]), ("1", &json!("serving")));
}

/// Back to what serves: nothing is refused any more.
fn put_back(bench: &Bench) {
    bench.put("desk.so", &desk_version("1"));
    bench.until("desk.so", "accepted again", |plugin| plugin["refused"].is_null());
    bench.steps_so_far();
}

#[test]
fn what_is_no_library() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for (bytes, word) in [
        (&b"just a text, long enough to have an ELF header in it, and more than that"[..], "not a complete"),
        (b"", "empty"),
    ] {
        put_bytes(&bench, bytes);
        is_refused(&bench, "proved", word);
        put_back(&bench);
    }
    let foreign = compile("__attribute__((visibility(\"default\"))) int answer(void) { return 42; }", &[]);
    put_bytes(&bench, &std::fs::read(foreign).unwrap());
    is_refused(&bench, "proved", "does not export jackfield_plugin_v1");
    let future = compile("__attribute__((visibility(\"default\"))) int jackfield_plugin_v2(void) { return 0; }", &[]);
    put_bytes(&bench, &std::fs::read(future).unwrap());
    is_refused(&bench, "proved", "jackfield_plugin_v2");
    put_bytes(&bench, &std::fs::read(std::env::current_exe().unwrap()).unwrap());
    is_refused(&bench, "proved", "a program");
}

#[test]
fn a_library_that_is_cut_or_not_filled_yet() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let whole = std::fs::read(desk_version("2")).unwrap();
    for part in 1..20 {
        put_bytes(&bench, &whole[..whole.len() * part / 20]);
        is_refused(&bench, "proved", "");
        put_back(&bench);
    }
    put_bytes(&bench, &whole[..whole.len() - 1]);
    is_refused(&bench, "proved", "complete");
    let mut zero_tail = whole.clone();
    zero_tail[whole.len() - 4000..].fill(0);
    put_bytes(&bench, &zero_tail);
    is_refused(&bench, "proved", "");
    put_bytes(&bench, &whole);
    bench.step("swapped");
    assert_eq!(bench.version(), "2");
}

#[test]
fn a_library_that_is_written_slowly_is_loaded_when_it_is_whole() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let whole = std::fs::read(desk_version("2")).unwrap();
    let file = bench.folder.join("desk.so");
    for part in 1..=8 {
        std::fs::write(&file, &whole[..whole.len() * part / 8]).unwrap();
        assert_eq!(bench.call("desk.serial", &json!({"do": "null"})).code(), "OK");
    }
    bench.step("swapped");
    assert_eq!(bench.version(), "2");
    assert!(bench.plugin("desk.so")["refused"].is_null());
}

#[test]
fn what_is_no_regular_file_or_others_may_write() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    let file = bench.folder.join("desk.so");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let fresh = bench.folder.join("fresh");
    assert!(std::process::Command::new("mkfifo").arg(&fresh).status().unwrap().success());
    std::fs::rename(&fresh, &file).unwrap();
    is_refused(&bench, "proved", "a fifo");
    std::os::unix::fs::symlink("/nowhere/at/all", &fresh).unwrap();
    std::fs::rename(&fresh, &file).unwrap();
    is_refused(&bench, "seen", "a link");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    is_refused(&bench, "proved", "a folder");
    std::fs::remove_dir(&file).unwrap();
    put_back(&bench);
    std::fs::copy(desk_version("2"), &fresh).unwrap();
    mode(&fresh, 0o666);
    std::fs::rename(&fresh, &file).unwrap();
    is_refused(&bench, "proved", "chmod o-w");
    // The mode alone makes it acceptable.
    mode(&file, 0o644);
    bench.step("swapped");
    assert_eq!(bench.version(), "2");
    mode(&bench.folder, 0o777);
    let reason = bench.step("refused")["reason"].to_string();
    assert!(reason.contains("everybody may write"), "{reason}");
    bench.put("desk.so", &desk_version("3"));
    assert_eq!(bench.report()["plugins"][0]["file"], bench.folder.to_str().unwrap());
    assert_eq!(bench.version(), "2");
    mode(&bench.folder, 0o755);
    bench.step("swapped");
    assert_eq!(bench.version(), "3");
}

/// A plugin whose entry function does what `entry` says.
fn with_entry(entry: &str) -> PathBuf {
    let source = format!(
        r#"
#include <jackfield/plugin.h>
static jf_status create(const jf_host *h, jf_str c, void **i, jf_buf *w) {{ (void)h, (void)c, (void)i, (void)w; return JF_OK; }}
static jf_status handle(void *i, const jf_command *c) {{ (void)i, (void)c; return JF_OK; }}
static void destroy(void *i) {{ (void)i; }}
static jf_command_info a = {{.struct_size = sizeof a, .key = JF_STR("key.a")}};
static jf_command_info b = {{.struct_size = sizeof b, .key = JF_STR("key.b")}};
static const jf_command_info *commands[] = {{&a, &b}};
static jf_descriptor d = {{.struct_size = sizeof d, .id = JF_STR("desk"), .commands = commands, .command_count = 2}};
JF_EXPORT jf_status jackfield_plugin_v1(const jf_host *host, jf_plugin *out) {{
    (void)host;
    *out = (jf_plugin){{.struct_size = sizeof *out, .descriptor = &d, .create = create, .handle = handle, .destroy = destroy}};
    {entry}
    return JF_OK;
}}
"#
    );
    compile(&source, &[])
}

#[test]
fn a_library_that_says_no_or_nonsense_of_itself() {
    let bench = Setup::new().with("desk.so", &desk_version("1")).start();
    for (entry, word) in [
        ("return JF_E_VERSION;", "answered -13"),
        ("out->create = NULL;", "`create` is null"),
        ("out->handle = NULL;", "`handle` is null"),
        ("out->destroy = NULL;", "`destroy` is null"),
        ("out->descriptor = NULL;", "a null"),
        ("out->struct_size = 0;", "struct_size"),
        ("out->struct_size = 0xffffffffu;", "struct_size"),
        ("d.struct_size = 8;", "struct_size"),
        ("a.struct_size = 0;", "struct_size"),
        ("d.id = JF_TEXT(\"Desk\");", "the id \"Desk\""),
        ("d.id = JF_TEXT(\"\");", "the id \"\""),
        ("d.id = JF_TEXT(\"\\xff\");", "UTF-8"),
        ("d.name.len = 5;", "a null with a length"),
        ("d.command_count = 70000;", "it has 70000 commands, more than 1024"),
        ("commands[1] = NULL;", "a null"),
        ("b.key = a.key;", "stands twice"),
        ("b.key = JF_TEXT(\"jackfield.x\");", "reserved"),
        ("b.key = JF_TEXT(\"rpc.x\");", "reserved"),
        ("b.key = JF_TEXT(\"\");", "1 to 128 bytes"),
        ("b.key = JF_TEXT(\"a\\n\");", "control characters"),
        ("b.flags = JF_COMMAND_CATCH_ALL;", "catch-all"),
        ("b.command_class = 9;", "command_class"),
        ("d.flags = JF_PLUGIN_STATEFUL;", "STATEFUL"),
    ] {
        bench.put("desk.so", &with_entry(entry));
        is_refused(&bench, "loaded", word);
    }
    assert_eq!(std::fs::read_dir(&bench.copies).unwrap().count(), 1, "only the one that serves has a copy");
    let one = mapped_from(&bench.copies)
        .iter()
        .map(|line| line.split('/').next_back().unwrap().to_owned())
        .collect::<std::collections::HashSet<_>>();
    assert_eq!(one.len(), 1, "refused libraries are out of the process: {one:?}");
    // And the same without any of these is fine.
    bench.put("desk.so", &with_entry(""));
    bench.step("swapped");
    assert_eq!(bench.call("key.b", &json!({})).json(), json!(null));
}

#[test]
fn what_cannot_be_bound_or_created_or_is_disabled() {
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.configure("off", json!({})).disabled = true;
    let bench = setup.start();
    let unbound = compile(
        "#include <jackfield/plugin.h>\nextern int no_such_function(void);\nJF_EXPORT jf_status jackfield_plugin_v1(const jf_host *h, jf_plugin *o) { (void)h, (void)o; return no_such_function(); }",
        &[],
    );
    bench.put("desk.so", &unbound);
    is_refused(&bench, "loaded", "no_such_function");
    bench.put("desk.so", &desk(&["-DCREATE_FAILS"]));
    is_refused(&bench, "created", "no camera at bus 7");
    bench.put("desk.so", &desk(&["-DSTART_FAILS"]));
    is_refused(&bench, "started", "port taken");
    bench.put("desk.so", &desk(&["-DID=\"off\""]));
    is_refused(&bench, "loaded", "disabled = true");
    assert_eq!(std::fs::read_dir(&bench.copies).unwrap().count(), 1);
}

#[test]
fn a_create_that_blocks_is_refused_at_once_and_destroyed_by_its_own_thread() {
    let latch = Latch::new();
    let mut setup = Setup::new().with("desk.so", &desk_version("1"));
    setup.configure("desk", json!({"create_waits": latch.fd()}));
    setup.config.limits.lifecycle_s = 0.3;
    let bench = setup.start();
    bench.put("desk.so", &desk(&["-DVERSION=\"2\"", "-DCREATE_WAITS"]));
    is_refused(&bench, "created", "longer than 0.3 s");
    let created = bench.wire.wait_for("create 2");
    let plugin = bench.plugin("desk.so");
    assert_eq!(plugin["generations"][1]["state"], "retired");
    latch.release();
    bench.wire.wait_for("created");
    let destroyed = bench.wire.wait_for("destroy 2");
    assert_eq!(created.split(' ').next_back(), destroyed.split(' ').next_back(), "on the thread that created it");
    assert_eq!(bench.version(), "1");
    install(&desk_version("3"), &bench.folder.join("desk.so"));
    bench.step("swapped");
    assert_eq!(bench.version(), "3");
}
