use crate::{Action, Dialect, Frame, Frames, Keys, Request};
use jackfield_message::{Failure, Reply};

/// Every message comes back unchanged, text and binary: for conformance suites and for measuring.
#[derive(Debug, Default)]
pub struct Echo;

impl Dialect for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn on_message(&mut self, message: Frame, _keys: &dyn Keys, actions: &mut Vec<Action>) {
        actions.push(Action::Answer { in_turn: true, frame: message });
    }

    /// Nothing was called, so nothing is told.
    fn on_reply(&mut self, _request: Request, _reply: Reply, _frames: &mut dyn Frames) {}

    fn on_refusal(&mut self, _failure: &Failure) -> Option<Frame> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_message::{ByteString, Bytes};

    struct NoKeys;

    impl Keys for NoKeys {
        fn is_command(&self, _key: &str) -> bool {
            false
        }

        fn catches_all(&self) -> bool {
            false
        }

        fn param_order(&self, _key: &str) -> Vec<ByteString> {
            Vec::new()
        }
    }

    #[test]
    fn text_and_binary_come_back_unchanged_and_in_order() {
        let mut echo = Echo;
        let sent = [Frame::Text("quit".into()), Frame::Binary(Bytes::from_static(b"\xff\x00")), Frame::Text("".into())];
        let mut actions = Vec::new();
        for frame in &sent {
            echo.on_message(frame.clone(), &NoKeys, &mut actions);
        }
        for (action, sent) in actions.into_iter().zip(sent) {
            let Action::Answer { in_turn: true, frame } = action else { panic!("{action:?}") };
            assert_eq!(frame, sent);
        }
    }
}
