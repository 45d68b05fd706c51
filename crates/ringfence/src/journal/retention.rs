//! What is removed by itself: calls that are too old, the oldest when there are too many, and what has
//! expired. A step at a time, each of bounded work, so that calls are written in between.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use crate::store::Settings;

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Calls that were removed.
    pub(super) removed: usize,
    /// Whether there is more to do.
    pub(super) has_more: bool,
}

/// Calls that one step removes at most: it takes some tens of milliseconds.
const MOST_CALLS: i64 = 512;
/// How many times as long as others a call is kept whose rule is audited.
const AUDITED: i32 = 4;
/// Pages that one step gives back to the disk at most, 1 MB.
const MOST_PAGES: i64 = 256;

/// Removes what is due, as far as one step goes. Without a clock that can be trusted, pass no time:
/// then nothing is removed for its age.
pub(super) fn step(
    connection: &mut Connection,
    settings: &Settings,
    now: Option<Timestamp>,
) -> rusqlite::Result<Step> {
    overwriting(connection, |connection| clear(connection, settings, now))
}

/// Has what is deleted meanwhile be overwritten in the file. While calls are written nothing is deleted, and to
/// overwrite what is only moved costs a tenth of the whole.
pub(super) fn overwriting<T>(
    connection: &mut Connection,
    delete: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let set = |connection: &Connection, value| {
        connection.query_row(&format!("PRAGMA secure_delete = {value}"), [], |_| Ok(()))
    };
    set(connection, "ON")?;
    let deleted = delete(connection);
    set(connection, "OFF").and(deleted)
}

fn clear(connection: &mut Connection, settings: &Settings, now: Option<Timestamp>) -> rusqlite::Result<Step> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut removed = 0;
    if let Some(now) = now {
        let before = |age| now.checked_sub(age).unwrap_or(Timestamp::MIN).as_microsecond();
        let oldest_audited = before(settings.retention.saturating_mul(AUDITED));
        removed += transaction
            .prepare_cached(
                "DELETE FROM calls WHERE number IN (SELECT number FROM calls WHERE at < ?1 AND \
                 (audited IS NULL OR at < ?2) LIMIT ?3)",
            )?
            .execute((before(settings.retention), oldest_audited, MOST_CALLS))?;
    }
    if let Some(now) = now.filter(|_| removed == 0) {
        let oldest = now.checked_sub(settings.retention).unwrap_or(Timestamp::MIN).as_microsecond();
        transaction
            .prepare_cached("DELETE FROM spoken WHERE max(ifnull(dialed, ?1), ifnull(answered, ?1)) <= ?1")?
            .execute([oldest])?;
        let now = now.as_microsecond();
        transaction.prepare_cached("DELETE FROM entries WHERE until <= ?1")?.execute([now])?;
        transaction.prepare_cached("DELETE FROM switches WHERE until <= ?1")?.execute([now])?;
    }
    if removed == 0 && size(&transaction)? > settings.max_size {
        let ordinary = "DELETE FROM calls WHERE number IN \
                        (SELECT number FROM calls WHERE audited IS NULL ORDER BY number LIMIT ?1)";
        let any = "DELETE FROM calls WHERE number IN (SELECT number FROM calls ORDER BY number LIMIT ?1)";
        removed += transaction.prepare_cached(ordinary)?.execute([MOST_CALLS])?;
        if removed == 0 {
            removed += transaction.prepare_cached(any)?.execute([MOST_CALLS])?;
        }
    }
    transaction.commit()?;
    let free = pragma(connection, "freelist_count")?;
    if free > MOST_PAGES {
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({MOST_PAGES})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(Step { removed, has_more: removed > 0 || free > 2 * MOST_PAGES })
}

/// Returns how many bytes the database holds, without the pages that wait to be used again.
pub(super) fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let pages = pragma(connection, "page_count")? - pragma(connection, "freelist_count")?;
    let page = pragma(connection, "page_size")?;
    Ok(u64::try_from(pages.saturating_mul(page)).unwrap_or(0))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}
