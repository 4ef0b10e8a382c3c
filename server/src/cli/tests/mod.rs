mod remote;
mod rpc;

use super::output::{Outcome, Printed, Refusal, render};
use super::*;
use crate::config::{Config, Flags, Format, Level, Sources};
use clap::CommandFactory;
use clap::error::ErrorKind;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("jackfield").chain(line.split_whitespace()))
}

fn flags(line: &str) -> Flags {
    match parse(line).unwrap().command {
        Command::Serve(args) => args.into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn serve_takes_its_flags_into_the_configuration() {
    let flags = flags(
        "serve --config c.toml --listen ws://127.0.0.1:1 --listen tcp://127.0.0.1:2 --plugins p --plugins q --data d --log json -v",
    );
    assert_eq!(flags.config, Some("c.toml".into()));
    let config = Config::load(Sources { flags: Flags { config: None, ..flags }, world: World::default() }).unwrap();
    assert_eq!(config.listen, ["ws://127.0.0.1:1", "tcp://127.0.0.1:2"]);
    assert_eq!(config.plugins.folders, ["p", "q"].map(std::path::PathBuf::from));
    assert_eq!(config.data, std::path::PathBuf::from("d"));
    assert_eq!((config.log.format, config.log.level), (Format::Json, Level::Debug));
}

#[test]
fn v_and_q_set_the_level_and_exclude_each_other() {
    let level = |line| flags(line).level.map(|(_, level)| level);
    assert_eq!(level("serve"), None);
    assert_eq!(level("serve -v"), Some(Level::Debug));
    assert_eq!(level("serve -vv"), Some(Level::Trace));
    assert_eq!(level("serve -vvv"), Some(Level::Trace));
    assert_eq!(level("serve -q"), Some(Level::Error));
    assert_eq!(parse("serve -v -q").unwrap_err().kind(), ErrorKind::ArgumentConflict);
}

#[test]
fn what_this_version_does_not_serve_is_bad_usage() {
    for line in [
        "",
        "watch",
        "completions",
        "completions nosh",
        "man",
        "call",
        "call a b c",
        "call --token-file f {}",
        "call --attach f {}",
        "call --output f {}",
        "call --timeout 0 echo {}",
        "call --timeout -1 echo {}",
        "call --timeout soon echo {}",
        "plugins",
        "plugins check",
        "plugins check f --url ws://127.0.0.1:1/",
        "probe",
        "plugins new n",
        "plugins reload",
        "config",
        "serve extra",
        "serve --log xml",
        "serve --token t",
    ] {
        let why = parse(line).unwrap_err();
        assert_eq!(why.exit_code(), 2, "{line}");
    }
    for line in ["--help", "--version", "serve --help", "help call", "watch --help", "plugins list --help"] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 0, "{line}");
    }
}

fn printed(stdout: &str, stderr: &str, code: u8) -> Printed {
    Printed { stdout: stdout.to_owned(), stderr: stderr.to_owned(), code }
}

fn done(answer: &str) -> Outcome {
    Outcome::Done { answer: answer.to_owned(), shown: None }
}

fn refused(data: Option<&str>) -> Outcome {
    Outcome::Refused(Refusal { code: -32010, message: "no \"way\"".to_owned(), data: data.map(str::to_owned) })
}

fn cancelled() -> Outcome {
    Outcome::Cancelled("cancelled".to_owned())
}

#[test]
fn each_outcome_has_its_stream_and_exit_code() {
    let failed = Outcome::Failed("Error: Unknown request:\n{}".to_owned());
    let shown = Outcome::Done { answer: "{}".to_owned(), shown: Some("a table\n".to_owned()) };
    for (outcome, expected) in [
        (done("Ok"), printed("Ok", "", 0)),
        (shown, printed("a table\n", "", 0)),
        (failed, printed("", "Error: Unknown request:\n{}", 1)),
        (Outcome::Usage("what".to_owned()), printed("", "error: what", 2)),
        (Outcome::Disconnected("why".to_owned()), printed("", "error: why", 3)),
        (refused(Some("{}")), printed("", "Error: no \"way\"", 1)),
        (cancelled(), printed("", "error: cancelled", 130)),
        (Outcome::Said(130), printed("", "", 130)),
    ] {
        assert_eq!(render(false, outcome), expected);
    }
}

#[test]
fn with_json_every_outcome_is_one_value_on_stdout() {
    let shown = Outcome::Done { answer: " {\"a\": 1e999}\r\n".to_owned(), shown: Some("a table".to_owned()) };
    for (outcome, stdout, code) in [
        (done("Ok"), r#"{"ok":true,"result":"Ok"}"#, 0),
        (done("say \"hi\"\n"), r#"{"ok":true,"result":"say \"hi\"\n"}"#, 0),
        (done("\"Error: no\""), r#"{"ok":true,"result":"Error: no"}"#, 0),
        (shown, r#"{"ok":true,"result":{"a": 1e999}}"#, 0),
        (Outcome::Failed("Error: a\nb".to_owned()), r#"{"error":"a\nb","ok":false}"#, 1),
        (Outcome::Usage("what".to_owned()), r#"{"error":"what","ok":false}"#, 2),
        (Outcome::Disconnected("why".to_owned()), r#"{"error":"why","ok":false}"#, 3),
        (refused(None), r#"{"ok":false,"error":"no \"way\"","code":-32010,"data":null}"#, 1),
        (
            refused(Some("{\"n\":\r\n1e999}")),
            r#"{"ok":false,"error":"no \"way\"","code":-32010,"data":{"n":  1e999}}"#,
            1,
        ),
        (cancelled(), r#"{"error":"cancelled","ok":false}"#, 130),
        (Outcome::Said(0), "", 0),
    ] {
        assert_eq!(render(true, outcome), printed(stdout, "", code));
    }
}
