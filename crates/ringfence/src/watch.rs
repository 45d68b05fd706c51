//! Notices that a file of the configuration has changed.
//!
//! Directories are watched, not files: editors write a new file and rename it, and what was watched
//! is gone. Any event there makes us look whether one of our files is another one than before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::config::Stamped;

/// Files that are watched.
#[derive(Debug)]
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    events: mpsc::Receiver<()>,
    /// By their one canonical name: two names of a directory are one watch, which ends with either. A directory that another has
    /// taken the place of is watched no more, whatever its name.
    directories: BTreeMap<PathBuf, Option<Identity>>,
    /// The files as they were read.
    files: Vec<Stamped>,
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
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| may_change(event.kind)) {
                // A full channel says the same.
                let _ = happened.try_send(());
            }
        })?;
        Ok(Self { watcher, events, directories: BTreeMap::new(), files: Vec::new() })
    }

    /// Watches these files instead of those before. What has changed since they were stamped, before
    /// anyone watched, is noticed as well.
    pub(crate) fn set(&mut self, files: Vec<Stamped>) -> notify::Result<()> {
        self.files = files;
        // What a link leads to is watched as well as the link.
        let named = self.files.iter().map(|file| file.path.clone());
        let targets = self.files.iter().filter_map(|file| fs::canonicalize(&file.path).ok());
        let directories: BTreeSet<_> = named.chain(targets).map(|file| directory(&file)).collect();
        let directories: BTreeMap<_, _> = directories
            .into_iter()
            .map(|path| (identity(&path), path))
            .map(|(id, path)| (path, id))
            .collect();
        let is_in = |all: &BTreeMap<PathBuf, _>, (path, id): (&PathBuf, _)| all.get(path) == Some(id);
        for gone in self.directories.iter().filter(|known| !is_in(&directories, *known)) {
            // A directory that was removed is not watched any more anyway.
            let _ = self.watcher.unwatch(gone.0);
        }
        let mut outcome = Ok(());
        for new in directories.iter().filter(|new| !is_in(&self.directories, *new)) {
            if let Err(error) = self.watcher.watch(new.0, RecursiveMode::NonRecursive) {
                outcome = Err(error);
            }
        }
        self.directories = directories;
        outcome
    }

    /// Waits until one of the files is another one than it was, and the writing is over; each that was emptied is given
    /// time to be filled, once. Nothing is missed when the waiting is given up half way.
    pub(crate) async fn changed(&mut self) {
        let mut given = BTreeMap::new();
        loop {
            if self.now() == self.files {
                // Nothing is looked at before something is told, or a while has passed.
                if let Ok(None) = timeout(LOOK, self.events.recv()).await {
                    // The watcher is gone: nobody tells any more.
                    sleep(LOOK).await;
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
            let now = self.now();
            if now == self.files {
                given.clear();
                continue;
            }
            let looks = self.files.iter().zip(&now).enumerate();
            let emptied = looks.filter(|(_, (before, now))| before.is_emptied(now));
            let latest =
                emptied.map(|(place, (file, _))| *given.entry(place).or_insert_with(|| give(file))).max();
            let Some(until) = latest.filter(|until| Instant::now() < *until) else {
                // Whoever is told reads the files after this moment.
                self.files = now;
                return;
            };
            if let Ok(None) = timeout_at(until, self.events.recv()).await {
                sleep_until(until).await;
            }
        }
    }

    fn now(&self) -> Vec<Stamped> {
        self.files.iter().map(|file| Stamped::now(&file.path)).collect()
    }
}

/// Returns until when a file that was emptied is waited for, and says so.
fn give(file: &Stamped) -> Instant {
    let (file, seconds) = (file.path.display(), EMPTY.as_secs());
    tracing::warn!(%file, seconds, "file emptied: changes are read when it is filled, or empty for so long");
    Instant::now() + EMPTY
}

/// Tells whether an event can have changed a file; that one was read changes nothing.
fn may_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

fn identity(directory: &Path) -> Option<Identity> {
    fs::metadata(directory).ok().map(|found| (found.dev(), found.ino()))
}

fn directory(file: &Path) -> PathBuf {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned())
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
        assert_eq!(watch.now(), watch.files);
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
        watch.watcher.unwatch(&directory(&file)).unwrap();
        let written = async {
            tokio::time::sleep(LOOK / 2).await;
            fs::write(&file, "+4178*2").unwrap();
        };
        tokio::join!(watch.changed(), written);
        assert!(start.elapsed() < LOOK + MOST_WAIT, "{:?}", start.elapsed());
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
        assert_eq!(watch.now(), watch.files);
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
        let watch = watch(&file);
        fs::write(home.path().join("neighbour"), "b").unwrap();
        fs::read(&file).unwrap();
        assert_eq!(watch.now(), watch.files);
    }
}
