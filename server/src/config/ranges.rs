//! Which values are valid, beyond their types. Where the type alone says enough, a wrong one passes here and is refused later.

use crate::transport::ListenUrl;
use jackfield_engine::Limits;
use toml::Value;

const LONGEST_S: f64 = 1e9;

/// Checks one value; the error says what is valid.
pub(super) fn check(path: &[String], value: &Value) -> Result<(), String> {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let valid = match *keys {
        // A command's places in its message are numbers of 32 bits.
        ["limits", "message_bytes"] => whole(value, 1, u32::MAX.into()),
        ["limits", name] => match default_limit(name) {
            Some(Value::Integer(_)) => whole(value, 1, i64::MAX),
            Some(Value::Float(_)) => seconds(value),
            _ => Ok(()),
        },
        ["plugins", "settle_ms"] => whole(value, 0, 60_000),
        // A swap has two at least.
        ["plugins", "live_generations"] => whole(value, 2, 64),
        ["plugin", _, "threads"] => whole(value, 1, 256),
        ["plugin", _, "deadline_s", _] => seconds(value),
        ["plugin", _, "config", ..] if !is_json(value) => Err("finite numbers only, as in JSON".to_owned()),
        ["listen"] => {
            strings(value, 1, |url| !url.trim().is_empty(), "at least one URL, such as \"ws://127.0.0.1:40010\"")
        }
        ["plugins", "folders"] => strings(value, 0, |folder| !folder.is_empty(), "paths of folders"),
        ["data"] => strings(value, 0, |folder| !folder.is_empty(), "the path of a folder"),
        ["http", "origins"] => {
            strings(value, 0, is_origin, "origins as browsers send them, such as \"https://example.org:8443\"")
        }
        _ => Ok(()),
    };
    valid.map_err(|valid| format!("{} = {value}: valid is {valid}", super::layers::dotted(path)))?;
    if keys == ["listen"] { listeners(value) } else { Ok(()) }
}

/// What the transport would say when it comes to listening.
fn listeners(value: &Value) -> Result<(), String> {
    let urls = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    urls.map(|url| url.parse::<ListenUrl>()).try_for_each(|url| url.map(drop)).map_err(|error| error.to_string())
}

fn default_limit(name: &str) -> Option<Value> {
    toml::Table::try_from(Limits::default()).ok()?.remove(name)
}

fn whole(value: &Value, least: i64, most: i64) -> Result<(), String> {
    match value {
        Value::Integer(number) if (least..=most).contains(number) => Ok(()),
        _ if most == i64::MAX => Err(format!("a whole number of at least {least}")),
        _ => Err(format!("a whole number from {least} to {most}")),
    }
}

fn seconds(value: &Value) -> Result<(), String> {
    let number = match value {
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        _ => f64::NAN,
    };
    // NaN is above nothing.
    if number > 0.0 && number <= LONGEST_S {
        Ok(())
    } else {
        Err(format!("a number of seconds above 0, up to {LONGEST_S}"))
    }
}

fn strings(value: &Value, least: usize, good: impl Fn(&str) -> bool, valid: &str) -> Result<(), String> {
    let fine = match value {
        Value::String(text) => good(text),
        Value::Array(values) => values.len() >= least && values.iter().all(|value| value.as_str().is_none_or(&good)),
        _ => true,
    };
    if fine { Ok(()) } else { Err(valid.to_owned()) }
}

fn is_json(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::Array(values) => values.iter().all(is_json),
        Value::Table(table) => table.values().all(is_json),
        _ => true,
    }
}

/// Scheme and host, perhaps a port, nothing behind: what is compared exactly must be written exactly.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty()
            && !host.is_empty()
            && !host.contains(['/', '?', '#', '@', '*'])
            && !text.contains(|character: char| character.is_whitespace() || character.is_ascii_uppercase())
    })
}
