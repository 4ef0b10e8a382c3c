//! `jackfield call`

use super::output::{Outcome, check_json};
use super::{Remote, client};
use clap::Args;

/// Arguments of `call`.
#[derive(Debug, Args)]
pub struct CallArgs {
    /// Server and output.
    #[command(flatten)]
    pub remote: Remote,
    /// A whole message, sent as it is; or, with PARAMS, the key of a command
    #[arg(value_name = "MESSAGE|KEY", allow_hyphen_values = true)]
    pub message: String,
    /// The command's params, as JSON
    #[arg(allow_hyphen_values = true)]
    pub params: Option<String>,
}

/// Sends the message, gives the answer.
pub async fn run(args: &CallArgs) -> Outcome {
    match message(args) {
        Ok(message) => client::ask(&args.remote.url, &message).await,
        Err(why) => Outcome::Usage(why),
    }
}

fn message(args: &CallArgs) -> Result<String, String> {
    let Some(params) = &args.params else { return Ok(args.message.clone()) };
    check_json(params).map_err(|why| format!("PARAMS is not JSON: {why}: {params}"))?;
    Ok(format!("{{{}: {params}}}", serde_json::Value::from(args.message.as_str())))
}
