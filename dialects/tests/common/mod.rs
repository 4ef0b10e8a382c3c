use jackfield_dialects::{Action, Dialect, Frame, Keys, Zeiss, ZeissOptions};
use jackfield_message::ByteString;

/// A router that knows some keys, and perhaps a catch-all.
pub struct Known(pub &'static [&'static str], pub bool);

impl Keys for Known {
    fn is_command(&self, key: &str) -> bool {
        self.0.contains(&key)
    }

    fn catches_all(&self) -> bool {
        self.1
    }

    fn param_order(&self, _key: &str) -> Vec<ByteString> {
        Vec::new()
    }
}

pub fn zeiss(ack: &'static str, quit_word: bool) -> Zeiss {
    Zeiss::new(ZeissOptions { ack: ack.into(), quit_word, one_line: false, nesting: 128 })
}

/// The one action that a message gives.
pub fn one(dialect: &mut dyn Dialect, message: Frame, keys: &Known) -> Action {
    let mut actions = Vec::new();
    dialect.on_message(message, keys, &mut actions);
    assert_eq!(actions.len(), 1, "{actions:?}");
    actions.remove(0)
}

pub fn text(text: &str) -> Frame {
    Frame::Text(text.into())
}
