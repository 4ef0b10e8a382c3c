//! The commands on what `elements` really writes.

/// The plugin beside this one, compiled in: a plugin's library cannot be linked to.
#[path = "../../elements/src/plugin/mod.rs"]
mod elements;

use super::Project;
use elements::Elements;
use jackfield_plugin::testing::{Attachment, Bench};
use jackfield_plugin::{Status, Store};
use serde_json::{Value, json};
use std::io::Write;

const REAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/gxml/kensobi_model1_2023_part_all.gxml");

/// What a file becomes.
type Import<'a> = (&'a [u8], &'a str);

/// A project with these imports.
fn project(imports: &[Import]) -> Bench<Project> {
    let from = Bench::<Elements>::new("{}").unwrap();
    for (content, mode) in imports {
        let file = Attachment::new("part.gxml", "", *content);
        from.call_with("elements", json!({"import_mode": mode}), vec![file]).success();
    }
    let to = Bench::<Project>::new("{}").unwrap();
    copy(&from.store(), &to.store());
    to
}

fn copy(from: &Store, to: &Store) {
    let batch = to.begin().unwrap();
    for collection in ["imports", "stages"] {
        let mut documents: Vec<(String, Value)> = Vec::new();
        let each = |id: &str, json: &str| {
            documents.push((id.to_owned(), serde_json::from_str(json).unwrap()));
            true
        };
        from.list(collection, 0, u64::MAX, each).unwrap();
        for (id, document) in documents {
            let blob = document["blob"].as_str().map(|name| {
                let mut blob = batch.blob().unwrap();
                blob.write_all(&from.blob_read(name, 0, u64::MAX).unwrap()).unwrap();
                blob.finish().unwrap()
            });
            batch.put_json(collection, &id, &document, &blob.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        }
    }
    batch.commit().unwrap();
}

fn with_images(bench: Bench<Project>, count: u64) -> Bench<Project> {
    let store = bench.store();
    let batch = store.begin().unwrap();
    let write = |bytes: &[u8]| {
        let mut blob = batch.blob().unwrap();
        blob.write_all(bytes).unwrap();
        blob.finish().unwrap()
    };
    let (blob, thumbnail) = (write(b"II*\0 original"), write(b"\x89PNG small"));
    let series = json!({"name": "other", "focal_length": 50.0, "images": count, "created_at": 1});
    batch.put_json("series", "other", &series, &[]).unwrap();
    for number in 1..=count {
        let id = format!("image-{number}");
        let image = json!({"id": id, "series": "other", "file": "/a/b.tif", "format": "tiff", "width": 64, "height": 48,
            "bytes": 13, "focal_length": 50.0, "exif": {}, "blob": blob, "thumbnail": thumbnail, "imported_at": 1});
        batch.put_json("images", &id, &image, &[&blob, &thumbnail]).unwrap();
    }
    batch.commit().unwrap();
    bench
}

fn real() -> Vec<u8> {
    std::fs::read(REAL).unwrap()
}

fn records(bench: &Bench<Project>, import: &str) -> Vec<String> {
    let outcome = bench.call("project.blob", json!({"id": import}));
    outcome.success();
    let text = String::from_utf8(outcome.attachments[0].bytes.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn in_gom(content: &str) -> String {
    format!("<gom><header><length_unit>mm</length_unit></header>{content}</gom>")
}

#[test]
fn an_empty_project_is_told_as_empty() {
    let nothing = json!({"elements": 0, "nominal": 0, "measured": 0, "by_type": {}});
    let summary = json!({"series": [], "series_count": 0, "images": 0, "stages": 0, "stage_list": [], "imports": 0,
        "clipboard": nothing, "elements": nothing});
    for params in ["{}", "null"] {
        assert_eq!(project(&[]).call("project", params).success(), summary);
    }
}

#[test]
fn the_summary_counts_by_type() {
    let file = real();
    let bench = with_images(project(&[(&file, "clipboard"), (&file, "new_stage"), (&file, "new_stage")]), 2);
    let summary = bench.call("project", "{}").success();
    let clipboard = &summary["clipboard"];
    assert_eq!(
        (&clipboard["elements"], &clipboard["nominal"], &clipboard["measured"]),
        (&json!(121), &json!(44), &json!(77))
    );
    assert_eq!((&clipboard["by_type"]["point"], &clipboard["by_type"]["sphere"]), (&json!(46), &json!(14)));
    assert_eq!(summary["elements"]["by_type"]["point"], 92);
    assert_eq!((&summary["stages"], &summary["imports"], &summary["images"]), (&json!(2), &json!(3), &json!(2)));
    assert_eq!(summary["stage_list"][1], json!({"id": "stage-2", "index": 1, "name": "part", "import": "import-3"}));
    let image = json!({"id": "image-1", "file": "/a/b.tif", "format": "tiff", "width": 64, "height": 48});
    let series = &summary["series"][0];
    assert_eq!(
        (&series["name"], &series["focal_length"], &series["count"]),
        (&json!("other"), &json!(50.0), &json!(2))
    );
    assert_eq!(series["images"][0], image);
}

#[test]
fn lists_come_in_parts() {
    let file = real();
    let bench = with_images(project(&[(&file, "new_stage"), (&file, "clipboard"), (&file, "new_stage")]), 3);
    let list = |params: Value| bench.call("project.list", params).success();
    let part = list(json!({"kind": "elements", "offset": 120, "limit": 2}));
    assert_eq!((&part["total"], &part["next"]), (&json!(242), &json!(122)));
    let ids: Vec<&Value> = part["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, ["import-1/120", "import-3/0"]);
    let first = &list(json!({"kind": "clipboard", "limit": 1}))["items"][0];
    let line: Value = serde_json::from_str(&records(&bench, "import-2")[0]).unwrap();
    for member in ["name", "group", "type", "state", "actual"] {
        assert_eq!(first.get(member).unwrap_or(&Value::Null), line.get(member).unwrap_or(&Value::Null), "{member}");
    }
    assert_eq!(first["element"], line["id"]);
    let mut offset = json!(0);
    let mut all = 0;
    while offset.is_number() {
        let part = list(json!({"kind": "elements", "offset": offset}));
        all += part["items"].as_array().unwrap().len();
        offset = part["next"].clone();
    }
    assert_eq!(all, 242);
    assert_eq!(list(json!({"kind": "elements", "offset": 1000}))["items"], json!([]));
    assert_eq!(list(json!({"kind": "images", "offset": 2}))["items"][0]["id"], "image-3");
    assert_eq!(list(json!({"kind": "series"}))["items"][0]["id"], "series/other");
    assert_eq!(list(json!({"kind": "stages"}))["total"], 2);
    assert_eq!(bench.call("project.list", r#"{"kind": "walls"}"#).status, Err(Status::InvalidParams));
}

#[test]
fn one_thing_is_got_whole() {
    let bench = with_images(project(&[(&real(), "new_stage")]), 1);
    let lines = records(&bench, "import-1");
    for index in [0, 57, 120] {
        let json = bench.call("project.get", json!({"id": format!("import-1/{index}")})).json;
        assert!(json.contains(&lines[index]), "{json}: numbers keep their digits");
    }
    for (id, kind) in [
        ("image-1", "image"),
        ("import-1", "import"),
        ("stage-1", "stage"),
        ("series/other", "series"),
        ("other", "series"),
    ] {
        assert_eq!(bench.call("project.get", json!({"id": id})).success()["kind"], kind, "{id}");
    }
    let long = "x".repeat(600);
    for id in
        ["", "image-2", "import-1/121", "import-2/0", "import-1/x", "import-1/-1", "series/", "series/none", &long]
    {
        let outcome = bench.call("project.get", json!({"id": id}));
        assert_eq!((outcome.status, outcome.code), (Err(Status::NotFound), 1), "{id}: {outcome:?}");
    }
}

#[test]
fn large_clouds_are_listed_and_passed_over_but_not_got() {
    let points = r#"<point x="1.000000" y="2.000000" z="3.000000"/>"#.repeat(400_000);
    let cloud = format!(
        "<point_cloud id=\"5\" name=\"c,&quot;geometry&quot;:{{\"><state>ok</state><geometry>{points}</geometry></point_cloud>"
    );
    let bench = project(&[(in_gom(&format!("<measured>{cloud}<point id=\"6\"/></measured>")).as_bytes(), "clipboard")]);
    let list = bench.call("project.list", r#"{"kind": "clipboard"}"#).success();
    let name = "c,\"geometry\":{";
    let first = json!({"id": "import-1/0", "element": 5, "name": name, "group": "measured", "type": "point_cloud",
        "state": "ok", "actual": null});
    assert_eq!(list["items"][0], first);
    assert_eq!(list["items"][1]["element"], 6);
    assert_eq!(bench.call("project.get", r#"{"id": "import-1/1"}"#).success()["value"]["id"], 6);
    for (key, params) in [("project.get", json!({"id": "import-1/0"})), ("project.export", json!({"format": "gxml"}))] {
        let outcome = bench.call(key, params);
        assert_eq!((outcome.status, outcome.code), (Err(Status::TooLarge), 2));
        assert!(outcome.message.contains("project.blob"), "{}", outcome.message);
    }
    let rest = bench.call("project.export", r#"{"format": "csv", "offset": 1}"#).success();
    assert_eq!((&rest["elements"], &rest["total"]), (&json!(1), &json!(2)));
}

/// Exports everything as GXML, imports that, and compares.
#[track_caller]
fn round_trip(content: &[u8]) {
    let bench = project(&[(content, "clipboard")]);
    let export = bench.call("project.export", r#"{"format": "gxml", "import": "import-1"}"#).success();
    assert_eq!(export["content_type"], "application/xml");
    let text = export["text"].as_str().unwrap();
    let again = project(&[(text.as_bytes(), "clipboard")]);
    let [before, after] = [&bench, &again].map(|bench| records(bench, "import-1"));
    assert_eq!(before.len() as u64, export["elements"].as_u64().unwrap());
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    let [before, after] = [&bench, &again].map(|bench| bench.call("project.get", r#"{"id": "import-1"}"#).success());
    for member in ["header", "header_other", "other", "counts", "unknown"] {
        assert_eq!(before["value"][member], after["value"][member], "{member}");
    }
}

#[test]
fn what_is_exported_and_imported_again_is_the_same() {
    round_trip(&real());
    round_trip(b"<gom/>");
    let content = r#"<stages a="1"><stage b="&quot;&#10;">x&lt;y</stage></stages><nominal>
        <mesh id="7" name="&lt;&#x70B9;&#10;&quot;'/" color="red"><comment> a &amp; b&#13; </comment>
        <geometry><tri i="1">a<b/></tri></geometry><result/><foo/></mesh>
        <point_cloud><geometry><point x="1" y="2" z="3"><normal x="0" y="invalid" z="1"/><rgb>7</rgb></point>
        <point x="1" y="2" z="3"/><point x="1" y="2" z="3"><rgb/></point></geometry></point_cloud>
        <cylinder><measure_opposite use="no"/><geometry><location>inside</location><radius>invalid</radius></geometry>
        <result><all checked="0" odd="1"><deviation value="invalid"/><measured x="1" y="invalid" z="3"/><odd/></all>
        <distance restriction="x" unit_name="length"><tolerance lower_limit="-1" upper_limit="invalid"/></distance></result>
        </cylinder></nominal><measured/>"#;
    round_trip(in_gom(content).as_bytes());
}

#[test]
fn an_export_can_be_of_a_part() {
    let file = real();
    let bench = project(&[(&file, "clipboard"), (&file, "new_stage")]);
    let count = |params: Value| {
        let export = bench.call("project.export", params).success();
        (export["elements"].as_u64().unwrap(), export["total"].as_u64().unwrap())
    };
    assert_eq!(count(json!({"format": "csv"})), (242, 242));
    assert_eq!(count(json!({"format": "csv", "kind": "clipboard", "offset": 100})), (21, 121));
    assert_eq!(count(json!({"format": "gxml", "stage": "stage-1", "limit": 5})), (5, 121));
    assert_eq!(count(json!({"format": "gxml", "kind": "all", "offset": 120, "limit": 2})), (2, 242));
    assert_eq!(count(json!({"format": "gxml", "offset": 500, "limit": 2})), (0, 242));
    for (params, status) in [
        (json!({"format": "gxml", "stage": "stage-9"}), Status::NotFound),
        (json!({"format": "gxml", "stage": ""}), Status::NotFound),
        (json!({"format": "gxml", "import": "import-9"}), Status::NotFound),
        (json!({"format": "gxml", "import": "import-1", "kind": "all"}), Status::InvalidParams),
        (json!({"format": "pdf"}), Status::InvalidParams),
    ] {
        assert_eq!(bench.call("project.export", &params).status, Err(status), "{params}");
    }
}

#[test]
fn an_export_over_the_limit_says_how_to_ask() {
    let comment = "x".repeat(1 << 20);
    let element = format!("<point><comment>{comment}</comment></point>");
    let bench = project(&[(in_gom(&format!("<nominal>{}</nominal>", element.repeat(20))).as_bytes(), "clipboard")]);
    let outcome = bench.call("project.export", r#"{"format": "gxml", "offset": 3}"#);
    assert_eq!(outcome.status, Err(Status::TooLarge));
    let details: Value = serde_json::from_str(&outcome.json).unwrap();
    assert_eq!(details["expected"], json!({"offset": 3, "limit": 7}));
    assert!(outcome.message.contains("'offset' and 'limit'"), "{}", outcome.message);
    let part = json!({"format": "gxml", "offset": 3, "limit": 7});
    assert_eq!(bench.call("project.export", part).success()["elements"], 7);
}

#[test]
fn imports_of_other_units_are_not_mixed() {
    let inch = "<gom><header><length_unit>inch</length_unit></header></gom>";
    let bench = project(&[(in_gom("").as_bytes(), "clipboard"), (inch.as_bytes(), "clipboard")]);
    let outcome = bench.call("project.export", r#"{"format": "gxml"}"#);
    assert_eq!(
        outcome.message,
        "The length_unit of 'import-1' is 'mm' and that of 'import-2' is 'inch'; export them one by one."
    );
}

#[test]
fn a_table_has_a_row_for_each_element() {
    let export = project(&[(&real(), "clipboard")]).call("project.export", r#"{"format": "csv"}"#).success();
    assert_eq!(export["content_type"], "text/csv");
    let text = export["text"].as_str().unwrap();
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let head = rows.headers().unwrap().clone();
    assert!(text.starts_with("id,element,name,group,type,state,actual,x,y,z,") && text.ends_with("\r\n"));
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 121);
    let circle = rows.iter().find(|row| &row[1] == "16778846").unwrap();
    let cell = |name: &str| &circle[head.iter().position(|column| column == name).unwrap()];
    assert_eq!((cell("x"), cell("y"), cell("z")), ("443.501308", "750.000000", "-4.992824"));
    assert_eq!((cell("normal_y"), cell("radius"), cell("x2"), cell("points")), ("1.000000", "10.002147", "", ""));
    assert_eq!((cell("type"), cell("group"), cell("state"), cell("actual")), ("circle", "nominal", "ok", "16778933"));
}

#[test]
fn blobs_are_attachments_or_base64() {
    let bench = with_images(project(&[(in_gom("<nominal><point/></nominal>").as_bytes(), "clipboard")]), 1);
    let outcome = bench.call("project.blob", r#"{"id": "image-1"}"#);
    let expected =
        json!({"blob": {"$attachment": 0}, "content_type": "image/tiff", "offset": 0, "bytes": 13, "size": 13});
    assert_eq!(outcome.success(), expected);
    assert_eq!(outcome.attachments, [Attachment::new("image-1", "image/tiff", *b"II*\0 original")]);
    let outcome = bench.call(
        "project.blob",
        r#"{"id": "image-1", "thumbnail": true, "encoding": "base64", "offset": 1, "length": 3}"#,
    );
    let expected = json!({"blob": "UE5H", "content_type": "image/png", "offset": 1, "bytes": 3, "size": 10});
    assert_eq!((outcome.success(), outcome.attachments.len()), (expected, 0));
    let outcome = bench.call("project.blob", r#"{"id": "import-1", "encoding": "base64", "offset": 1000}"#);
    assert_eq!((&outcome.success()["blob"], &outcome.success()["bytes"]), (&json!(""), &json!(0)));
    for params in [json!({"id": "image-2"}), json!({"id": ""}), json!({"id": "import-1", "thumbnail": true})] {
        assert_eq!(bench.call("project.blob", params).status, Err(Status::NotFound));
    }
}

#[test]
fn a_blob_over_the_limit_says_how_to_ask() {
    let comment = "x".repeat(1 << 20);
    let element = format!("<point><comment>{comment}</comment></point>");
    let bench = project(&[(in_gom(&format!("<nominal>{}</nominal>", element.repeat(9))).as_bytes(), "clipboard")]);
    let outcome = bench.call("project.blob", r#"{"id": "import-1", "encoding": "base64"}"#);
    assert_eq!((outcome.status, outcome.code), (Err(Status::TooLarge), 2));
    assert!(outcome.message.contains("'offset' and 'length'"), "{}", outcome.message);
    assert_eq!(
        bench.call("project.blob", r#"{"id": "import-1"}"#).attachments[0].bytes.len(),
        records(&bench, "import-1").join("\n").len() + 1
    );
}

#[test]
fn schemas_are_json() {
    for schema in [
        include_str!("schemas/project.result.json"),
        include_str!("schemas/list.params.json"),
        include_str!("schemas/list.result.json"),
        include_str!("schemas/get.params.json"),
        include_str!("schemas/get.result.json"),
        include_str!("schemas/export.params.json"),
        include_str!("schemas/export.result.json"),
        include_str!("schemas/blob.params.json"),
        include_str!("schemas/blob.result.json"),
    ] {
        assert_eq!(serde_json::from_str::<Value>(schema).unwrap()["type"], "object");
    }
}

#[test]
fn its_examples_work() {
    let bench = with_images(project(&[(&real(), "new_stage")]), 1);
    assert_eq!(bench.run_examples(), Ok(9));
}
