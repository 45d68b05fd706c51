//! The turn to change lists: a lock on the configuration and on each file that its lists are written in, for another
//! configuration may share those.
//!
//! ```text
//!  lock the configuration ─▶ read it ─▶ lock its other files, if nobody has them ─▶ all as read? ─▶ the turn
//!                              ▲                 │ somebody has one                     │ no
//!                              └── let all go, and lock all in the order of their names ┘
//! ```
//!
//! Whoever waits while holding locks takes them in that order, so that no two wait for each other.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::EditError;
use crate::config::{self, Lists, Loaded, Reading, canonical, regular};

/// Keeps other editors of the same files away until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _held: Vec<File>,
}

/// Files by their one name, each as it was named.
type Files = BTreeMap<PathBuf, PathBuf>;

impl Turn {
    /// Waits for the turn to change the lists of a configuration, and reads it as nobody else changes it.
    pub(crate) fn take(config: &Path) -> Result<(Self, Reading), EditError> {
        let mut files = named([config.to_owned()]);
        let mut held = lock_all(&files)?;
        loop {
            let reading = config::read(config);
            let lists = reading.lists.iter().flat_map(Lists::each);
            let mut further = named(lists.clone().flat_map(Loaded::written_in));
            further.retain(|file, _| !files.contains_key(file));
            let is_free = further
                .values()
                .try_fold(true, |is_free, file| Ok(is_free && lock(file, &mut held, Wait::Never)?))?;
            if !is_free {
                held.clear();
                files.append(&mut further);
                held = lock_all(&files)?;
                continue;
            }
            let read = lists.flat_map(|list| &list.stamped);
            let read = read.chain(reading.config.iter().flat_map(|config| &config.files));
            let is_as_read =
                |file: &PathBuf| read.clone().any(|stamped| stamped.path == *file && stamped.is_current());
            if further.values().all(is_as_read) {
                return Ok((Self { _held: held }, reading));
            }
            files.append(&mut further);
        }
    }
}

/// Whether a lock that somebody else has is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Never,
    UntilFree,
}

fn named(files: impl IntoIterator<Item = PathBuf>) -> Files {
    files.into_iter().map(|file| (canonical(&file), file)).collect()
}

/// Waits for the locks of files, one after the other in their order.
fn lock_all(files: &Files) -> Result<Vec<File>, EditError> {
    let mut held = Vec::new();
    for file in files.values() {
        lock(file, &mut held, Wait::UntilFree)?;
    }
    Ok(held)
}

/// Takes the lock of a file, and tells whether it is had. A file that cannot be opened cannot be edited either, which whoever
/// tries is told.
fn lock(path: &Path, held: &mut Vec<File>, wait: Wait) -> Result<bool, EditError> {
    let io = |source| EditError::io(path, source);
    let which = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    loop {
        let Ok(file) = regular::open(path) else { return Ok(true) };
        let opened = file.metadata().map(which).map_err(io)?;
        // Under two names, it would be waited for by who has it.
        if held.iter().any(|held| held.metadata().map(which).is_ok_and(|held| held == opened)) {
            return Ok(true);
        }
        match (file.try_lock(), wait) {
            (Ok(()), _) => {}
            (Err(TryLockError::WouldBlock), Wait::Never) => return Ok(false),
            (Err(TryLockError::WouldBlock), Wait::UntilFree) => file.lock().map_err(io)?,
            (Err(TryLockError::Error(source)), _) => return Err(io(source)),
        }
        // Whoever held the lock may have put another file in its place.
        if fs::metadata(path).map(which).is_ok_and(|named| named == opened) {
            held.push(file);
            return Ok(true);
        }
    }
}
