//! `jackfield.subscribe`, `.unsubscribe`, `.publish`: topics for clients.

use crate::call::ReplyTo;
use crate::core::Core;
use crate::names::{self, Pattern};
use crate::topics::{Filter, Interest, WhenFull};
use jackfield_message::{Command, ErrorCode, Failure, Reply, json};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A subscription may not have more patterns than this.
const MAX_PATTERNS: usize = 64;

type Answer = Result<Reply, Failure>;

/// Params of `jackfield.subscribe`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    topics: Vec<String>,
    #[serde(default)]
    last: bool,
    #[serde(default)]
    when_full: Choice,
    #[serde(default, rename = "where")]
    filter: Option<Map<String, Value>>,
}

/// As it is written on the wire.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    #[default]
    Drop,
    Close,
}

/// Whoever sent `command` hears what it asks for from now on.
pub(super) fn subscribe(core: &Core, command: &Command, reply_to: &ReplyTo) -> Answer {
    let sink = &reply_to.sink;
    let Some(subscriber) = sink.subscriber() else {
        let text = format!("The command '{}' needs a connection whose dialect has events.", command.key());
        return Err(Failure::new(ErrorCode::InvalidRequest, text));
    };
    let params: Subscribe = params(command)?;
    let limit = core.limits.subscriptions;
    if subscriber.count() >= limit {
        let text = format!("This connection has {limit} subscriptions (limit subscriptions).");
        return Err(Failure::new(ErrorCode::Busy, text));
    }
    if !(1..=MAX_PATTERNS).contains(&params.topics.len()) {
        let text = format!("Parameter 'topics' has {} patterns, not 1 to {MAX_PATTERNS}.", params.topics.len());
        return Err(Failure::new(ErrorCode::InvalidParams, text));
    }
    for pattern in &params.topics {
        names::check_pattern(pattern).map_err(|why| {
            let shown = &pattern[..pattern.floor_char_boundary(256)];
            let text = format!("Parameter 'topics' holds {shown:?}, which is {why}; valid is such as \"project.**\".");
            Failure::new(ErrorCode::InvalidParams, text)
        })?;
    }
    let when_full = match params.when_full {
        Choice::Drop => WhenFull::Drop,
        Choice::Close => WhenFull::Close,
    };
    let mut interest = Interest::new(params.topics.iter().map(|pattern| Pattern::new(pattern)).collect(), when_full);
    if let Some(places) = params.filter.filter(|places| !places.is_empty()) {
        let filter = Filter::new(places);
        let filter =
            filter.map_err(|why| Failure::new(ErrorCode::InvalidParams, format!("Parameter 'where' {why}.")))?;
        interest = interest.filtered(filter);
    }
    let woken = Arc::downgrade(sink);
    let number =
        core.topics.add(subscriber, interest, params.last, move || woken.upgrade().iter().for_each(|sink| sink.wake()));
    Ok(Reply::ok(format!("{{\"subscription\":{number}}}")))
}

/// Ends a subscription of whoever sent `command`.
pub(super) fn unsubscribe(command: &Command, reply_to: &ReplyTo) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params {
        subscription: u64,
    }
    let Params { subscription } = params(command)?;
    let had_it = reply_to.sink.subscriber().is_some_and(|subscriber| subscriber.remove(subscription));
    Ok(Reply::ok(format!("{{\"unsubscribed\":{had_it}}}")))
}

/// Publishes for a client.
pub(super) fn publish(core: &Core, command: &Command) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params<'a> {
        topic: String,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let Params { topic, data } = params(command)?;
    let data = data.get();
    debug_assert!(json::check(data, core.limits.nesting).is_ok(), "params are checked before they come here");
    core.topics.publish_for_caller(&topic, data)?;
    Ok(Reply::ok("null"))
}

fn params<'a, T: Deserialize<'a>>(command: &'a Command) -> Result<T, Failure> {
    serde_json::from_str(command.params()).map_err(|why| {
        // Where in the text is of no use to who wrote it by a library.
        let why = why.to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        let text = format!("The params of '{}' do not fit: {why}.", command.key());
        Failure::new(ErrorCode::InvalidParams, text)
    })
}
