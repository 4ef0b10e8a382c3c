//! The command line. Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 no connection or lost, 130 cancelled.

mod call;
mod client;
mod completions;
mod config_check;
mod describe;
mod man;
mod output;
mod plugins;
mod plugins_check;
mod probe;
mod progress;
mod rpc;
mod serve;
#[cfg(test)]
mod tests;
mod watch;

pub use call::CallArgs;
pub use completions::CompletionsArgs;
pub use config_check::ConfigArgs;
pub use man::ManArgs;
pub use plugins::PluginsArgs;
pub use probe::ProbeArgs;
pub use serve::ServeArgs;
pub use watch::WatchArgs;

use crate::config::World;
use crate::standalone::Process;
use clap::{Args, Parser, Subcommand};
use output::Outcome;
use plugins::PluginsCommand;
use std::future::Future;
use std::process::ExitCode;
use tokio::sync::mpsc;

/// A command server whose handlers are plugins that can be replaced while it runs.
#[derive(Debug, Parser)]
#[command(name = "jackfield", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server in the foreground; stop it with Ctrl-C
    Serve(ServeArgs),
    /// Send one command to a running server and print its answer
    Call(CallArgs),
    /// Print what is published on topics, until Ctrl-C
    Watch(WatchArgs),
    /// See and change the plugins of a running server
    Plugins(PluginsArgs),
    /// Look at the configuration
    Config(ConfigArgs),
    /// Print what a shell needs to complete this command line
    Completions(CompletionsArgs),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man(ManArgs),
    /// Load a plugin file in this process and say who it is
    #[command(hide = true)]
    Probe(ProbeArgs),
}

/// Where a server is that was given no other place.
const DEFAULT_URL: &str = "ws://127.0.0.1:40010/";

/// One for each Ctrl-C.
type Interrupts = mpsc::UnboundedReceiver<()>;

/// Where the server is, and how to print.
#[derive(Debug, Args)]
pub struct Remote {
    /// Where the server listens: ws://HOST:PORT[/PATH] or tcp://HOST:PORT
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    pub url: String,
    /// Print one JSON value: {"ok": true, "result": ...} or {"ok": false, "error": "..."}
    #[arg(long)]
    pub json: bool,
}

/// Does what the command line says.
pub fn run(cli: Cli, world: World, process: Process) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(args, world, process),
        Command::Call(args) => output::print(args.remote.json, run_client(|stop| call::run(&args, stop))),
        Command::Watch(args) => output::print(args.json, run_client(|stop| watch::run(&args, stop))),
        Command::Plugins(args) => match args.command {
            PluginsCommand::Remote(command) => {
                output::print(command.remote().json, until_cancelled(plugins::run(&command)))
            }
            PluginsCommand::Check(args) => output::print(args.json, plugins_check::run(&args, world)),
        },
        Command::Config(args) => config_check::run(args, world),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Probe(args) => probe::run(&args),
    }
}

/// Runs a client to its end, or to Ctrl-C.
fn until_cancelled(work: impl Future<Output = Outcome>) -> Outcome {
    run_client(async |mut stop| or_stop(&mut stop, work).await.unwrap_or_else(|cancelled| cancelled))
}

/// Work that Ctrl-C ends at once.
async fn or_stop<T>(stop: &mut Interrupts, work: impl Future<Output = T>) -> Result<T, Outcome> {
    tokio::select! {
        done = work => Ok(done),
        Some(()) = stop.recv() => Err(Outcome::Cancelled("cancelled".to_owned())),
    }
}

/// Runs a client that is told of Ctrl-C.
fn run_client<F: Future<Output = Outcome>>(client: impl FnOnce(Interrupts) -> F) -> Outcome {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => return Outcome::Failed(format!("Error: cannot start the runtime: {why}")),
    };
    let (pressed, stop) = mpsc::unbounded_channel();
    runtime.spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && pressed.send(()).is_ok() {} });
    let outcome = runtime.block_on(client(stop));
    // A name look-up that is still under way is not waited for.
    runtime.shutdown_background();
    outcome
}
