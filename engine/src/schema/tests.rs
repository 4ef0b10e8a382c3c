use super::*;
use serde_json::json;
use std::time::{Duration, Instant};

fn schema(schema: &Value) -> Schema {
    Schema::compile(&schema.to_string()).unwrap().unwrap()
}

fn refusal(rules: &Value, params: &str) -> Option<Failure> {
    schema(rules).refusal(&Command::new("image", params))
}

#[track_caller]
fn refused(rules: &Value, params: &Value) -> Failure {
    refusal(rules, &params.to_string()).expect("it fits")
}

/// Path, expected, value.
fn told(failure: &Failure) -> (String, Value, Option<Value>) {
    let misfit = failure.misfit.clone().unwrap();
    (misfit.path, misfit.expected, misfit.value)
}

fn photo() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 8},
            "focal_length": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]},
            "crop": {"items": {"minimum": 0}}
        },
        "required": ["name"],
        "additionalProperties": false
    })
}

#[test]
fn what_admits_everything_compiles_to_nothing() {
    for trivial in ["", "true", " {} ", "\ttrue\n", "{ }"] {
        assert!(Schema::compile(trivial).unwrap().is_none(), "{trivial}");
    }
    for real in ["false", r#"{"type": "object"}"#] {
        assert!(Schema::compile(real).unwrap().is_some(), "{real}");
    }
}

#[test]
fn a_fault_names_the_place_the_value_and_what_is_expected() {
    let any_of = photo()["properties"]["focal_length"].clone();
    for (params, path, expected, value, message) in [
        (
            json!({"name": "a", "focal_length": -1}),
            "/focal_length",
            any_of.clone(),
            Some(json!(-1)),
            format!("Parameter '/focal_length' of 'image' is -1, expected {any_of}."),
        ),
        (
            json!({}),
            "/name",
            json!("a value: it is required"),
            None,
            "Missing parameter 'name' in 'image' request.".to_owned(),
        ),
        (
            json!({"name": "a", "crop": [1, -2]}),
            "/crop/1",
            json!({"minimum": 0}),
            Some(json!(-2)),
            "Parameter '/crop/1' of 'image' is -2, expected {\"minimum\":0}.".to_owned(),
        ),
        (
            json!({"name": "a", "a/b": 1}),
            "/a~1b",
            json!("one of the names crop, focal_length, name"),
            Some(json!(1)),
            "Parameter '/a~1b' of 'image' is 1, expected one of the names crop, focal_length, name.".to_owned(),
        ),
        (
            json!(null),
            "",
            json!({"type": "object"}),
            Some(json!(null)),
            "The params of 'image' are null, expected {\"type\":\"object\"}.".to_owned(),
        ),
    ] {
        let failure = refused(&photo(), &params);
        assert_eq!(told(&failure), (path.to_owned(), expected, value), "{params}");
        assert_eq!((failure.code, failure.message), (ErrorCode::InvalidParams, message), "{params}");
    }
    assert_eq!(told(&refused(&json!(false), &json!(1))).1, "nothing: no value is valid here");
    assert!(refusal(&photo(), r#"{"name": "a", "focal_length": "50.0", "crop": []}"#).is_none());
}

#[test]
fn all_faults_are_told_up_to_a_few() {
    let errors = |params: &Value| {
        let failure = refused(&photo(), params);
        let details: Value = serde_json::from_str(&failure.details).unwrap();
        details["errors"].as_array().unwrap().iter().map(|error| error["path"].clone()).collect::<Vec<_>>()
    };
    let mut paths = errors(&json!({"focal_length": 0, "z": 1, "crop": [-1]}));
    paths.sort_by_key(Value::to_string);
    assert_eq!(paths, ["/crop/0", "/focal_length", "/name", "/z"]);
    assert_eq!(errors(&json!({"name": "a", "crop": vec![-1; 100]})).len(), TOLD);
}

#[test]
fn long_values_and_long_rules_are_cut() {
    let failure = refused(&photo(), &json!({"name": "ä".repeat(2_000)}));
    let (_, expected, value) = told(&failure);
    assert_eq!(expected, json!({"maxLength": 8}));
    let value = value.unwrap().as_str().unwrap().to_owned();
    assert!(value.starts_with("ää") && value.ends_with("ä...") && value.len() < 300, "{value}");
    let long = json!({"enum": (0..1000).collect::<Vec<_>>()});
    let failure = refused(&long, &json!(vec!["é"; 1000]));
    assert!(failure.message.len() < 500 && failure.details.len() < 1000, "{}", failure.message);
    assert_eq!(told(&failure).1, "what the schema says under /enum");
}

#[test]
fn json_that_cannot_be_held_is_refused_by_name() {
    for params in ["1e999".to_owned(), format!("{}1{}", "[".repeat(128), "]".repeat(128))] {
        let failure = refusal(&json!({"type": ["number", "array"]}), &params).unwrap();
        assert_eq!(failure.code, ErrorCode::InvalidParams);
        assert!(failure.message.starts_with("The params of 'image' cannot be held against its schema: "));
    }
    let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    assert!(refusal(&json!({"type": "array"}), &deep).is_none());
}

#[test]
fn of_members_that_stand_twice_the_last_counts() {
    let rules = json!({"properties": {"n": {"type": "integer"}}});
    assert!(refusal(&rules, r#"{"n": "a", "n": 1}"#).is_none());
    assert!(refusal(&rules, r#"{"n": 1, "n": "a"}"#).is_some());
}

/// A value `{"x": {"x": ... last}}`.
fn nested(depth: usize, last: &str) -> String {
    format!("{}{last}{}", r#"{"x":"#.repeat(depth), "}".repeat(depth))
}

/// What takes exponential time does not end; everything else here takes milliseconds.
fn soon<T>(what: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let value = what();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    value
}

#[test]
fn a_recursive_schema_with_alternatives_does_not_hang_on_what_does_not_fit() {
    let node = json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}});
    for rules in [
        json!({"$defs": {"a": {"anyOf": [node, node, {"type": "string"}]}}, "$ref": "#/$defs/a"}),
        json!({"$defs": {"a": {"oneOf": [node, {"type": "object", "required": ["y"]}, node]}}, "$ref": "#/$defs/a"}),
        json!({"$defs": {"a": {"allOf": [node, node]}}, "$ref": "#/$defs/a"}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b", "properties": {"x": {"$ref": "#/$defs/a"}}, "type": "object"}, "b": node},
               "$ref": "#/$defs/a"}),
        json!({"type": "object", "properties": {"x": {"$ref": "#"}}, "patternProperties": {"x": {"$ref": "#"}}}),
        json!({"type": "object", "properties": {"x": {"$dynamicRef": "#a"}}, "allOf": [{"properties": {"x": {"$ref": "#"}}}],
               "$dynamicAnchor": "a"}),
    ] {
        let failure = soon(|| refusal(&rules, &nested(120, "1"))).unwrap();
        assert_eq!((failure.code, told(&failure).0.as_str()), (ErrorCode::InvalidParams, ""), "{rules}");
    }
}

#[test]
fn a_schema_in_which_a_check_would_get_lost_is_refused() {
    let steps = |levels: usize| {
        let step = |level: usize| {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            (level.to_string(), json!({"anyOf": [next, next]}))
        };
        let mut steps: Map<String, Value> = (0..levels).map(step).collect();
        steps.insert(levels.to_string(), json!({"type": "string"}));
        json!({"$defs": steps, "$ref": "#/$defs/0"}).to_string()
    };
    assert!(Schema::compile(&steps(8)).is_ok());
    for levels in [19, 40, 1000] {
        let why = soon(|| Schema::compile(&steps(levels))).unwrap_err();
        assert!(why.contains("more than 1048576 parts or 128 levels"), "{why}");
    }
    assert!(soon(|| Schema::compile(r##"{"$ref": "#"}"##)).is_ok());
}

#[test]
fn a_recursive_schema_without_alternatives_still_tells_the_place() {
    let tree = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "default": {"$ref": "#"}, "children": {"items": {"$ref": "#"}}},
        "additionalProperties": {"$ref": "#"}
    });
    assert_eq!(schema(&tree).detail, Detail::Always);
    let failure = refused(&tree, &json!({"children": [{"children": [{}, {"name": 7}]}]}));
    assert_eq!(told(&failure).0, "/children/0/children/1/name");
    assert_eq!(told(&soon(|| refusal(&tree, &nested(120, "1"))).unwrap()).0, "/x".repeat(120));
}

#[test]
fn references_into_the_schema_are_followed_when_parts_are_counted() {
    let rules = json!({
        "$defs": {"length": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
        "properties": {"a": {"$ref": "#/$defs/length"}, "const": {"allOf": [{"$ref": "#"}]}}
    });
    assert_eq!(schema(&rules).detail, Detail::Never, "a property whose name is a keyword's");
    let rules = json!({"$defs": rules["$defs"], "properties": {"a": {"$ref": "#/$defs/length"}}});
    assert!(matches!(schema(&rules).detail, Detail::Parts(4..40)));
    assert_eq!(told(&refused(&rules, &json!({"a": "b"}))).0, "/a");
}

#[test]
fn a_million_faults_cost_little() {
    let many = |value: &str| format!("[{}{value}]", format!("{value},").repeat(500_000));
    let either = json!({"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "boolean"}}]});
    assert_eq!(told(&soon(|| refusal(&either, &many("1"))).unwrap()).0, "");
    let each = json!({"items": {"type": "string"}});
    assert_eq!(told(&soon(|| refusal(&each, &many("1"))).unwrap()).0, "/0");
    assert!(soon(|| refusal(&json!({"uniqueItems": true}), &many("1"))).is_some());
}

#[test]
fn patterns_do_not_backtrack() {
    let rules = json!({"pattern": "^(a|a)*$"});
    assert!(soon(|| refusal(&rules, &format!("\"{}b\"", "a".repeat(100_000)))).is_some());
}

#[test]
fn formats_are_for_the_reader() {
    assert!(refusal(&json!({"format": "email"}), "\"no address\"").is_none());
    let draft7 = json!({"$schema": "http://json-schema.org/draft-07/schema#", "format": "ipv4"});
    assert!(refusal(&draft7, "\"no address\"").is_none());
}
