use super::envelope::is_scalar;
use jackfield_message::{ByteString, ErrorCode, Failure, json};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Params by position with the names that the command declares; as they are for one that declares none.
pub(super) fn named<'a>(
    params: &'a str,
    method: &str,
    order: impl FnOnce() -> Vec<ByteString>,
) -> Result<Cow<'a, str>, Failure> {
    let order = order();
    if order.is_empty() {
        return Ok(Cow::Borrowed(params));
    }
    let values: Vec<&RawValue> = serde_json::from_str(params).unwrap_or_default();
    if values.len() > order.len() {
        let names = order.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let (count, most) = (values.len(), order.len());
        let text = format!("'{method}' takes at most {most} params ({names}); {count} were given.");
        return Err(Failure::new(ErrorCode::InvalidParams, text));
    }
    let members = order.iter().zip(values).map(|(name, value)| format!("{}:{}", Value::from(&**name), value.get()));
    Ok(Cow::Owned(format!("{{{}}}", members.collect::<Vec<_>>().join(","))))
}

/// The id that is to be cancelled, as it is written: by name, or by position.
pub(super) fn cancelled_id(params: &str) -> Option<&str> {
    if params.starts_with('[') {
        let id = serde_json::from_str::<[&RawValue; 1]>(params).ok().map(|[id]| id.get());
        return id.filter(|id| is_scalar(id));
    }
    let mut id = None;
    // They were checked with the message.
    let _ = json::scan(params, usize::MAX, |member| {
        if member.key() == "id" {
            id = Some(member.value());
        }
    });
    id.filter(|id| is_scalar(id))
}

pub(super) fn no_id() -> Failure {
    Failure::new(
        ErrorCode::InvalidParams,
        format!("'{}' needs the 'id' of a request, written as there.", super::CANCEL),
    )
}
