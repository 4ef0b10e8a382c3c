mod model;

use super::*;
use std::fs;
use tempfile::TempDir;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn fresh() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data")).unwrap();
    (folder, store)
}

fn reopen(folder: &TempDir, store: SqliteStore) -> SqliteStore {
    drop(store);
    SqliteStore::open(&folder.path().join("data")).unwrap()
}

/// What a killed process leaves: the files as they are now, without a clean close.
fn copy_of(store: &SqliteStore) -> (TempDir, SqliteStore) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to)
            } else {
                let _ = fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(store.folder(), &folder.path().join("data"));
    let store = SqliteStore::open(&folder.path().join("data")).unwrap();
    (folder, store)
}

fn put(store: &SqliteStore, collection: &str, id: &str, json: &str) {
    let mut batch = store.begin().unwrap();
    batch.put(collection, id, json, &[]).unwrap();
    batch.commit().unwrap();
}

fn remove(store: &SqliteStore, collection: &str, id: &str) {
    let mut batch = store.begin().unwrap();
    batch.remove(collection, id).unwrap();
    batch.commit().unwrap();
}

fn blob(batch: &mut dyn StoreBatch, content: &[u8]) -> String {
    let mut writer = batch.blob().unwrap();
    for part in content.chunks(7) {
        writer.write(part).unwrap();
    }
    writer.finish().unwrap()
}

fn put_with_blob(store: &SqliteStore, id: &str, content: &[u8]) -> String {
    let mut batch = store.begin().unwrap();
    let name = blob(&mut *batch, content);
    batch.put("c", id, "{}", &[&name]).unwrap();
    batch.commit().unwrap();
    name
}

fn listed(store: &SqliteStore, collection: &str, offset: u64, limit: u64) -> Vec<(String, String)> {
    let mut found = Vec::new();
    store
        .list(collection, offset, limit, &mut |id, json| {
            found.push((id.to_owned(), json.to_owned()));
            true
        })
        .unwrap();
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn blob_files(store: &SqliteStore) -> usize {
    assert_eq!(files(&store.folder().join("tmp")), [] as [PathBuf; 0]);
    files(&store.folder().join("blobs")).len()
}

#[test]
fn what_is_committed_is_read_back_before_and_after_a_restart() {
    let (folder, store) = fresh();
    let mut batch = store.begin().unwrap();
    let name = blob(&mut *batch, b"abc");
    assert_eq!(name, ABC);
    batch.put("images", "first", r#"{"a": 1}"#, &[&name]).unwrap();
    batch.commit().unwrap();
    let check = |store: &SqliteStore| {
        assert_eq!(store.get("images", "first").unwrap(), r#"{"a": 1}"#);
        assert_eq!(store.count("images").unwrap(), 1);
        assert_eq!(store.blob_size(ABC).unwrap(), 3);
        assert_eq!(store.blob_read(ABC, 0, u64::MAX).unwrap(), "abc");
        assert_eq!(store.blob_read(ABC, 1, 1).unwrap(), "b");
        assert_eq!(store.blob_read(ABC, 2, 9).unwrap(), "c");
        assert_eq!(store.blob_read(ABC, 3, 9).unwrap(), "");
        assert_eq!(store.blob_read(ABC, u64::MAX, 9).unwrap(), "");
    };
    check(&store);
    check(&reopen(&folder, store));
}

#[test]
fn what_is_committed_survives_a_process_that_ends_without_closing() {
    let (_folder, store) = fresh();
    put_with_blob(&store, "kept", b"abc");
    let mut open = store.begin().unwrap();
    let lost = blob(&mut *open, b"lost");
    open.put("c", "lost", "{}", &[&lost]).unwrap();
    let (_copied, after) = copy_of(&store);
    assert_eq!(listed(&after, "c", 0, 9), [("kept".to_owned(), "{}".to_owned())]);
    assert_eq!(after.blob_read(ABC, 0, 9).unwrap(), "abc");
    assert_eq!(blob_files(&after), 1);
}

#[test]
fn a_dropped_batch_leaves_nothing() {
    let (_folder, store) = fresh();
    let mut batch = store.begin().unwrap();
    let name = blob(&mut *batch, b"abc");
    batch.put("c", "a", "1", &[&name]).unwrap();
    assert!(matches!(store.get("c", "a"), Err(StoreError::NotFound)));
    assert!(matches!(store.blob_read(&name, 0, 1), Err(StoreError::NotFound)));
    drop(batch);
    assert_eq!((store.count("c").unwrap(), blob_files(&store)), (0, 0));
}

#[test]
fn a_blob_that_no_document_of_its_batch_refers_to_is_removed() {
    let (_folder, store) = fresh();
    let mut batch = store.begin().unwrap();
    let replaced = blob(&mut *batch, b"replaced");
    blob(&mut *batch, b"never");
    drop(batch.blob().unwrap());
    batch.put("c", "a", "1", &[&replaced]).unwrap();
    batch.put("c", "a", "2", &[]).unwrap();
    batch.commit().unwrap();
    assert_eq!(blob_files(&store), 0);
    assert!(matches!(store.blob_size(&replaced), Err(StoreError::NotFound)));
}

#[test]
fn a_writer_that_outlives_its_batch_is_refused_and_leaves_nothing() {
    let (_folder, store) = fresh();
    let mut batch = store.begin().unwrap();
    let mut writer = batch.blob().unwrap();
    writer.write(b"abc").unwrap();
    batch.commit().unwrap();
    assert!(matches!(writer.finish(), Err(StoreError::Invalid(why)) if why.contains("ended")));
    assert_eq!(blob_files(&store), 0);
}

#[test]
fn the_last_reference_takes_the_blob_with_it() {
    let (_folder, store) = fresh();
    let name = put_with_blob(&store, "a", b"abc");
    put_with_blob(&store, "b", b"abc");
    remove(&store, "c", "a");
    assert_eq!(store.blob_read(&name, 0, 9).unwrap(), "abc");
    put(&store, "c", "b", "{}");
    assert!(matches!(store.blob_size(&name), Err(StoreError::NotFound)));
    assert_eq!(blob_files(&store), 0);
}

#[test]
fn two_batches_with_the_same_blob_do_not_take_it_from_each_other() {
    let (_folder, store) = fresh();
    for commit_first in [true, false] {
        let mut kept = store.begin().unwrap();
        let mut aborted = store.begin().unwrap();
        let name = blob(&mut *kept, b"abc");
        assert_eq!(blob(&mut *aborted, b"abc"), name);
        kept.put("c", "a", "{}", &[&name]).unwrap();
        if commit_first {
            kept.commit().unwrap();
            drop(aborted);
        } else {
            drop(aborted);
            kept.commit().unwrap();
        }
        assert_eq!(store.blob_read(&name, 0, 9).unwrap(), "abc");
        remove(&store, "c", "a");
        assert_eq!(blob_files(&store), 0);
    }
}

#[test]
fn a_batch_that_refers_to_a_stored_blob_keeps_it_when_its_last_document_goes_meanwhile() {
    let (folder, store) = fresh();
    let name = put_with_blob(&store, "a", b"abc");
    let mut batch = store.begin().unwrap();
    batch.put("c", "b", "{}", &[&name]).unwrap();
    remove(&store, "c", "a");
    assert!(matches!(store.blob_size(&name), Err(StoreError::NotFound)));
    batch.commit().unwrap();
    assert_eq!(store.blob_read(&name, 0, 9).unwrap(), "abc");
    let store = reopen(&folder, store);
    assert_eq!(store.blob_read(&name, 0, 9).unwrap(), "abc");
}

#[test]
fn a_document_cannot_refer_to_a_blob_that_is_not_there() {
    let (_folder, store) = fresh();
    let mut other = store.begin().unwrap();
    let name = blob(&mut *other, b"abc");
    let mut batch = store.begin().unwrap();
    let refused = |result| match result {
        Err(StoreError::Invalid(why)) => why,
        other => panic!("{other:?}"),
    };
    let why = refused(batch.put("c", "a", "{}", &[&name]));
    assert!(why.contains(ABC) && why.contains("neither in the store nor part of this batch"), "{why}");
    let why = refused(batch.put("c", "a", "{}", &["../../etc/passwd"]));
    assert!(why.contains("SHA-256"), "{why}");
    batch.commit().unwrap();
    assert_eq!(store.count("c").unwrap(), 0);
}

#[test]
fn replacing_keeps_the_place_and_putting_again_after_removal_does_not() {
    let (folder, store) = fresh();
    for id in ["a", "b", "c"] {
        put(&store, "c", id, "1");
    }
    put(&store, "c", "a", "2");
    let store = reopen(&folder, store);
    let ids = |store| listed(store, "c", 0, 9).into_iter().map(|(id, _)| id).collect::<String>();
    assert_eq!(ids(&store), "abc");
    assert_eq!(store.get("c", "a").unwrap(), "2");
    remove(&store, "c", "a");
    remove(&store, "c", "none");
    put(&store, "c", "a", "3");
    assert_eq!(ids(&store), "bca");
}

#[test]
fn list_gives_exactly_what_is_asked_for_over_many_pages() {
    let (_folder, store) = fresh();
    let mut batch = store.begin().unwrap();
    for number in 0..1000 {
        batch.put("c", &number.to_string(), &number.to_string(), &[]).unwrap();
        batch.put("other", &number.to_string(), "null", &[]).unwrap();
    }
    batch.commit().unwrap();
    for (offset, limit) in [(0, u64::MAX), (0, 256), (0, 257), (255, 2), (700, 600), (999, 1), (1000, 1), (3, 0)] {
        let expected: Vec<_> =
            (0..1000u64).skip(offset as usize).take(limit as usize).map(|n| (n.to_string(), n.to_string())).collect();
        assert_eq!(listed(&store, "c", offset, limit), expected, "{offset} {limit}");
    }
    assert_eq!(listed(&store, "c", u64::MAX, u64::MAX), []);
    let mut seen = 0;
    store
        .list("c", 0, u64::MAX, &mut |_, _| {
            seen += 1;
            seen < 300
        })
        .unwrap();
    assert_eq!(seen, 300);
}

#[test]
fn large_documents_are_listed_in_small_pages() {
    let (_folder, store) = fresh();
    let large = format!("\"{}\"", "x".repeat(3 << 20));
    let mut batch = store.begin().unwrap();
    for id in 0..10 {
        batch.put("c", &id.to_string(), &large, &[]).unwrap();
    }
    batch.commit().unwrap();
    assert_eq!(store.page("c", 0, 256, 0).unwrap().len(), 2);
    assert_eq!(listed(&store, "c", 0, 99).len(), 10);
}

#[test]
fn listing_holds_nothing_that_a_commit_needs() {
    let (_folder, store) = fresh();
    put(&store, "c", "a", "1");
    store
        .list("c", 0, 1, &mut |_, _| {
            put(&store, "c", "b", "1");
            store.count("c").unwrap() == 2
        })
        .unwrap();
    assert_eq!(store.count("c").unwrap(), 2);
}

#[test]
fn names_and_json_are_checked_and_the_error_says_which() {
    let (_folder, store) = fresh();
    let mut batch = store.begin().unwrap();
    let long = "x".repeat(513);
    for (collection, id, json, part) in [
        ("", "a", "1", "collection is empty"),
        ("c", "", "1", "id is empty"),
        ("c", &*long, "1", "513 bytes"),
        (&*long, "a", "1", "513 bytes"),
        ("c", "a\nb", "1", "control character '\\n'"),
        ("c", "a\u{85}b", "1", "control character"),
        ("c", "a", "{", "\"a\" in \"c\" is not JSON"),
        ("c", "a", "NaN", "at byte 0"),
    ] {
        match batch.put(collection, id, json, &[]) {
            Err(StoreError::Invalid(why)) => assert!(why.contains(part), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(batch.remove("c", ""), Err(StoreError::Invalid(_))));
    assert!(matches!(store.get("", "a"), Err(StoreError::Invalid(_))));
    assert!(matches!(store.count(""), Err(StoreError::Invalid(_))));
    assert!(matches!(store.blob_size("../lock"), Err(StoreError::Invalid(_))));
    batch.put(&long[1..], &long[1..], "1", &[]).unwrap();
    batch.commit().unwrap();
}

#[test]
fn a_batch_is_bounded_and_the_error_gives_the_number() {
    let (_folder, store) = fresh();
    let part = format!("\"{}\"", "x".repeat(STAGED_BYTES / 4));
    let mut batch = store.begin().unwrap();
    for id in ["a", "b", "c"] {
        batch.put("c", id, &part, &[]).unwrap();
    }
    match batch.put("c", "d", &part, &[]) {
        Err(StoreError::TooLarge(why)) => assert!(why.contains("67108864"), "{why}"),
        other => panic!("{other:?}"),
    }
    batch.commit().unwrap();
    assert_eq!(store.count("c").unwrap(), 3);
}

#[test]
fn a_second_store_on_the_same_folder_is_refused_by_name_until_the_first_and_its_batches_have_gone() {
    let (folder, store) = fresh();
    let data = folder.path().join("data");
    let batch = store.begin().unwrap();
    let refused = |data: &Path| SqliteStore::open(data).err().unwrap().to_string();
    let why = refused(&data);
    assert!(why.contains(data.to_str().unwrap()), "{why}");
    if cfg!(unix) {
        assert!(why.contains(&format!("(process {})", std::process::id())), "{why}");
    }
    drop(store);
    refused(&data);
    drop(batch);
    SqliteStore::open(&data).unwrap();
}

#[test]
fn opening_sweeps_out_what_an_interrupted_run_has_left_and_nothing_else() {
    let (folder, store) = fresh();
    put_with_blob(&store, "a", b"abc");
    let data = store.folder().to_owned();
    drop(store);
    let orphan = "ff".repeat(32);
    fs::create_dir(data.join("blobs/ff")).unwrap();
    fs::write(data.join("blobs/ff").join(&orphan), "orphan").unwrap();
    fs::write(data.join("blobs/ff/README"), "not ours").unwrap();
    fs::write(data.join("tmp/half"), "half").unwrap();
    fs::create_dir_all(data.join("tmp/folder/in")).unwrap();
    let store = SqliteStore::open(&data).unwrap();
    assert!(!data.join("blobs/ff").join(&orphan).exists());
    assert!(data.join("blobs/ff/README").exists());
    assert_eq!(fs::read_dir(data.join("tmp")).unwrap().count(), 0);
    assert_eq!(store.blob_read(ABC, 0, 9).unwrap(), "abc");
    drop(folder);
}

#[test]
fn a_blob_whose_file_has_gone_or_was_cut_is_the_disks_fault_and_named() {
    let (folder, store) = fresh();
    let name = put_with_blob(&store, "a", b"abc");
    let file = store.folder().join("blobs/ba").join(&name);
    let fault = |store: &SqliteStore| match store.blob_read(&name, 0, 9) {
        Err(StoreError::Unavailable(why)) => assert!(why.contains(file.to_str().unwrap()), "{why}"),
        other => panic!("{other:?}"),
    };
    fs::write(&file, "a").unwrap();
    fault(&store);
    fs::remove_file(&file).unwrap();
    fault(&store);
    let store = reopen(&folder, store);
    fault(&store);
    put_with_blob(&store, "b", b"abc");
    assert_eq!(store.blob_read(&name, 0, 9).unwrap(), "abc");
}

#[test]
fn databases_of_newer_servers_and_of_other_programs_are_refused_by_name() {
    let (folder, store) = fresh();
    let data = store.folder().to_owned();
    let file = data.join("store.sqlite");
    drop(store);
    let change = |sql| rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    let refused = || SqliteStore::open(&data).err().unwrap().to_string();
    change("PRAGMA user_version = 7");
    assert!(refused().contains("schema version 7, this server knows versions up to 1"), "{}", refused());
    change("PRAGMA user_version = 1; PRAGMA application_id = 5");
    assert!(refused().contains("another program"), "{}", refused());
    fs::write(&file, "no database at all, but long enough to be looked at".repeat(9)).unwrap();
    assert!(refused().contains(file.to_str().unwrap()), "{}", refused());
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let why = SqliteStore::open(&blocked).err().unwrap().to_string();
    assert!(why.contains(blocked.to_str().unwrap()), "{why}");
}

#[test]
fn the_disks_refusal_names_the_folder() {
    let (_folder, store) = fresh();
    let tmp = store.folder().join("tmp");
    fs::remove_dir(&tmp).unwrap();
    match store.begin().unwrap().blob() {
        Err(StoreError::Unavailable(why)) => assert!(why.contains(tmp.to_str().unwrap()), "{why}"),
        _ => panic!("a blob was begun without a folder"),
    };
}

#[cfg(unix)]
#[test]
fn the_data_is_readable_by_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = fresh();
    put_with_blob(&store, "a", b"abc");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.folder()), 0o700);
    assert_eq!(mode(&store.folder().join("blobs")), 0o700);
}
