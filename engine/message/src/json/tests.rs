mod agreement;

use super::plain::plain;
use super::*;
use proptest::prelude::*;

fn members(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    scan(text, DEFAULT_NESTING, |member| found.push((member.key().into_owned(), member.value().to_owned()))).unwrap();
    found
}

#[test]
fn members_come_in_order_with_their_values_as_written() {
    assert_eq!(
        members(r#" {"a" : [1, {"x":2}] ,"\u0062\n": "c" , "a":null} "#),
        [("a", r#"[1, {"x":2}]"#), ("b\n", r#""c""#), ("a", "null")].map(|(k, v)| (k.to_owned(), v.to_owned()))
    );
    assert_eq!(members("{}"), []);
    assert_eq!(members("[{\"a\": 1}]"), []);
}

#[test]
fn what_the_strict_grammar_forbids_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{'a':1}",
        "{a:1}",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "nul",
        "tru",
        "NaN",
        "-Infinity",
        "Infinity",
        "[NaN]",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a",
        "\"\\",
        "\u{feff}{}",
        "{} x",
        "[1 2]",
        "[1}",
        "{\"a\":1]",
        "{\"a\":{\"b\":[1,}}",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "{\"a\":\"\\ud83d\"}",
        "[\"\\ud800x\"]",
    ] {
        assert!(check(text, DEFAULT_NESTING).is_err(), "{text:?} was accepted");
    }
}

#[test]
fn what_the_grammar_allows_is_accepted_whatever_its_size() {
    for (text, kind) in [
        ("1e999", Kind::Scalar),
        ("-0.0", Kind::Scalar),
        ("123456789012345678901234567890", Kind::Scalar),
        ("\"\\ud83d\\ude00\"", Kind::String),
        ("\t[ ]\r\n", Kind::Array),
        ("{ }", Kind::Object),
        ("true", Kind::Scalar),
    ] {
        assert_eq!(check(text, DEFAULT_NESTING), Ok(kind), "{text:?}");
    }
}

#[test]
fn nesting_is_accepted_up_to_the_limit_and_refused_one_beyond() {
    for limit in [1, 2, 63, 64, 65, 128, 129, 200] {
        let arrays = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let mixed = |depth: usize| {
            let open: String = (0..depth).map(|level| if level % 3 == 0 { "{\"k\":" } else { "[" }).collect();
            let close: String = (0..depth).rev().map(|level| if level % 3 == 0 { "}" } else { "]" }).collect();
            format!("{open}0{close}")
        };
        for make in [&arrays as &dyn Fn(usize) -> String, &objects, &mixed] {
            assert!(check(&make(limit), limit).is_ok(), "depth {limit}");
            assert_eq!(check(&make(limit + 1), limit).unwrap_err().what, "nested too deeply", "depth {limit}");
        }
    }
    assert!(check(&"[".repeat(100_000), DEFAULT_NESTING).is_err());
}

#[test]
fn strings_end_at_their_own_quote_whatever_their_length_and_whatever_stands_behind() {
    for first in 0..70 {
        for second in 0..70 {
            let (first, second) = ("a".repeat(first), "b".repeat(second));
            let good = format!("[\"{first}\",\"{second}\",\"\"]");
            assert_eq!(check(&good, DEFAULT_NESTING), Ok(Kind::Array), "{good}");
            let bad = format!("[\"{first}\" \"{second}\",\"\"]");
            assert!(check(&bad, DEFAULT_NESTING).is_err(), "{bad}");
        }
    }
}

#[test]
fn plain_text_ends_at_the_first_byte_that_ends_it_and_at_no_other() {
    for end in 0..=u8::MAX {
        let ends = end == b'"' || end == b'\\' || end < 0x20;
        for before in 0..140 {
            for behind in [0, 5, 16, 70] {
                let text = [vec![b'x'; before], vec![end], vec![b'y'; behind]].concat();
                assert_eq!(
                    plain(&text, 0),
                    if ends { before } else { text.len() },
                    "{end} behind {before}, {behind} follow"
                );
            }
        }
    }
}

proptest! {
    /// Wherever and in however long a text it stands, the first byte that ends the plain part of a string is found.
    #[test]
    fn plain_text_ends_where_a_byte_by_byte_search_says(bytes in prop::collection::vec(any::<u8>(), 0..100), calm in 0..100usize) {
        // Most bytes end nothing, so that long runs come up too.
        let bytes: Vec<u8> = bytes.iter().enumerate().map(|(at, &byte)| if at < calm { byte | 0x60 } else { byte }).collect();
        let searched = bytes.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
        prop_assert_eq!(plain(&bytes, 0), searched.unwrap_or(bytes.len()));
    }

    /// The check agrees with serde_json on texts near JSON, but for the rules of this module.
    #[test]
    fn agrees_with_serde_json(text in r#"([\[\]{},: \t]|"[a-z\\u0d89"]{0,8}"?|-?[0-9]{1,3}(\.[0-9]+)?(e[+-]?[0-9])?|true|null|"a":){0,12}"#) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // Where a number is too large for it, it says nothing of the rest; here numbers are not bounded.
        if !theirs.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")) {
            prop_assert_eq!(check(&text, DEFAULT_NESTING).is_ok(), theirs.is_ok(), "{:?}: {:?}", text, theirs);
        }
    }

    /// No text makes it panic, and what it accepts serde_json accepts.
    #[test]
    fn never_panics_and_never_accepts_more(text in "\\PC{0,40}") {
        if check(&text, DEFAULT_NESTING).is_ok() {
            prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok());
        }
    }
}

#[test]
fn an_empty_object_with_a_fault_far_behind_it_has_that_fault() {
    let text = format!("{{{}}}\n yy{}\u{10}", "\n".repeat(144), "\n".repeat(11));
    let error = JsonError { what: "something behind the value", at: 148 };
    assert_eq!(check(&text, 8), Err(error));
    assert_eq!(scan(&text, 8, |_| panic!("it has no members")), Err(error));
}
