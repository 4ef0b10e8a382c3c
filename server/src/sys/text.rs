use bytes::Bytes;
use jackfield_message::ByteString;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The text of a WebSocket message, which tungstenite has checked already.
pub(crate) fn of_message(text: Utf8Bytes) -> ByteString {
    // SAFETY: a `Utf8Bytes` holds valid UTF-8, which is what its own `as_str` relies on.
    unsafe { ByteString::from_bytes_unchecked(Bytes::from(text)) }
}
