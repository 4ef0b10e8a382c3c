//! The quick check and the strict one agree with each other and with serde_json, wherever in its windows a text has what.

use super::*;
use crate::json::quick::Quick;
use crate::json::windows::Windows;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

type Members<'a> = Vec<(&'a str, &'a str)>;

fn scanned(text: &str, nesting: usize) -> (Result<Kind, JsonError>, Members<'_>) {
    let mut members = Vec::new();
    let kind = scan(text, nesting, |member| {
        let escaped = member.raw_key().contains('\\');
        assert!(member.escaped || !escaped, "{text:?}: {member:?}");
        let places = (!escaped).then(|| Places::of(member.raw_key(), member.value(), text));
        assert_eq!(member.places(), places.flatten(), "{text:?}");
        members.push((member.raw_key(), member.value()));
    });
    (kind, members)
}

/// A key as written with its escapes undone.
fn unescaped(key: &str) -> String {
    Member { text: key, key: (0, key.len()), escaped: true, value: (0, 0) }.key().into_owned()
}

fn quick(text: &str, nesting: usize) -> Option<Kind> {
    Quick::new(text.as_bytes(), &mut Windows::new(text.as_bytes())).check(nesting)
}

/// All that must hold for any text.
fn agree(text: &str, nesting: usize) {
    let strict = strict::check(text, nesting);
    // What is nested up to here is never left to the strict check.
    if nesting <= 63 {
        assert_eq!(quick(text, nesting), strict.ok(), "{text:?}: {strict:?}");
    } else if let Some(kind) = quick(text, nesting) {
        assert_eq!(Ok(kind), strict, "{text:?}");
    }
    assert_eq!(check(text, nesting), strict, "{text:?}");
    let letters = if text.is_ascii() { Letters::Ascii } else { Letters::Others };
    assert_eq!(check_bytes(text.as_bytes(), nesting), quick(text, nesting).map(|_| letters), "{text:?}");
    let (kind, members) = scanned(text, nesting);
    // The end of the text inside the outermost object is named otherwise.
    assert_eq!(kind.map_err(|error| error.at), strict.map_err(|error| error.at), "{text:?}");
    // A raw value is checked by serde_json, but its numbers are not bounded, and it looks for lone surrogates nowhere.
    let theirs = serde_json::from_str::<&RawValue>(text);
    if strict.is_ok() {
        assert!(theirs.is_ok(), "{text:?}: {theirs:?}");
    } else if theirs.is_ok() {
        let what = strict.map_err(|error| error.what);
        assert!(matches!(what, Err("a lone surrogate" | "nested too deeply")), "{text:?}: {what:?}");
    }
    if strict == Ok(Kind::Object) {
        let theirs: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
        let ours: BTreeMap<String, &str> = members.iter().map(|&(key, value)| (unescaped(key), value)).collect();
        assert_eq!(ours, theirs.iter().map(|(key, value)| (key.clone(), value.get())).collect(), "{text:?}");
    }
}

/// Texts in which everything comes up.
const TEXTS: &[&str] = &[
    r#"{"echo":{"n":10000000,"p":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}"#,
    r#"{"a":[1,-2.5e+10,0,-0.0,10E-2,true,false,null,{}],"b\"\\":"\u00e9\ud83d\ude00\n","a":[[],[{"c":""}]]}"#,
    "\t{ \"a\" : [ 1 , \r\n 2.0 ] ,\n\"\u{fc}\u{1f600}\" : { \"b\" : \"\\\\\" , \"c\" : 0e1 } }\n ",
    r#""\\\\\"\/\b\f\n\r\t\uD800\uDC00\uffff""#,
    "[[[[[[[[[[0,1],2],3]]]]]]]]",
    "-120.50e10",
    "false",
];

#[test]
fn texts_agree_at_each_place_of_a_window() {
    for text in TEXTS {
        for before in 0..130 {
            agree(&format!("{}{text}", " ".repeat(before)), 63);
            agree(&format!("[\"{}\",{text}]", "x".repeat(before)), 63);
            agree(&format!("{{\"{}\":{text}{}}}", "k".repeat(before), " ".repeat(before / 3)), 63);
            agree(&format!("[1{},{text}", "0".repeat(before)), 63);
        }
    }
}

#[test]
fn texts_agree_wherever_they_are_cut_and_whatever_byte_is_exchanged_put_in_or_left_out() {
    let bytes = b"{}[]:,\"\\ \t\n\x1f\x7f0123-+.eEtfnulabx/";
    for text in TEXTS {
        for before in [0, 30, 47, 60] {
            let text = format!("{{\"{}\":{text}}}", "x".repeat(before));
            for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
                agree(&text[..at], 63);
                let Some(behind) = text[at..].chars().next().map(|char| at + char.len_utf8()) else { continue };
                agree(&format!("{}{}", &text[..at], &text[behind..]), 63);
                if before != 47 {
                    for &byte in bytes {
                        agree(&format!("{}{}{}", &text[..at], char::from(byte), &text[behind..]), 63);
                        agree(&format!("{}{}{}", &text[..at], char::from(byte), &text[at..]), 63);
                    }
                }
            }
        }
    }
}

#[test]
fn escapes_agree_across_the_border_of_a_window() {
    let escapes = [
        "\\n",
        "\\\"",
        "\\\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\ude00",
        "\\ud83d\\u0041",
        "\\u12g4",
        "\\x",
        "\\",
    ];
    for before in 0..200 {
        for (index, escape) in escapes.iter().enumerate() {
            let next = escapes[(index + before) % escapes.len()];
            for behind in ["", "\"", next, "x"] {
                agree(&format!("[\"{}{escape}{behind}\",1]", "x".repeat(before)), 63);
            }
        }
        agree(&format!("\"{}", "\\".repeat(before)), 63);
        agree(&format!("\"{}\"", "\\".repeat(before)), 63);
        agree(&format!("[\"x{}\"]", "\\".repeat(before)), 63);
        for inside in ["\\n", "\\x", "\\", "\u{1}", "\"", "\"1", "\",12,\"", ""] {
            agree(&format!("[\"{}{inside}{}\"]", "x".repeat(before), "y".repeat(150)), 63);
            agree(&format!("[\"{}{inside}{}", "x".repeat(before), "7".repeat(150)), 63);
        }
    }
}

#[test]
fn an_escape_that_crosses_a_border_is_over_before_windows_are_skipped() {
    for before in 48..66 {
        for behind in 50..140 {
            for escape in ["\\n", "\\u00e9", "\\ud83d\\ude00"] {
                agree(&format!("[\"{}{escape}{}\",\"\"]", "x".repeat(before), "y".repeat(behind)), 63);
            }
        }
    }
}

#[test]
fn depths_agree_across_windows() {
    for depth in [1, 2, 31, 32, 61, 62, 63, 64, 65, 100, 127, 128, 129] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), (" [ ", " ] "), ("{\"a\" : [", "]}")] {
            for value in ["1", "[]", "{}", "\"\"", "[}", ""] {
                let text = format!("{}{value}{}", open.repeat(depth), close.repeat(depth));
                for nesting in [0, 1, depth - 1, depth, depth + 1, 2 * depth, 62, 63, 64, 128, usize::MAX] {
                    agree_unless_too_deep_for_serde(&text, nesting, depth);
                }
            }
        }
    }
}

/// serde_json gives up at a depth of 128.
fn agree_unless_too_deep_for_serde(text: &str, nesting: usize, depth: usize) {
    if 2 * depth < 120 {
        agree(text, nesting);
    } else {
        assert_eq!(check(text, nesting), strict::check(text, nesting));
        assert_eq!(scanned(text, nesting).0, strict::check(text, nesting));
    }
}

#[test]
fn members_are_handed_over_once_each_even_where_the_strict_check_takes_over() {
    let deep = format!("{}{}", "[".repeat(80), "]".repeat(80));
    for members in
        [vec!["1", &deep, "\"x\""], vec![&deep, "2"], vec!["1", "2", &deep], vec!["1", "tru"], vec!["[]", "}", "3"]]
    {
        let text: Vec<String> =
            members.iter().enumerate().map(|(index, value)| format!("\"k{index}\": {value} ")).collect();
        let text = format!(" {{ {} }} ", text.join(", "));
        let good = members.iter().take_while(|value| check(value, 100).is_ok()).count();
        let (kind, found) = scanned(&text, 100);
        assert_eq!(kind.ok(), strict::check(&text, 100).ok(), "{text}");
        assert_eq!(found.iter().map(|&(_, value)| value).collect::<Vec<_>>(), members[..good], "{text}");
    }
    for (text, at) in [("{\"a\":1}x", 7), ("{\"a\":1} \"", 8), ("{}}", 2), ("{\"a\":1}\u{1}", 7)] {
        assert_eq!(scanned(text, 9).0, Err(JsonError { what: "something behind the value", at }), "{text}");
    }
    assert_eq!(scanned("{\"a\":1,}", 9).0.unwrap_err().what, "expected a key in quotes");
}

/// JSON of any kind, with white space anywhere.
fn json() -> impl Strategy<Value = String> {
    let space = || "[ \n\r\t]{0,3}|";
    let string = || r#""([a-z\u{e4}\u{4e2d}\u{1f600} ]|\\["\\/bfnrt]|\\u00[0-9a-fA-F]{2}|\\ud83d\\ude00){0,70}""#;
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![string(), number, "true|false|null", "[a-z]{0,3}|0[0-9]|-|\\+1|1\\.|\\.5|1e"];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let item = (space(), inner.clone(), space()).prop_map(|(before, value, behind)| before + &value + &behind);
        let member = (space(), string(), space(), item.clone())
            .prop_map(|(before, key, behind, value)| format!("{before}{key}{behind}:{value}"));
        prop_oneof![
            (prop::collection::vec(item, 0..6), space()).prop_map(|(items, space)| if items.is_empty() {
                format!("[{space}]")
            } else {
                format!("[{}]", items.join(","))
            }),
            (prop::collection::vec(member, 0..6), space()).prop_map(|(items, space)| if items.is_empty() {
                format!("{{{space}}}")
            } else {
                format!("{{{}}}", items.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Texts that are JSON or nearly so, and the same with some bytes exchanged, put in, or cut off.
    #[test]
    fn texts_near_json_agree(text in json(), nesting in 0..64usize, at in any::<prop::sample::Index>(), with in r#"[{}\[\]:,"\\ \n0-9.eE+\-tfnu\x01\x7f]{0,2}"#, left_out in 0..3usize) {
        agree(&text, 63);
        agree(&text, nesting);
        let chars: Vec<char> = text.chars().collect();
        let at = at.index(chars.len() + 1);
        let behind = (at + left_out).min(chars.len());
        let changed: String = chars[..at].iter().copied().chain(with.chars()).chain(chars[behind..].iter().copied()).collect();
        agree(&changed, 63);
        agree(&chars[..at].iter().collect::<String>(), 63);
    }

    /// Bytes that are often no UTF-8.
    #[test]
    fn bytes_that_are_json_are_ascii_or_may_be_no_text(inside in prop::collection::vec(any::<u8>(), 0..150), before in 0..70usize, calm in 0..150usize) {
        let inside = inside.iter().enumerate().map(|(at, &byte)| if at < calm { byte & 0x7F | 0x40 } else { byte });
        let bytes = [b"[\"", &*vec![b'x'; before], &*inside.collect::<Vec<u8>>(), b"\",1]"].concat();
        let checked = check_bytes(&bytes, 63);
        match str::from_utf8(&bytes) {
            Ok(text) => {
                prop_assert_eq!(checked.is_some(), check(text, 63).is_ok());
                prop_assert_eq!(checked == Some(Letters::Ascii), checked.is_some() && text.is_ascii());
            }
            Err(_) => prop_assert_ne!(checked, Some(Letters::Ascii)),
        }
    }

    /// Anything made of what JSON is made of.
    #[test]
    fn soup_agrees(text in r#"([{}\[\]:,"\\]|[0-9.eE+-]|[ \n\t\x01]|"[a-z ]{0,20}"|true|null|"a":|\\n|\\u00e9|\PC){0,100}"#) {
        agree(&text, 63);
    }
}
