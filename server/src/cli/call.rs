//! `jackfield call`

use super::output::{Outcome, check_json};
use super::{Cli, Remote, client, describe};
use clap::{Args, CommandFactory};

/// Arguments of `call`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct CallArgs {
    /// Server and output.
    #[command(flatten)]
    pub remote: Remote,
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

/// Sends the message, gives the answer.
pub async fn run(args: &CallArgs) -> Outcome {
    if let Some(help) = &args.help {
        return match help.as_ref().or(args.message.as_ref()) {
            Some(key) => describe::run(&args.remote.url, key).await,
            None => usage(),
        };
    }
    match message(args) {
        Ok(message) => client::ask(&args.remote.url, &message).await,
        Err(why) => Outcome::Usage(why),
    }
}

/// What clap says where the flag is its own.
fn usage() -> Outcome {
    let mut whole = Cli::command();
    whole.build();
    let help = whole.find_subcommand_mut("call").map(|call| call.render_help().to_string()).unwrap_or_default();
    Outcome::Done { answer: help.clone(), shown: Some(help) }
}

fn message(args: &CallArgs) -> Result<String, String> {
    let message = args.message.as_deref().unwrap_or_default();
    let Some(params) = &args.params else { return Ok(message.to_owned()) };
    check_json(params).map_err(|why| format!("PARAMS is not JSON: {why}: {params}"))?;
    Ok(format!("{{{}: {params}}}", serde_json::Value::from(message)))
}
