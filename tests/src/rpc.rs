//! A blocking client of JSON-RPC: what a test sends, and each message that comes back, in its order.

use crate::client::{Message, Ws};
use serde_json::{Value, json};

/// A WebSocket that speaks JSON-RPC.
pub struct Rpc(pub Ws);

impl Rpc {
    /// Sends a request.
    pub fn send(&mut self, id: impl Into<Value>, method: &str, params: &Value) {
        let request = json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params });
        self.0.send(&[&request.to_string()]);
    }

    /// The next message.
    pub fn receive(&mut self) -> Value {
        let text = self.0.receive();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text} is no JSON: {e}"))
    }

    /// Sends a request and waits for its answer, which must come next.
    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        const ID: &str = "asked";
        self.send(ID, method, params);
        let answer = self.receive();
        assert_eq!(answer["id"], ID, "{answer}");
        answer
    }

    /// The result of a request; panics where it fails.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        let mut answer = self.ask(method, params);
        assert!(answer.get("result").is_some(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The code of a request's error; panics where it succeeds.
    pub fn error(&mut self, method: &str, params: &Value) -> i64 {
        let answer = self.ask(method, params);
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{method}: {answer}"))
    }

    /// The next message, which must be binary.
    pub fn binary(&mut self) -> Vec<u8> {
        match self.0.message() {
            Message::Binary(bytes) => bytes.to_vec(),
            other => panic!("expected a binary message, got {other:?}"),
        }
    }
}
