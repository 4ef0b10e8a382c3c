//! `bench load`: the generator against any server.

use crate::Outcome;
use crate::load::{Load, Pace, Target};
use crate::proc;
use crate::wire::{Answer, Message, Speech};
use clap::Args;
use std::net::ToSocketAddrs;
use std::time::Duration;

/// Puts load on a server and says what came of it.
#[derive(Args)]
pub struct Order {
    /// SCHEME://HOST:PORT[/PATH], as a server prints it
    url: String,
    /// Protocol
    #[arg(long, value_enum, default_value = "ws")]
    speech: Speech,
    /// The right reply, where the protocol leaves it open
    #[arg(long, value_enum, default_value = "params")]
    answer: Answer,
    /// Key of the command
    #[arg(long, default_value = "echo")]
    key: String,
    /// Bytes of a message without its frame
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Connections
    #[arg(short, long, default_value_t = 16)]
    connections: usize,
    /// Messages in flight on each connection
    #[arg(short, long, default_value_t = 16)]
    depth: usize,
    /// Messages a second over all connections, whatever the replies do
    #[arg(long, conflicts_with = "fan_out")]
    rate: Option<f64>,
    /// The first connection publishes, each one gets it
    #[arg(long)]
    fan_out: bool,
    /// Open the connections, send nothing, and stay so many seconds
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["rate", "fan_out"])]
    idle: Option<f64>,
    /// Seconds of a round
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Seconds before the first round
    #[arg(long, default_value_t = 0.3)]
    warm: f64,
    /// Rounds, each told for itself
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// The server's process, for its CPU time and memory
    #[arg(long)]
    pid: Option<u32>,
    /// Keep the generator on this core
    #[arg(long)]
    core: Option<usize>,
}

/// Runs it; an error where replies were not as they should be.
pub fn run(order: &Order) -> Outcome {
    order.core.map_or(Ok(()), proc::pin)?;
    let target = target(&order.url)?;
    let wire = Message { key: &order.key, size: order.size }.wire(order.speech, order.answer)?;
    let pace = match (order.rate, order.fan_out, order.idle) {
        (Some(rate), ..) if rate > 0.0 => Pace::Open(rate),
        (Some(rate), ..) => return Err(format!("--rate {rate}: more than 0 messages a second are expected").into()),
        (_, true, _) => Pace::FanOut(order.depth),
        (_, _, Some(_)) => Pace::Closed(0),
        _ => Pace::Closed(order.depth),
    };
    let empty = memory(order.pid)?;
    let mut load = Load::connect(&target, wire, order.connections, pace)?;
    if let (Some(before), Some(after)) = (empty, memory(order.pid)?) {
        let each = (after as f64 - before as f64) / order.connections as f64;
        println!("memory {before} KiB, {after} KiB with {} connections: {each:.2} KiB each", order.connections);
    }
    load.window(Duration::from_secs_f64(order.idle.unwrap_or(order.warm)), |_| Ok(()))?;
    for _ in 0..if order.idle.is_some() { 0 } else { order.rounds } {
        let cpu = order.pid.map(proc::cpu).transpose()?;
        let window = load.window(Duration::from_secs_f64(order.seconds), |_| Ok(()))?;
        let count = window.times.count();
        let micros = |share| window.times.quantile(share) as f64 / 1e3;
        let rate = count as f64 / window.seconds;
        print!("{rate:.0}/s, p50 {:.1} us, p99 {:.1} us, most {:.1} us", micros(0.5), micros(0.99), micros(1.0));
        if let Some(before) = cpu {
            let used = order.pid.map(proc::cpu).transpose()?.unwrap_or(before) - before;
            print!(", CPU {:.0} ns each", used as f64 / count.max(1) as f64);
        }
        println!(", generator busy {:.0} %", window.busy * 100.0);
    }
    let faults = load.finish(Duration::from_secs(5))?;
    println!("{faults}");
    if faults.any() { Err("not every message was answered once and rightly".into()) } else { Ok(()) }
}

fn memory(pid: Option<u32>) -> Outcome<Option<u64>> {
    pid.map(proc::memory).transpose()
}

/// Address and path of a URL.
pub fn target(url: &str) -> Outcome<Target> {
    let fault = || format!("{url}: SCHEME://HOST:PORT[/PATH] is expected");
    let (_, rest) = url.split_once("://").ok_or_else(fault)?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    // A listener's own parameters, as a server prints them, are not for clients.
    let host = host.split('?').next().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let address = host.to_socket_addrs().map_err(|e| format!("{}: {e}", fault()))?.next().ok_or_else(fault)?;
    Ok(Target { address, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_servers_print_them() {
        for (url, path) in [
            ("ws://127.0.0.1:80", "/"),
            ("ws://127.0.0.1:80/ws", "/ws"),
            ("ws://127.0.0.1:80/?buffer=4096", "/"),
            ("tcp://127.0.0.1:80?eol=eot", "/"),
        ] {
            let target = target(url).unwrap();
            assert_eq!((target.address.to_string().as_str(), target.path.as_str()), ("127.0.0.1:80", path), "{url}");
        }
        assert!(target("127.0.0.1").unwrap_err().to_string().contains("is expected"));
    }
}
