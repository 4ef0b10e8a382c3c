use crate::zeiss::{self, Refused};
use crate::{Action, Dialect, Frame, Frames, JsonRpc, JsonRpcOptions, Keys, Request, Zeiss, ZeissOptions};
use jackfield_message::{ByteString, Event, Failure, Progress, Reply};

/// Plain requests and JSON-RPC on one connection: each message says by itself which it is.
#[derive(Debug)]
pub struct Auto {
    zeiss: Zeiss,
    jsonrpc: JsonRpc,
    /// Whether the last request was JSON-RPC: what says nothing of itself, such as malformed JSON, is answered likewise.
    last_jsonrpc: bool,
}

/// How nearly every request of JSON-RPC begins.
const JSONRPC: &str = "{\"jsonrpc\"";

impl Auto {
    /// For a new connection.
    pub fn new(zeiss: ZeissOptions, jsonrpc: JsonRpcOptions) -> Self {
        Self { zeiss: Zeiss::beside_jsonrpc(zeiss), jsonrpc: JsonRpc::new(jsonrpc), last_jsonrpc: false }
    }

    fn on_text(&mut self, text: ByteString, keys: &dyn Keys, actions: &mut Vec<Action>) {
        if text.starts_with(JSONRPC) {
            return self.jsonrpc(text, keys, actions);
        }
        match self.zeiss.on_text(text, keys, actions) {
            Ok(()) => self.last_jsonrpc = false,
            Err(Refused::JsonRpc(text)) => self.jsonrpc(text, keys, actions),
            Err(Refused::Malformed(text)) if self.last_jsonrpc => self.jsonrpc(text, keys, actions),
            Err(Refused::Malformed(_)) => actions.push(zeiss::malformed()),
            Err(Refused::Answer(text)) => {
                self.last_jsonrpc = false;
                actions.push(zeiss::answer(text));
            }
        }
    }

    fn jsonrpc(&mut self, text: ByteString, keys: &dyn Keys, actions: &mut Vec<Action>) {
        self.last_jsonrpc = true;
        self.jsonrpc.on_message(Frame::Text(text), keys, actions);
    }
}

impl Dialect for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn on_message(&mut self, message: Frame, keys: &dyn Keys, actions: &mut Vec<Action>) {
        match message {
            Frame::Text(text) => {
                self.jsonrpc.interrupt(actions);
                self.on_text(text, keys, actions);
            }
            Frame::Binary(_) if !self.last_jsonrpc => actions.push(zeiss::not_text()),
            binary => self.jsonrpc.on_message(binary, keys, actions),
        }
    }

    fn on_reply(&mut self, request: Request, reply: Reply, frames: &mut dyn Frames) {
        match request {
            Request::InTurn => self.zeiss.on_reply(request, reply, frames),
            Request::Numbered(_) => self.jsonrpc.on_reply(request, reply, frames),
        }
    }

    fn on_refusal(&mut self, failure: &Failure) -> Option<Frame> {
        if self.last_jsonrpc { self.jsonrpc.on_refusal(failure) } else { self.zeiss.on_refusal(failure) }
    }

    fn on_progress(&mut self, request: u32, progress: &Progress, frames: &mut dyn Frames) {
        self.jsonrpc.on_progress(request, progress, frames);
    }

    fn has_events(&self) -> bool {
        true
    }

    fn on_event(&mut self, subscription: u64, event: &Event, dropped: u64, frames: &mut dyn Frames) {
        self.jsonrpc.on_event(subscription, event, dropped, frames);
    }

    fn on_closed(&mut self, subscription: u64, frames: &mut dyn Frames) {
        self.jsonrpc.on_closed(subscription, frames);
    }
}
