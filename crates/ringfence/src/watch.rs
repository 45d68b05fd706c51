//! Notices that a file of the configuration has changed.
//!
//! Directories are watched, not files: editors write a new file and rename it, and what was watched
//! is gone. Of the events there those count that are of one of our files, or of what leads to it: the journal may be written
//! beside them a hundred times a second, and ten thousand files be ours.

mod names;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use self::names::Names;
use self::told::Told;
use crate::config::Stamped;

/// Files that are watched.
#[derive(Debug)]
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    /// Says that something was told.
    events: mpsc::Receiver<()>,
    told: Told,
    /// By their one canonical name: two names of a directory are one watch, which ends with either. A directory that another has
    /// taken the place of is watched no more, whatever its name.
    directories: BTreeMap<PathBuf, Option<Identity>>,
    /// The files as they were read.
    files: Vec<Stamped>,
    /// Those that may have changed since they were looked at, by their places.
    suspects: BTreeSet<usize>,
}

/// What tells a directory from another of its name: device and inode.
type Identity = (u64, u64);

/// How often the files are looked at though nothing was told: a network's file system tells nothing.
const LOOK: Duration = Duration::from_secs(60);
/// An editor, or a script that changes several lists, is done when nothing happens for so long…
const QUIET: Duration = Duration::from_millis(200);
/// … and whoever never stops writing does not keep a change from being noticed.
const MOST_WAIT: Duration = Duration::from_secs(2);
/// Who empties a file to write it anew has written again after so long. One that is empty still is meant to be.
const EMPTY: Duration = Duration::from_secs(5);

impl Watch {
    /// Starts to watch nothing yet.
    pub(crate) fn new() -> notify::Result<Self> {
        let (happened, events) = mpsc::channel(1);
        let told = Told::default();
        let teller = told.clone();
        let watcher = notify::recommended_watcher(move |event| {
            if teller.take(&event) {
                // A full channel says the same.
                let _ = happened.try_send(());
            }
        })?;
        let (directories, files, suspects) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Ok(Self { watcher, events, told, directories, files, suspects })
    }

    /// Watches these files instead of those before. What has changed since they were stamped, before
    /// anyone watched, is noticed as well.
    pub(crate) fn set(&mut self, files: Vec<Stamped>) -> notify::Result<()> {
        self.files = files;
        self.watch_the_way()
    }

    /// Watches the directories that the files, and what leads to them, are in now. Each file is looked at next. An error is of
    /// a directory that has one of them.
    fn watch_the_way(&mut self) -> notify::Result<()> {
        let names = Names::of(self.files.iter().map(|file| &*file.path));
        let wanted = names.directories.clone();
        self.told.set(names);
        let directories: BTreeMap<_, _> = wanted.keys().map(|path| (path.clone(), identity(path))).collect();
        let is_in = |all: &BTreeMap<PathBuf, _>, (path, id): (&PathBuf, _)| all.get(path) == Some(id);
        for gone in self.directories.iter().filter(|known| !is_in(&directories, *known)) {
            // A directory that was removed is not watched any more anyway.
            let _ = self.watcher.unwatch(gone.0);
        }
        let mut outcome = Ok(());
        for new in directories.iter().filter(|new| !is_in(&self.directories, *new)) {
            if let Err(error) = self.watcher.watch(new.0, RecursiveMode::NonRecursive)
                && wanted.get(new.0) == Some(&true)
            {
                outcome = Err(error);
            }
        }
        self.directories = directories;
        self.suspect_all();
        outcome
    }

    /// Waits until one of the files is another one than it was, and the writing is over; each that was emptied is given
    /// time to be filled, once. Nothing is missed when the waiting is given up half way.
    pub(crate) async fn changed(&mut self) {
        let mut given = BTreeMap::new();
        loop {
            if self.look().is_empty() {
                // Nothing is looked at before something is told, or a while has passed.
                let told = timeout(LOOK, self.events.recv()).await;
                if let Ok(None) = told {
                    // The watcher is gone: nobody tells any more.
                    sleep(LOOK).await;
                }
                if !matches!(told, Ok(Some(()))) {
                    self.suspect_all();
                }
            }
            let latest = Instant::now() + MOST_WAIT;
            while let Ok(Some(())) =
                timeout_at((Instant::now() + QUIET).min(latest), self.events.recv()).await
            {
                if Instant::now() >= latest {
                    break;
                }
            }
            if self.look().is_empty() {
                given.clear();
                continue;
            }
            // All are read when one has changed: none is to be empty then for a moment.
            self.suspect_all();
            let changed = self.look();
            let looks = changed.iter().map(|(place, now)| (*place, &self.files[*place], now));
            let emptied = looks.filter(|(_, before, now)| before.is_emptied(now));
            let latest =
                emptied.map(|(place, file, _)| *given.entry(place).or_insert_with(|| give(file))).max();
            let Some(until) = latest.filter(|until| Instant::now() < *until) else {
                // Whoever is told reads the files after this moment.
                for (place, now) in changed {
                    self.files[place] = now;
                }
                return;
            };
            if let Ok(None) = timeout_at(until, self.events.recv()).await {
                sleep_until(until).await;
            }
        }
    }

    /// Returns those of the files that may have changed that have, as they are now.
    fn look(&mut self) -> BTreeMap<usize, Stamped> {
        let heard = self.told.heed();
        self.suspects.extend(heard.files);
        if heard.is_any {
            for moved in heard.moved {
                // Another one of its name may even have its inode.
                let _ = self.watcher.unwatch(&moved);
                self.directories.remove(&moved);
            }
            if let Err(error) = self.watch_the_way() {
                tracing::warn!(%error, "not every file is watched: `ringfence reload` applies changes");
            }
        }
        let looks = self.suspects.iter().map(|place| (*place, Stamped::now(&self.files[*place].path)));
        let changed: BTreeMap<_, _> = looks.filter(|(place, now)| self.files[*place] != *now).collect();
        self.suspects = changed.keys().copied().collect();
        changed
    }

    fn suspect_all(&mut self) {
        self.suspects = (0..self.files.len()).collect();
    }
}

/// Returns until when a file that was emptied is waited for, and says so.
fn give(file: &Stamped) -> Instant {
    let (file, seconds) = (file.path.display(), EMPTY.as_secs());
    tracing::warn!(%file, seconds, "file emptied: changes are read when it is filled, or empty for so long");
    Instant::now() + EMPTY
}

fn identity(directory: &Path) -> Option<Identity> {
    fs::metadata(directory).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_noticed(watch: &mut Watch) -> bool {
        tokio::time::timeout(Duration::from_secs(5), watch.changed()).await.is_ok()
    }

    fn watch(file: &Path) -> Watch {
        let mut watch = Watch::new().unwrap();
        watch.set(vec![Stamped::now(file)]).unwrap();
        watch
    }

    /// Tells whether all files are as they were read, each looked at.
    fn is_as_read(watch: &mut Watch) -> bool {
        watch.suspect_all();
        watch.look().is_empty()
    }

    #[tokio::test]
    async fn a_file_that_is_written_or_renamed_over_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("ringfence.toml");
        fs::write(&file, "a").unwrap();
        let mut watch = watch(&file);
        fs::write(&file, "ab").unwrap();
        assert!(is_noticed(&mut watch).await);
        fs::write(home.path().join("new"), "abc").unwrap();
        fs::rename(home.path().join("new"), &file).unwrap();
        assert!(is_noticed(&mut watch).await);
    }

    #[tokio::test]
    async fn a_change_between_reading_and_watching_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("ringfence.toml");
        fs::write(&file, "a").unwrap();
        let read = Stamped::now(&file);
        fs::write(&file, "ab").unwrap();
        let mut watch = Watch::new().unwrap();
        watch.set(vec![read]).unwrap();
        assert!(is_noticed(&mut watch).await);
        assert!(is_as_read(&mut watch));
    }

    #[tokio::test]
    async fn a_directory_is_watched_on_when_it_is_named_another_way() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("lists")).unwrap();
        let file = home.path().join("lists/r.txt");
        let winding = home.path().join("lists/../lists/r.txt");
        fs::write(&file, "a").unwrap();
        let mut watch = watch(&winding);
        watch.set(vec![Stamped::now(&file)]).unwrap();
        // It is written when the waiting has begun: only an event tells of it.
        let written = async { fs::write(&file, "ab") };
        let (is_noticed, written) = tokio::join!(is_noticed(&mut watch), written);
        assert!(written.is_ok() && is_noticed);
    }

    #[tokio::test]
    async fn a_directory_that_another_takes_the_place_of_is_watched_on() {
        let home = tempfile::tempdir().unwrap();
        let [lists, new] = ["lists", "new"].map(|name| home.path().join(name));
        let file = lists.join("r.txt");
        for directory in [&lists, &new] {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("r.txt"), "a").unwrap();
        }
        let mut watch = watch(&file);
        fs::rename(&lists, home.path().join("old")).unwrap();
        fs::rename(&new, &lists).unwrap();
        assert!(is_noticed(&mut watch).await);
        watch.set(vec![Stamped::now(&file)]).unwrap();
        let written = async { fs::write(&file, "ab") };
        let (is_noticed, written) = tokio::join!(is_noticed(&mut watch), written);
        assert!(written.is_ok() && is_noticed);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_tells_of_is_found_within_a_minute() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("reject.txt");
        fs::write(&file, "+4179*").unwrap();
        let (mut watch, start) = (watch(&file), Instant::now());
        watch.watcher.unwatch(&fs::canonicalize(home.path()).unwrap()).unwrap();
        let written = async {
            tokio::time::sleep(LOOK / 2).await;
            fs::write(&file, "+4178*2").unwrap();
        };
        tokio::join!(watch.changed(), written);
        assert!(start.elapsed() < LOOK + MOST_WAIT, "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_journal_beside_the_files_has_none_of_them_looked_at() {
        let home = tempfile::tempdir().unwrap();
        let files = ["ringfence.toml", "password"].map(|name| home.path().join(name));
        for file in &files {
            fs::write(file, "a").unwrap();
        }
        let mut watch = Watch::new().unwrap();
        watch.set(files.iter().map(|file| Stamped::now(file)).collect()).unwrap();
        assert!(watch.look().is_empty() && watch.suspects.is_empty());
        for name in ["ringfence.db-wal", "ringfence.db-shm", "ringfence.lock"] {
            fs::write(home.path().join(name), "b").unwrap();
        }
        // Events come in their order: what is told first is of the file.
        fs::write(&files[1], "ab").unwrap();
        assert_eq!(watch.events.recv().await, Some(()));
        assert_eq!(watch.told.heed().files, BTreeSet::from([1]));
    }

    #[tokio::test]
    async fn a_directory_that_appears_is_watched_and_so_is_what_comes_into_it() {
        let home = tempfile::tempdir().unwrap();
        let lists = home.path().join("lists");
        let mut watch = watch(&lists.join("spam/r.txt"));
        for (made, is_told) in [("spam", false), ("spam/r.txt", true)] {
            let made = async {
                // Only an event tells of it, and the one before is heeded by then.
                sleep(2 * QUIET).await;
                if is_told {
                    fs::write(lists.join(made), "a").unwrap();
                } else {
                    fs::create_dir_all(lists.join(made)).unwrap();
                }
            };
            let (noticed, ()) = tokio::join!(timeout(6 * QUIET, watch.changed()), made);
            assert_eq!(noticed.is_ok(), is_told);
        }
    }

    #[tokio::test]
    async fn a_link_that_is_set_to_another_directory_is_noticed_and_so_is_what_is_written_there() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for version in ["1", "2"] {
            fs::create_dir_all(at("versions").join(version)).unwrap();
            fs::write(at("versions").join(version).join("r.txt"), version).unwrap();
        }
        std::os::unix::fs::symlink("versions/1", at("current")).unwrap();
        let file = at("current/r.txt");
        let mut watch = watch(&file);
        std::os::unix::fs::symlink("versions/2", at("new")).unwrap();
        fs::rename(at("new"), at("current")).unwrap();
        assert!(is_noticed(&mut watch).await);
        fs::write(at("versions/2/r.txt"), "more").unwrap();
        assert!(is_noticed(&mut watch).await, "though nothing was set anew");
    }

    #[tokio::test]
    async fn a_file_that_a_directory_takes_the_place_of_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("reject.txt");
        fs::write(&file, "+4179*").unwrap();
        let mut watch = watch(&file);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(is_noticed(&mut watch).await);
    }

    #[tokio::test]
    async fn a_file_that_appears_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("reject.txt");
        let mut watch = watch(&file);
        fs::write(&file, "+4179*").unwrap();
        assert!(is_noticed(&mut watch).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_emptied_and_filled_again_is_never_told_empty() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("reject.txt");
        fs::write(&file, "+4179*").unwrap();
        let mut watch = watch(&file);
        fs::write(&file, "").unwrap();
        let filled = async {
            tokio::time::sleep(EMPTY / 2).await;
            fs::write(&file, "+4178*").unwrap();
        };
        tokio::join!(watch.changed(), filled);
        assert_eq!(fs::read_to_string(&file).unwrap(), "+4178*");
        assert!(is_as_read(&mut watch));
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_stays_empty_is_told_after_a_while() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("reject.txt");
        fs::write(&file, "+4179*").unwrap();
        let (mut watch, start) = (watch(&file), Instant::now());
        fs::write(&file, "").unwrap();
        watch.changed().await;
        assert!((EMPTY..EMPTY * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_emptied_while_another_is_waited_for_is_given_as_long() {
        let home = tempfile::tempdir().unwrap();
        let files = ["reject.txt", "allow.txt"].map(|name| home.path().join(name));
        for file in &files {
            fs::write(file, "+4179*").unwrap();
        }
        let (mut watch, start) = (Watch::new().unwrap(), Instant::now());
        watch.set(files.iter().map(|file| Stamped::now(file)).collect()).unwrap();
        fs::write(&files[0], "").unwrap();
        let later = EMPTY * 24 / 25;
        let emptied = async {
            tokio::time::sleep(later).await;
            fs::write(&files[1], "").unwrap();
        };
        tokio::join!(watch.changed(), emptied);
        assert!((later + EMPTY..EMPTY * 3).contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_change_behind_a_link_is_noticed() {
        let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (link, target) = (home.path().join("link"), elsewhere.path().join("target"));
        fs::write(&target, "a").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut watch = watch(&link);
        fs::write(&target, "ab").unwrap();
        assert!(is_noticed(&mut watch).await);
    }

    #[tokio::test]
    async fn a_neighbour_that_changes_and_a_file_that_is_read_are_no_change() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("ringfence.toml");
        fs::write(&file, "a").unwrap();
        let mut watch = watch(&file);
        fs::write(home.path().join("neighbour"), "b").unwrap();
        fs::read(&file).unwrap();
        assert!(is_as_read(&mut watch));
    }
}
