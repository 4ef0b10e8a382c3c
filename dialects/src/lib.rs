//! Jackfield's wire formats as values with state: frames in, actions out, replies in, frames out. No I/O, no clock, no
//! async runtime: a session feeds a [`Dialect`] what its transport framed, and does what it says.
//!
//! - [`Dialect`]: what every wire format can do; [`Frame`], [`Action`], [`Close`]: what goes in and comes out
//! - [`Zeiss`]: `{"KEY": PARAMS}` and plain answers, as the IPC examples of ZEISS INSPECT have it
//! - [`JsonRpc`]: JSON-RPC 2.0 with progress, cancel, events and attachments
//! - [`Auto`]: both of them on one connection
//! - [`Echo`]: every message comes back unchanged
//! - [`Protocol`]: from the `dialect` parameter of a listener and the path of a connection to one of them

mod auto;
mod detect;
mod dialect;
mod echo;
mod jsonrpc;
mod zeiss;

pub use auto::Auto;
pub use detect::{Options, Protocol, UnknownDialect};
pub use dialect::{Action, Close, Dialect, Frame, Frames, Keys, Request, Wishes};
pub use echo::Echo;
pub use jsonrpc::{JsonRpc, JsonRpcOptions};
pub use zeiss::{Zeiss, ZeissOptions};
