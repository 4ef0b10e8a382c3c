//! What stands in a data folder, read past the server: the documents of `plugins/README.md`, and the files of the blobs.

use jackfield_tests::server::Home;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// All of it at one moment.
pub struct Project {
    /// Collection, then id.
    documents: BTreeMap<String, BTreeMap<String, Value>>,
    /// Blobs that the store knows, and their sizes.
    blobs: BTreeMap<String, u64>,
    /// Blobs that lie on the disk.
    files: BTreeMap<String, PathBuf>,
    /// Unfinished files.
    unfinished: Vec<PathBuf>,
}

impl Project {
    /// Reads it; a server may run on it.
    pub fn read(home: &Home) -> Self {
        let database = home.data().join("store.sqlite");
        let mut connection = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        // One transaction, one moment.
        let moment = connection.transaction().unwrap();
        let check: String = moment.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        let mut documents: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        let mut all = moment.prepare("SELECT collection, id, json FROM documents").unwrap();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let json: String = row.get(2).unwrap();
            let of_collection = documents.entry(row.get(0).unwrap()).or_default();
            of_collection.insert(row.get(1).unwrap(), serde_json::from_str(&json).unwrap());
        }
        let mut all = moment.prepare("SELECT name, size FROM blobs").unwrap();
        let blobs = all.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))).unwrap();
        let blobs = blobs.map(Result::unwrap).collect();
        let name = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
        let files = entries(&home.data().join("blobs")).into_iter().flat_map(|fan| entries(&fan));
        let files = files.map(|file| (name(&file), file)).collect();
        Self { documents, blobs, files, unfinished: entries(&home.data().join("tmp")) }
    }

    /// The documents of a collection.
    pub fn all(&self, collection: &str) -> impl Iterator<Item = &Value> {
        self.documents.get(collection).into_iter().flat_map(BTreeMap::values)
    }

    /// How many images or imports there are of this file.
    pub fn count_of(&self, file: &Path) -> usize {
        let documents = self.all("images").chain(self.all("imports"));
        documents.filter(|document| document["file"].as_str().is_some_and(|of| Path::new(of) == file)).count()
    }

    /// Holds that each import is there with all that belongs to it, and nothing is there that belongs to none.
    pub fn assert_whole(&self) {
        for (kind, collection) in [("image", "images"), ("import", "imports"), ("stage", "stages")] {
            let ids: BTreeSet<String> = self.all(collection).map(|document| text(document, "id")).collect();
            let last = self.documents.get("counters").and_then(|counters| counters.get(kind)?["last"].as_u64());
            let numbered = (1..=last.unwrap_or(0)).map(|number| format!("{kind}-{number}")).collect();
            assert_eq!(ids, numbered, "{collection}: a number was given and nothing stored, or the other way round");
        }
        for series in self.all("series") {
            let images = self.all("images").filter(|image| image["series"] == series["name"]).count();
            assert_eq!(series["images"].as_u64(), Some(images as u64), "{series}");
        }
        for image in self.all("images") {
            assert!(self.all("series").any(|series| series["name"] == image["series"]), "{image}");
            let original = fs::read(&self.files[&text(image, "blob")]).unwrap();
            assert!(original == fs::read(text(image, "file")).unwrap(), "not what was imported: {image}");
        }
        for import in self.all("imports") {
            let stages = self.all("stages").filter(|stage| stage["import"] == import["id"]).count();
            assert_eq!(stages, usize::from(import["import_mode"] == "new_stage"), "{import}");
        }
        let referenced: BTreeSet<String> = self
            .all("images")
            .flat_map(|image| [text(image, "blob"), text(image, "thumbnail")])
            .chain(self.all("imports").map(|import| text(import, "blob")))
            .collect();
        assert!(self.blobs.keys().eq(&referenced), "the store knows the blobs of its documents and no others");
        assert!(self.files.keys().eq(&referenced), "the disk has the blobs of the documents and no others");
        for (name, file) in &self.files {
            assert_eq!(fs::metadata(file).unwrap().len(), self.blobs[name], "{name} is whole");
        }
        assert_eq!(self.unfinished, Vec::<PathBuf>::new(), "unfinished files");
    }
}

/// What lies in a folder; nothing where there is none.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn text(document: &Value, member: &str) -> String {
    document[member].as_str().unwrap_or_else(|| panic!("no {member} in {document}")).to_owned()
}
