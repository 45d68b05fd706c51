//! The file that outlives the program: one `SQLite` database for the calls and for what the rules
//! remember. Only its owner can read it, one program at a time writes it, any number read it beside.
//!
//! ```text
//!  settings ──▶ place: whose directory, whose file, no symlink ──▶ lock: one writer
//!                                                              └─▶ schema: ours, our version
//! ```
//!
//! What goes into it, and who writes, is the journal's business.

mod error;
mod place;
mod schema;
mod settings;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

pub(crate) use error::StoreError;
pub(crate) use settings::{Durability, Place, Settings, read_age, read_size};

use crate::lock::{self, Lock, Taken, Who};

/// The database, opened by the one program that writes it.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    /// The database again, to look at its beginning. It stays open as long as the connection: to close any descriptor
    /// of a file gives up every POSIX lock that the process has on it, those of `SQLite` too.
    file: File,
    path: PathBuf,
    files: place::Files,
    /// Held locked as long as the program runs: two programs never write one journal.
    _lock: Lock,
}

impl Store {
    /// Opens the database at a path, and makes it and its directory if they are missing.
    ///
    /// It fails when another program writes it, when others could read or replace it, when another
    /// program or a newer version of this one made it, when it is damaged, and when the disk refuses.
    pub(crate) fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        Self::open_as(Who::Program, path, durability)
    }

    /// Does the same at the start of the program, where a verb that has the database for a moment is waited for.
    pub(crate) fn open_in_turn(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let end = Instant::now() + PATIENCE;
        let mut before = None;
        loop {
            match Self::open(path, durability) {
                // Who has just taken the lock has not said so yet: what is read may be of the one before.
                Err(StoreError::InUse { holder, .. })
                    if Instant::now() < end
                        && (holder.is_for_a_moment() || before.as_ref() != Some(&holder)) =>
                {
                    before = Some(holder);
                    std::thread::sleep(AGAIN);
                }
                opened => return opened,
            }
        }
    }

    /// Does the same for a verb, which waits for nobody and has it for a moment.
    pub(crate) fn open_for_a_verb(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        Self::open_as(Who::Verb, path, durability)
    }

    fn open_as(who: Who, path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let path = place::prepare(path)?;
        let lock = match lock::take(&path, who) {
            Ok(Taken::Ours(lock)) => lock,
            Ok(Taken::Theirs(holder)) => return Err(StoreError::InUse { path, holder }),
            Err(error) => {
                let detail = format!("{}: {error}", lock::name(&path).display());
                return Err(StoreError::Unavailable { path, detail });
            }
        };
        let identity = place::create(&path)?;
        let file = File::open(&path)
            .map_err(|error| StoreError::Unavailable { path: path.clone(), detail: error.to_string() })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | plain();
        let connection =
            Connection::open_with_flags(&path, flags).map_err(|error| StoreError::of(&path, &error))?;
        schema::prepare(&connection, durability).map_err(|flaw| flaw.at(&path))?;
        let files = place::Files::of(&path, identity);
        Ok(Self { connection, file, path, files, _lock: lock })
    }

    /// Opens the database at a path to read it, beside the program that writes it or without one.
    ///
    /// `SQLite` makes an index for it first, which a full disk or a read-only directory has no room for. Where no log of
    /// changes is left nobody writes it, and it is read without.
    pub(crate) fn read(path: &Path) -> Result<Connection, StoreError> {
        let path = place::existing(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | plain();
        match accepted(&path, &path, flags) {
            Err(error) if error.may_pass() && place::is_at_rest(&path) => {
                let name = place::at_rest(&path);
                accepted(&path, Path::new(&name), flags | OpenFlags::SQLITE_OPEN_URI).map_err(|_| error)
            }
            read => read,
        }
    }

    /// Returns the connection that writes.
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Opens a second connection of the same program, for what must not hold up the first.
    pub(crate) fn beside(&self) -> rusqlite::Result<Connection> {
        let connection =
            Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE | plain())?;
        schema::set_up(&connection, Durability::Process)?;
        Ok(connection)
    }

    /// Returns the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how long the log of changes beside the file is, in bytes.
    pub(crate) fn log_size(&self) -> u64 {
        std::fs::metadata(place::beside(&self.path, "-wal")).map_or(0, |metadata| metadata.len())
    }

    /// Returns which of its files no longer stands where it was opened, or is no database of ours any more: what is written to
    /// one that was removed, replaced or cut off is lost.
    pub(crate) fn misplaced(&self) -> Option<PathBuf> {
        let is_ours = schema::has_our_header(&self.file);
        self.files.misplaced(&self.path).or_else(|| (!is_ours).then(|| self.path.clone()))
    }

    /// Checks that its version is the one that it was opened with: somebody may have changed it since.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        schema::check_version(&self.connection).map_err(|flaw| flaw.at(&self.path))
    }

    /// Lets go of files of which one is misplaced. What the log of changes has is moved to its database, wherever that is. Where
    /// another database stands in its place, the log and its index are removed: `SQLite` would play them into the other.
    pub(crate) fn let_go(self) {
        let Self { connection, file, path, files, _lock } = self;
        // In one that was cut off there is nothing that the changes would belong to.
        if schema::has_our_header(&file) {
            let moved = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            if let Err(error) = moved {
                tracing::warn!(%error, "what the journal's log of changes has may be lost");
            }
        }
        drop(connection);
        for removed in files.remove_beside_another(&path) {
            tracing::warn!(file = %removed.display(), "removed: it belongs to the journal that was here before");
        }
    }
}

/// Who has the database for a moment is waited for: longer than it takes to write a large one anew.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// It is looked so often whether that is over.
pub(crate) const AGAIN: Duration = Duration::from_millis(25);

/// Opens a database by a name that `SQLite` has for it, to read it.
fn accepted(path: &Path, name: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(name, flags).map_err(|error| StoreError::of(path, &error))?;
    schema::accept_to_read(&connection).map_err(|flaw| flaw.at(path))?;
    Ok(connection)
}

/// Neither a symlink nor a URI is followed; a connection is used by one thread at a time.
fn plain() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

#[cfg(test)]
mod tests;
