//! Events of the file system, as hints only: every one of them means "look again".

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};

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

/// Watches folders, not files: a watch on a file ends with the first rename over it.
pub(crate) struct Watching {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
}

impl Watching {
    /// Calls `hint` on some thread whenever something happens in a watched folder.
    pub fn start(watch: Watch, hint: impl Fn() + Send + 'static) -> Self {
        let watcher = (watch == Watch::Native)
            .then(|| {
                notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                    // Reading the files makes events of its own.
                    if !event.is_ok_and(|event| event.kind.is_access() && !is_close_write(&event)) {
                        hint();
                    }
                })
            })
            .and_then(|started| {
                started
                    .inspect_err(
                        |error| tracing::warn!(%error, "no file events on this system; plugin folders are polled"),
                    )
                    .ok()
            });
        Self { watcher, watched: Vec::new() }
    }

    /// Watches `folder` if it is there and not watched yet.
    pub fn add(&mut self, folder: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        if self.watched.iter().any(|watched| watched == folder) || !folder.is_dir() {
            return;
        }
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => self.watched.push(folder.to_owned()),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "no file events for this folder; it is polled");
            }
        }
    }

    /// The folder has gone: a new one of that name needs a new watch.
    pub fn remove(&mut self, folder: &Path) {
        if let (Some(watcher), Some(index)) =
            (&mut self.watcher, self.watched.iter().position(|watched| watched == folder))
        {
            let _ = watcher.unwatch(folder);
            self.watched.swap_remove(index);
        }
    }
}

fn is_close_write(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind};
    matches!(event.kind, EventKind::Access(AccessKind::Close(AccessMode::Write)))
}
