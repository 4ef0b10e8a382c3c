use crate::ByteString;
use std::sync::Arc;

/// Something that happened, published on a topic.
#[derive(Clone, Debug)]
pub struct Event {
    /// Parts joined by dots.
    pub topic: Arc<str>,
    /// One JSON text, shared by all subscribers.
    pub data: ByteString,
}
