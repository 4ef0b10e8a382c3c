//! What plugins reply, and when.

use super::case::Promise::{Scene, Serves};
use super::case::{Case, Source};
use super::stage::Stage;

/// A deadline for the subject's command, and short limits for what comes after it.
const DEADLINE: &str = "[plugin.subject.deadline_s]\nsubject = 1\n[limits]\ncancel_grace_s = 0.2\ndrain_s = 0.5\n";

const SHORT_DRAIN: &str = "[limits]\ndrain_s = 0.5\n";

/// What the store says to each misuse, in order.
const STORE: &[&str] = &[
    "begin 0",
    "begin nowhere -1",
    "blob begin nowhere -1",
    "put nowhere -9",
    "put bad -1",
    "put null -1",
    "put long -8",
    "put blobs -1",
    "put no JSON -1",
    "blob nowhere -9",
    "blob begin 0",
    "blob null -1",
    "blob name -1",
    "get nowhere -1",
    "get nothing -18",
    "list nobody -1",
    "list nothing 0",
    "abort 0",
    "commit after -9",
    "no more after 256",
];

pub fn cases() -> Vec<Case> {
    let spoiled = |does, defines: &'static [&'static str], answer, lines| {
        Case::new(does, Source::C("reply.c", defines), Serves(answer, 1, lines))
    };
    let tolerated = |does, defines: &'static [&'static str], answer| {
        Case::new(does, Source::C("reply.c", defines), Serves(answer, 0, &["the host says 0"]))
    };
    const BAD: &[&str] = &["the host says -1", "plugin misbehaves"];
    vec![
        spoiled("a reply that is NULL", &["-DREPLY=NULL"], "a null where a struct is required", BAD),
        spoiled("a reply of size 0", &["-DSPOIL_REPLY=reply.struct_size=0"], "a struct_size of 0,", BAD),
        spoiled("a reply too small", &["-DSPOIL_REPLY=reply.struct_size=7"], "a struct_size of 7,", BAD),
        spoiled("a reply of 4 GiB", &["-DSPOIL_REPLY=reply.struct_size=~0u"], "a struct_size of 4294967295,", BAD),
        tolerated("a reply of a later minor version", &["-DSPOIL_REPLY=reply.struct_size=4096"], "1"),
        spoiled(
            "JSON, NULL with a length",
            &["-DSPOIL_REPLY=reply.json.ptr=NULL"],
            "JSON has a null with a length",
            BAD,
        ),
        spoiled(
            "JSON that is no UTF-8",
            &["-DSPOIL_REPLY=reply.json=text(\"\\\"\\xff\\\"\")"],
            "that is not UTF-8",
            BAD,
        ),
        spoiled("JSON that is none", &["-DSPOIL_REPLY=reply.json=text(\"{a\")"], "malformed or nested too deeply", BAD),
        spoiled("JSON with NaN", &["-DSPOIL_REPLY=reply.json=text(\"[NaN]\")"], "malformed or nested too deeply", BAD),
        spoiled(
            "JSON nested 4,096 deep",
            &["-DSPOIL_REPLY=static char deep[4096];memset(deep,'[',4096);reply.json=(jf_str){deep,4096}"],
            "malformed or nested too deeply",
            BAD,
        ),
        spoiled(
            "JSON of 1 GiB",
            &["-DSPOIL_REPLY=reply.json.len=GIB"],
            "JSON has a length of 1073741824 bytes, more than 268435456 (limit attachment_bytes)",
            BAD,
        ),
        spoiled(
            "an owned buffer, NULL with a length",
            &["-DSPOIL_REPLY=reply.json_buf=owned(NULL,5)"],
            "JSON has a null with a length",
            &["the host says -1", "released 5"],
        ),
        spoiled(
            "an owned buffer of 1 GiB",
            &["-DSPOIL_REPLY=reply.json_buf=owned(\"1\",GIB)"],
            "JSON has a length of 1073741824 bytes",
            &["the host says -1", "released 1073741824"],
        ),
        spoiled(
            "an error message that is no UTF-8",
            &["-DSPOIL_REPLY=reply.status=JF_E_FAILED;reply.message=text(\"\\xff\")"],
            "message has a text that is not UTF-8",
            BAD,
        ),
        spoiled(
            "an error message of 1 GiB",
            &["-DSPOIL_REPLY=reply.status=JF_E_FAILED;reply.message.len=GIB"],
            "message has a length of 1073741824 bytes, more than 1048576",
            BAD,
        ),
        spoiled(
            "attachments, NULL with a length",
            &["-DSPOIL_REPLY=reply.attachments=NULL;reply.attachment_count=1"],
            "list of attachments has a null array with a length",
            BAD,
        ),
        spoiled(
            "an attachment that is NULL",
            &["-DSPOIL_REPLY=attachments[0]=NULL;reply.attachment_count=1"],
            "attachment has a null where a struct is required",
            BAD,
        ),
        spoiled(
            "an attachment of size 0",
            &["-DSPOIL_REPLY=attachment.struct_size=0;reply.attachment_count=1"],
            "attachment has a struct_size of 0,",
            BAD,
        ),
        spoiled(
            "an attachment of 1 GiB",
            &["-DSPOIL_REPLY=attachment.bytes.len=GIB;reply.attachment_count=1"],
            "attachment has a length of 1073741824 bytes, more than 268435456 (limit attachment_bytes)",
            BAD,
        ),
        spoiled(
            "an attachment with a name of 1 GiB",
            &["-DSPOIL_REPLY=attachment.name=(jf_str){KEY,GIB};reply.attachment_count=1"],
            "attachment has a length of 1073741824 bytes, more than 65536",
            BAD,
        ),
        spoiled(
            "10,000 attachments",
            &["-DSPOIL_REPLY=reply.attachment_count=10000"],
            "10000 attachments, more than 16 (limit attachments)",
            BAD,
        ),
        spoiled("2^60 attachments", &["-DSPOIL_REPLY=reply.attachment_count=GIB<<30"], "an absurd number", BAD),
        tolerated("an unknown status", &["-DSPOIL_REPLY=reply.status=-12345"], "no"),
        tolerated("unknown flags", &["-DSPOIL_REPLY=attachment.flags=~0u;reply.attachment_count=1"], "1"),
        tolerated("PENDING after its reply", &["-DRETURN=JF_PENDING"], "1"),
        spoiled("an error from `handle` after its reply", &["-DRETURN=JF_E_FAILED"], "1", &["the reply stands"]),
        Case::new("replies twice", Source::C("replies.c", &["-DTWICE"]), Serves("1", 1, &["first 0", "second -9"])),
        Case::new("replies to tokens of others", Source::C("replies.c", &["-DFOREIGN"]), Serves("1", 4, &["other -9"])),
        Case::new("replies after `handle` has answered", Source::C("replies.c", &[]), Scene(after_its_end)),
        Case::new(
            "replies from eight threads",
            Source::C("eight_threads.c", &[]),
            Serves("8", 7, &["taken 1, stale 7"]),
        ),
        Case::new(
            "replies to an INLINE command from eight threads",
            Source::C("eight_threads.c", &["-DCLASS=JF_INLINE"]),
            Serves("did not answer an INLINE command before it returned", 9, &["taken 0, stale 8"]),
        ),
        Case::new(
            "an unknown number from `handle`",
            Source::C("replies.c", &["-DRETURN=12345"]),
            Serves("The command failed in plugin 'subject' (status 12345): a fault of its own.", 0, &[]),
        ),
        Case::new(
            "PENDING from an INLINE command",
            Source::C("never.c", &["-DCLASS=JF_INLINE"]),
            Serves("did not answer an INLINE command before it returned", 1, &["JF_PENDING from an INLINE command"]),
        ),
        Case::new("replies after its deadline", Source::C("late.c", &[]), Scene(after_its_deadline)).config(DEADLINE),
        Case::new("replies after a cancel, twice", Source::C("cancelled.c", &[]), Scene(after_a_cancel)),
        Case::new("replies after destroy", Source::C("after_destroy.c", &[]), Scene(after_destroy)),
        Case::new("never replies, and has a deadline", Source::C("never.c", &[]), Scene(never)).config(DEADLINE),
        Case::new("never replies, and is replaced", Source::C("never.c", &[]), Scene(never_at_a_swap))
            .config(SHORT_DRAIN),
        Case::new("misuses the store", Source::C("store.c", &[]), Serves("1", 0, STORE)),
        Case::new(
            "uses the store from an INLINE command",
            Source::C("store.c", &["-DCLASS=JF_INLINE"]),
            Serves("1", 0, &["begin -11"]),
        ),
        Case::new(
            "texts, NULL with a length",
            Source::C("texts.c", &["-DTEXT={NULL,5}"]),
            Serves("1", 1, &["a log line with a null with a length", "progress -1", "service 0"]),
        ),
        Case::new(
            "texts that are no UTF-8",
            Source::C("texts.c", &["-DTEXT={\"say \\xff\",5}"]),
            Serves("1", 0, &["say \u{fffd}", "progress -1", "service 0"]),
        ),
        Case::new(
            "texts of 1 GiB",
            Source::C("texts.c", &["-DTEXT={\"abc\",GIB}"]),
            Serves("1", 1, &["a log line with a length of 1073741824 bytes", "progress -1", "service 0"]),
        ),
    ]
}

fn after_its_end(stage: &mut Stage) {
    let generation = stage.put_bad();
    assert_eq!([stage.ask("null"), stage.ask("null")], ["null", "null"]);
    stage.log("late -9");
    assert_eq!(stage.misuses(), 1);
    stage.tell("answered null, the late reply is stale, misuses counted: 1");
    stage.replace();
    stage.ends(generation, "closed", "");
}

fn after_its_deadline(stage: &mut Stage) {
    let generation = stage.put_bad();
    let gate = stage.gate();
    let mut client = stage.send("null");
    let held = gate.entered();
    let answer = client.receive().unwrap();
    assert!(answer.contains("'subject' was not answered in time and may still take effect"), "{answer}");
    drop(held);
    for line in ["cancelled 1", "first 0", "second -9"] {
        stage.log(line);
    }
    assert_eq!(stage.misuses(), 1);
    // Nothing else came on that connection.
    assert_eq!(client.ask("{\"witness.count\": null}"), "1");
    stage.tell(format!("answered {answer}; its reply went nowhere, misuses counted: 1"));
    stage.replace();
    stage.ends(generation, "closed", "");
}

fn after_a_cancel(stage: &mut Stage) {
    let generation = stage.put_bad();
    let client = stage.send_over_ws("null");
    stage.log("entered");
    drop(client);
    stage.log("first 0");
    stage.log("second -9");
    assert_eq!(stage.misuses(), 1);
    stage.tell("its client had gone, misuses counted: 1");
    stage.replace();
    stage.ends(generation, "closed", "");
}

fn after_destroy(stage: &mut Stage) {
    let generation = stage.put_bad();
    let gate = stage.gate();
    assert_eq!(stage.ask("null"), "1");
    stage.replace();
    stage.ends(generation, "retired", "");
    drop(gate.entered());
    stage.log("after destroy -10");
    stage.log("plugin misbehaves");
    stage.tell("its reply is in the wrong state");
}

fn never(stage: &mut Stage) {
    let generation = stage.put_bad();
    let answer = stage.ask("null");
    assert!(answer.contains("'subject' was not answered in time"), "{answer}");
    stage.tell(format!("answered {answer}"));
    stage.replace();
    stage.ends(generation, "retired", "1 commands, 0 calls and 0 buffers were still out after 0.5 s (limit drain_s)");
}

fn never_at_a_swap(stage: &mut Stage) {
    let generation = stage.put_bad();
    let mut client = stage.send("null");
    stage.wait_for(|plugin| plugin["generations"][0]["in_flight"] == 1);
    stage.replace();
    let answer = client.receive().unwrap();
    assert!(answer.contains("after 0.5 s (limit drain_s); nobody knows whether it took effect"), "{answer}");
    stage.tell(format!("answered {answer}"));
    stage.ends(generation, "retired", "1 commands, 0 calls and 0 buffers were still out");
}
