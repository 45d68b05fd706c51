//! What is removed by itself: calls that are too old, the oldest when there are too many, and what has
//! expired. A step at a time, each of bounded work, so that calls are written in between.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::packs;
use crate::store::Settings;

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Calls that were removed.
    pub(super) removed: usize,
    /// Whether what is remembered beside the calls takes more of the room than it may.
    pub(super) is_crowded: bool,
    /// Whether the file gets smaller by it, as soon as the log of changes is moved into it.
    pub(super) shrinks: bool,
    /// Whether there is more to do.
    pub(super) has_more: bool,
}

/// Calls that one step removes at most, or a pack of about as many: it takes some tens of milliseconds.
const MOST_CALLS: i64 = 512;
/// Calls that one step removes at least where there are too many: a small file is not to lose all that it has.
const FEWEST_CALLS: i64 = 16;
/// Numbers that one step removes at most: to find the oldest it looks at all of them.
const MOST_NUMBERS: i64 = 2_048;
/// How many times as long as others a call is kept whose rule is audited.
const AUDITED: i32 = 4;
/// Pages that one step gives back to the disk at most, 1 MB.
const MOST_PAGES: i64 = 256;
/// Free pages that a file keeps for the next calls, 1 MB, where it may be so large.
const SPARE: i64 = 256;

/// Removes what is due: in one step, and in a few where the file is larger than it may be, so that more goes than comes in.
pub(super) fn steps(
    connection: &mut Connection,
    settings: &Settings,
    now: Option<Timestamp>,
) -> rusqlite::Result<Step> {
    let mut done = step(connection, settings, now)?;
    for _ in 1..MOST_STEPS {
        if !done.has_more || !is_too_large(connection, settings)? {
            break;
        }
        let Step { removed, is_crowded, shrinks, has_more } = step(connection, settings, now)?;
        done = Step {
            removed: done.removed + removed,
            is_crowded: done.is_crowded | is_crowded,
            shrinks: done.shrinks | shrinks,
            has_more,
        };
    }
    Ok(done)
}

/// After each batch so many steps remove twice as many calls as are in it.
const MOST_STEPS: usize = 4;

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
    let used = pragma(&transaction, "page_count")? - pragma(&transaction, "freelist_count")?;
    // What is over goes first: it may be enough, and of entries and numbers nothing else goes.
    let expired = now.map_or(Ok(0), |now| remove_old(&transaction, settings, now))?;
    let most = most_pages(&transaction, settings)?;
    let room = if expired == 0 && used > most {
        make_room(&transaction, used, most, now)?
    } else {
        Room { calls: expired, ..Room::default() }
    };
    transaction.commit()?;
    let free = pragma(connection, "freelist_count")?;
    let too_many = pragma(connection, "page_count")? - most_pages(connection, settings)?;
    let surplus = (free - SPARE).max(too_many).clamp(0, free);
    if surplus > 0 {
        let mut vacuum =
            connection.prepare(&format!("PRAGMA incremental_vacuum({})", surplus.min(MOST_PAGES)))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    // A large file that was made without it gives nothing back, and is not asked again and again.
    let shrinks = pragma(connection, "freelist_count")? < free;
    let Room { calls: removed, others, is_crowded } = room;
    let has_more = removed + others > 0 || (shrinks && surplus > MOST_PAGES);
    Ok(Step { removed, is_crowded, shrinks, has_more })
}

/// What was removed to make room.
#[derive(Debug, Default)]
struct Room {
    calls: usize,
    /// Entries that had ended, and numbers.
    others: usize,
    is_crowded: bool,
}

/// Removes what there is too much of: half of the room is for the calls, however many numbers and entries are remembered beside
/// them, and none goes for what others take. Entries that hold do not go.
fn make_room(
    connection: &Connection,
    used: i64,
    most: i64,
    now: Option<Timestamp>,
) -> rusqlite::Result<Room> {
    let remembered: i64 = connection
        .prepare_cached(
            "SELECT ifnull(sum(pageno), 0) FROM dbstat('main', TRUE) WHERE name IN ('spoken', 'entries', 'switches')",
        )?
        .query_row([], |row| row.get(0))?;
    let is_crowded = remembered > most / 2;
    let mut others = remove_over(connection, now)?;
    if is_crowded {
        others += remove_remembered(connection, now)?;
    }
    let own = used - remembered;
    let excess = if is_crowded { own - most / 2 } else { used - most };
    let calls =
        if excess > 0 && !(is_crowded && others > 0) { remove_oldest(connection, own, excess)? } else { 0 };
    Ok(Room { calls, others, is_crowded })
}

/// Removes the entries that have ended, and the numbers that were dialled or answered longest ago. Returns how many.
fn remove_remembered(connection: &Connection, now: Option<Timestamp>) -> rusqlite::Result<usize> {
    let ended = connection
        .prepare_cached("DELETE FROM entries WHERE until <= ?1")?
        .execute([now.map_or(i64::MIN, Timestamp::as_microsecond)])?;
    if ended > 0 {
        return Ok(ended);
    }
    connection
        .prepare_cached(
            "DELETE FROM spoken WHERE identity IN
             (SELECT identity FROM spoken ORDER BY max(ifnull(dialed, ?2), ifnull(answered, ?2)) LIMIT ?1)",
        )?
        .execute([MOST_NUMBERS, i64::MIN])
}

/// Removes the calls that came first, those of audited rules last: about as many as have the excess of the pages that they all
/// have.
fn remove_oldest(connection: &Connection, pages: i64, excess: i64) -> rusqlite::Result<usize> {
    let count: i64 = connection
        .prepare_cached("SELECT ifnull(max(number) - min(number) + 1, 0) FROM calls")?
        .query_row([], |row| row.get(0))?;
    let due = (count.saturating_mul(excess) / pages.max(1)).clamp(FEWEST_CALLS, MOST_CALLS);
    let ordinary = "DELETE FROM calls WHERE number IN \
                    (SELECT number FROM calls WHERE audited IS NULL AND \
                     number < ifnull((SELECT min(first) FROM packs), ?2) ORDER BY number LIMIT ?1)";
    let any = "DELETE FROM calls WHERE number IN (SELECT number FROM calls ORDER BY number LIMIT ?1)";
    let removed = connection.prepare_cached(ordinary)?.execute([due, i64::MAX])?;
    // None of a pack is audited.
    let removed = if removed == 0 { packs::remove_first(connection)? } else { removed };
    if removed == 0 { connection.prepare_cached(any)?.execute([due]) } else { Ok(removed) }
}

/// Removes the entries that ended before the oldest call came: they explain none. Returns how many.
fn remove_over(connection: &Connection, now: Option<Timestamp>) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM entries WHERE until <= min(ifnull((SELECT min(at) FROM calls), ?1),
                                                    ifnull((SELECT min(newest) FROM packs), ?1), ?1)",
        )?
        .execute([now.map_or(i64::MIN, Timestamp::as_microsecond)])
}

/// Removes the calls that are too old; where there are none, what else is over.
fn remove_old(connection: &Connection, settings: &Settings, now: Timestamp) -> rusqlite::Result<usize> {
    let before = |age| now.checked_sub(age).unwrap_or(Timestamp::MIN).as_microsecond();
    let (oldest, oldest_audited) =
        (before(settings.retention), before(settings.retention.saturating_mul(AUDITED)));
    let removed = connection
        .prepare_cached(
            "DELETE FROM calls WHERE number IN (SELECT number FROM calls WHERE at < ?1 AND \
             (audited IS NULL OR at < ?2) LIMIT ?3)",
        )?
        .execute((oldest, oldest_audited, MOST_CALLS))?;
    let removed = if removed == 0 { packs::remove_old(connection, oldest)? } else { removed };
    if removed == 0 {
        connection
            .prepare_cached("DELETE FROM spoken WHERE max(ifnull(dialed, ?1), ifnull(answered, ?1)) <= ?1")?
            .execute([oldest])?;
        let now = now.as_microsecond();
        // One that is over explains the calls that it decided, as long as they are kept.
        connection.prepare_cached("DELETE FROM entries WHERE until <= ?1")?.execute([oldest])?;
        connection.prepare_cached("DELETE FROM switches WHERE until <= ?1")?.execute([now])?;
    }
    Ok(removed)
}

/// Tells whether the file is larger than it may be, with what of the log of changes is to be moved into it.
pub(super) fn is_too_large(connection: &Connection, settings: &Settings) -> rusqlite::Result<bool> {
    Ok(pragma(connection, "page_count")? > most_pages(connection, settings)?)
}

/// Returns how many pages the file may have.
fn most_pages(connection: &Connection, settings: &Settings) -> rusqlite::Result<i64> {
    let most = i64::try_from(settings.max_size).unwrap_or(i64::MAX);
    Ok(most / pragma(connection, "page_size")?.max(1))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}
