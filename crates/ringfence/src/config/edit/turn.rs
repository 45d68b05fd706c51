//! The turn to change lists: a lock on the configuration and on each file that its lists are written in, for another
//! configuration may share those.
//!
//! ```text
//!  lock the configuration ─▶ read it ─▶ lock its other files, if nobody has them ─▶ all as read? ─▶ the turn
//!                              ▲                 │ somebody has one                     │ no
//!                              └── let all go, and lock all in the order of their names ┘
//! ```
//!
//! Whoever waits while holding locks takes them in that order, so that no two wait for each other. While a person is asked
//! something nothing is locked: see [`Turn::give_away`].

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::EditError;
use crate::config::{self, Lists, Loaded, Reading, Stamped, canonical, regular};

/// Keeps other editors of the same files away until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    files: Files,
    held: Vec<File>,
    /// The files as they were when the turn was given away.
    before: Vec<Stamped>,
    waits: Waits,
}

/// Tells a person for which file somebody else is waited, and for which process if that can be known.
pub(crate) type Waits = fn(&Path, Option<u32>);

/// Files by their one name, each as it was named.
type Files = BTreeMap<PathBuf, PathBuf>;

impl Turn {
    /// Waits for the turn to change the lists of a configuration, and reads it as nobody else changes it.
    /// Whoever waits for long is told.
    pub(crate) fn take(config: &Path, waits: Waits) -> Result<(Self, Reading), EditError> {
        let mut files = named([config.to_owned()]);
        let mut held = lock_all(&files, waits)?;
        loop {
            let reading = config::read(config);
            let lists = reading.lists.iter().flat_map(Lists::each);
            let mut further = named(lists.clone().flat_map(Loaded::written_in));
            further.retain(|file, _| !files.contains_key(file));
            let is_free = further
                .values()
                .try_fold(true, |is_free, file| Ok(is_free && lock(file, &mut held, None)?))?;
            if !is_free {
                held.clear();
                files.append(&mut further);
                held = lock_all(&files, waits)?;
                continue;
            }
            let read = lists.flat_map(|list| &list.stamped);
            let read = read.chain(reading.config.iter().flat_map(|config| &config.files));
            let is_as_read =
                |file: &PathBuf| read.clone().any(|stamped| stamped.path == *file && stamped.is_current());
            let is_as_read = further.values().all(is_as_read);
            files.append(&mut further);
            if is_as_read {
                return Ok((Self { files, held, before: Vec::new(), waits }, reading));
            }
        }
    }

    /// Lets others have their turn, as while a person thinks about an answer.
    pub(crate) fn give_away(&mut self) {
        self.before = self.files.values().map(|file| Stamped::now(file)).collect();
        self.held.clear();
    }

    /// Waits for the turn again, and tells whether all files are as they were when it was given away.
    pub(crate) fn take_again(&mut self) -> Result<bool, EditError> {
        self.held = lock_all(&self.files, self.waits)?;
        Ok(self.before.iter().all(Stamped::is_current))
    }
}

fn named(files: impl IntoIterator<Item = PathBuf>) -> Files {
    files.into_iter().map(|file| (canonical(&file), file)).collect()
}

/// Waits for the locks of files, one after the other in their order.
fn lock_all(files: &Files, waits: Waits) -> Result<Vec<File>, EditError> {
    let mut held = Vec::new();
    for file in files.values() {
        lock(file, &mut held, Some(waits))?;
    }
    Ok(held)
}

/// Takes the lock of a file, and tells whether it is had; somebody else who has it is waited for only where that can be
/// told. A file that cannot be opened cannot be edited either, which whoever tries is told.
fn lock(path: &Path, held: &mut Vec<File>, waits: Option<Waits>) -> Result<bool, EditError> {
    let io = |source| EditError::io(path, source);
    let which = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    loop {
        let Ok(file) = regular::open(path) else { return Ok(true) };
        let opened = file.metadata().map(which).map_err(io)?;
        // Under two names, it would be waited for by who has it.
        if held.iter().any(|held| held.metadata().map(which).is_ok_and(|held| held == opened)) {
            return Ok(true);
        }
        match (file.try_lock(), waits) {
            (Ok(()), _) => {}
            (Err(TryLockError::WouldBlock), None) => return Ok(false),
            (Err(TryLockError::WouldBlock), Some(waits)) => wait(&file, path, waits).map_err(io)?,
            (Err(TryLockError::Error(source)), _) => return Err(io(source)),
        }
        // Whoever held the lock may have put another file in its place.
        if fs::metadata(path).map(which).is_ok_and(|named| named == opened) {
            held.push(file);
            return Ok(true);
        }
    }
}

/// Waits for the lock of a file, and says so if it takes long.
fn wait(file: &File, path: &Path, waits: Waits) -> io::Result<()> {
    thread::scope(|scope| {
        let (locked, until) = mpsc::channel::<()>();
        let tell = move || {
            if until.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                waits(path, holder(file));
            }
        };
        // Without a thread it is waited in silence.
        drop(thread::Builder::new().spawn_scoped(scope, tell));
        let waited = file.lock();
        drop(locked);
        waited
    })
}

/// Who changes a list and asks nothing is done sooner, also with a million rows.
const PATIENCE: Duration = Duration::from_secs(1);

/// Finds the process that has the lock of a file, where the system tells (Linux); none where files of two disks share a
/// number.
fn holder(file: &File) -> Option<u32> {
    let inode = file.metadata().ok()?.ino().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let mut holders = locks.lines().filter_map(|line| {
        // 1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF; of who waits there is an arrow behind the number.
        let mut words = line.split_ascii_whitespace().skip(1);
        let is_flock = words.next() == Some("FLOCK");
        let (process, place) = (words.nth(2)?, words.next()?);
        (is_flock && place.rsplit(':').next() == Some(&inode)).then(|| process.parse::<u32>().ok()).flatten()
    });
    // Of one in another container the number is 0.
    let only = holders.next().filter(|process| *process > 0);
    only.filter(|_| holders.next().is_none())
}
