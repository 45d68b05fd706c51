//! One program at a time: the lock on the file beside what two programs must not share. It goes when its
//! program does, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What came of the attempt to take a lock.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is ours until this is dropped.
    Ours(Lock),
    /// It is another's.
    Theirs(Holder),
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The number of its process.
    pub(crate) pid: String,
    pub(crate) who: Who,
}

impl Holder {
    /// Tells whether it may be a verb: on a full disk a holder cannot say who it is.
    pub(crate) fn is_for_a_moment(&self) -> bool {
        self.who == Who::Verb || self.pid.is_empty()
    }
}

/// For how long a lock is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// As long as the program runs.
    Program,
    /// For a moment.
    Verb,
}

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Lock(File);

/// It is given back and not only closed: a program that is being started at this moment (a look-up) has the file open, too,
/// until it runs.
impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it does the same, if later.
        let _ = self.0.unlock();
    }
}

impl Lock {
    /// Tells whether it is the lock of a path: the file that it is on may have been removed.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        let which = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let held = self.0.metadata().map(which).ok();
        held.is_some() && held == fs::symlink_metadata(name(path)).map(which).ok()
    }
}

/// Returns the file whose lock stands for a path.
pub(crate) fn name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// What is written behind the number of the process by one that holds a lock for a moment.
const VERB: &str = " verb";

/// Takes the lock of a path, or tells who has it.
pub(crate) fn take(path: &Path, who: Who) -> io::Result<Taken> {
    let name = name(path);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&name)?;
    match file.try_lock() {
        Ok(()) => {
            let mark = match who {
                Who::Program => "",
                Who::Verb => VERB,
            };
            let noted = file.set_len(0).and_then(|()| write!(file, "{}{mark}", std::process::id()));
            // A full disk keeps nobody from holding the lock.
            drop(noted);
            Ok(Taken::Ours(Lock(file)))
        }
        Err(TryLockError::WouldBlock) => {
            let noted = fs::read_to_string(&name).unwrap_or_default();
            let (pid, who) = match noted.trim().strip_suffix(VERB) {
                Some(pid) => (pid, Who::Verb),
                None => (noted.trim(), Who::Program),
            };
            Ok(Taken::Theirs(Holder { pid: pid.to_owned(), who }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_given_back_whoever_else_has_the_file_open() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("it");
        let Taken::Ours(lock) = take(&path, Who::Program).unwrap() else { panic!("nobody else has it") };
        let pid = std::process::id().to_string();
        let theirs = Holder { pid, who: Who::Program };
        assert!(matches!(take(&path, Who::Verb).unwrap(), Taken::Theirs(holder) if holder == theirs));
        // As a process has it that was forked and does not run its program yet.
        let forked = lock.0.try_clone().unwrap();
        drop(lock);
        let Taken::Ours(lock) = take(&path, Who::Verb).unwrap() else { panic!("it was given back") };
        let theirs = Holder { who: Who::Verb, ..theirs };
        assert!(matches!(take(&path, Who::Program).unwrap(), Taken::Theirs(holder) if holder == theirs));
        drop((forked, lock));
    }
}
