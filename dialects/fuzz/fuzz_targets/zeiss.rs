//! Any text and any bytes give exactly one action.
#![no_main]

use jackfield_dialects::{Dialect, Frame, Keys, Zeiss, ZeissOptions};
use jackfield_message::ByteString;
use libfuzzer_sys::fuzz_target;

struct Known;

impl Keys for Known {
    fn is_command(&self, key: &str) -> bool {
        matches!(key, "image" | "elements" | "echo")
    }

    fn catches_all(&self) -> bool {
        false
    }

    fn param_order(&self, _key: &str) -> Vec<ByteString> {
        Vec::new()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut zeiss = Zeiss::new(ZeissOptions { ack: "Ok".into(), quit_word: true, one_line: false, nesting: 128 });
    let mut actions = Vec::new();
    let message = match std::str::from_utf8(bytes) {
        Ok(text) => Frame::Text(text.into()),
        Err(_) => Frame::Binary(bytes.to_vec().into()),
    };
    zeiss.on_message(message, &Known, &mut actions);
    assert_eq!(actions.len(), 1);
});
