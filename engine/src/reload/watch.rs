//! Events of the file system, as hints only: every one of them means "look again".

use super::files::{self, Identity};
use super::way::Places;
use crate::call::lock;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How plugin folders are watched. A slow poll runs beside `Native` always, since events can be lost and network file
/// systems send none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Watch {
    /// Events of the system, and the poll.
    #[default]
    Native,
    /// The poll alone.
    Poll,
    /// Only explicit commands.
    Off,
}

/// Folders that keep changing while they are watched are left to the next look after so many attempts.
const ATTEMPTS: usize = 8;

type MakeWatcher = Box<dyn Fn() -> notify::Result<Box<dyn Watcher + Send>> + Send>;

/// Watches folders, not files: a watch on a file ends with the first rename over it.
pub(crate) struct Watching {
    /// `None`: not wanted.
    make: Option<MakeWatcher>,
    watcher: Option<Box<dyn Watcher + Send>>,
    aim: Arc<Mutex<Aim>>,
    /// What the operator was told that it cannot be watched; the empty path: nothing can.
    told: BTreeSet<PathBuf>,
}

/// What is watched. Never locked while the watcher is asked for something: its thread takes this for each event.
#[derive(Default)]
struct Aim {
    places: Places,
    /// The folders with a watch, and what it is bound to; `None`: something else, or nothing any more.
    bound: BTreeMap<PathBuf, Option<Identity>>,
}

impl Watching {
    /// Calls `hint` on some thread whenever something happens that may concern a plugin folder.
    pub fn start(watch: Watch, hint: impl Fn() + Send + Sync + 'static) -> Self {
        let (aim, hint) = (Arc::<Mutex<Aim>>::default(), Arc::new(hint));
        let seen = aim.clone();
        let make = move || -> notify::Result<Box<dyn Watcher + Send>> {
            let (seen, hint) = (seen.clone(), hint.clone());
            let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
                if lock(&seen).concerns(&event) {
                    hint();
                }
            })?;
            Ok(Box::new(watcher))
        };
        let make: Option<MakeWatcher> = (watch == Watch::Native).then(|| Box::new(make) as _);
        Self { make, watcher: None, aim, told: BTreeSet::new() }
    }

    /// Watches all that decides what is in these plugin folders, as it is now. What is looked at after that and changes
    /// later makes an event.
    pub fn follow(&mut self, folders: &[PathBuf]) {
        let Some(make) = &self.make else { return };
        if self.watcher.is_none() {
            match make() {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => {
                    if self.told.insert(PathBuf::new()) {
                        tracing::warn!(%error, "no file events from this system (Linux: the limit is fs.inotify.max_user_instances); plugin folders are polled");
                    }
                    return;
                }
            }
            self.told.remove(Path::new(""));
        }
        for _ in 0..ATTEMPTS {
            if !self.aim_at(Places::of(folders)) {
                return;
            }
        }
    }

    /// Adds and removes watches; true: there is a new one, and what it watches may have changed before.
    fn aim_at(&mut self, places: Places) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let wanted = places.watched();
        let (mut ended, mut begun) = (Vec::new(), Vec::new());
        {
            let mut aim = lock(&self.aim);
            aim.bound.retain(|folder, _| {
                wanted.contains(folder) || {
                    ended.push(folder.clone());
                    false
                }
            });
            for folder in wanted {
                let is_now = files::identity(&folder);
                let bound = aim.bound.get(&folder);
                if is_now.is_some() && bound != Some(&is_now) {
                    if bound.is_some() {
                        ended.push(folder.clone());
                    }
                    // Noted before it is true: an event that unbinds it again then has the last word.
                    aim.bound.insert(folder.clone(), is_now);
                    begun.push(folder);
                }
            }
            aim.places = places;
        }
        for folder in ended {
            // It may be over already: its folder has gone.
            let _ = watcher.unwatch(&folder);
        }
        let mut any = false;
        for folder in begun {
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    any = true;
                    self.told.remove(&folder);
                }
                Err(error) => {
                    lock(&self.aim).bound.remove(&folder);
                    if folder.is_dir() && self.told.insert(folder.clone()) {
                        tracing::warn!(folder = %folder.display(), %error, "no file events for this folder (Linux: the limit is fs.inotify.max_user_watches); it is polled");
                    }
                }
            }
        }
        any
    }
}

impl Aim {
    /// Whether an event may concern a plugin folder.
    fn concerns(&mut self, event: &notify::Result<Event>) -> bool {
        let event = match event {
            Ok(event) if !event.need_rescan() && !event.paths.is_empty() => event,
            // Events were lost: none of the watches is certain.
            Ok(_) | Err(_) => {
                self.bound.values_mut().for_each(|bound| *bound = None);
                return true;
            }
        };
        // Reading the files makes events of its own.
        if event.kind.is_access() && !is_close_write(event) {
            return false;
        }
        let moves = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
        let mut concerns = false;
        for path in &event.paths {
            if moves && let Some(bound) = self.bound.get_mut(path) {
                *bound = None;
                concerns = true;
            }
            let folders = &self.places.folders;
            concerns |= folders.contains(path) || path.parent().is_some_and(|folder| folders.contains(folder));
            concerns |= self.places.names.contains(path);
        }
        concerns
    }
}

fn is_close_write(event: &Event) -> bool {
    matches!(event.kind, EventKind::Access(AccessKind::Close(AccessMode::Write)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "for tests only")]

    use super::*;
    use notify::event::{CreateKind, Flag, RemoveKind, RenameMode};
    use notify::{Config, ErrorKind, EventHandler, WatcherKind};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(15);

    fn root() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        (root, real)
    }

    #[test]
    fn what_concerns_no_plugin_folder_gives_no_hint() {
        let set = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        let places = Places { folders: set(&["/a/plugins"]), names: set(&["/a/plugins", "/a/..data"]) };
        let bound = places.watched().into_iter().map(|folder| (folder, Some(((1, 2), None)))).collect();
        let mut aim = Aim { places, bound };
        let mut concerns = |kind: EventKind, path: &str| {
            (aim.concerns(&Ok(Event::new(kind).add_path(path.into()))), aim.bound.clone())
        };
        let [created, written, opened] = [
            EventKind::Create(CreateKind::Any),
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
        ];
        for (path, expected) in [
            ("/a/plugins/x.so", true),
            ("/a/..data", true),
            ("/a/plugins", true),
            ("/a/..data_tmp", false),
            ("/a", false),
        ] {
            assert_eq!(concerns(created, path).0, expected, "{path}");
            assert_eq!(concerns(written, path).0, expected, "{path}");
            assert!(!concerns(opened, path).0, "{path}");
        }
        // What a watch is bound to has gone, or is elsewhere now.
        let (does, bound) = concerns(EventKind::Remove(RemoveKind::Any), "/a");
        assert!(does && bound[Path::new("/a")].is_none() && bound[Path::new("/a/plugins")].is_some());
        let (does, bound) = concerns(EventKind::Modify(ModifyKind::Name(RenameMode::From)), "/a/plugins");
        assert!(does && bound[Path::new("/a/plugins")].is_none());
    }

    #[test]
    fn an_overflow_of_the_systems_queue_makes_every_watch_new() {
        let (_guard, root) = root();
        let (open, gate) = channel::<()>();
        let (gate, entered) = (Mutex::new(gate), Arc::new(AtomicBool::new(false)));
        let (told, entries) = channel();
        let is_entered = entered.clone();
        let mut watching = Watching::start(Watch::Native, move || {
            if !is_entered.swap(true, Ordering::SeqCst) {
                told.send(()).unwrap();
                // Meanwhile nobody takes events out of the queue.
                let _ = lock(&gate).recv_timeout(LONG);
            }
        });
        watching.follow(std::slice::from_ref(&root));
        let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
        let limit: usize = limit.trim().parse().unwrap();
        std::fs::write(root.join("first"), "").unwrap();
        entries.recv_timeout(LONG).unwrap();
        // Each is created, opened, and closed.
        for number in 0..=limit / 3 {
            std::fs::write(root.join(number.to_string()), "").unwrap();
        }
        open.send(()).unwrap();
        let until = std::time::Instant::now() + LONG;
        while lock(&watching.aim).bound.values().any(Option::is_some) {
            assert!(std::time::Instant::now() < until, "no overflow was told");
            std::thread::yield_now();
        }
        watching.follow(std::slice::from_ref(&root));
        assert!(lock(&watching.aim).bound.values().all(Option::is_some));
    }

    #[test]
    fn lost_events_and_errors_are_hints_that_unbind_all() {
        for event in [
            Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)),
            Ok(Event::new(EventKind::Remove(RemoveKind::Any))),
            Err(notify::Error::new(ErrorKind::MaxFilesWatch)),
        ] {
            let mut aim = Aim { bound: [("/a".into(), Some(((1, 2), None)))].into(), ..Aim::default() };
            assert!(aim.concerns(&event), "{event:?}");
            assert_eq!(aim.bound[Path::new("/a")], None, "{event:?}");
        }
    }

    /// A system without watches left, until it has some again.
    struct Exhausted(Arc<AtomicUsize>);

    impl Watcher for Exhausted {
        fn new<F: EventHandler>(_: F, _: Config) -> notify::Result<Self> {
            Err(notify::Error::generic("not made this way"))
        }

        fn watch(&mut self, _: &Path, _: RecursiveMode) -> notify::Result<()> {
            let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            left.map(drop).map_err(|_| notify::Error::new(ErrorKind::MaxFilesWatch))
        }

        fn unwatch(&mut self, _: &Path) -> notify::Result<()> {
            Ok(())
        }

        fn kind() -> WatcherKind {
            WatcherKind::NullWatcher
        }
    }

    #[test]
    fn without_watches_or_instances_left_it_is_told_once_and_tried_again() {
        let (_guard, root) = root();
        let folders = [root.join("plugins")];
        std::fs::create_dir(&folders[0]).unwrap();
        let (left, instances) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let mut watching = Watching::start(Watch::Off, || ());
        let (makes_left, makes) = (left.clone(), instances.clone());
        watching.make = Some(Box::new(move || {
            let watcher = Exhausted(makes_left.clone());
            let none = || notify::Error::io(std::io::Error::from_raw_os_error(libc::EMFILE));
            if makes.load(Ordering::SeqCst) { Ok(Box::new(watcher)) } else { Err(none()) }
        }));
        for _ in 0..2 {
            watching.follow(&folders);
            assert_eq!(watching.told, [PathBuf::new()].into());
        }
        instances.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            watching.follow(&folders);
            assert_eq!(watching.told, [folders[0].clone(), root.clone()].into());
            assert!(lock(&watching.aim).bound.is_empty());
        }
        left.store(2, Ordering::SeqCst);
        watching.follow(&folders);
        assert!(watching.told.is_empty());
        assert_eq!(lock(&watching.aim).bound.len(), 2);
    }
}
