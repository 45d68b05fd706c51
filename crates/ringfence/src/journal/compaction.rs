//! Has no byte of what was deleted be left: the file is written anew, and the log of changes beside it emptied.
//!
//! A reader with a transaction keeps the log, and a full disk has no room for the copy: then it is owed, and tried again.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// A compaction that could not be done yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owed {
    next: Instant,
    patience: Duration,
}

/// It is tried again after so long,
const FIRST: Duration = Duration::from_secs(30);
/// and ever more rarely, up to this: on a disk without room each attempt writes a part of the copy.
const LONGEST: Duration = Duration::from_secs(3_600);

impl Owed {
    /// Notes that one failed just now.
    pub(super) fn since(now: Instant) -> Self {
        Self { next: now + FIRST, patience: FIRST }
    }

    /// Tries it again if it is time. Returns what is owed from then on.
    pub(super) fn settle(self, connection: &Connection, now: Instant) -> Option<Self> {
        if now < self.next {
            return Some(self);
        }
        match compact_at_once(connection) {
            Ok(Compacted::Done) => {
                tracing::info!("journal written anew: nothing is left of who was forgotten");
                None
            }
            // To ask costs nothing.
            Ok(Compacted::Kept) => Some(Self::since(now)),
            Err(error) => {
                tracing::debug!(%error, "journal not written anew");
                let patience = (self.patience * 2).min(LONGEST);
                Some(Self { next: now + patience, patience })
            }
        }
    }
}

/// What became of an attempt.
enum Compacted {
    Done,
    /// A reader keeps the log of changes.
    Kept,
}

/// Does it if no reader is in the way: calls wait meanwhile, and are not to wait for a reader.
fn compact_at_once(connection: &Connection) -> rusqlite::Result<Compacted> {
    let patience: u32 = connection.query_row("PRAGMA busy_timeout", [], |row| row.get(0))?;
    connection.busy_timeout(Duration::ZERO)?;
    let done = truncate(connection).and_then(|is_free| Ok(is_free && compact(connection)?));
    connection.busy_timeout(Duration::from_millis(patience.into()))?;
    done.map(|is_done| if is_done { Compacted::Done } else { Compacted::Kept })
}

/// Writes the file anew, and empties the log of changes beside it. Returns whether all of that was possible.
pub(super) fn compact(connection: &Connection) -> rusqlite::Result<bool> {
    let is_emptied = truncate(connection)?;
    // The copy may be large: it goes to a file without a name, beside the journal, where others may not look and the
    // program may write.
    let directory = connection.path().map(Path::new).and_then(Path::parent).and_then(Path::to_str);
    let beside = directory.map(|directory| directory.replace('\'', "''")).unwrap_or_default();
    let written = connection.execute_batch(&format!(
        "PRAGMA temp_store_directory = '{beside}'; PRAGMA temp_store = FILE; PRAGMA auto_vacuum = INCREMENTAL; VACUUM"
    ));
    connection.execute_batch("PRAGMA temp_store = MEMORY").and(written)?;
    Ok(truncate(connection)? && is_emptied)
}

/// Moves the log of changes into the file and cuts it off. Returns whether no reader kept it.
pub(super) fn truncate(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        .map(|busy| busy == 0)
}
