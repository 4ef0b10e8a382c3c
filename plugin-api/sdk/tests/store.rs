//! The store, through the C table, as a plugin uses it.

#![forbid(unsafe_code)]

use jackfield_plugin::testing::Bench;
use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin, Status, Store, StoreError};
use serde_json::{Value, json};
use std::io::{self, Read, Seek, SeekFrom, Write};

struct Keeper(Store);

impl Plugin for Keeper {
    type Config = NoConfig;
    const INFO: Info = Info::new("keeper", "Keeper", "1.0.0");

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        let store = host.store().ok_or("this plugin needs a store")?;
        store.count("notes")?;
        Ok(Self(store))
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add("keep", Self::keep).example(r#"["a", {"n": 1}]"#);
        commands.add("now", Self::keep).inline();
    }
}

impl Keeper {
    fn keep(&self, _call: &Call, (id, note): (String, Value)) -> Result<u64, Failure> {
        let batch = self.0.begin()?;
        batch.put_json("notes", &id, &note, &[])?;
        batch.commit()?;
        Ok(self.0.count("notes")?)
    }
}

fn bench() -> Bench<Keeper> {
    Bench::new("{}").expect("the keeper starts")
}

fn ids(store: &Store, offset: u64, limit: u64) -> Vec<String> {
    let mut ids = Vec::new();
    let each = |id: &str, _: &str| {
        ids.push(id.to_owned());
        true
    };
    store.list("notes", offset, limit, each).expect("the store is in memory");
    ids
}

#[test]
fn documents_are_kept_and_listed_in_the_order_of_their_first_put() {
    let bench = bench();
    for (id, count) in [("b", 1), ("a", 2), ("c", 3), ("b", 3)] {
        assert_eq!(bench.call("keep", json!([id, {"of": id}])).success(), count);
    }
    let store = bench.store();
    assert_eq!(ids(&store, 0, 10), ["b", "a", "c"]);
    assert_eq!(ids(&store, 1, 1), ["a"]);
    assert_eq!(&*store.get("notes", "a").unwrap().unwrap(), r#"{"of":"a"}"#);
    assert_eq!(store.get_json::<Value>("notes", "a").unwrap(), Some(json!({"of": "a"})));
    assert!(store.get("notes", "x").unwrap().is_none());
    assert!(matches!(store.get_json::<u8>("notes", "a"), Err(StoreError::Json(_))));
    let mut seen = 0;
    let each = |_: &str, _: &str| {
        seen += 1;
        false
    };
    store.list("notes", 0, 10, each).unwrap();
    assert_eq!(seen, 1, "`each` ends the list");
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    let bench = bench();
    let store = bench.store();
    let batch = store.begin().unwrap();
    batch.put("notes", "a", "1", &[]).unwrap();
    assert_eq!(store.count("notes").unwrap(), 0, "not before commit");
    drop(batch);
    assert_eq!(store.count("notes").unwrap(), 0, "a dropped batch is aborted");
    let batch = store.begin().unwrap();
    batch.put("notes", "a", "1", &[]).unwrap();
    batch.put("notes", "b", "2", &[]).unwrap();
    batch.remove("notes", "a").unwrap();
    batch.remove("notes", "nobody").unwrap();
    batch.commit().unwrap();
    assert_eq!(ids(&store, 0, 10), ["b"]);
}

#[test]
fn what_is_not_usable_is_refused_with_its_name() {
    let bench = bench();
    let batch = bench.store().begin().unwrap();
    let error = batch.put("notes", "a", "{", &[]).unwrap_err();
    assert_eq!(error, StoreError::Invalid("store: put 'a' into 'notes': invalid argument".into()));
    assert!(matches!(batch.put("notes", "", "1", &[]), Err(StoreError::Invalid(_))));
    assert!(matches!(batch.put("notes", "a", "1", &["no blob"]), Err(StoreError::Invalid(_))));
    assert!(matches!(bench.store().blob("none"), Err(StoreError::NotFound(_))));
}

#[test]
fn blobs_are_written_and_read_as_files() {
    let bench = bench();
    let store = bench.store();
    let content: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
    let batch = store.begin().unwrap();
    let (mut blob, mut other) = (batch.blob().unwrap(), batch.blob().unwrap());
    for part in content.chunks(77_777) {
        blob.write_all(part).unwrap();
        other.write_all(b"x").unwrap();
    }
    let (name, other) = (blob.finish().unwrap(), other.finish().unwrap());
    assert!(name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()) && name != other);
    batch.put("notes", "a", "1", &[&name]).unwrap();
    batch.commit().unwrap();
    assert!(matches!(store.blob_size(&other), Err(StoreError::NotFound(_))), "no document refers to it");

    assert_eq!(store.blob_size(&name).unwrap(), 600_000);
    assert_eq!(&*store.blob_read(&name, 599_999, 10).unwrap(), &content[599_999..]);
    let mut reader = store.blob(&name).unwrap();
    let mut read = Vec::new();
    io::copy(&mut reader, &mut read).unwrap();
    assert_eq!(read, content);
    assert_eq!(reader.seek(SeekFrom::End(-5)).unwrap(), 599_995);
    assert_eq!(reader.seek(SeekFrom::Current(1)).unwrap(), 599_996);
    let mut tail = [0; 4];
    reader.read_exact(&mut tail).unwrap();
    assert_eq!(tail, content[599_996..]);
    assert!(reader.seek(SeekFrom::Current(-600_001)).is_err());

    let batch = store.begin().unwrap();
    batch.remove("notes", "a").unwrap();
    batch.commit().unwrap();
    assert!(matches!(store.blob(&name), Err(StoreError::NotFound(_))), "blobs go with their documents");
}

#[test]
fn equal_blobs_have_one_name() {
    let bench = bench();
    let batch = bench.store().begin().unwrap();
    let names = [b"same", b"same", b"else"].map(|content| {
        let mut blob = batch.blob().unwrap();
        blob.write_all(content).unwrap();
        blob.finish().unwrap()
    });
    assert!(names[0] == names[1] && names[0] != names[2]);
}

#[test]
fn inline_commands_do_not_reach_the_store() {
    let outcome = bench().call("now", r#"["a", 1]"#);
    assert_eq!(outcome.status, Err(Status::Internal));
    assert_eq!(outcome.message, "store: begin a batch: not allowed on this thread");
}

#[test]
fn a_panic_in_a_list_closure_passes_the_store_and_arrives() {
    let bench = bench();
    assert!(bench.call("keep", r#"["a", 1]"#).status.is_ok());
    let store = bench.store();
    let each = |_: &str, _: &str| -> bool { panic!("in each") };
    let list = std::panic::AssertUnwindSafe(|| store.list("notes", 0, 1, each));
    let payload = std::panic::catch_unwind(list).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"in each"));
    assert_eq!(store.count("notes").unwrap(), 1, "the store is unharmed");
}

#[test]
fn examples_run() {
    assert_eq!(bench().run_examples(), Ok(1));
}
