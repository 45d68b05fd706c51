//! By what names files can be changed: their own, and those of the links and directories on the way to them
//! (`path_resolution(7)`). A link that is set to another file changes what was read as much as writing does.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The names of some files. Each is a name in a directory that no link leads to.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Those of a file itself, and of links in its place: which files it is.
    files: HashMap<PathBuf, Vec<usize>>,
    /// Those of directories, and of links in their place: behind them may be any file.
    ways: HashSet<PathBuf>,
    /// Where to look for events: each directory, and whether a file of ours is in it.
    pub(super) directories: BTreeMap<PathBuf, bool>,
}

/// More links in one path are a circle (Linux's own limit).
const MOST_LINKS: usize = 40;

impl Names {
    /// Finds the names of files, which count from 0.
    pub(super) fn of<'a>(files: impl Iterator<Item = &'a Path>) -> Self {
        let mut names = Self::default();
        let mut parents: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
        for (file, path) in files.enumerate() {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            // Ten thousand files of one directory have the same way, which is gone once.
            let beside = path.parent().zip(path.file_name()).and_then(|(parent, name)| {
                let known = parents.get(parent).cloned();
                let parent = known.unwrap_or_else(|| {
                    let found = names.go(parent, None);
                    parents.insert(parent.to_owned(), found.clone());
                    found
                })?;
                Some((parent.join(name), parent))
            });
            match beside.and_then(|(name, parent)| Some((fs::symlink_metadata(&name).ok()?, name, parent))) {
                Some((found, name, parent)) if !found.is_symlink() => {
                    names.directories.insert(parent, true);
                    if found.is_dir() {
                        names.directories.insert(name.clone(), true);
                    }
                    names.files.entry(name).or_default().push(file);
                }
                _ => drop(names.go(&path, Some(file))),
            }
        }
        names
    }

    /// Goes to where a path leads, which is the one of a file or the way to some, and takes up the names on the way. Returns
    /// where it ends, if there is something.
    fn go(&mut self, path: &Path, file: Option<usize>) -> Option<PathBuf> {
        let mut ahead: Vec<OsString> = steps(path).collect();
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        while let Some(step) = ahead.pop() {
            if step == ".." {
                at.pop();
                continue;
            }
            let name = at.join(&step);
            match file.filter(|_| ahead.is_empty()) {
                Some(file) => self.files.entry(name.clone()).or_default().push(file),
                None => drop(self.ways.insert(name.clone())),
            }
            let is_ours = file.is_some() && ahead.is_empty();
            let link = match fs::symlink_metadata(&name) {
                Ok(found) if found.is_symlink() => fs::read_link(&name).ok(),
                Ok(found) => {
                    if is_ours {
                        self.watch(&at, true);
                    }
                    if is_ours && found.is_dir() {
                        self.watch(&name, true);
                    }
                    at = name;
                    continue;
                }
                Err(_) => None,
            };
            // Here the link is changed, or appears what is not there yet.
            self.watch(&at, is_ours);
            links += 1;
            let link = link.filter(|_| links <= MOST_LINKS)?;
            if link.is_absolute() {
                at = PathBuf::from("/");
            }
            ahead.extend(steps(&link));
        }
        Some(at)
    }

    fn watch(&mut self, directory: &Path, is_ours: bool) {
        *self.directories.entry(directory.to_owned()).or_default() |= is_ours;
    }

    /// Returns the files that an event of a name may have changed: it may be of a card in the directory that a list is.
    pub(super) fn files(&self, name: &Path) -> impl Iterator<Item = usize> {
        let own = self.files.get(name);
        let of_directory = name.parent().and_then(|parent| self.files.get(parent));
        own.into_iter().chain(of_directory).flatten().copied()
    }

    /// Tells whether a name is on the way to files, of which any may have changed.
    pub(super) fn is_way(&self, name: &Path) -> bool {
        self.ways.contains(name) || self.directories.contains_key(name)
    }
}

/// Returns the steps of a path, the last first.
fn steps(path: &Path) -> impl Iterator<Item = OsString> {
    let steps = path.components().rev().filter_map(|step| match step {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    steps.map(OsStr::to_owned).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Returns the names of a file in a directory, and of what it takes for them to be known by: the directory itself.
    fn names(home: &tempfile::TempDir, path: &str) -> (Names, PathBuf) {
        let home = fs::canonicalize(home.path()).unwrap();
        (Names::of([home.join(path)].iter().map(PathBuf::as_path)), home)
    }

    fn is_of(names: &Names, name: &Path) -> (bool, bool) {
        (names.files(name).count() > 0, names.is_way(name))
    }

    #[test]
    fn a_neighbour_is_neither_the_file_nor_on_the_way_to_it() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("ringfence.toml"), "").unwrap();
        let (names, home) = names(&home, "ringfence.toml");
        assert_eq!(is_of(&names, &home.join("ringfence.toml")), (true, false));
        assert_eq!(is_of(&names, &home.join("ringfence.db-wal")), (false, false));
        assert_eq!(is_of(&names, &home), (false, true));
        assert_eq!(names.directories, BTreeMap::from([(home, true)]));
    }

    #[test]
    fn each_link_on_the_way_is_known_and_watched_where_it_stands() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir_all(at("versions/1")).unwrap();
        fs::write(at("versions/1/r.txt"), "").unwrap();
        symlink("versions/1", at("current")).unwrap();
        symlink("current/r.txt", at("r.txt")).unwrap();
        let (names, home) = names(&home, "r.txt");
        for (name, expected) in [
            ("r.txt", (true, false)),
            ("current", (false, true)),
            ("versions", (false, true)),
            ("versions/1", (false, true)),
            ("versions/1/r.txt", (true, false)),
            ("versions/2", (false, false)),
        ] {
            assert_eq!(is_of(&names, &home.join(name)), expected, "{name}");
        }
        let watched: Vec<_> = names.directories.into_keys().collect();
        assert_eq!(watched, [home.clone(), home.join("versions/1")]);
    }

    #[test]
    fn where_a_directory_is_missing_it_is_waited_for_in_the_one_above() {
        let home = tempfile::tempdir().unwrap();
        let (names, home) = names(&home, "lists/spam/r.txt");
        assert_eq!(is_of(&names, &home.join("lists")), (false, true));
        assert_eq!(names.directories, BTreeMap::from([(home, false)]));
    }

    #[test]
    fn a_directory_of_cards_is_changed_by_each_of_them() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("cards")).unwrap();
        let (names, home) = names(&home, "cards");
        assert_eq!(is_of(&names, &home.join("cards/new.vcf")), (true, false));
        assert_eq!(names.directories.get(&home.join("cards")), Some(&true));
    }

    #[test]
    fn links_in_a_circle_have_an_end() {
        let home = tempfile::tempdir().unwrap();
        symlink("b", home.path().join("a")).unwrap();
        symlink("a", home.path().join("b")).unwrap();
        let (names, home) = names(&home, "a");
        assert_eq!([is_of(&names, &home.join("a")), is_of(&names, &home.join("b"))], [(true, false); 2]);
    }
}
