//! New content is on trial for a while. Marks on disk say so, so that a crash is known by the next start; the last good
//! content of each plugin file is kept as a copy, to go back to; and content that failed is not tried again until it changes.

use crate::LastEnd;
use crate::call::lock;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// Content that serves and has not proved itself yet.
#[derive(Serialize, Deserialize)]
struct OnTrial {
    hash: String,
    generation: u64,
    version: String,
}

/// What is known of one plugin file.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    file: String,
    on_trial: Option<OnTrial>,
    /// Content that was on trial when the process ended and nobody knows why, and how often in a row.
    suspected: Option<(String, u32)>,
    /// Content that served without harm, of which there is a copy.
    good: Option<String>,
    /// Content that is not tried again, and why.
    condemned: Option<(String, String)>,
}

/// Content to go back to.
pub(crate) struct Good {
    pub hash: blake3::Hash,
    pub bytes: Vec<u8>,
}

pub(crate) struct Trials {
    folder: Option<PathBuf>,
    entries: Mutex<Vec<Entry>>,
}

impl Trials {
    pub fn open(keep: Option<&Path>, last_end: &LastEnd) -> io::Result<Self> {
        let folder = keep.map(|keep| keep.join("good"));
        let mut entries: Vec<Entry> = Vec::new();
        if let Some(folder) = &folder {
            super::make(folder)?;
            entries = read(&folder.join(LIST));
        }
        let alone = entries.iter().filter(|entry| entry.on_trial.is_some()).count() == 1;
        for entry in &mut entries {
            entry.judge(last_end, alone);
        }
        // Copies are named by hashes, and by nothing else.
        for entry in &mut entries {
            entry.good.take_if(|hash| hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        entries.retain(|entry| Path::new(&entry.file).exists());
        let trials = Self { folder, entries: Mutex::new(entries) };
        trials.write(&trials.entries());
        trials.sweep();
        Ok(trials)
    }

    /// Content begins to serve that has not proved itself.
    pub fn begin(&self, file: &Path, hash: &blake3::Hash, generation: u64, version: &str) {
        let on_trial = OnTrial { hash: hex(hash), generation, version: version.to_owned() };
        self.change(file, |entry| entry.on_trial = Some(on_trial));
    }

    /// The trial of a file's content is over, whatever came of it.
    pub fn end(&self, file: &Path) {
        if lock(&self.entries).iter().any(|entry| entry.file == name(file) && entry.on_trial.is_some()) {
            self.change(file, |entry| entry.on_trial = None);
        }
    }

    /// All trials are over: the process ends in order.
    pub fn end_all(&self) {
        let mut entries = self.entries();
        entries.iter_mut().for_each(|entry| entry.on_trial = None);
        self.write(&entries);
    }

    /// Content has served without harm: the private copy of its generation is kept as what to go back to.
    pub fn note_good(&self, file: &Path, hash: &blake3::Hash, copy: &Path) {
        let Some(folder) = &self.folder else { return };
        if self.is_good(file, hash) {
            return;
        }
        let kept = folder.join(library(&hex(hash)));
        // The same inode will do: nothing writes to either name, and what is loaded from it gets an inode of its own.
        let linked = match std::fs::hard_link(copy, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => std::fs::copy(copy, &kept).map(drop),
            linked => linked,
        };
        if let Err(error) = linked {
            tracing::warn!(file = %file.display(), %error, "the good content of a plugin file is not kept");
            return;
        }
        self.change(file, |entry| {
            entry.good = Some(hex(hash));
            entry.suspected.take_if(|(suspected, _)| *suspected == hex(hash));
        });
        self.sweep();
    }

    pub fn is_good(&self, file: &Path, hash: &blake3::Hash) -> bool {
        self.look(file, |entry| entry.good.as_ref() == Some(&hex(hash))).unwrap_or_default()
    }

    /// What to go back to, if there is anything.
    pub fn good(&self, file: &Path) -> Option<Good> {
        let hash = self.look(file, |entry| entry.good.clone()).flatten()?;
        let bytes = std::fs::read(self.folder.as_ref()?.join(library(&hash))).ok()?;
        let good = Good { hash: blake3::hash(&bytes), bytes };
        (hex(&good.hash) == hash).then_some(good)
    }

    /// Content is not to be tried again.
    pub fn condemn(&self, file: &Path, hash: &blake3::Hash, reason: &str) {
        self.change(file, |entry| entry.condemned = Some((hex(hash), reason.to_owned())));
    }

    /// Why content is not to be tried again, if it is not.
    pub fn condemned(&self, file: &Path, hash: &blake3::Hash) -> Option<String> {
        let condemned = self.look(file, |entry| entry.condemned.clone()).flatten();
        condemned.filter(|(condemned, _)| *condemned == hex(hash)).map(|(_, reason)| reason)
    }

    /// An operator wants a file tried, whatever happened before.
    pub fn pardon(&self, file: &Path) {
        if self.look(file, |entry| entry.condemned.is_some()) == Some(true) {
            self.change(file, |entry| entry.condemned = None);
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        lock(&self.entries)
    }

    fn look<T>(&self, file: &Path, look: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.entries().iter().find(|entry| entry.file == name(file)).map(look)
    }

    fn change(&self, file: &Path, change: impl FnOnce(&mut Entry)) {
        let (mut entries, file) = (self.entries(), name(file));
        let index = entries.iter().position(|entry| entry.file == file).unwrap_or_else(|| {
            entries.push(Entry { file, ..Entry::default() });
            entries.len() - 1
        });
        change(&mut entries[index]);
        self.write(&entries);
    }

    fn write(&self, entries: &[Entry]) {
        let Some(folder) = &self.folder else { return };
        let text = serde_json::to_vec(entries).map_err(io::Error::from);
        if let Err(error) = text.and_then(|text| super::replace(&folder.join(LIST), &[&text])) {
            tracing::warn!(folder = %folder.display(), %error, "what is on trial is not kept: a crash will blame nobody");
        }
    }

    /// Removes copies that nobody goes back to.
    fn sweep(&self) {
        let Some(folder) = &self.folder else { return };
        let kept: HashSet<_> = self.entries().iter().filter_map(|entry| entry.good.as_deref().map(library)).collect();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != LIST && !kept.contains(&name) {
                // Tried again at the next sweep.
                let _ = super::remove(&entry.path());
            }
        }
    }
}

/// The file with all entries.
const LIST: &str = "trials.json";

/// A list that cannot be read knows nothing: then nobody is condemned, and nothing can be gone back to.
fn read(list: &Path) -> Vec<Entry> {
    let text = match std::fs::read(list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        text => text,
    };
    text.and_then(|text| serde_json::from_slice(&text).map_err(io::Error::from)).unwrap_or_else(|error| {
        tracing::warn!(file = %list.display(), %error, "what was good and what was not is forgotten: the list cannot be read");
        Vec::new()
    })
}

/// Ends of the process after which content on trial is not tried again, where nobody knows whose doing they were.
const TOO_OFTEN: u32 = 2;

/// Whose doing the end of a process was.
enum Doing {
    /// Of this generation.
    Of(u64),
    /// Of none.
    Nobodys,
    /// Nobody knows.
    Unknown,
}

impl Entry {
    /// What the end of the last process says of the content that was on trial; `alone`: no other content was.
    fn judge(&mut self, last_end: &LastEnd, alone: bool) {
        let Some(OnTrial { hash, generation, version }) = self.on_trial.take() else { return };
        let what = match last_end {
            LastEnd::Crash { thread, what } => format!("the process crashed ({what} on thread {thread})"),
            LastEnd::Unknown | LastEnd::NoCrash => "the process did not end in order".to_owned(),
        };
        let reason = format!("{what} while version {version} of it was on trial");
        let guilty = match doing(last_end) {
            Doing::Of(number) => number == generation,
            Doing::Nobodys => false,
            Doing::Unknown => {
                let times =
                    self.suspected.as_ref().filter(|(suspected, _)| *suspected == hash).map_or(0, |(_, n)| *n) + 1;
                tracing::warn!(file = self.file, version, times, "{reason}");
                self.suspected = Some((hash.clone(), times));
                // A crash with one suspect is enough; ends without a trace are not, and leave a plugin that is all there is.
                let is_crash = !matches!(last_end, LastEnd::NoCrash);
                let replaceable = self.good.as_ref().is_some_and(|good| *good != hash);
                is_crash && alone || times >= TOO_OFTEN && replaceable
            }
        };
        if guilty {
            self.condemned = Some((hash, reason));
        }
    }
}

/// Whose doing an end was. Threads of generation N are `jf-N-...` (`jf-N.E-...` in engine E of the process), and `jf-close-N`
/// where the last of it is done; `main` and other names that begin with `jf-` are threads on which no plugin runs.
fn doing(last_end: &LastEnd) -> Doing {
    let LastEnd::Crash { thread, .. } = last_end else { return Doing::Unknown };
    let Some(rest) = thread.strip_prefix("jf-") else {
        return if thread == "main" { Doing::Nobodys } else { Doing::Unknown };
    };
    let number = rest.trim_start_matches("close-").split(['-', '.']).next().and_then(|number| number.parse().ok());
    number.map_or(Doing::Nobodys, Doing::Of)
}

fn library(hash: &str) -> String {
    format!("{hash}{}", std::env::consts::DLL_SUFFIX)
}

fn hex(hash: &blake3::Hash) -> String {
    hash.to_hex().to_string()
}

fn name(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        keep: tempfile::TempDir,
        file: PathBuf,
    }

    impl Bench {
        fn new() -> Self {
            let keep = tempfile::tempdir().unwrap();
            let file = keep.path().join("a.so");
            std::fs::write(&file, "x").unwrap();
            Self { keep, file }
        }

        fn open(&self, last_end: LastEnd) -> Trials {
            Trials::open(Some(self.keep.path()), &last_end).unwrap()
        }

        fn copy(&self, content: &str) -> (blake3::Hash, PathBuf) {
            let copy = self.keep.path().join("copy");
            let _ = std::fs::remove_file(&copy);
            std::fs::write(&copy, content).unwrap();
            (blake3::hash(content.as_bytes()), copy)
        }
    }

    fn crash(thread: &str) -> LastEnd {
        LastEnd::Crash { thread: thread.to_owned(), what: "SIGSEGV".to_owned() }
    }

    #[test]
    fn a_crash_condemns_what_was_on_trial_unless_another_generation_did_it() {
        let hash = blake3::hash(b"new");
        for (end, guilty) in [
            (crash("jf-12-serial"), true),
            (crash("jf-13-serial"), false),
            (crash("jf-close-12"), true),
            (crash("jf-close-11"), false),
            (crash("tokio-runtime-w"), true),
            (crash("jf-manager"), false),
            (crash("main"), false),
            (LastEnd::Unknown, true),
            (LastEnd::NoCrash, false),
        ] {
            let bench = Bench::new();
            bench.open(LastEnd::NoCrash).begin(&bench.file, &hash, 12, "2");
            let trials = bench.open(end.clone());
            assert_eq!(trials.condemned(&bench.file, &hash).is_some(), guilty, "{end:?}");
            assert!(trials.condemned(&bench.file, &blake3::hash(b"other")).is_none());
            let later = bench.open(LastEnd::Unknown);
            assert_eq!(later.condemned(&bench.file, &hash).is_some(), guilty, "at the start after that: {end:?}");
            later.pardon(&bench.file);
            assert!(bench.open(LastEnd::Unknown).condemned(&bench.file, &hash).is_none());
        }
    }

    #[test]
    fn with_several_on_trial_nobody_is_condemned_for_a_crash_that_nobody_owns() {
        let bench = Bench::new();
        let other = bench.keep.path().join("b.so");
        std::fs::write(&other, "x").unwrap();
        let hash = blake3::hash(b"new");
        let trials = bench.open(LastEnd::NoCrash);
        trials.begin(&bench.file, &hash, 12, "2");
        trials.begin(&other, &hash, 13, "2");
        let trials = bench.open(crash("camera"));
        assert!(trials.condemned(&bench.file, &hash).is_none() && trials.condemned(&other, &hash).is_none());
    }

    #[test]
    fn ends_without_a_trace_condemn_the_second_time_and_only_where_something_is_left_to_serve() {
        for has_good in [true, false] {
            let bench = Bench::new();
            let bad = blake3::hash(b"bad");
            let mut trials = bench.open(LastEnd::NoCrash);
            if has_good {
                let (hash, copy) = bench.copy("good");
                trials.note_good(&bench.file, &hash, &copy);
            }
            for times in 1..=3 {
                trials.begin(&bench.file, &bad, 7, "2");
                trials = bench.open(LastEnd::NoCrash);
                assert_eq!(trials.condemned(&bench.file, &bad).is_some(), has_good && times >= 2, "{has_good} {times}");
            }
        }
    }

    #[test]
    fn a_list_that_is_garbage_is_forgotten_and_names_no_files() {
        for garbage in ["", "[", "{\"version\":99}", "[{\"file\":\"/\",\"good\":\"../../../etc/passwd\"}]"] {
            let bench = Bench::new();
            std::fs::create_dir(bench.keep.path().join("good")).unwrap();
            std::fs::write(bench.keep.path().join("good").join(LIST), garbage).unwrap();
            assert!(bench.open(LastEnd::Unknown).good(Path::new("/")).is_none(), "{garbage}");
        }
    }

    #[test]
    fn a_trial_that_is_over_blames_nobody() {
        let bench = Bench::new();
        let trials = bench.open(LastEnd::NoCrash);
        trials.begin(&bench.file, &blake3::hash(b"1"), 1, "1");
        trials.end(&bench.file);
        assert!(bench.open(LastEnd::Unknown).condemned(&bench.file, &blake3::hash(b"1")).is_none());
        trials.begin(&bench.file, &blake3::hash(b"1"), 1, "1");
        trials.end_all();
        assert!(bench.open(LastEnd::Unknown).condemned(&bench.file, &blake3::hash(b"1")).is_none());
    }

    #[test]
    fn the_last_good_content_is_there_after_a_restart_and_older_copies_are_not() {
        let bench = Bench::new();
        let trials = bench.open(LastEnd::NoCrash);
        assert!(trials.good(&bench.file).is_none());
        for content in ["one", "two"] {
            let (hash, copy) = bench.copy(content);
            trials.note_good(&bench.file, &hash, &copy);
            assert!(trials.is_good(&bench.file, &hash));
        }
        let trials = bench.open(LastEnd::Unknown);
        assert_eq!(trials.good(&bench.file).unwrap().bytes, b"two");
        assert_eq!(std::fs::read_dir(bench.keep.path().join("good")).unwrap().count(), 2, "the list and one copy");
        let copy = bench.keep.path().join("good").join(library(&hex(&blake3::hash(b"two"))));
        std::fs::remove_file(&copy).unwrap();
        std::fs::write(copy, "not two").unwrap();
        assert!(trials.good(&bench.file).is_none(), "a damaged copy is not good");
    }
}
