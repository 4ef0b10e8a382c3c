//! The way to a folder or a file: the names on it that may come to mean something else. A watch is bound to what a path
//! leads to now; where a link on the way is switched, or the folder is replaced, events come from elsewhere, or not at all.

use super::files;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// More links than that on one way are a loop, as for the system.
const MAX_LINKS: usize = 40;

/// What must be watched to learn at once of every change in the plugin folders. No path here has a link in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Folders in which every name counts.
    pub folders: BTreeSet<PathBuf>,
    /// Single names, in other folders: links, the plugin folders themselves, what plugin files link to.
    pub names: BTreeSet<PathBuf>,
}

impl Places {
    /// The places for these plugin folders as they are now.
    pub fn of(folders: &[PathBuf]) -> Self {
        let mut places = Self::default();
        for folder in folders {
            let end = places.add_way(folder);
            // Where others may write, they could keep the engine busy with events.
            let Some(end) = end.filter(|end| files::check_folder(end).is_ok()) else { continue };
            for link in files::links(&end) {
                places.add_way(&link);
            }
            places.folders.insert(end);
        }
        places
    }

    /// The folders that these places lie in.
    pub fn watched(&self) -> BTreeSet<PathBuf> {
        let parents = self.names.iter().filter_map(|name| name.parent()).map(Path::to_owned);
        self.folders.iter().cloned().chain(parents).collect()
    }

    /// Follows a path as the system does, noting each link and the last name, or the first that is missing. Gives where it
    /// ends.
    fn add_way(&mut self, path: &Path) -> Option<PathBuf> {
        let absolute = std::path::absolute(path).ok()?;
        let mut ahead: Vec<Part> = absolute.components().rev().map(Part::of).collect();
        let mut here = PathBuf::new();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            let next = match part {
                Part::Root(root) => {
                    here.push(root);
                    continue;
                }
                Part::Up => {
                    here.pop();
                    continue;
                }
                Part::Name(name) => here.join(name),
            };
            let is_last = ahead.is_empty();
            let target = match std::fs::symlink_metadata(&next) {
                Ok(metadata) if metadata.is_symlink() => std::fs::read_link(&next).ok(),
                Ok(metadata) if metadata.is_dir() || is_last => {
                    if is_last {
                        self.names.insert(next.clone());
                    }
                    here = next;
                    continue;
                }
                Ok(_) | Err(_) => None,
            };
            self.names.insert(next);
            links += 1;
            let target = target.filter(|_| links <= MAX_LINKS)?;
            ahead.extend(target.components().rev().map(Part::of));
        }
        Some(here)
    }
}

/// A step of a way.
enum Part {
    Root(OsString),
    Up,
    Name(OsString),
}

impl Part {
    fn of(component: Component<'_>) -> Self {
        match component {
            Component::Prefix(_) | Component::RootDir => Self::Root(component.as_os_str().to_owned()),
            Component::ParentDir => Self::Up,
            // `.` occurs only at the front, and joins to the same folder.
            Component::CurDir => Self::Root(OsString::new()),
            Component::Normal(name) => Self::Name(name.to_owned()),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "for tests only")]

    use super::*;
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;

    /// The places for `folder`, without the temporary folder in front of them.
    fn places(root: &Path, folder: &str) -> (Vec<String>, Vec<String>) {
        let places = Places::of(&[root.join(folder)]);
        let names = |paths: BTreeSet<PathBuf>| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
        };
        (names(places.folders), names(places.names))
    }

    fn root() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        (root, real)
    }

    fn all(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn each_link_on_the_way_is_a_place() {
        let (_guard, root) = root();
        create_dir_all(root.join("..2024_1/plugins")).unwrap();
        symlink("..2024_1", root.join("..data")).unwrap();
        symlink("..data/plugins", root.join("plugins")).unwrap();
        let expected = (all(&["..2024_1/plugins"]), all(&["..2024_1/plugins", "..data", "plugins"]));
        assert_eq!(places(&root, "plugins"), expected);
        symlink(root.join("plugins/../plugins"), root.join("absolute")).unwrap();
        let expected = all(&["..2024_1/plugins", "..data", "absolute", "plugins"]);
        assert_eq!(places(&root, "absolute").1, expected);
    }

    #[test]
    fn a_linked_plugin_leads_to_its_file() {
        let (_guard, root) = root();
        create_dir_all(root.join("plugins/..2024_1")).unwrap();
        create_dir_all(root.join("build")).unwrap();
        for file in ["plugins/..2024_1/a.so", "build/b.so", "plugins/c.so"] {
            write(root.join(file), "").unwrap();
        }
        symlink("..2024_1", root.join("plugins/..data")).unwrap();
        symlink("..data/a.so", root.join("plugins/a.so")).unwrap();
        symlink("../build/b.so", root.join("plugins/b.so")).unwrap();
        symlink("../build/missing/d.so", root.join("plugins/d.so")).unwrap();
        symlink("../build/b.so", root.join("plugins/no-plugin")).unwrap();
        let names = [
            "build/b.so",
            "build/missing",
            "plugins",
            "plugins/..2024_1/a.so",
            "plugins/..data",
            "plugins/a.so",
            "plugins/b.so",
            "plugins/d.so",
        ];
        assert_eq!(places(&root, "plugins"), (all(&["plugins"]), all(&names)));
    }

    #[test]
    fn what_is_missing_or_no_folder_or_a_loop_is_a_place_too() {
        let (_guard, root) = root();
        assert_eq!(places(&root, "a/b/c"), (vec![], all(&["a"])));
        create_dir_all(root.join("a")).unwrap();
        assert_eq!(places(&root, "a/b/c"), (vec![], all(&["a/b"])));
        write(root.join("a/b"), "a file").unwrap();
        assert_eq!(places(&root, "a/b/c"), (vec![], all(&["a/b"])));
        symlink("loop", root.join("loop")).unwrap();
        assert_eq!(places(&root, "loop/c"), (vec![], all(&["loop"])));
    }

    #[test]
    fn in_a_folder_that_others_may_write_to_nothing_counts_but_its_own_name() {
        use std::os::unix::fs::PermissionsExt;
        let (_guard, root) = root();
        create_dir_all(root.join("plugins")).unwrap();
        std::fs::set_permissions(root.join("plugins"), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(places(&root, "plugins"), (vec![], all(&["plugins"])));
    }
}
