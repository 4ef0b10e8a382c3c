//! Batches of one size, one after the other: the same work in every run, for counting instructions.

use super::connection::READ_BYTES;
use super::{Book, Faults, Target, open};
use crate::Outcome;
use crate::wire::{Split, Wire};
use std::io::{Read, Write};
use std::time::Duration;

/// How long a server may take for a batch; under valgrind everything is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends batches of `depth` requests on one connection, each in one write and when the one before is answered.
pub fn lockstep(target: &Target, wire: &Wire, batches: u32, depth: usize) -> Outcome<Faults> {
    let mut stream = open(target.address, &target.path, wire)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut book = Book::new(wire.ordered);
    let mut faults = Faults::default();
    let mut out = Vec::new();
    let mut read = vec![0; READ_BYTES.max(2 * depth * (wire.reply.len() + 16))];
    for _ in 0..batches {
        out.clear();
        for _ in 0..depth {
            wire.request.put(book.ask(0), &mut out);
        }
        stream.write_all(&out)?;
        let mut end = 0;
        let mut at = 0;
        while book.waiting() > 0 {
            match wire.framing.split(&read[at..end]) {
                Split::Reply { payload, end: length } => {
                    book.answer(wire.reply.read(&read[at + payload.start..at + payload.end]), &mut faults);
                    at += length;
                }
                Split::Other { end: length } => at += length,
                Split::More => {
                    let count = stream.read(&mut read[end..]).map_err(|e| format!("waiting for replies: {e}"))?;
                    if count == 0 {
                        return Err("the server closed the connection".into());
                    }
                    end += count;
                }
                other => return Err(format!("{other:?} where a reply was expected").into()),
            }
        }
    }
    Ok(faults)
}
