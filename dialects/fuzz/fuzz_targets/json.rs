//! The JSON check against serde_json: both take the same texts, but for what is said below, and see the same members.
#![no_main]

use jackfield_message::json::{self, JsonError, Kind};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

fuzz_target!(|text: &str| {
    let mut members = BTreeMap::new();
    let scanned = json::scan(text, json::DEFAULT_NESTING, |member| {
        members.insert(member.key().into_owned(), member.value());
    });
    let checked = json::check(text, json::DEFAULT_NESTING);
    assert_eq!(scanned.map_err(|error| error.at), checked.map_err(|error| error.at));
    // A raw value's numbers are not bounded, its nesting is not, and lone surrogates are looked for nowhere in it.
    let theirs = serde_json::from_str::<&RawValue>(text);
    match checked {
        Ok(_) => assert!(theirs.is_ok()),
        Err(JsonError { what: "a lone surrogate" | "nested too deeply", .. }) => {}
        Err(error) => assert!(theirs.is_err(), "{error}"),
    }
    if checked == Ok(Kind::Object) {
        let theirs: BTreeMap<String, &RawValue> = serde_json::from_str(text).expect("it is an object");
        assert_eq!(members.len(), theirs.len());
        assert!(members.iter().zip(&theirs).all(|(ours, theirs)| ours.0 == theirs.0 && *ours.1 == theirs.1.get()));
    }
});
