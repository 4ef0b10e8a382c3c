//! Stops panics before they leave the plugin, where they would end the process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`; a panic becomes its text. What the panic left behind may be half done: whoever owns it is told by the error.
pub(crate) fn guard<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(text)
}

fn text(payload: Box<dyn Any + Send>) -> String {
    let payload = match payload.downcast::<&str>() {
        Ok(text) => return (*text).to_owned(),
        Err(payload) => payload,
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => {
            // Dropping a foreign payload may panic in its turn.
            std::mem::forget(other);
            "a panic without a text".to_owned()
        }
    }
}
