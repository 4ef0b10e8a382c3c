//! `jackfield call`

use super::client::Address;
use super::output::{Outcome, check_json, to_stderr};
use super::progress::{self, Bar};
use super::rpc::{Answer, Attachment, Incoming, Request, Rpc};
use super::{Cli, Interrupts, Remote, client, describe, or_stop};
use crate::telemetry::escaped;
use clap::{Args, CommandFactory};
use jackfield_message::ErrorCode;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a command may take to end once it is cancelled: a little more than the server's usual `cancel_grace_s`.
const GRACE: Duration = Duration::from_secs(8);

/// Arguments of `call`.
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "\
KEY PARAMS goes by JSON-RPC where the server listens on ws: with progress (drawn if stderr is a terminal), cancel by \
Ctrl-C, and the command's whole result. A whole MESSAGE is sent as it is, and its answer is printed as it comes, such as \
Ok; so are KEY PARAMS on tcp, and PARAMS that are neither an object nor an array.
Exit codes: 0 done, 1 an error answer, 2 bad usage, 3 no connection or lost, 130 cancelled by Ctrl-C.

Examples:
  jackfield call elements '{\"file\": \"/data/part.gxml\", \"import_mode\": \"clipboard\"}'
  jackfield call --attach photo.jpg image '{\"file\": {\"$attachment\": 0}, \"name\": \"other\", \"focal_length\": 50}'
  jackfield call --output photo.jpg project.blob '{\"id\": \"image-1\"}'"
)]
pub struct CallArgs {
    /// Server and output.
    #[command(flatten)]
    pub remote: Remote,
    /// Send a file along; PARAMS name the first as {"$attachment": 0}; may be repeated
    #[arg(long, value_name = "FILE", requires = "params")]
    pub attach: Vec<PathBuf>,
    /// Write the result's first attachment there
    #[arg(long, value_name = "FILE", requires = "params")]
    pub output: Option<PathBuf>,
    /// Cancel the command when it takes longer than so many seconds; in the plain form, stop waiting for it
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// A whole message, sent as it is; or, with PARAMS, the key of a command
    #[arg(value_name = "MESSAGE|KEY", allow_hyphen_values = true, required_unless_present = "help")]
    pub message: Option<String>,
    /// The command's params, as JSON
    #[arg(allow_hyphen_values = true)]
    pub params: Option<String>,
    /// Print help; with a KEY, what the server says of that command
    #[arg(short, long, value_name = "KEY", num_args = 0..=1, conflicts_with = "params")]
    pub help: Option<Option<String>>,
}

/// What a client gives a command up for.
#[derive(Clone, Copy)]
enum Cause {
    Interrupt,
    Timeout(Duration),
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "expected a number of seconds greater than 0".to_owned())
}

/// Sends the message, gives the answer.
pub async fn run(args: &CallArgs, mut stop: Interrupts) -> Outcome {
    let message = args.message.as_deref().unwrap_or_default();
    if let Some(help) = &args.help {
        return match help.as_deref().or(args.message.as_deref()) {
            Some(key) => {
                or_stop(&mut stop, describe::run(&args.remote.url, key)).await.unwrap_or_else(|stopped| stopped)
            }
            None => usage(),
        };
    }
    let Some(params) = &args.params else { return plainly(args, message, &mut stop).await };
    if let Err(why) = check_json(params) {
        return Outcome::Usage(format!("PARAMS is not JSON: {why}: {params}"));
    }
    let address = match Address::parse(&args.remote.url) {
        Ok(address) => address,
        Err(outcome) => return outcome,
    };
    if address.is_websocket && params.trim_start().starts_with(['{', '[']) {
        return by_rpc(args, message, params, &mut stop).await.unwrap_or_else(|outcome| outcome);
    }
    if !args.attach.is_empty() || args.output.is_some() {
        let why = "--attach and --output need a URL ws://HOST:PORT, and PARAMS that are an object or an array";
        return Outcome::Usage(why.to_owned());
    }
    let message = format!("{{{}: {params}}}", serde_json::Value::from(message));
    plainly(args, &message, &mut stop).await
}

/// What clap says where the flag is its own.
fn usage() -> Outcome {
    let mut whole = Cli::command();
    whole.build();
    let help = whole.find_subcommand_mut("call").map(|call| call.render_help().to_string()).unwrap_or_default();
    Outcome::Done { answer: help.clone(), shown: Some(help) }
}

/// In the plain form, which has no cancel: the connection is just ended.
async fn plainly(args: &CallArgs, message: &str, stop: &mut Interrupts) -> Outcome {
    let ask = client::ask(&args.remote.url, message);
    let answer = async {
        let Some(limit) = args.timeout else { return ask.await };
        let late = |_| Outcome::Failed(format!("no answer within {} s; the command may go on", limit.as_secs_f64()));
        tokio::time::timeout(limit, ask).await.unwrap_or_else(late)
    };
    or_stop(stop, answer).await.unwrap_or_else(|cancelled| cancelled)
}

async fn by_rpc(args: &CallArgs, key: &str, params: &str, stop: &mut Interrupts) -> Result<Outcome, Outcome> {
    let attachments = args.attach.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let mut rpc = or_stop(stop, Rpc::connect(&args.remote.url)).await??;
    let request = Request { method: key, params, progress: progress::is_seen(), attachments };
    let (answer, given_up) = answer(&mut rpc, request, args.timeout, stop).await?;
    rpc.close().await;
    let Answer { outcome, attachments, .. } = answer;
    match (outcome, given_up) {
        (Err(refusal), Some(cause)) if refusal.code == i64::from(ErrorCode::Cancelled.number()) => {
            Ok(cause.outcome(""))
        }
        (Err(refusal), _) => Ok(Outcome::Refused(refusal)),
        (Ok(answer), given_up) => {
            if given_up.is_some() {
                to_stderr("note: the command was done before it could be cancelled");
            }
            keep(&attachments, args.output.as_deref())?;
            Ok(Outcome::Done { answer, shown: None })
        }
    }
}

/// Waits for the answer. Ctrl-C and the timeout cancel the command, which then has a time of grace to answer; a second Ctrl-C
/// ends that.
async fn answer(
    rpc: &mut Rpc,
    request: Request<'_>,
    timeout: Option<Duration>,
    stop: &mut Interrupts,
) -> Result<(Answer, Option<Cause>), Outcome> {
    let id = rpc.send(request);
    let mut bar = Bar::default();
    let mut given_up = None;
    let mut end = timeout.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let cause = tokio::select! {
            incoming = rpc.next() => {
                match incoming? {
                    // Without an id: not even that could be read.
                    Incoming::Answer(answer) if answer.id.is_none_or(|of| of == id) => return Ok((answer, given_up)),
                    Incoming::Progress(progress) => bar.show(&progress),
                    Incoming::Answer(_) | Incoming::Event(_) => {}
                }
                continue;
            }
            Some(()) = stop.recv() => Cause::Interrupt,
            () = at(end) => Cause::Timeout(timeout.unwrap_or_default()),
        };
        if let Some(first) = given_up {
            return Err(first.outcome(", but the command has not answered; what it does is not known"));
        }
        rpc.send(Request { method: "jackfield.cancel", params: &format!("{{\"id\":{id}}}"), ..Request::default() });
        given_up = Some(cause);
        end = Some(Instant::now() + GRACE);
    }
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

impl Cause {
    fn outcome(self, but: &str) -> Outcome {
        match self {
            Self::Interrupt => Outcome::Cancelled(format!("cancelled{but}")),
            Self::Timeout(limit) => {
                Outcome::Failed(format!("no answer within {} s: cancelled{but}", limit.as_secs_f64()))
            }
        }
    }
}

fn read(file: &Path) -> Result<(String, Vec<u8>), Outcome> {
    let bytes = std::fs::read(file)
        .map_err(|why| Outcome::Usage(format!("the file {} cannot be read: {why}", file.display())))?;
    Ok((file.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes))
}

/// Writes the first attachment where it is wanted, and says what is not kept.
fn keep(attachments: &[Attachment], output: Option<&Path>) -> Result<(), Outcome> {
    let count = attachments.len();
    let Some(Attachment { content_type, bytes }) = attachments.first() else {
        let nothing = |file: &Path| Outcome::Failed(format!("no attachment came to be written to {}", file.display()));
        return output.map_or(Ok(()), |file| Err(nothing(file)));
    };
    match output {
        Some(file) => std::fs::write(file, bytes)
            .map_err(|why| Outcome::Failed(format!("the file {} cannot be written: {why}", file.display())))?,
        None => {
            let (size, kind) = (bytes.len(), escaped(content_type));
            to_stderr(&format!(
                "note: attachments came ({count}); --output FILE keeps the first ({size} bytes, {kind})"
            ));
        }
    }
    if output.is_some() && count > 1 {
        to_stderr(&format!("note: attachments came ({count}); only the first was kept"));
    }
    Ok(())
}
