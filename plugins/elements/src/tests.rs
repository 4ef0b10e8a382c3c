//! The command as clients see it.

use super::plugin::Elements;
use jackfield_plugin::Status;
use jackfield_plugin::testing::{Attachment, Bench, Outcome, Request};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn fixture(name: &str) -> String {
    root().join("tests/fixtures/gxml").join(name).to_str().unwrap().to_owned()
}

fn bench() -> Bench<Elements> {
    Bench::new("{}").unwrap()
}

fn import(bench: &Bench<Elements>, content: impl AsRef<[u8]>) -> Outcome {
    let attachment = Attachment::new("a.gxml", "application/xml", content.as_ref());
    bench.call_with("elements", r#"{"import_mode": "clipboard"}"#, vec![attachment])
}

/// The records of an import, in order.
fn records(bench: &Bench<Elements>, import: &str) -> Vec<Value> {
    let document: Value = bench.store().get_json("imports", import).unwrap().unwrap();
    let blob = document["blob"].as_str().unwrap();
    let text = bench.store().blob_read(blob, 0, u64::MAX).unwrap().into_text().unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn in_gom(content: &str) -> String {
    format!("<gom><header><length_unit>mm</length_unit><angle_unit>deg</angle_unit></header>{content}</gom>")
}

/// Why an import failed; it must have left nothing.
#[track_caller]
fn reason(content: impl AsRef<[u8]>) -> String {
    let bench = bench();
    let outcome = import(&bench, content);
    assert_eq!(outcome.status, Err(Status::Failed), "{outcome:?}");
    assert_eq!(outcome.message, "Elements could not be imported from file a.gxml with import mode clipboard.");
    assert_eq!(outcome.code, 3);
    for collection in ["imports", "stages", "counters"] {
        assert_eq!(bench.store().count(collection).unwrap(), 0);
    }
    let details: Value = serde_json::from_str(&outcome.json).unwrap();
    details["reason"].as_str().unwrap().to_owned()
}

#[test]
fn the_real_file_is_read_whole() {
    let bench = bench();
    let file = fixture("kensobi_model1_2023_part_all.gxml");
    let result = bench.call("elements", json!({"file": file, "import_mode": "new_stage"})).success();
    let nominal = json!({"point": 24, "circle": 3, "slotted_hole": 3, "rectangular_hole": 3, "polygon_hole": 3,
        "dimension": 3, "distance": 2, "curve": 2, "point_cloud": 1});
    let measured = json!({"point": 22, "line": 3, "plane": 3, "circle": 4, "slotted_hole": 4, "rectangular_hole": 4,
        "polygon_hole": 3, "sphere": 14, "cylinder": 2, "cone": 2, "distance": 9, "angle_3d": 3, "curve": 3,
        "point_cloud": 1});
    assert_eq!(
        result,
        json!({"id": "import-1", "stage": "stage-1", "import_mode": "new_stage", "elements": 121,
            "counts": {"nominal": nominal, "measured": measured}, "unknown": {}, "warnings": []})
    );
    let document: Value = bench.store().get_json("imports", "import-1").unwrap().unwrap();
    assert_eq!(document["file"], json!(file));
    assert_eq!(document["header"], json!({"version": "2019.1", "length_unit": "mm", "angle_unit": "deg"}));
    assert_eq!(document["pages"], json!([[0, 0]]));
    let stage: Value = bench.store().get_json("stages", "stage-1").unwrap().unwrap();
    let name = "kensobi_model1_2023_part_all";
    assert_eq!(stage, json!({"id": "stage-1", "index": 0, "name": name, "import": "import-1"}));
    let records = records(&bench, "import-1");
    assert_eq!(records.len(), 121);
    let find = |id: u64| records.iter().find(|record| record["id"] == id).unwrap();
    let circle = find(16_778_846);
    assert_eq!(circle["geometry"]["radius"].to_string(), "10.002147");
    assert_eq!(circle["actual"], 16_778_933);
    assert_eq!(
        circle["result"][1],
        json!({"quantity": "diameter", "checked": true, "unit_name": "length",
        "tolerance": [-1.0, 1.0], "nominal_scalar": 20.004_294, "deviation": 0.423_324, "measured": 20.427_618})
    );
    let point = find(16_778_842);
    assert_eq!(point["result"][1]["measured"], Value::Null, "invalid is null");
    let curves: Vec<&Value> = records.iter().filter_map(|record| record["geometry"].get("curve_data")).collect();
    let points: Vec<u64> = curves.iter().map(|curve| curve[0]["points"].as_u64().unwrap()).collect();
    assert_eq!((points.iter().sum::<u64>(), points.len()), (122 + 15 + 512 + 127 + 409, 5));
    let cloud = records.iter().find(|record| record["type"] == "point_cloud").unwrap();
    assert_eq!(cloud["geometry"]["count"], cloud["geometry"]["points"].as_array().unwrap().len());
    assert_eq!(cloud["geometry"]["points"][0], json!([413.303_001, 752.088_466, 282.622_551, 0.0, 1.0, 0.0]));
    let hole = records.iter().find(|record| record.get("measure_opposite").is_some()).unwrap();
    assert_eq!(hole["measure_opposite"]["use"], "yes");
}

#[test]
fn records_keep_the_digits_of_the_file() {
    let bench = bench();
    let element = r#"<point id="1" name="a"><geometry><pos x="750.000000" y="-0.10" z="+1"/></geometry></point>"#;
    import(&bench, in_gom(&format!("<measured>{element}</measured>"))).success();
    let document: Value = bench.store().get_json("imports", "import-1").unwrap().unwrap();
    let line = bench.store().blob_read(document["blob"].as_str().unwrap(), 0, 1000).unwrap().into_text().unwrap();
    assert_eq!(
        &*line,
        "{\"id\":1,\"name\":\"a\",\"group\":\"measured\",\"type\":\"point\",\"geometry\":{\"pos\":[750.000000,-0.10,1]}}\n"
    );
}

#[test]
fn unknown_tags_are_kept_and_counted() {
    let bench = bench();
    let content = r#"<stages a="1"><stage>x</stage></stages><nominal><mesh id="7" color="red"><geometry><tri i="1">a<b/></tri>
        </geometry><foo/></mesh><point_cloud><geometry><point x="1" y="2" z="3"><normal x="0" y="0" z="1"/><rgb>7</rgb>
        </point><point x="1" y="2" z="3"/></geometry><result><all><odd/></all><weird checked="1"/></result></point_cloud></nominal>"#;
    let result = import(&bench, in_gom(content)).success();
    let unknown = json!({"stages": 1, "mesh": 1, "tri": 1, "foo": 1, "rgb": 1, "odd": 1, "weird": 1});
    assert_eq!(result["unknown"], unknown);
    assert_eq!(result["counts"], json!({"nominal": {"mesh": 1, "point_cloud": 1}, "measured": {}}));
    let warning = "Unknown tags were kept as they are: foo, mesh, odd, rgb, stages, tri, weird.";
    assert_eq!(result["warnings"], json!([warning]));
    let document: Value = bench.store().get_json("imports", "import-1").unwrap().unwrap();
    let stages = json!([{"tag": "stages", "attributes": {"a": "1"}, "children": [{"tag": "stage", "text": "x"}]}]);
    assert_eq!(document["other"], stages);
    let tri = json!([{"tag": "tri", "attributes": {"i": "1"}, "children": [{"tag": "b"}], "text": "a"}]);
    let mesh = json!({"id": 7, "group": "nominal", "type": "mesh", "attributes": {"color": "red"},
        "geometry": {"other": tri}, "other": [{"tag": "foo"}]});
    let points = json!([[1, 2, 3, 0, 0, 1, [{"tag": "rgb", "text": "7"}]], [1, 2, 3]]);
    let result = json!([{"quantity": "all", "other": [{"tag": "odd"}]}, {"quantity": "weird", "checked": true}]);
    let cloud = json!({"group": "nominal", "type": "point_cloud", "geometry": {"points": points, "count": 2},
        "result": result});
    assert_eq!(records(&bench, "import-1"), [mesh, cloud]);
}

#[test]
fn names_are_any_text() {
    let bench = bench();
    let content = r#"<nominal><point name="&lt;&#x70B9;&#10;&quot;&apos;/"><comment> a &amp; <![CDATA[<b>]]></comment></point></nominal>"#;
    import(&bench, in_gom(content)).success();
    let records = records(&bench, "import-1");
    assert_eq!((&records[0]["name"], &records[0]["comment"]), (&json!("<点\n\"'/"), &json!(" a & <b>")));
}

#[test]
fn how_a_tag_is_written_changes_nothing() {
    let bench = bench();
    let texts = [
        r#"<point id="1" name="a b"><geometry><pos x="1.5" y="-2" z="0"/></geometry><result></result></point>"#,
        r#"<point name='a b' id='1'><geometry><pos z="0" y="-2" x="1.5"></pos></geometry><result/></point>"#,
        "<point id = \"1\"\n name=\"a\tb\" >\r\n\t<geometry><!-- - --> <pos x=\"1.5\"y=\"-2\" z='0'/>\x0c </geometry>&#32;<result> </result></point >",
        r#"<point id="&#49;" name="a&#32;b"><geometry><pos x=" 1.5" y="&#45;2" z="0 "/></geometry><result/></point>"#,
    ];
    for text in texts {
        import(&bench, in_gom(&format!("<nominal>{text}</nominal>"))).success();
    }
    let first = records(&bench, "import-1");
    assert_eq!(first[0]["geometry"]["pos"].to_string(), "[1.5,-2,0]");
    for import in 2..=texts.len() {
        assert_eq!(records(&bench, &format!("import-{import}")), first);
    }
}

#[test]
fn missing_params_are_named_in_their_order() {
    let missing = |name: &str| format!("Missing parameter '{name}' in 'elements' request.");
    for (params, name) in [
        ("{}", "file"),
        (r#"{"import_mode": "clipboard"}"#, "file"),
        (r#"{"file": "x"}"#, "import_mode"),
        (r#"{"file": null}"#, "import_mode"),
        ("null", "file"),
        ("5", "file"),
        (r#""file""#, "file"),
        (r#"["file", "import_mode"]"#, "file"),
    ] {
        let outcome = bench().call("elements", params);
        assert_eq!((outcome.message, outcome.status), (missing(name), Err(Status::InvalidParams)), "{params}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_as_it_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    for (file, shown) in [
        (json!("/nope/ä.gxml"), "/nope/ä.gxml"),
        (json!(""), ""),
        (json!(folder), folder),
        (json!("a\0b"), "a\0b"),
        (json!(7), "7"),
        (json!(null), "null"),
        (json!(true), "true"),
        (json!({"$attachment": 0}), "{\"$attachment\":0}"),
        (json!(["x"]), "[\"x\"]"),
    ] {
        let outcome = bench().call("elements", json!({"file": file, "import_mode": null}));
        assert_eq!(outcome.message, format!("Elements file {shown} could not be read."));
        assert_eq!((outcome.status, outcome.code), (Err(Status::Failed), 2));
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_is_no_file_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let outcome = bench().call("elements", json!({"file": path, "import_mode": "clipboard"}));
    assert_eq!(outcome.message, format!("Elements file {} could not be read.", path.display()));
}

#[test]
fn files_outside_the_roots_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::<Elements>::new(json!({"roots": [folder.path()]})).unwrap();
    let params = |file: &str| json!({"file": file, "import_mode": "clipboard"});
    let outside = fixture("cut_points.gxml");
    assert_eq!(bench.call("elements", params(&outside)).code, 2);
    let inside = folder.path().join("a.gxml");
    std::fs::copy(&outside, &inside).unwrap();
    assert_eq!(bench.call("elements", params(inside.to_str().unwrap())).success()["elements"], 46);
    #[cfg(unix)]
    {
        let link = folder.path().join("link.gxml");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        assert_eq!(bench.call("elements", params(link.to_str().unwrap())).code, 2, "links are followed first");
    }
}

#[test]
fn an_unknown_mode_is_an_import_error() {
    let file = fixture("cut_points.gxml");
    for (mode, shown) in [(json!("bogus"), "bogus"), (json!(7), "7"), (json!(null), "null"), (json!(""), "")] {
        let outcome = bench().call("elements", json!({"file": file, "import_mode": mode}));
        let text = format!("Elements could not be imported from file {file} with import mode {shown}.");
        assert_eq!((outcome.message, outcome.status), (text, Err(Status::Failed)));
        assert!(outcome.json.contains("new_stage"), "{}", outcome.json);
    }
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let bench = Bench::<Elements>::new(r#"{"import_mib": 0}"#).unwrap();
    let outcome = import(&bench, in_gom(""));
    assert!(outcome.json.contains("import_mib"), "{outcome:?}");
}

#[test]
fn attachments_are_imported_under_their_number() {
    let bench = bench();
    let (one, two) = (in_gom("<nominal><point/></nominal>"), in_gom("<nominal><point/><point/></nominal>"));
    let attachments = || [&one, &two].map(|text| Attachment::new("", "", text.as_bytes())).to_vec();
    for (file, elements) in [(0, 1), (1, 2)] {
        let params = json!({"file": {"$attachment": file}, "import_mode": "clipboard"});
        assert_eq!(bench.call_with("elements", params, attachments()).success()["elements"], elements);
    }
    let params = json!({"file": {"$attachment": 2}, "import_mode": "clipboard"});
    assert_eq!(bench.call_with("elements", params, attachments()).code, 2);
}

#[test]
fn progress_is_told_and_a_cancelled_import_leaves_nothing() {
    let bench = bench();
    let file = fixture("kensobi_model1_2023_part_all.gxml");
    let params = json!({"file": file, "import_mode": "new_stage"});
    let told = bench.call("elements", &params).progress;
    assert!(told.len() > 3 && told.iter().all(|progress| progress.total == 138_971), "{told:?}");
    assert!(told.is_sorted_by_key(|progress| progress.done) && told.last().unwrap().done == 138_971);
    for (text, from) in [("reading elements", 0), ("reading elements", 65_536), ("storing", 0)] {
        bench.cancel_when(move |progress| progress.done >= from && progress.text == text);
        let outcome = bench.call("elements", &params);
        assert_eq!(outcome.status, Err(Status::Cancelled), "{outcome:?}");
    }
    let request = Request { key: "elements".into(), params: params.to_string(), cancelled: true, ..Request::default() };
    assert_eq!(bench.send(request).status, Err(Status::Cancelled));
    assert_eq!(bench.store().count("imports").unwrap(), 1);
    assert_eq!(bench.store().count("stages").unwrap(), 1);
    assert_eq!(bench.published().len(), 1);
}

#[test]
fn each_import_that_is_in_the_store_is_published() {
    let bench = bench();
    let file = fixture("cut_one_of_each.gxml");
    let result = bench.call("elements", json!({"file": file, "import_mode": "new_stage"})).success();
    import(&bench, in_gom("")).success();
    import(&bench, "no XML").status.unwrap_err();
    let told = |(topic, data): (String, String)| (topic, serde_json::from_str::<Value>(&data).unwrap());
    let of_stage = json!({"id": "import-1", "file": file, "import_mode": "new_stage", "stage": "stage-1",
        "elements": result["elements"], "counts": result["counts"]});
    let of_clipboard = json!({"id": "import-2", "file": "a.gxml", "import_mode": "clipboard", "elements": 0,
        "counts": {"nominal": {}, "measured": {}}});
    let expected = [of_stage, of_clipboard].map(|event| ("project.elements".to_owned(), event));
    assert_eq!(bench.published().into_iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn elements_are_found_by_page() {
    let bench = bench();
    let points: String = (0..2500).map(|id| format!("<point id=\"{id}\"/>")).collect();
    let cloud =
        format!("<point_cloud><geometry>{}</geometry></point_cloud>", r#"<point x="1" y="2" z="3"/>"#.repeat(200_000));
    import(&bench, in_gom(&format!("<nominal>{points}{cloud}<point id=\"9\"/></nominal>"))).success();
    let document: Value = bench.store().get_json("imports", "import-1").unwrap().unwrap();
    let pages: Vec<(u64, u64)> = serde_json::from_value(document["pages"].clone()).unwrap();
    assert_eq!(pages.iter().map(|page| page.0).collect::<Vec<_>>(), [0, 1000, 2000, 2501]);
    for (first, at) in pages {
        let id = if first == 2501 { 9 } else { first };
        let line = bench.store().blob_read(document["blob"].as_str().unwrap(), at, 20).unwrap().into_text().unwrap();
        assert!(line.starts_with(&format!("{{\"id\":{id},")), "{line:?}");
    }
    let records = records(&bench, "import-1");
    assert_eq!(records[2500]["geometry"]["count"], 200_000);
}

#[test]
fn broken_files_are_refused_with_the_place() {
    let element = |content: &str| in_gom(&format!("<nominal><point id=\"1\">{content}</point></nominal>"));
    let geometry = |content: &str| element(&format!("<geometry>{content}</geometry>"));
    let bomb = r#"<!DOCTYPE gom [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><gom>&b;</gom>"#;
    for (content, expected) in [
        (String::new(), "the file holds no root element, expected 'gom'"),
        ("hello".into(), "the file is no XML, expected '<gom>'"),
        ("<html/>".into(), "the root element is 'html', expected 'gom'"),
        ("<gom>".into(), "the file ends too early"),
        ("<gom/><gom/>".into(), "something follows the end of 'gom'"),
        ("<gom></gum>".into(), "the XML is broken"),
        (bomb.into(), "a document type (DTD) is not allowed"),
        (in_gom("&b;"), "'&b;' is not known"),
        (in_gom("text"), "the text 'text' stands in 'gom'"),
        ("<?xml version=\"1.0\" encoding=\"UTF-16\"?><gom/>".into(), "the encoding is 'UTF-16', expected UTF-8"),
        (in_gom(&"<a>".repeat(40)), "tags are nested deeper than 32"),
        (in_gom("<nominal><point id=\"x\"/></nominal>"), "the id is 'x', expected an unsigned integer"),
        (in_gom("<nominal><point id=\"1\" id=\"2\"/></nominal>"), "the attribute 'id' of 'point' stands twice"),
        (in_gom("<nominal><point a=\"1\" a=\"2\"/></nominal>"), "an attribute of 'point' is broken"),
        (element("<actual>-1</actual>"), "the actual is '-1', expected an unsigned integer"),
        (element("<state><b/></state>"), "'b' stands in 'state', which holds text only"),
        (geometry("<pos x=\"1\" y=\"2\"/>"), "'pos' has no attribute 'z'"),
        (geometry("<pos x=\"1\" y=\"2\" z=\"nan\"/>"), "'nan' in 'pos' is no number"),
        (geometry("<pos x=\"1,5\" y=\"2\" z=\"3\"/>"), "'1,5' in 'pos' is no number"),
        (geometry("<pos x=\"1\" x=\"1\" y=\"2\" z=\"3\"/>"), "the attribute 'x' of 'pos' stands twice"),
        (
            in_gom("<nominal><sphere><geometry><radius>1e999</radius></geometry></sphere></nominal>"),
            "'1e999' in 'radius'",
        ),
        (in_gom("<nominal><curve><geometry><curve_data>AA?A</curve_data></geometry></curve></nominal>"), "no base64"),
        (element("<result><all checked=\"2\"/></result>"), "'checked' is '2', expected 0 or 1"),
        (element("<result><all><deviation value=\"x\"/></all></result>"), "'x' in 'deviation' is no number"),
    ] {
        let reason = reason(&content);
        assert!(reason.contains(expected) && reason.contains("before byte"), "{content}: {reason}");
    }
    assert!(reason(b"<gom>\xff</gom>").contains("the XML is broken"));
    assert!(reason(b"\x89PNG\r\n\x1a\n\0\0").contains("the XML is broken"), "not UTF-8");
    let many: String = (0..1100).map(|n| format!("<t{n}/>")).collect();
    assert!(reason(in_gom(&many)).contains("more than 1000 different unknown tags"));
    let attributes: String = (0..100).map(|n| format!(" a{n}=\"\"")).collect();
    assert!(reason(in_gom(&format!("<t{attributes}/>"))).contains("more than 64 attributes"));
    let long = "x".repeat(2 << 20);
    assert!(reason(element(&format!("<comment>{long}</comment>"))).contains("longer than 1048576 bytes"));
    assert!(reason(in_gom(&format!("<t>{}</t>", "<u/>".repeat(1 << 20)))).contains("larger than 8 MiB"));
    assert!(reason(in_gom(&"x".repeat(65 << 20))).contains("longer than 64 MiB"));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let content = std::fs::read(fixture("cut_one_of_each.gxml")).unwrap();
    let end = content.iter().rposition(|byte| *byte == b'>').unwrap();
    for len in (0..=end).step_by(97) {
        reason(&content[..len]);
    }
}

#[test]
fn its_examples_work() {
    std::env::set_current_dir(root()).unwrap();
    assert_eq!(bench().run_examples(), Ok(2));
}

mod mutations {
    use super::super::plugin::gxml::read;
    use super::fixture;
    use proptest::prelude::*;
    use std::io::{Cursor, Read, sink};

    #[derive(Clone, Debug)]
    enum Change {
        Put(usize, u8),
        Remove(usize, usize),
        Repeat(usize, usize),
        Insert(usize, &'static str),
    }

    fn change() -> impl Strategy<Value = Change> {
        let pieces =
            ["<", ">", "&", "\"", "<a>", "</point>", "<geometry>", "x=\"1\"", "]]>", "<![CDATA[", "<!--", "&#0;", "é"];
        prop_oneof![
            (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
            (any::<usize>(), 0_usize..200).prop_map(|(at, len)| Change::Remove(at, len)),
            (any::<usize>(), 0_usize..200).prop_map(|(at, len)| Change::Repeat(at, len)),
            (any::<usize>(), proptest::sample::select(pieces.to_vec()))
                .prop_map(|(at, piece)| Change::Insert(at, piece)),
        ]
    }

    fn apply(content: &mut Vec<u8>, change: Change) {
        let place = |at: usize| at % (content.len() + 1);
        match change {
            Change::Put(at, byte) => {
                let at = place(at);
                content.splice(at..(at + 1).min(content.len()), [byte]);
            }
            Change::Remove(at, len) => {
                let at = place(at);
                content.drain(at..(at + len).min(content.len()));
            }
            Change::Repeat(at, len) => {
                let at = place(at);
                let part = content[at..(at + len).min(content.len())].to_vec();
                content.splice(at..at, part);
            }
            Change::Insert(at, piece) => {
                let at = place(at);
                content.splice(at..at, piece.bytes());
            }
        }
    }

    /// A source that gives one byte at a time.
    struct Bytes<'a>(&'a [u8]);

    impl Read for Bytes<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let one = out.len().min(1);
            self.0.read(&mut out[..one])
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

        #[test]
        fn what_is_read_is_lines_of_json_whatever_the_bytes(changes in prop::collection::vec(change(), 1..8)) {
            let mut content = std::fs::read(fixture("cut_one_of_each.gxml")).unwrap();
            changes.into_iter().for_each(|change| apply(&mut content, change));
            let mut lines = Vec::new();
            if let Ok(summary) = read(Cursor::new(&content), &mut lines, |_| true) {
                let lines: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').collect();
                prop_assert_eq!(lines.len() as u64, summary.elements);
                for line in lines {
                    prop_assert!(serde_json::from_slice::<serde_json::Value>(line).is_ok(), "{}", String::from_utf8_lossy(line));
                }
            }
        }

        #[test]
        fn what_is_read_does_not_hang_on_the_pieces(changes in prop::collection::vec(change(), 0..4)) {
            let mut content = std::fs::read(fixture("cut_one_of_each.gxml")).unwrap();
            changes.into_iter().for_each(|change| apply(&mut content, change));
            let (mut whole, mut pieces) = (Vec::new(), Vec::new());
            let results = [read(Cursor::new(&content), &mut whole, |_| true), read(Bytes(&content), &mut pieces, |_| true)];
            // Faults too: they tell the place.
            let [first, second] = results.map(|result| format!("{result:?}"));
            prop_assert_eq!(first, second);
            prop_assert!(whole == pieces);
        }

        #[test]
        fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(Cursor::new(&content), sink(), |_| true);
        }
    }
}
