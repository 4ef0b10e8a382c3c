//! `project`, `project.list`, `project.get` and `project.blob`.

use super::damage::put_records;
use super::project::{REAL, in_gom, project, records, with_cloud, with_images};
use jackfield_plugin::Status;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn an_empty_project_is_told_as_empty() {
    let summary = json!({"series": [], "stages": [], "clipboard": {"elements": 0, "by_type": {}},
        "elements": {"total": 0, "by_type": {}}});
    for params in ["{}", "null"] {
        assert_eq!(project(&[]).call("project", params).success(), summary);
    }
    assert_eq!(project(&[]).call("project", r#"{"kind": 1}"#).status, Err(Status::InvalidParams));
}

#[test]
fn the_summary_counts_by_type() {
    let bench = with_images(project(&[(REAL, "clipboard"), (REAL, "new_stage"), (REAL, "new_stage")]), 2);
    let summary = bench.call("project", "{}").success();
    let by_type = json!({"point": 46, "line": 3, "plane": 3, "circle": 7, "slotted_hole": 7, "rectangular_hole": 7,
        "polygon_hole": 6, "sphere": 14, "cylinder": 2, "cone": 2, "dimension": 3, "distance": 11, "angle_3d": 3,
        "curve": 5, "point_cloud": 2});
    assert_eq!(summary["clipboard"], json!({"elements": 121, "by_type": by_type}));
    assert_eq!((&summary["elements"]["total"], &summary["elements"]["by_type"]["point"]), (&json!(242), &json!(92)));
    let stage = json!({"id": "stage-2", "index": 1, "name": "part", "elements": 121, "by_type": by_type});
    assert_eq!(summary["stages"][1], stage);
    let image = |id| json!({"id": id, "file": "/a/b.tif", "width": 64, "height": 48, "format": "tiff"});
    let series = json!([{"name": "other", "focal_length": 50.0, "images": [image("image-1"), image("image-2")]}]);
    assert_eq!(summary["series"], series);
    assert_eq!(summary.get("more"), None);
}

#[test]
fn the_summary_tells_how_many_images_it_leaves_out() {
    let series = &with_images(project(&[]), 1003).call("project", "{}").success()["series"][0];
    assert_eq!((series["images"].as_array().unwrap().len(), &series["more"]), (1000, &json!(3)));
}

#[test]
fn lists_come_in_parts() {
    let bench = with_images(project(&[(REAL, "new_stage"), (REAL, "clipboard"), (REAL, "new_stage")]), 3);
    let list = |params: Value| bench.call("project.list", params).success();
    let ids = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let part = list(json!({"kind": "elements", "offset": 119, "limit": 4}));
    assert_eq!(ids(&part), ["import-1/119", "import-1/120", "import-3/0", "import-3/1"]);
    assert_eq!((&part["kind"], &part["total"], &part["offset"]), (&json!("elements"), &json!(242), &json!(119)));
    assert_eq!((&part["items"][2]["import"], &part["items"][2]["stage"]), (&json!("import-3"), &json!("stage-2")));
    let clipboard = list(json!({"kind": "clipboard", "limit": 10000}));
    let lines = records(&bench, "import-2");
    assert_eq!(ids(&clipboard).len(), lines.len());
    for (item, line) in clipboard["items"].as_array().unwrap().iter().zip(lines) {
        let line: Value = serde_json::from_str(&line).unwrap();
        for (told, stored) in
            [("element_id", "id"), ("name", "name"), ("group", "group"), ("type", "type"), ("state", "state")]
        {
            assert_eq!(item[told], line[stored]);
        }
        assert_eq!((&item["import"], item.get("stage")), (&json!("import-2"), None));
    }
    assert_eq!(ids(&list(json!({"kind": "elements"}))).len(), 100, "the limit unless told");
    for past in [json!(242), json!(u64::MAX)] {
        assert_eq!(ids(&list(json!({"kind": "elements", "offset": past}))), [""; 0]);
    }
    assert_eq!(ids(&list(json!({"kind": "images", "offset": 2}))), ["image-3"]);
    assert_eq!(ids(&list(json!({"kind": "series"}))), ["series/other"]);
    let stage = &list(json!({"kind": "stages", "offset": 1}))["items"][0];
    assert_eq!((&stage["id"], &stage["elements"]), (&json!("stage-2"), &json!(121)));
}

#[test]
fn elements_are_found_in_every_page() {
    let points: String = (0..2500).map(|id| format!("<point id=\"{id}\"/>")).collect();
    let bench = project(&[(&in_gom(&format!("<nominal>{points}</nominal>")), "clipboard")]);
    for number in [0, 1, 999, 1000, 1001, 1999, 2000, 2499] {
        let got = bench.call("project.get", json!({"id": format!("import-1/{number}")})).success();
        assert_eq!(got["item"]["id"], number);
        let list = bench.call("project.list", json!({"kind": "clipboard", "offset": number, "limit": 1})).success();
        assert_eq!(list["items"][0]["element_id"], number);
    }
}

#[test]
fn wrong_params_are_told_with_what_is_right() {
    let bench = project(&[]);
    for (key, params, told) in [
        ("project.list", json!({"kind": "walls"}), "`series`"),
        ("project.list", json!({}), "`kind`"),
        ("project.list", json!({"kind": "series", "limit": 10001}), "at most 10000"),
        ("project.list", json!({"kind": "series", "offset": -1}), "-1"),
        ("project.get", json!({"name": "a"}), "`id`"),
        ("project.export", json!({"format": "pdf"}), "`gxml`"),
        ("project.export", json!({"format": "csv"}), "kind (elements or clipboard), stage and import"),
        ("project.export", json!({"format": "csv", "kind": "clipboard", "stage": "stage-1"}), "one of kind"),
        ("project.blob", json!({"id": "image-1", "encoding": "hex"}), "`base64`"),
    ] {
        let outcome = bench.call(key, &params);
        assert_eq!(outcome.status, Err(Status::InvalidParams), "{params}");
        assert!(outcome.message.contains(told), "{params}: {}", outcome.message);
    }
}

#[test]
fn one_thing_is_got_whole() {
    let bench = with_images(project(&[(REAL, "new_stage"), (REAL, "clipboard")]), 1);
    let lines = records(&bench, "import-1");
    for number in [0, 57, 120] {
        let outcome = bench.call("project.get", json!({"id": format!("import-1/{number}")}));
        let got: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&outcome.json).unwrap();
        assert_eq!(got["item"].get(), lines[number], "digit for digit");
        assert_eq!((got["kind"].get(), got["stage"].get()), (r#""element""#, r#""stage-1""#));
    }
    for (id, kind, told) in [
        ("image-1", "image", "image-1"),
        ("import-1", "import", "import-1"),
        ("stage-1", "stage", "stage-1"),
        ("series/other", "series", "series/other"),
        ("other", "series", "series/other"),
    ] {
        let got = bench.call("project.get", json!({"id": id})).success();
        assert_eq!((&got["kind"], &got["id"]), (&json!(kind), &json!(told)));
        assert!(got["item"].is_object() && got["item"].get("pages").is_none());
    }
}

#[test]
fn unknown_ids_are_answered_with_the_kinds_of_ids() {
    let bench = with_images(project(&[(REAL, "new_stage")]), 1);
    let long = "x".repeat(600);
    for id in ["", "image-2", "import-2/0", "import-1/x", "import-1/-1", "import-1/01", "series/", "series/none", &long]
    {
        let outcome = bench.call("project.get", json!({"id": id}));
        assert_eq!(outcome.status, Err(Status::NotFound), "{id}: {outcome:?}");
        assert!(outcome.message.contains("series/NAME") && outcome.message.contains("import-N/M"), "{outcome:?}");
        assert_eq!(bench.call("project.blob", json!({"id": id})).status, Err(Status::NotFound));
        for member in ["stage", "import"] {
            let outcome = bench.call("project.export", json!({"format": "csv", member: id}));
            assert_eq!(outcome.status, Err(Status::NotFound), "{id}: {outcome:?}");
            assert!(outcome.message.contains(&format!("{member}-N")), "{outcome:?}");
        }
    }
    let outcome = bench.call("project.get", r#"{"id": "import-1/121"}"#);
    assert_eq!(outcome.message, "The import 'import-1' has no element 121; expected 0 to 120.");
}

#[test]
fn a_huge_cloud_is_listed_by_its_head_and_got_without_its_last_points() {
    let bench = project(&[(&with_cloud(60_000), "clipboard")]);
    let list = bench.call("project.list", r#"{"kind": "clipboard"}"#).success();
    let first = json!({"id": "import-1/0", "element_id": 5, "name": "c,\"geometry\":{", "group": "measured",
        "type": "point_cloud", "state": "ok", "import": "import-1"});
    assert_eq!((&list["items"][0], &list["items"][1]["element_id"]), (&first, &json!(6)));
    let outcome = bench.call("project.get", r#"{"id": "import-1/0"}"#);
    assert!(outcome.json.len() < 9 << 20);
    let got = outcome.success();
    let (cloud, omitted) = (&got["item"], got["points_omitted"].as_u64().unwrap());
    let points = cloud["geometry"]["points"].as_array().unwrap();
    assert!(omitted > 0);
    assert_eq!(points.len() as u64 + omitted, 60_000);
    assert!(points.iter().all(|point| *point == json!([1.0, 2.0, 3.0])));
    assert_eq!((&cloud["geometry"]["count"], &cloud["result"][0]["quantity"]), (&json!(60_000), &json!("all")));
    let zeros = "0".repeat(56);
    assert!(outcome.json.contains(&format!("[1.{zeros},2.{zeros},3.{zeros}]")), "digit for digit");
    assert_eq!(bench.call("project.get", r#"{"id": "import-1/1"}"#).success()["item"]["id"], 6);
}

#[test]
fn blobs_are_attachments_or_base64() {
    let bench = with_images(project(&[(REAL, "clipboard")]), 1);
    let outcome = bench.call("project.blob", r#"{"id": "image-1"}"#);
    let expected = json!({"content_type": "image/tiff", "bytes": 13, "size": 13, "blob": {"$attachment": 0}});
    assert_eq!(outcome.success(), expected);
    let attachment = &outcome.attachments[0];
    assert_eq!((attachment.name.as_str(), attachment.content_type.as_str()), ("b.tif", "image/tiff"));
    assert_eq!(attachment.bytes, b"II*\0 original");
    let outcome = bench.call("project.blob", r#"{"id": "image-1", "thumbnail": true, "encoding": "base64"}"#);
    let expected = json!({"content_type": "image/png", "bytes": 10, "size": 10, "base64": "iVBORyBzbWFsbA=="});
    assert_eq!((outcome.success(), outcome.attachments.len()), (expected, 0));
    let outcome = bench.call("project.blob", r#"{"id": "import-1"}"#);
    assert_eq!(outcome.success()["content_type"], "application/x-ndjson");
    let text = String::from_utf8(outcome.attachments[0].bytes.clone()).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), records(&bench, "import-1"));
    let part = bench.call("project.blob", r#"{"id": "import-1", "offset": 2, "length": 5}"#);
    assert_eq!(part.success()["size"], text.len());
    assert_eq!(part.attachments[0].bytes, text.as_bytes()[2..7]);
    let past = bench.call("project.blob", json!({"id": "import-1", "offset": u64::MAX}));
    assert_eq!(past.success()["bytes"], 0);
    let outcome = bench.call("project.blob", r#"{"id": "import-1", "thumbnail": true}"#);
    assert_eq!(outcome.status, Err(Status::InvalidParams));
}

#[test]
fn a_blob_too_large_for_base64_is_refused_and_can_be_had_in_parts() {
    let bench = project(&[(&in_gom(""), "clipboard")]);
    put_records(&bench, &" ".repeat((64 << 20) + 1), 1);
    let outcome = bench.call("project.blob", r#"{"id": "import-1", "encoding": "base64"}"#);
    assert_eq!(outcome.status, Err(Status::TooLarge));
    assert!(outcome.message.contains("base64") && outcome.message.contains("offset and length"), "{outcome:?}");
    let part = bench.call("project.blob", r#"{"id": "import-1", "encoding": "base64", "offset": 9, "length": 4}"#);
    assert_eq!(part.success()["bytes"], 4);
}
