use crate::ByteString;
use std::sync::{Arc, OnceLock};

/// Something that happened, published on a topic. Clones are one event: it is put into words once for all that hear of it.
#[derive(Clone, Debug)]
pub struct Event(Arc<Told>);

#[derive(Debug)]
struct Told {
    topic: ByteString,
    data: ByteString,
    /// In the words of a dialect, for a number of a subscription. Most subscribers have the number 1.
    words: [OnceLock<(&'static str, u64, ByteString)>; 4],
}

impl Event {
    /// `topic`: parts joined by dots. `data`: one JSON text, checked.
    pub fn new(topic: impl Into<ByteString>, data: impl Into<ByteString>) -> Self {
        let words = [const { OnceLock::new() }; 4];
        Self(Arc::new(Told { topic: topic.into(), data: data.into(), words }))
    }

    /// Parts joined by dots.
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// One JSON text.
    pub fn data(&self) -> &str {
        &self.0.data
    }

    /// How much of memory it takes where it waits.
    pub fn bytes(&self) -> usize {
        self.0.topic.len() + self.0.data.len()
    }

    /// What `write` makes of it for the subscription with this number, made once for all sessions of a dialect.
    pub fn in_words(&self, dialect: &'static str, subscription: u64, write: impl FnOnce() -> String) -> ByteString {
        let mut write = Some(write);
        for place in &self.0.words {
            let write =
                || (dialect, subscription, ByteString::from(write.take().map_or_else(String::new, |write| write())));
            let (of, number, words) = place.get_or_init(write);
            if (*of, *number) == (dialect, subscription) {
                return words.clone();
            }
        }
        write.map_or_else(String::new, |write| write()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn an_event_is_put_into_words_once_for_each_dialect_and_number() {
        let (event, written) = (Event::new("t", "{\"a\": 1}"), Cell::new(0));
        let words = |dialect, number| {
            event.clone().in_words(dialect, number, || {
                written.set(written.get() + 1);
                format!("{dialect} {number}")
            })
        };
        for _ in 0..3 {
            assert_eq!([words("a", 1), words("b", 1), words("a", 2)], ["a 1", "b 1", "a 2"]);
        }
        assert_eq!(written.get(), 3);
        // Beyond what is kept, it is still right.
        for number in 3..20 {
            assert_eq!(words("a", number), format!("a {number}"));
        }
    }
}
