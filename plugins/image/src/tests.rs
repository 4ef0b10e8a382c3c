//! The command as clients see it.

use super::Images;
use jackfield_plugin::Status;
use jackfield_plugin::testing::{Attachment, Bench, Outcome, Request};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn fixture(name: &str) -> String {
    root().join("tests/fixtures/images").join(name).to_str().unwrap().to_owned()
}

fn bench() -> Bench<Images> {
    Bench::new("{}").unwrap()
}

fn import(bench: &Bench<Images>, content: impl AsRef<[u8]>) -> Outcome {
    let attachment = Attachment::new("a.jpg", "", content.as_ref());
    bench.call_with("image", r#"{"name": "n", "focal_length": 50}"#, vec![attachment])
}

fn document(bench: &Bench<Images>, collection: &str, id: &str) -> Value {
    bench.store().get_json(collection, id).unwrap().unwrap()
}

fn blob(bench: &Bench<Images>, name: &Value) -> Vec<u8> {
    bench.store().blob_read(name.as_str().unwrap(), 0, u64::MAX).unwrap().to_vec()
}

/// Why an import failed; it must have left nothing.
#[track_caller]
fn reason(bench: &Bench<Images>, outcome: Outcome) -> String {
    assert_eq!(outcome.status, Err(Status::Failed), "{outcome:?}");
    assert!(outcome.message.starts_with("Image could not be imported from file "), "{outcome:?}");
    assert_eq!(outcome.code, 3);
    for collection in ["images", "series", "counters"] {
        assert_eq!(bench.store().count(collection).unwrap(), 0);
    }
    let details: Value = serde_json::from_str(&outcome.json).unwrap();
    details["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_photo_is_stored_with_what_its_camera_wrote() {
    let bench = bench();
    let file = fixture("photo.jpg");
    let result = bench.call("image", json!({"file": file, "name": "other", "focal_length": "50.0"})).success();
    let expected =
        json!({"id": "image-1", "series": "other", "width": 64, "height": 48, "format": "jpeg", "warnings": []});
    assert_eq!(result, expected);
    let image = document(&bench, "images", "image-1");
    let exif = json!({"make": "Jackfield", "model": "Test Camera", "date": "2024:01:02 03:04:05", "orientation": 6,
        "focal_length": 50.0, "exposure_time": 0.008, "f_number": 2.8, "iso": 200});
    assert_eq!((&image["exif"], &image["focal_length"]), (&exif, &json!(50.0)));
    assert_eq!((&image["file"], &image["series"], &image["id"]), (&json!(file), &json!("other"), &json!("image-1")));
    let original = std::fs::read(file).unwrap();
    assert_eq!(image["bytes"], original.len());
    assert!(blob(&bench, &image["blob"]) == original, "the original, byte for byte");
    let thumbnail = image::load_from_memory(&blob(&bench, &image["thumbnail"])).unwrap();
    assert_eq!((thumbnail.width(), thumbnail.height()), (48, 64), "upright");
    let series = document(&bench, "series", "other");
    assert_eq!((&series["focal_length"], &series["images"]), (&json!(50.0), &json!(1)));
}

#[test]
fn the_format_is_told_by_the_content() {
    let bench = bench();
    for (name, format, width, height) in [
        ("photo.jpg", "jpeg", 64, 48),
        ("alpha.png", "png", 40, 30),
        ("gray16.tif", "tiff", 32, 24),
        ("small.bmp", "bmp", 32, 24),
        ("small.webp", "webp", 64, 48),
    ] {
        let result = import(&bench, std::fs::read(fixture(name)).unwrap()).success();
        assert_eq!(
            (&result["format"], &result["width"], &result["height"]),
            (&json!(format), &json!(width), &json!(height))
        );
        let image = document(&bench, "images", result["id"].as_str().unwrap());
        let thumbnail = blob(&bench, &image["thumbnail"]);
        let kind = if name == "alpha.png" { image::ImageFormat::Png } else { image::ImageFormat::Jpeg };
        assert_eq!(image::guess_format(&thumbnail).unwrap(), kind, "{name}");
        assert_eq!(result["warnings"], json!([]), "{name}");
    }
}

#[test]
fn a_thumbnail_is_small() {
    let bench = bench();
    let mut content = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(1000, 100).write_to(&mut content, image::ImageFormat::Png).unwrap();
    import(&bench, content.into_inner()).success();
    let thumbnail = blob(&bench, &document(&bench, "images", "image-1")["thumbnail"]);
    let thumbnail = image::load_from_memory(&thumbnail).unwrap();
    assert_eq!((thumbnail.width(), thumbnail.height()), (256, 26));
}

#[test]
fn the_same_image_twice_is_two_images_and_one_blob() {
    let bench = bench();
    let content = std::fs::read(fixture("small.bmp")).unwrap();
    let ids: Vec<Value> = (0..2).map(|_| import(&bench, &content).success()["id"].clone()).collect();
    assert_eq!(ids, ["image-1", "image-2"]);
    assert_eq!(document(&bench, "images", "image-1")["blob"], document(&bench, "images", "image-2")["blob"]);
    assert_eq!(document(&bench, "series", "n")["images"], 2);
}

#[test]
fn a_series_keeps_its_focal_length() {
    let bench = bench();
    let call = |length: Value| {
        let params = json!({"file": fixture("small.bmp"), "name": "s", "focal_length": length});
        bench.call("image", params).success()["warnings"].clone()
    };
    assert_eq!(call(json!(50)), json!([]));
    assert_eq!(call(json!("50.00")), json!([]));
    assert_eq!(call(json!(35.5)), json!(["The series 's' keeps its focal length of 50 mm; 35.5 mm was given."]));
    assert_eq!(document(&bench, "series", "s")["focal_length"], 50.0);
    let photo = json!({"file": fixture("photo.jpg"), "name": "t", "focal_length": 35});
    let warnings = bench.call("image", photo).success()["warnings"].clone();
    assert_eq!(warnings, json!(["The camera wrote a focal length of 50 mm; 35 mm was given."]));
}

#[test]
fn missing_params_are_named_in_their_order() {
    for (params, name) in [
        ("{}", "file"),
        (r#"{"name": "n", "focal_length": 1}"#, "file"),
        (r#"{"file": "x"}"#, "name"),
        (r#"{"file": 1, "file": null}"#, "name"),
        (r#"{"file": "x", "name": ""}"#, "focal_length"),
        ("null", "file"),
        (r#""file""#, "file"),
        (r#"["file", "name", "focal_length"]"#, "file"),
    ] {
        let outcome = bench().call("image", params);
        assert_eq!(outcome.message, format!("Missing parameter '{name}' in 'image' request."), "{params}");
        assert_eq!((outcome.status, outcome.code), (Err(Status::InvalidParams), 1));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_as_it_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (file, shown) in [
        (json!("/nope/ä.jpg"), "/nope/ä.jpg"),
        (json!(""), ""),
        (json!(path), path),
        (json!("a\0b"), "a\0b"),
        (json!(7), "7"),
        (json!(null), "null"),
        (json!(true), "true"),
        (json!({"a": 1}), "{\"a\":1}"),
    ] {
        let outcome = bench().call("image", json!({"file": file, "name": null, "focal_length": null}));
        assert_eq!(outcome.message, format!("Image file {shown} could not be read."));
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
    let outcome = bench().call("image", json!({"file": path, "name": "n", "focal_length": 1}));
    assert_eq!(outcome.message, format!("Image file {} could not be read.", path.display()));
}

#[test]
fn files_outside_the_roots_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::<Images>::new(json!({"roots": [folder.path()]})).unwrap();
    let params = |file: &Path| json!({"file": file, "name": "n", "focal_length": 1});
    assert_eq!(bench.call("image", params(Path::new(&fixture("small.bmp")))).code, 2);
    let inside = folder.path().join("a.bmp");
    std::fs::copy(fixture("small.bmp"), &inside).unwrap();
    assert_eq!(bench.call("image", params(&inside)).status, Ok(()));
}

#[test]
fn params_of_no_use_are_import_errors() {
    let bench = bench();
    for (name, length, expected) in [
        (json!(""), json!(1), "the name is \"\", expected a text"),
        (json!(7), json!(1), "the name is 7, expected a text"),
        (json!("n"), json!(0), "the focal length is 0, expected a number of mm"),
        (json!("n"), json!(-1), "the focal length is -1"),
        (json!("n"), json!("fifty"), "the focal length is \"fifty\""),
        (json!("n"), json!("inf"), "the focal length is \"inf\""),
        (json!("n"), json!(null), "the focal length is null"),
        (json!("n"), json!([50]), "the focal length is [50]"),
    ] {
        let params = json!({"file": fixture("small.bmp"), "name": name, "focal_length": length});
        let reason = reason(&bench, bench.call("image", params));
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let bench = bench();
    for content in [b"".as_slice(), b"hello", b"GIF89a\x01\0\x01\0\0\0\0;", b"\xff\xd8\xff", b"BM", b"II*\0\x08\0\0\0"]
    {
        assert!(!reason(&bench, import(&bench, content)).is_empty());
    }
    assert!(reason(&bench, import(&bench, "hello")).contains("expected JPEG, PNG, TIFF, BMP or WebP"));
}

#[test]
fn a_file_cut_anywhere_ends_in_an_answer() {
    let bench = bench();
    for name in ["photo.jpg", "alpha.png", "gray16.tif", "small.bmp", "small.webp"] {
        let content = std::fs::read(fixture(name)).unwrap();
        // A JPEG without its end is one that decoders take.
        for len in (0..content.len()).step_by(41) {
            let outcome = import(&bench, &content[..len]);
            assert!(matches!(outcome.status, Ok(()) | Err(Status::Failed)), "{name} cut at {len}: {outcome:?}");
            assert!(name == "photo.jpg" || len > content.len() / 2 || outcome.status.is_err(), "{name} cut at {len}");
        }
    }
}

#[test]
fn a_header_does_not_make_memory() {
    let bench = bench();
    // A PNG of 65535 x 65535 pixels; the check sum of its header is right.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x06\0\0\0".to_vec();
    let sum = png[12..].iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    });
    png.extend((!sum).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    let reason = reason(&bench, import(&bench, png));
    assert_eq!(reason, "the image has 65535 x 65535 pixels, the limit is 400000000 (image_pixels)");
}

#[test]
fn limits_are_those_of_the_operator() {
    let content = std::fs::read(fixture("small.bmp")).unwrap();
    let bench = Bench::<Images>::new(r#"{"image_pixels": 767}"#).unwrap();
    assert!(reason(&bench, import(&bench, &content)).contains("32 x 24 pixels, the limit is 767"));
    let bench = Bench::<Images>::new(r#"{"import_mib": 0}"#).unwrap();
    assert!(reason(&bench, import(&bench, &content)).contains("import_mib"));
    assert!(Bench::<Images>::new(r#"{"pixels": 1}"#).is_err_and(|refused| refused.why.contains("image_pixels")));
}

#[test]
fn progress_is_told_and_a_cancelled_import_leaves_nothing() {
    let bench = bench();
    let content = std::fs::read(fixture("small.bmp")).unwrap();
    for step in 0..5 {
        bench.cancel_when(move |progress| progress.done == step);
        assert_eq!(import(&bench, &content).status, Err(Status::Cancelled), "{step}");
        assert_eq!(bench.store().count("images").unwrap(), 0);
    }
    bench.cancel_when(|_| false);
    let done: Vec<u64> = import(&bench, &content).progress.iter().map(|progress| progress.done).collect();
    assert_eq!(done, [0, 1, 2, 3, 4]);
    let params = r#"{"name": "n", "focal_length": 50}"#.to_owned();
    let attachments = vec![Attachment::new("", "", content)];
    let request = Request { key: "image".into(), params, attachments, cancelled: true, ..Request::default() };
    assert_eq!(bench.send(request).status, Err(Status::Cancelled));
    assert_eq!(bench.store().count("images").unwrap(), 1);
    assert_eq!(bench.published().len(), 1);
}

#[test]
fn each_import_that_is_in_the_store_is_published() {
    let bench = bench();
    import(&bench, std::fs::read(fixture("small.bmp")).unwrap()).success();
    assert!(import(&bench, "no image").status.is_err());
    let [(topic, event)] = &bench.published()[..] else { panic!("{:?}", bench.published()) };
    let mut event: Value = serde_json::from_str(event).unwrap();
    let stored = document(&bench, "images", "image-1");
    for (name, told) in event.as_object_mut().unwrap() {
        assert_eq!(told.take(), stored[name], "{name}");
    }
    let names: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(topic, "project.images");
    assert_eq!(names, ["file", "format", "height", "id", "series", "width"]);
}

#[test]
fn its_examples_work() {
    std::env::set_current_dir(root()).unwrap();
    assert_eq!(bench().run_examples(), Ok(2));
}
