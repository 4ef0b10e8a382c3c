//! What connections cost that only stand there.

use crate::Outcome;
use crate::load::open;
use crate::proc::{self, Cores};
use crate::report::Row;
use crate::tree::{self, Home, Tree};
use crate::wire::{Answer, Message, Speech};
use std::time::Duration;

/// How many.
const CONNECTIONS: usize = 2000;

/// Both rows, each with a fresh server.
pub fn rows(tree: &Tree, cores: &Cores, wanted: &dyn Fn(&str) -> bool) -> Outcome<Vec<Row>> {
    let cases = [("idle", "ws://127.0.0.1:0"), ("idle-4096", "ws://127.0.0.1:0?buffer=4096")];
    cases.into_iter().filter(|(id, _)| wanted(id)).map(|(id, listener)| row(tree, cores, id, listener)).collect()
}

fn row(tree: &Tree, cores: &Cores, id: &str, listener: &str) -> Outcome<Row> {
    let home = Home::usual(tree)?;
    let mut command = home.command(&[], &[listener]);
    command.env("JACKFIELD_LIMITS__CONNECTIONS", "8192");
    let server = tree::start(command, cores, Some(cores.server), Duration::from_secs(30))?;
    let target = server.target(0)?;
    let wire = Message { key: "echo", size: 64 }.wire(Speech::Ws, Answer::Params)?;
    let before = proc::memory(server.pid())?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(open(target.address, &target.path, &wire)?);
    }
    // The handshake of the last one is answered, so all of them are in place.
    let after = proc::memory(server.pid())?;
    let each = (after as f64 - before as f64) / connections.len() as f64;
    Row::new(id, each, &[], format!("{CONNECTIONS} connections, {before} KiB without them, {after} KiB with"))
}
