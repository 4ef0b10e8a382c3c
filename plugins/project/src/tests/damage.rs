//! What nobody should send or store.

use super::project::{REAL, in_gom, project, with_images, write};
use crate::Project;
use jackfield_plugin::Status;
use jackfield_plugin::testing::{Bench, Request};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEYS: [&str; 5] = ["project", "project.list", "project.get", "project.export", "project.blob"];

/// Puts other records into `import-1`.
pub fn put_records(bench: &Bench<Project>, records: &str, elements: u64) {
    let mut document: Value = bench.store().get_json("imports", "import-1").unwrap().unwrap();
    let store = bench.store();
    let batch = store.begin().unwrap();
    let blob = write(&batch, records.as_bytes());
    document["blob"] = json!(blob);
    document["elements"] = json!(elements);
    document["pages"] = json!([[0, 0]]);
    batch.put_json("imports", "import-1", &document, &[&blob]).unwrap();
    batch.commit().unwrap();
}

/// Puts another document in place of one, which keeps its blobs.
fn put(bench: &Bench<Project>, collection: &str, id: &str, document: &Value) {
    let store = bench.store();
    let old: Value = store.get_json(collection, id).unwrap().unwrap();
    let blobs: Vec<&str> = ["blob", "thumbnail"].iter().filter_map(|member| old[member].as_str()).collect();
    let batch = store.begin().unwrap();
    batch.put_json(collection, id, document, &blobs).unwrap();
    batch.commit().unwrap();
}

/// Calls that together read everything.
const CALLS: [(&str, &str); 12] = [
    ("project", "{}"),
    ("project.list", r#"{"kind": "series"}"#),
    ("project.list", r#"{"kind": "images"}"#),
    ("project.list", r#"{"kind": "stages"}"#),
    ("project.list", r#"{"kind": "elements"}"#),
    ("project.list", r#"{"kind": "clipboard"}"#),
    ("project.get", r#"{"id": "import-1/0"}"#),
    ("project.export", r#"{"format": "gxml", "import": "import-1"}"#),
    ("project.export", r#"{"format": "csv", "stage": "stage-1"}"#),
    ("project.blob", r#"{"id": "import-1"}"#),
    ("project.blob", r#"{"id": "image-1"}"#),
    ("project.blob", r#"{"id": "image-1", "thumbnail": true}"#),
];

/// What all calls tell of damage; nothing may be the plugin's fault.
fn failures(bench: &Bench<Project>) -> Vec<String> {
    let outcomes = CALLS.map(|(key, params)| bench.call(key, params));
    for outcome in &outcomes {
        let told = matches!(outcome.status, Ok(()) | Err(Status::Failed | Status::NotFound | Status::TooLarge));
        assert!(told, "{outcome:?}");
    }
    outcomes
        .into_iter()
        .filter(|outcome| outcome.status == Err(Status::Failed))
        .map(|outcome| outcome.message)
        .collect()
}

#[test]
fn a_document_without_a_field_is_named() {
    for (collection, id, missing) in [
        ("series", "other", "focal_length"),
        ("images", "image-1", "width"),
        ("stages", "stage-1", "import"),
        ("imports", "import-1", "counts"),
        ("imports", "import-1", "pages"),
        ("imports", "import-1", "blob"),
    ] {
        let bench = with_images(project(&[(REAL, "new_stage")]), 1);
        let mut document: Value = bench.store().get_json(collection, id).unwrap().unwrap();
        document.as_object_mut().unwrap().remove(missing);
        put(&bench, collection, id, &document);
        let failures = failures(&bench);
        assert!(!failures.is_empty(), "{missing}");
        for failure in failures {
            let named = format!("the document '{id}' of '{collection}'");
            assert!(failure.contains(&named) && failure.contains(&format!("`{missing}`")), "{failure}");
        }
    }
}

#[test]
fn documents_that_do_not_fit_each_other_are_named() {
    let bench = with_images(project(&[(REAL, "new_stage")]), 1);
    let stage = json!({"id": "stage-1", "index": 0, "name": "part", "import": "import-9"});
    put(&bench, "stages", "stage-1", &stage);
    let failure = bench.call("project", "{}").message;
    let expected = "The project is damaged: the document 'stage-1' of 'stages': it names 'import-9' of 'imports', which is not there.";
    assert_eq!(failure, expected);
    for (member, value) in [
        ("blob", json!("none")),
        ("blob", json!("")),
        ("pages", json!([])),
        ("pages", json!([[1, 0]])),
        ("pages", json!([[0, 0], [5, 3], [4, 9]])),
        ("pages", json!([[0, 0], [500, 9]])),
        ("pages", json!([[0, 0], [5, u64::MAX]])),
        ("pages", json!([[0, 0], [5, 3]])),
        ("elements", json!(122)),
        ("elements", json!(u64::MAX)),
    ] {
        let bench = with_images(project(&[(REAL, "new_stage"), (REAL, "new_stage")]), 1);
        let mut document: Value = bench.store().get_json("imports", "import-1").unwrap().unwrap();
        document[member] = value.clone();
        put(&bench, "imports", "import-1", &document);
        let failures = failures(&bench);
        if member != "elements" && value != json!([[0, 0], [5, 3]]) {
            assert!(!failures.is_empty(), "{member} {value}");
        }
        assert!(failures.iter().all(|failure| failure.contains("import-1")), "{failures:?}");
    }
}

#[test]
fn a_damaged_record_is_named() {
    let point = r#"{"group":"nominal","type":"point"}"#;
    for bad in [
        "",
        "[]",
        "{",
        "null",
        r#"{"group":"nominal"}"#,
        r#"{"type":"point"}"#,
        r#"{"group":"nominal","type":"point","geometry":7}"#,
        r#"{"group":"nominal","type":"point","geometry":{"pos":[1,2]}}"#,
        r#"{"group":"nominal","type":"point","geometry":{"pos":{}}}"#,
        r#"{"group":"nominal","type":"a b","geometry":{"radius":true}}"#,
        r#"{"group":"nominal","type":7}"#,
    ] {
        let bench = project(&[(&in_gom("<nominal><point/></nominal>"), "clipboard")]);
        put_records(&bench, &format!("{point}\n{bad}\n{point}\n"), 3);
        let outcome = bench.call("project.export", r#"{"format": "gxml", "import": "import-1"}"#);
        assert_eq!(outcome.status, Err(Status::Failed), "{bad}");
        assert!(outcome.message.contains("the record 'import-1/1'"), "{bad}: {}", outcome.message);
        failures(&bench);
    }
    let bench = project(&[(&in_gom("<nominal><point/></nominal>"), "clipboard")]);
    put_records(&bench, &format!("{point}\n{point}"), 5);
    let failures = failures(&bench);
    assert!(failures.len() == 2, "the list and the export: {failures:?}");
    assert!(failures.iter().all(|failure| failure.contains("'import-1/1'") && failure.contains("end here")));
}

#[test]
fn a_cancelled_command_ends() {
    let bench = with_images(project(&[(REAL, "new_stage")]), 1);
    for (key, params) in CALLS {
        let request = Request { key: key.into(), params: params.into(), cancelled: true, ..Request::default() };
        assert_eq!(bench.send(request).status, Err(Status::Cancelled), "{key} {params}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("import-1"),
        Just("import-1/3"),
        Just("image-1"),
        Just("stage-1"),
        Just("series/other"),
        Just("clipboard"),
        Just("elements"),
        Just("gxml"),
        Just("csv"),
        Just("base64"),
        Just("/"),
        Just("")
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_u64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(member(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

fn member() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "kind",
        "id",
        "format",
        "stage",
        "import",
        "offset",
        "limit",
        "thumbnail",
        "encoding",
        "length",
        "odd",
    ])
}

#[test]
fn no_params_are_the_plugins_fault() {
    let bench = with_images(project(&[(REAL, "clipboard"), (REAL, "new_stage")]), 2);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let result = runner.run(&any_json(), |params| {
        for key in KEYS {
            let outcome = bench.call(key, &params);
            let fine =
                matches!(outcome.status, Ok(()) | Err(Status::InvalidParams | Status::NotFound | Status::TooLarge));
            prop_assert!(fine, "{key} {params}: {outcome:?}");
            prop_assert!(outcome.status.is_ok() || !outcome.message.is_empty());
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn no_record_is_the_plugins_fault() {
    let bench = project(&[(&in_gom("<nominal><point/></nominal>"), "clipboard")]);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let members = proptest::collection::vec((0..RECORD.len(), any_json()), 0..3);
    let result = runner.run(&members, |members| {
        let mut record = json!({"group": "nominal", "type": "point", "geometry": {"points": [[1, 2, 3]], "count": 1},
            "result": [{"quantity": "all"}], "other": [{"tag": "a"}]});
        for (at, value) in members {
            *record.pointer_mut(RECORD[at]).unwrap_or(&mut Value::Null) = value;
        }
        put_records(&bench, &format!("{record}\n"), 1);
        for (key, params) in CALLS {
            let outcome = bench.call(key, params);
            let fine = matches!(outcome.status, Ok(()) | Err(Status::Failed | Status::NotFound));
            prop_assert!(fine, "{key} {record}: {outcome:?}");
        }
        Ok(())
    });
    result.unwrap();
}

const RECORD: [&str; 12] = [
    "",
    "/group",
    "/type",
    "/geometry",
    "/geometry/points",
    "/geometry/points/0",
    "/geometry/points/0/1",
    "/geometry/count",
    "/result",
    "/result/0",
    "/result/0/quantity",
    "/other/0",
];
