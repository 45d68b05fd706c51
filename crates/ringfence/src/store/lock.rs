//! One writer: the lock on the file beside the database. It goes when its program does, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{StoreError, place};

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a database, or tells who has it.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let name = place::beside(path, ".lock");
        let unavailable = |error: std::io::Error| {
            let detail = format!("{}: {error}", name.display());
            StoreError::Unavailable { path: path.to_owned(), detail }
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&name).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {
                let noted = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                // A full disk keeps nobody from holding the lock.
                drop(noted);
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&name).unwrap_or_default();
                Err(StoreError::InUse { path: path.to_owned(), pid: pid.trim().to_owned() })
            }
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }
}
