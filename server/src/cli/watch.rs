//! `jackfield watch`

use super::output::{Outcome, one_line, to_stderr};
use super::rpc::{Event, Incoming, Request, Rpc};
use super::{DEFAULT_URL, Interrupts, or_stop};
use crate::telemetry::escaped;
use clap::Args;
use serde_json::{Value, json};
use std::io::{self, ErrorKind, Write};

/// Arguments of `watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Topics: jackfield.plugins (each step of a swap), project.images, project.elements, and what plugins publish.
Exit codes: 0 nobody reads stdout any more, 1 refused by the server, 3 no connection or lost, 130 Ctrl-C.

Example: jackfield watch 'project.**' | while read -r topic data; do echo \"new in $topic\"; done")]
pub struct WatchArgs {
    /// Where the server listens: ws://HOST:PORT[/PATH]
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    pub url: String,
    /// Begin with the last event of each topic
    #[arg(long)]
    pub last: bool,
    /// Print one line {"topic", "data", "dropped" (where events before it were)} an event
    #[arg(long)]
    pub json: bool,
    /// Topics: parts joined by dots; `*` stands for one part, `**` for the rest
    #[arg(value_name = "PATTERN", required = true)]
    pub patterns: Vec<String>,
}

/// Prints events until something ends it.
pub async fn run(args: &WatchArgs, mut stop: Interrupts) -> Outcome {
    match or_stop(&mut stop, follow(args)).await {
        Ok(Ok(never)) => match never {},
        Ok(Err(outcome)) => outcome,
        // How it usually ends.
        Err(_) => Outcome::Said(130),
    }
}

enum Never {}

async fn follow(args: &WatchArgs) -> Result<Never, Outcome> {
    let mut rpc = Rpc::connect(&args.url).await?;
    let params = json!({ "topics": args.patterns, "last": args.last, "when_full": "drop" }).to_string();
    rpc.send(Request { method: "jackfield.subscribe", params: &params, ..Request::default() });
    loop {
        match rpc.next().await? {
            Incoming::Event(event) => {
                tell(&mut io::stdout().lock(), &event, args.json).map_err(|why| match why.kind() {
                    ErrorKind::BrokenPipe => Outcome::Said(0),
                    _ => Outcome::Failed(format!("cannot write to stdout: {why}")),
                })?
            }
            Incoming::Answer(answer) => drop(answer.outcome.map_err(Outcome::Refused)?),
            Incoming::Progress(_) => {}
        }
    }
}

pub(super) fn tell(out: &mut impl Write, event: &Event, json: bool) -> io::Result<()> {
    let Event { topic, data, dropped } = event;
    if *dropped > 0 {
        to_stderr(&format!("note: {dropped} events before this one were dropped, as they were not taken in time"));
    }
    let data = one_line(data.get());
    match dropped {
        _ if !json => writeln!(out, "{} {data}", escaped(topic))?,
        0 => writeln!(out, r#"{{"topic":{},"data":{data}}}"#, Value::from(topic.as_str()))?,
        _ => writeln!(out, r#"{{"topic":{},"data":{data},"dropped":{dropped}}}"#, Value::from(topic.as_str()))?,
    }
    out.flush()
}
