//! `project.export`.

use super::project::{REAL, in_gom, project, records, with_cloud};
use jackfield_plugin::Status;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Exports everything as GXML, imports that, and compares.
#[track_caller]
fn round_trip(content: &[u8]) -> String {
    let bench = project(&[(content, "clipboard")]);
    let export = bench.call("project.export", r#"{"format": "gxml", "import": "import-1"}"#).success();
    assert_eq!((&export["content_type"], &export["warnings"]), (&json!("application/xml"), &json!([])));
    let text = export["text"].as_str().unwrap();
    let again = project(&[(text.as_bytes(), "clipboard")]);
    let [before, after] = [&bench, &again].map(|bench| records(bench, "import-1"));
    assert_eq!(export["elements"], before.len());
    assert_eq!(before, after, "byte for byte");
    let [before, after] = [&bench, &again].map(|bench| bench.call("project.get", r#"{"id": "import-1"}"#).success());
    for member in ["header", "header_other", "other", "counts", "unknown"] {
        assert_eq!(before["item"][member], after["item"][member], "{member}");
    }
    text.to_owned()
}

#[test]
fn the_real_file_is_the_same_after_export_and_import() {
    let text = round_trip(REAL);
    // The group of a file stands on one line, each element begins as it does in the original.
    for line in [r#"    <circle id="16778846" name="Circle 2">"#, r#"        <radius>10.002147</radius>"#] {
        assert!(text.lines().any(|other| other == line), "{line}");
    }
    let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&text).len(), words(std::str::from_utf8(REAL).unwrap()).len());
}

#[test]
fn what_is_not_known_is_the_same_after_export_and_import() {
    round_trip(b"<gom/>");
    let content = r#"<stages a="1"><stage b="&quot;&#10;">x&lt;y</stage></stages><nominal>
        <mesh id="7" name="&lt;&#x70B9;&#10;&#9;&quot;'/" color="red"><comment> a &amp; b&#13; </comment>
        <geometry><tri i="1">a<b/></tri></geometry><result/><foo/></mesh>
        <point_cloud><geometry><point x="1" y="2" z="3"><normal x="0" y="invalid" z="1"/><rgb>7</rgb></point>
        <point x="1" y="2" z="3"/><point x="1" y="2" z="3"><rgb/></point></geometry></point_cloud>
        <cylinder><measure_opposite use="no"/><geometry><location>inside</location><radius>invalid</radius></geometry>
        <result><all checked="0" odd="1"><deviation value="invalid"/><measured x="1" y="invalid" z="3"/><odd/></all>
        <distance restriction="x" unit_name="length"><tolerance lower_limit="-1" upper_limit="invalid"/></distance></result>
        </cylinder></nominal><measured><circle/></measured>"#;
    round_trip(&in_gom(content));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_the_same_after_export_and_import(text in r"([\PC\t\n\r<>&'\x22]|\]\]>){0,20}") {
        let escaped: String = text.chars().map(|character| format!("&#{};", u32::from(character))).collect();
        let content = format!(r#"<nominal><point name="{escaped}" odd="{escaped}"><comment>{escaped}</comment>
            <odd>x{escaped}<b/></odd></point></nominal>"#);
        round_trip(&in_gom(&content));
    }
}

#[test]
fn what_xml_cannot_hold_is_replaced_and_told() {
    let bench = project(&[(&in_gom(r#"<nominal><point name="n"/></nominal>"#), "clipboard")]);
    super::damage::put_records(&bench, "{\"name\":\"a\\u0001\",\"group\":\"nominal\",\"type\":\"point\"}\n", 1);
    let export = bench.call("project.export", r#"{"format": "gxml", "kind": "clipboard"}"#).success();
    assert!(export["text"].as_str().unwrap().contains("name=\"a\u{fffd}\""));
    assert!(export["warnings"][0].as_str().unwrap().contains("U+FFFD"));
}

#[test]
fn an_export_can_be_of_a_part() {
    let bench = project(&[(REAL, "clipboard"), (REAL, "new_stage")]);
    let count = |params: Value| {
        let export = bench.call("project.export", params).success();
        (export["elements"].as_u64().unwrap(), export["total"].as_u64().unwrap())
    };
    assert_eq!(count(json!({"format": "csv", "kind": "clipboard", "offset": 100})), (21, 121));
    assert_eq!(count(json!({"format": "gxml", "stage": "stage-1", "limit": 5})), (5, 121));
    assert_eq!(count(json!({"format": "gxml", "import": "import-2", "offset": 120, "limit": 2})), (1, 121));
    assert_eq!(count(json!({"format": "gxml", "kind": "elements", "offset": 500, "limit": 2})), (0, 121));
    assert_eq!(count(json!({"format": "csv", "kind": "elements", "offset": u64::MAX})), (0, 121));
}

#[test]
fn an_export_over_the_limit_says_how_to_ask() {
    let comment = "x".repeat(1 << 20);
    let element = format!("<point><comment>{comment}</comment></point>");
    let content = in_gom(&format!("<nominal>{}</nominal>", element.repeat(20)));
    let bench = project(&[(&content, "clipboard")]);
    for format in ["gxml", "csv"] {
        let outcome = bench.call("project.export", json!({"format": format, "kind": "clipboard", "offset": 3}));
        assert_eq!(outcome.status, Err(Status::TooLarge));
        assert!(outcome.message.contains("limit 7") && outcome.message.contains("offset 10"), "{}", outcome.message);
        let details: Value = serde_json::from_str(&outcome.json).unwrap();
        assert_eq!(details["expected"], json!({"offset": 3, "limit": 7}));
        let part = json!({"format": format, "kind": "clipboard", "offset": 3, "limit": 7});
        assert_eq!(bench.call("project.export", part).success()["elements"], 7);
    }
}

#[test]
fn an_element_that_alone_is_too_large_is_named() {
    // One whose record is short enough to be read, one whose record is not.
    let clouds = [45_000, 100_000].map(with_cloud);
    let bench = project(&[(&clouds[0], "new_stage"), (&clouds[1], "clipboard")]);
    for (kind, id) in [("elements", "'import-1/0'"), ("clipboard", "'import-2/0'")] {
        let outcome = bench.call("project.export", json!({"format": "gxml", "kind": kind}));
        assert_eq!(outcome.status, Err(Status::TooLarge));
        assert!(outcome.message.contains(id) && outcome.message.contains("project.blob"), "{outcome:?}");
    }
    let export = bench.call("project.export", r#"{"format": "gxml", "kind": "clipboard", "offset": 1}"#).success();
    assert_eq!(export["elements"], 1);
    let export = bench.call("project.export", r#"{"format": "csv", "kind": "clipboard"}"#).success();
    assert!(export["text"].as_str().unwrap().contains(",100000,,,import-2/0\r\n"), "a row needs no points");
}

#[test]
fn imports_are_put_together_where_their_units_are_the_same() {
    let inch: &[u8] = b"<gom><header><length_unit>inch</length_unit></header></gom>";
    let one = in_gom(r#"<nominal><point id="1"/></nominal><measured><point id="2"/></measured><odd/>"#);
    let bench = project(&[(&one, "clipboard"), (&one, "clipboard")]);
    let export = bench.call("project.export", r#"{"format": "gxml", "kind": "clipboard"}"#).success();
    let text = export["text"].as_str().unwrap();
    for (part, times) in [("<nominal>", 1), ("<measured>", 1), ("<header>", 1), ("<odd>", 2), (r#"id="1""#, 2)] {
        assert_eq!(text.matches(part).count(), times, "{part}");
    }
    assert!(export["warnings"][0].as_str().unwrap().contains("stand more than once"));
    let bench = project(&[(&one, "clipboard"), (inch, "clipboard")]);
    let outcome = bench.call("project.export", r#"{"format": "gxml", "kind": "clipboard"}"#);
    assert_eq!(
        outcome.message,
        "A file has one length_unit: \"mm\" in 'import-1', \"inch\" in 'import-2'. Export them one by one, by import."
    );
}

#[test]
fn a_table_has_a_row_for_each_element() {
    let bench = project(&[(REAL, "clipboard")]);
    let export = bench.call("project.export", r#"{"format": "csv", "kind": "clipboard"}"#).success();
    let text = export["text"].as_str().unwrap();
    assert!(text.starts_with("id,name,group,type,state,x,y,z,nx,ny,nz,") && text.ends_with("\r\n"));
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let head = rows.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 121);
    let row = |id: &str| rows.iter().find(|row| &row[0] == id).unwrap();
    let cells =
        |id: &str, names: &[&str]| names.iter().map(|name| row(id)[column(name)].to_owned()).collect::<Vec<_>>();
    assert_eq!(
        cells("16778846", &["x", "y", "z", "ny", "radius", "x2", "points", "type", "group", "state", "actual"]),
        [
            "443.501308",
            "750.000000",
            "-4.992824",
            "1.000000",
            "10.002147",
            "",
            "",
            "circle",
            "nominal",
            "ok",
            "16778933"
        ]
    );
    assert_eq!(
        cells("16778880", &["distance_x", "distance", "length", "x1"]),
        ["6.069546", "", "13.225271", "452.162586"]
    );
    assert_eq!(cells("16778908", &["points", "element"])[0], "15");
}

#[test]
fn names_stand_in_a_table_as_csv_quotes_them() {
    let content = in_gom(
        r#"<nominal><point name="=1+1,&quot;a&quot;&#10;b"><geometry><pos x="invalid" y="1" z="2"/></geometry></point></nominal>"#,
    );
    let bench = project(&[(&content, "clipboard")]);
    let export = bench.call("project.export", r#"{"format": "csv", "kind": "clipboard"}"#).success();
    assert!(export["text"].as_str().unwrap().contains("\r\n,\"=1+1,\"\"a\"\"\nb\",nominal,point,,invalid,1,2,"));
}
