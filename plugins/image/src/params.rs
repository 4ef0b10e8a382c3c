//! The params of `image`, checked in the order and answered with the texts of the original servers.

use jackfield_plugin::Failure;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Numbers of this plugin's errors.
pub mod code {
    pub const MISSING: i64 = 1;
    pub const UNREADABLE: i64 = 2;
    pub const IMPORT: i64 = 3;
}

/// A value as it was sent. The original servers put any value into their texts.
pub struct Sent<'a>(&'a str);

impl Sent<'_> {
    /// A string.
    pub fn text(&self) -> Option<String> {
        serde_json::from_str(self.0).ok()
    }

    /// A string raw, anything else as its JSON text.
    pub fn shown(&self) -> String {
        self.text().unwrap_or_else(|| self.0.to_owned())
    }

    /// As its JSON text, cut where it is long.
    pub fn json(&self) -> String {
        self.0.chars().take(100).collect()
    }

    /// A finite number above 0, or such a number as a text: clients send "50.0" as well as 50.
    pub fn positive(&self) -> Option<f64> {
        let number: f64 = self.shown().trim().parse().ok()?;
        (number.is_finite() && number > 0.0).then_some(number)
    }

    /// The number N of `{"$attachment": N}`.
    pub fn attachment(&self) -> Option<usize> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Reference {
            #[serde(rename = "$attachment")]
            attachment: usize,
        }
        serde_json::from_str::<Reference>(self.0).ok().map(|reference| reference.attachment)
    }
}

pub struct Params<'a> {
    /// Missing only where an attachment takes its place.
    pub file: Option<Sent<'a>>,
    pub name: Sent<'a>,
    pub focal_length: Sent<'a>,
}

impl<'a> Params<'a> {
    /// Params that are no object have no members; of a member that stands twice the last counts.
    pub fn parse(text: &'a str, has_attachment: bool) -> Result<Self, Failure> {
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
        let mut take = |name: &str| members.remove(name).map(|value| Sent(value.get()));
        let file = take("file");
        if file.is_none() && !has_attachment {
            return Err(missing("file"));
        }
        let name = take("name").ok_or_else(|| missing("name"))?;
        let focal_length = take("focal_length").ok_or_else(|| missing("focal_length"))?;
        Ok(Self { file, name, focal_length })
    }
}

fn missing(name: &str) -> Failure {
    Failure::invalid_params(format!("Missing parameter '{name}' in 'image' request."))
        .code(code::MISSING)
        .details(json!({"path": format!("/{name}"), "expected": ["file", "name", "focal_length"]}))
}
