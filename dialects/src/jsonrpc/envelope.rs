use super::{Wrong, words};
use jackfield_message::json::Member;
use std::borrow::Cow;
use std::ops::Range;

/// The members of a request as they are written; of several with one name the last counts. Others are not looked at.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    progress: Option<&'a str>,
    attachments: Option<&'a str>,
    attachment_info: Option<&'a str>,
}

/// A part of a message.
#[derive(Clone, Debug)]
pub(super) struct Place(Range<usize>);

impl Place {
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.0.clone()).unwrap_or_default()
    }
}

/// Where a sound request has its parts.
#[derive(Debug)]
pub(super) struct Places {
    pub id: Option<Place>,
    /// In quotes.
    pub method: Place,
    pub params: Option<Place>,
    pub progress: Option<Place>,
    /// How many binary messages follow.
    pub attachments: u32,
    pub attachment_info: Option<Place>,
}

impl<'a> Envelope<'a> {
    pub fn see(&mut self, member: Member<'a>) {
        let place = match &*member.key() {
            "jsonrpc" => &mut self.jsonrpc,
            "id" => &mut self.id,
            "method" => &mut self.method,
            "params" => &mut self.params,
            "progress" => &mut self.progress,
            "attachments" => &mut self.attachments,
            "attachment_info" => &mut self.attachment_info,
            _ => return,
        };
        *place = Some(member.value());
    }

    /// How many binary messages follow, if that is said.
    pub fn announced(&self) -> u32 {
        self.attachments.and_then(|count| count.parse().ok()).unwrap_or_default()
    }

    /// Whether the parts are what they must be; `text`: what they lie in.
    pub fn places(self, text: &str) -> Result<Places, Wrong> {
        // An id of a wrong type cannot be answered to.
        let id = self.id.filter(|id| is_scalar(id));
        let wrong = |what: &str| Wrong { id: id.map(Box::from), failure: words::invalid(what).into() };
        if self.id.is_some() && id.is_none() {
            return Err(wrong("'id' is neither a text nor a number nor null"));
        }
        if !self.jsonrpc.is_some_and(|version| unquoted(version) == "2.0" && version.starts_with('"')) {
            return Err(wrong("'jsonrpc' is not \"2.0\""));
        }
        let method = self.method.filter(|method| method.starts_with('"'));
        let method = method.ok_or_else(|| wrong("'method' is not a text"))?;
        let params = self.params.filter(|params| *params != "null");
        if params.is_some_and(|params| !params.starts_with(['{', '['])) {
            return Err(wrong("'params' is neither an object nor an array"));
        }
        if self.progress.is_some_and(|mark| !is_scalar(mark) || mark == "null") {
            return Err(wrong("'progress' is neither a text nor a number"));
        }
        let attachments = self.attachments.map_or(Ok(0), str::parse);
        let attachments = attachments.map_err(|_| wrong("'attachments' is not a number of binary messages"))?;
        let place = |part: &str| {
            let from = part.as_ptr() as usize - text.as_ptr() as usize;
            Place(from..from + part.len())
        };
        Ok(Places {
            id: id.map(place),
            method: place(method),
            params: params.map(place),
            progress: self.progress.map(place),
            attachments,
            attachment_info: self.attachment_info.map(place),
        })
    }
}

/// A text, a number, or null.
pub(super) fn is_scalar(value: &str) -> bool {
    value == "null" || value.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

/// What a checked text in quotes says.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    if inner.contains('\\') {
        return Cow::Owned(serde_json::from_str(text).unwrap_or_default());
    }
    Cow::Borrowed(inner)
}
