//! The reference servers of the bench: `peers MODE` serves until it is killed and prints `listening URL`.

mod broadcast;
mod echo;
mod metered;
mod tcp;
mod trivial;
mod tuned;

use clap::{Parser, Subcommand};
use std::io::Write;
use tokio::net::{TcpListener, TcpStream};

/// What a server comes to.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Reference servers on a free loopback port.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// What everyone writes with tokio-tungstenite: receive, send, each message flushed, library defaults
    Echo,
    /// The same library used well: a small read buffer, all that is there taken, one flush
    Tuned {
        /// Read buffer in bytes
        #[arg(long, default_value_t = 16 << 10)]
        buffer: usize,
    },
    /// Every message goes to every connection
    Broadcast,
    /// One JSON-RPC method, `echo`, that returns its params
    Jsonrpsee,
    /// The bytes that come go back
    Tcp,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    match Cli::parse().mode {
        Mode::Echo => serve("ws", |stream| async { _ = echo::connection(stream).await }).await,
        Mode::Tuned { buffer } => {
            serve("ws", move |stream| async move { _ = tuned::connection(stream, buffer).await }).await
        }
        Mode::Broadcast => broadcast::serve().await,
        Mode::Jsonrpsee => trivial::serve().await,
        Mode::Tcp => serve("tcp", |stream| async { _ = tcp::connection(stream).await }).await,
    }
}

/// Accepts without end; each connection is a task of its own.
async fn serve<F>(scheme: &str, connection: impl Fn(TcpStream) -> F) -> Outcome
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell(&format!("{scheme}://{}", listener.local_addr()?))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream));
    }
}

/// Says where it listens.
fn tell(url: &str) -> Outcome {
    println!("listening {url}");
    Ok(std::io::stdout().flush()?)
}
