//! What the system has told of the files that are watched, until it is heeded.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::Event;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};

use super::names::Names;

/// Shared with the thread that is told.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Mutex<Heard>>);

/// Which files may have changed.
#[derive(Debug, Default)]
pub(super) struct Heard {
    names: Names,
    pub(super) files: BTreeSet<usize>,
    /// Each may have, and be found by another way: a link, or a directory, or nobody knows what.
    pub(super) is_any: bool,
    /// The directories that are gone, or not where they were.
    pub(super) moved: BTreeSet<PathBuf>,
}

impl Told {
    /// Takes an event, and returns whether it is of any interest.
    pub(super) fn take(&self, event: &notify::Result<Event>) -> bool {
        let mut heard = self.heard();
        match event {
            Ok(event) if event.need_rescan() => heard.is_any = true,
            Ok(event) if !may_change(event.kind) => return false,
            Ok(event) if event.paths.is_empty() => heard.is_any = true,
            Ok(event) => return heard.take(event),
            // Some may be lost.
            Err(_) => heard.is_any = true,
        }
        true
    }

    /// Has events of other names be of interest from now on. Which files of those before were told of is forgotten.
    pub(super) fn set(&self, names: Names) {
        let mut heard = self.heard();
        heard.names = names;
        heard.files.clear();
    }

    /// Returns what was told since the last time.
    pub(super) fn heed(&self) -> Heard {
        let mut heard = self.heard();
        let names = std::mem::take(&mut heard.names);
        std::mem::replace(&mut *heard, Heard { names, ..Heard::default() })
    }

    /// Locks it; whoever panicked with it left it whole.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Takes an event of names that it has.
    fn take(&mut self, event: &Event) -> bool {
        let Self { names, files, is_any, moved } = self;
        let mut is_ours = false;
        for name in &event.paths {
            for file in names.files(name) {
                files.insert(file);
                is_ours = true;
            }
            if names.is_way(name) {
                (*is_any, is_ours) = (true, true);
                if has_moved(event.kind) && names.directories.contains_key(name) {
                    moved.insert(name.clone());
                }
            }
        }
        is_ours
    }
}

/// Tells whether an event can have changed a file; that one was read changes nothing.
fn may_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// Tells whether what an event is of is no longer what it was by its name.
fn has_moved(kind: EventKind) -> bool {
    matches!(kind, EventKind::Remove(_) | EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag};

    use super::*;

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));

    /// Returns who is told of a file, and the directory that it is in.
    fn told() -> (Told, PathBuf, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        let at = std::fs::canonicalize(home.path()).unwrap();
        std::fs::write(at.join("r.txt"), "").unwrap();
        let told = Told::default();
        told.set(Names::of([at.join("r.txt")].iter().map(PathBuf::as_path)));
        (told, at, home)
    }

    #[test]
    fn what_happens_to_a_neighbour_is_not_told() {
        let (told, at, _home) = told();
        for neighbour in ["ringfence.db-wal", "ringfence.db-shm", "ringfence.lock", "r.txt.new"] {
            assert!(!told.take(&Ok(Event::new(WRITTEN).add_path(at.join(neighbour)))), "{neighbour}");
        }
        assert!(told.take(&Ok(Event::new(WRITTEN).add_path(at.join("r.txt")))));
        let heard = told.heed();
        assert_eq!((heard.files, heard.is_any), (BTreeSet::from([0]), false));
        assert!(told.heed().files.is_empty(), "it is told once");
    }

    #[test]
    fn where_events_were_lost_each_file_may_have_changed() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        for event in [Ok(overflow), Err(notify::Error::generic("read"))] {
            let (told, ..) = told();
            assert!(told.take(&event) && told.heed().is_any, "{event:?}");
        }
    }

    #[test]
    fn a_directory_in_the_place_of_another_is_told_as_one_that_has_moved() {
        let (told, at, _home) = told();
        assert!(told.take(&Ok(Event::new(EventKind::Create(CreateKind::Folder)).add_path(at.clone()))));
        let heard = told.heed();
        assert_eq!((heard.is_any, heard.moved), (true, BTreeSet::from([at])));
    }
}
