//! What the database looks like, version by version, and how it is recognised.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode};

use super::error::{is_misfit, said};
use super::{Durability, StoreError};

/// `RNGF`: what `SQLite` keeps at byte 68 of a file to tell whose it is.
const APPLICATION: i64 = 0x524e_4746;

/// What each version adds to the one before. The version of a database is how many of them it has.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    -- When it was, in microseconds since 1970, wherever a time stands.
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        -- What the program that took the call numbered it by: told apart within one run.
        id TEXT NOT NULL,
        call_id TEXT NOT NULL,
        line TEXT NOT NULL,
        caller TEXT NOT NULL,
        -- What the rules know the caller by, where that is not the caller as shown: the number of one
        -- who withholds it, and nothing for one who cannot be told from others.
        identity TEXT,
        display_name TEXT,
        source TEXT NOT NULL,
        verdict TEXT NOT NULL,
        status INTEGER,
        target TEXT,
        rule TEXT NOT NULL,
        list TEXT,
        entry TEXT,
        -- The rules that would have decided otherwise, a JSON array; null for none.
        shadow TEXT,
        policy TEXT,
        decided_in INTEGER,
        -- 1 where the rule says so: it is kept longer, and goes last.
        audited INTEGER,
        ended_at INTEGER,
        ended_status INTEGER,
        ended_how TEXT,
        reason TEXT NOT NULL,
        -- The facts with their sources, a JSON object. Last: it is long, and most questions skip it.
        facts TEXT
    ) STRICT;
    CREATE INDEX calls_by_time ON calls (at);
    CREATE INDEX calls_by_caller ON calls (caller, at, identity);
    -- When a number was last dialled, and when a call of it was last answered.
    CREATE TABLE spoken (
        identity TEXT PRIMARY KEY,
        dialed INTEGER,
        answered INTEGER
    ) STRICT, WITHOUT ROWID;
    -- What rules and people added to lists for a time.
    CREATE TABLE entries (
        list TEXT NOT NULL,
        identity TEXT NOT NULL,
        added INTEGER NOT NULL,
        until INTEGER,
        rule TEXT,
        note TEXT,
        PRIMARY KEY (list, identity)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE switches (
        name TEXT PRIMARY KEY,
        is_on INTEGER NOT NULL,
        flipped INTEGER NOT NULL,
        until INTEGER
    ) STRICT, WITHOUT ROWID;
",
    "
    -- The highest number that a call was ever given: one that was removed gives its number to no other.
    CREATE TABLE numbering (last INTEGER NOT NULL) STRICT;
    INSERT INTO numbering SELECT ifnull(max(number), 0) FROM calls;
",
    "
    -- 1 where the caller had heard 100 Trying before the call was decided.
    ALTER TABLE calls ADD COLUMN late INTEGER;
    UPDATE calls SET late = 1 WHERE reason LIKE '%; the decision panicked'
        OR reason LIKE '%; it was decided when that was tried again';
",
    "
    -- Calls of a busy moment that have ended, many in one piece of bytes; `calls` has the others.
    CREATE TABLE packs (
        -- The number of its first call, and of its last.
        first INTEGER PRIMARY KEY,
        last INTEGER NOT NULL,
        -- The times of its calls.
        oldest INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        count INTEGER NOT NULL,
        calls BLOB NOT NULL
    ) STRICT;
    CREATE INDEX packs_by_time ON packs (newest);
",
    "
    -- Packs of the second format may be among them, which earlier versions of the program cannot read.
",
];

/// What is wrong with a database, before its path is known.
#[derive(Debug)]
pub(super) enum Flaw {
    Foreign,
    Newer(i64),
    /// What it says of its version does not fit, and why.
    Version(i64, Option<String>),
    /// It has our name and nothing else yet.
    Empty,
    Sqlite(Error),
}

impl Flaw {
    pub(super) fn at(self, path: &Path) -> StoreError {
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        match self {
            Self::Foreign => StoreError::Foreign { path: path.to_owned() },
            Self::Newer(version) => StoreError::Newer { path: path.to_owned(), version, known },
            Self::Version(version, why) => {
                let why = why.map(|why| format!(", which its tables do not fit: {why}")).unwrap_or_default();
                let detail = format!("its version (PRAGMA user_version) is {version}{why}");
                StoreError::Damaged { path: path.to_owned(), detail }
            }
            Self::Empty => StoreError::Missing { path: path.to_owned() },
            Self::Sqlite(error) => StoreError::of(path, &error),
        }
    }
}

impl From<Error> for Flaw {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Makes the tables of an empty database, brings those of an older version up to date, and checks a
/// small one as a whole.
pub(super) fn prepare(connection: &Connection, durability: Durability) -> Result<(), Flaw> {
    connection.busy_timeout(PATIENCE)?;
    if number(connection, "page_count")? == 0 {
        // It is only taken before the first table is made.
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
        connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION}"))?;
    }
    let version = accept(connection)?;
    set_up(connection, durability)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let next = index + 1;
        let migrated = connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {migration}; PRAGMA user_version = {next}; COMMIT"));
        migrated.map_err(|error| {
            // It has the tables of another version.
            let of = i64::try_from(version).unwrap_or(i64::MAX);
            if is_misfit(&error) { Flaw::Version(of, Some(said(&error))) } else { Flaw::Sqlite(error) }
        })?;
    }
    make_shrinkable(connection)?;
    if number(connection, "page_count")? <= SMALL {
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(Flaw::Sqlite(failure(ErrorCode::DatabaseCorrupt, found)));
        }
    }
    Ok(())
}

/// Has a database that was made without it, such as one restored from a dump, give room back to the disk. A large one stays as
/// it is, and that is said: it would have to be written anew.
fn make_shrinkable(connection: &Connection) -> rusqlite::Result<()> {
    if number(connection, "auto_vacuum")? == INCREMENTAL {
        return Ok(());
    }
    let pages = number(connection, "page_count")?;
    // It is as good a journal without: whatever stands against it is no reason not to open it.
    if pages > SMALL || connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM").is_err() {
        tracing::warn!(
            pages,
            "the journal's file gets no smaller: stop the program and write it anew, `PRAGMA auto_vacuum = 2; VACUUM`"
        );
    }
    Ok(())
}

/// What `PRAGMA auto_vacuum` says of a database whose free pages are given back step by step.
const INCREMENTAL: i64 = 2;

/// Accepts a database that is ours and of a version that is known, and returns the version.
pub(super) fn accept(connection: &Connection) -> Result<usize, Flaw> {
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")?;
    if number(connection, "application_id")? != APPLICATION {
        return Err(Flaw::Foreign);
    }
    let version = number(connection, "user_version")?;
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        Ok(_) => Err(Flaw::Newer(version)),
        Err(_) => Err(Flaw::Version(version, None)),
    }
}

/// Checks that a database has the version that it was prepared to have.
pub(super) fn check_version(connection: &Connection) -> Result<(), Flaw> {
    let version =
        connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get::<_, i64>(0))?;
    let is_it = usize::try_from(version).is_ok_and(|version| version == MIGRATIONS.len());
    if is_it { Ok(()) } else { Err(Flaw::Version(version, None)) }
}

/// Accepts a database that is to be read only.
pub(super) fn accept_to_read(connection: &Connection) -> Result<(), Flaw> {
    let version = accept(connection)?;
    // Its making was interrupted, or goes on at this moment.
    if version == 0 && !connection.table_exists(None::<&str>, "calls")? { Err(Flaw::Empty) } else { Ok(()) }
}

/// Tells whether a file begins as a database of ours does.
pub(super) fn has_our_header(file: &File) -> bool {
    let mut header = [0; 72];
    let read = file.read_exact_at(&mut header, 0);
    let application = i64::from_be_bytes([0, 0, 0, 0, header[68], header[69], header[70], header[71]]);
    read.is_ok() && header.starts_with(b"SQLite format 3\0") && application == APPLICATION
}

/// Sets up a connection that writes.
pub(super) fn set_up(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    // In WAL mode NORMAL writes a commit to the file without waiting for the disk: what is written is
    // the system's from then on, whatever becomes of this program.
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::Full => "FULL",
    };
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let detail = format!("its file system takes no write-ahead log, got mode {mode}");
        return Err(failure(ErrorCode::CannotOpen, detail));
    }
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous};
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 1048576;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -4096;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;"
    ))
}

/// Reads a number that `SQLite` keeps of a database.
fn number(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn failure(code: ErrorCode, detail: String) -> Error {
    Error::SqliteFailure(rusqlite::ffi::Error { code, extended_code: 0 }, Some(detail))
}

/// How long a statement waits for another connection: nothing of this program holds the file longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A database of so many pages of 4 KB, 32 MB, is checked as a whole when it is opened: it takes a tenth of a
/// second. A larger one shows its damage when it is read.
const SMALL: i64 = 8_192;
