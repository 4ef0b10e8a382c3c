//! What is measured under load: which server, with which message, in which shape, and which rows are made of that.

use crate::wire::{Answer, Message, Speech, Wire};
use std::fmt;

/// A server under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Jackfield, INLINE `echo`.
    Inline,
    /// The same on the listener with a read buffer of 128 KiB.
    Wide,
    /// Jackfield, a SERIAL plugin.
    Serial,
    /// Jackfield on tcp, INLINE `echo`.
    Tcp,
    /// Jackfield in JSON-RPC, INLINE `echo`.
    Rpc,
    /// Jackfield's events, published and heard in JSON-RPC.
    Topic,
    /// A host application in C, INLINE.
    HostInline,
    /// The same, SERIAL.
    HostSerial,
    /// The same, where it polls.
    HostThread,
    /// A host application in Python, where it polls.
    HostPython,
    /// R.
    Echo,
    /// T.
    Tuned,
    /// Raw TCP echo.
    Raw,
    /// The ZEISS example's server.
    Zeiss,
    /// `redis-server`.
    Redis,
    /// jsonrpsee.
    Jsonrpsee,
    /// wslink.
    Wslink,
    /// Fan-out.
    Broadcast,
}

impl Who {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "jackfield INLINE",
            Self::Wide => "jackfield INLINE, buffer=131072",
            Self::Serial => "jackfield SERIAL",
            Self::Tcp => "jackfield tcp",
            Self::Rpc => "jackfield INLINE, JSON-RPC",
            Self::Topic => "jackfield topic",
            Self::HostInline => "host in C, INLINE",
            Self::HostSerial => "host in C, SERIAL",
            Self::HostThread => "host in C, HOST_THREAD",
            Self::HostPython => "host in Python",
            Self::Echo => "R: plain echo",
            Self::Tuned => "T: tuned echo",
            Self::Raw => "raw TCP echo",
            Self::Zeiss => "Python websockets",
            Self::Redis => "Redis PING",
            Self::Jsonrpsee => "jsonrpsee",
            Self::Wslink => "wslink rpc",
            Self::Broadcast => "tuned broadcast",
        }
    }

    /// Whether it is Jackfield, which must be there.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Inline | Self::Wide | Self::Serial | Self::Tcp | Self::Rpc | Self::Topic)
    }

    /// Whether each message goes to all connections.
    pub fn is_fan_out(self) -> bool {
        matches!(self, Self::Topic | Self::Broadcast)
    }

    /// Protocol, right reply, and key.
    fn speech(self) -> (Speech, Answer, &'static str) {
        match self {
            Self::Inline | Self::Wide => (Speech::Ws, Answer::Params, "echo"),
            Self::Serial => (Speech::Ws, Answer::Params, "serial"),
            Self::HostInline => (Speech::Ws, Answer::Params, "host.inline"),
            Self::HostSerial => (Speech::Ws, Answer::Params, "host.serial"),
            Self::HostThread => (Speech::Ws, Answer::Params, "host.thread"),
            Self::HostPython => (Speech::Ws, Answer::Spaced, "host.python"),
            Self::Tcp => (Speech::Tcp, Answer::Params, "echo"),
            Self::Echo | Self::Tuned | Self::Broadcast => (Speech::Ws, Answer::Whole, "echo"),
            Self::Raw => (Speech::Tcp, Answer::Whole, "echo"),
            Self::Zeiss => (Speech::Ws, Answer::Spaced, "echo"),
            Self::Redis => (Speech::Resp, Answer::Whole, "echo"),
            Self::Rpc | Self::Jsonrpsee => (Speech::Jsonrpc, Answer::Params, "echo"),
            Self::Topic => (Speech::Event, Answer::Whole, "t"),
            Self::Wslink => (Speech::Wslink, Answer::Params, "echo"),
        }
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The server.
    pub who: Who,
    /// Bytes of a message.
    pub size: usize,
    /// Connections.
    pub connections: usize,
    /// In flight on each.
    pub depth: usize,
}

impl Cell {
    const fn new(who: Who, size: usize, connections: usize, depth: usize) -> Self {
        Self { who, size, connections, depth }
    }

    /// What its messages look like.
    pub fn wire(&self) -> Result<Wire, String> {
        let (speech, answer, key) = self.who.speech();
        // The envelope of JSON-RPC comes on top of the same payload.
        let size = if speech == Speech::Jsonrpc { self.size + JSON_RPC } else { self.size };
        Message { key, size }.wire(speech, answer)
    }

    /// Cells of one shape are measured side by side.
    pub fn shape(&self) -> (usize, usize, usize, bool) {
        (self.size, self.connections, self.depth, self.who.is_fan_out())
    }
}

/// How much longer a call of JSON-RPC is than `{"echo":...}` with as much in it.
const JSON_RPC: usize = 37;

/// An event with 64 bytes of data.
const EVENT: usize = 156;

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, size, connections, depth } = self;
        write!(f, "{}, {size} B, {connections}x{depth}", who.name())
    }
}

/// What of two cells makes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// CPU time of a message.
    Cpu,
    /// Messages a second.
    Rate,
}

/// A row made of one or two cells.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Its goal.
    pub id: &'static str,
    /// What.
    pub quantity: Quantity,
    /// Whose figure.
    pub ours: Cell,
    /// What it is divided by.
    pub theirs: Option<Cell>,
}

const fn pair(id: &'static str, ours: Who, theirs: Who, size: usize, connections: usize, depth: usize) -> Pair {
    let theirs = Some(Cell::new(theirs, size, connections, depth));
    Pair { id, quantity: Quantity::Cpu, ours: Cell::new(ours, size, connections, depth), theirs }
}

/// All rows that are made of cells.
pub const PAIRS: [Pair; 21] = [
    pair("inline-r", Who::Inline, Who::Echo, 64, 16, 16),
    pair("inline-t", Who::Inline, Who::Tuned, 64, 16, 16),
    Pair { quantity: Quantity::Rate, ..pair("rate-r", Who::Inline, Who::Echo, 64, 16, 16) },
    pair("depth1-16", Who::Inline, Who::Tuned, 64, 16, 1),
    pair("depth1-256", Who::Inline, Who::Tuned, 64, 256, 1),
    pair("kib", Who::Inline, Who::Tuned, 1024, 16, 16),
    pair("large", Who::Wide, Who::Echo, 65_536, 16, 1),
    pair("serial-16x16", Who::Serial, Who::Tuned, 64, 16, 16),
    pair("serial-16x1", Who::Serial, Who::Tuned, 64, 16, 1),
    pair("zeiss-16x1", Who::Inline, Who::Zeiss, 64, 16, 1),
    pair("zeiss-16x16", Who::Inline, Who::Zeiss, 64, 16, 16),
    pair("redis", Who::Inline, Who::Redis, 64, 16, 16),
    pair("tcp", Who::Tcp, Who::Raw, 64, 16, 16),
    pair("jsonrpsee", Who::Rpc, Who::Jsonrpsee, 64, 16, 16),
    pair("host-inline", Who::HostInline, Who::Inline, 64, 16, 1),
    pair("host-serial", Who::HostSerial, Who::Serial, 64, 16, 1),
    pair("host-thread", Who::HostThread, Who::Inline, 64, 16, 1),
    Pair { quantity: Quantity::Rate, theirs: None, ..pair("host-python", Who::HostPython, Who::HostPython, 64, 16, 1) },
    pair("wslink-16x1", Who::Inline, Who::Wslink, 64, 16, 1),
    pair("wslink-16x16", Who::Inline, Who::Wslink, 64, 16, 16),
    pair("fan-out", Who::Topic, Who::Broadcast, EVENT, 1000, 16),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::goal;

    #[test]
    fn each_pair_is_a_row_and_has_messages() {
        for pair in PAIRS {
            goal(pair.id).unwrap();
            for cell in [Some(pair.ours), pair.theirs].into_iter().flatten() {
                cell.wire().unwrap_or_else(|e| panic!("{cell}: {e}"));
            }
            let ours = pair.ours.shape();
            assert!(pair.theirs.is_none_or(|theirs| theirs.shape() == ours), "{}: unlike shapes", pair.id);
        }
    }
}
