//! What waits for the journal's task.

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::Arc;

use softphone::CallId;

use super::call::{Ended, Record};
use super::kept::Kept;

/// A call of which the record is still to be made: a shard answers the next one meanwhile.
pub(crate) trait Draft: Debug + Send {
    /// Makes the record of the call of this number.
    fn write(self: Box<Self>, number: u64) -> Arc<Kept>;
}

/// What waits for the journal's task, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Queued {
    Record(Record),
    Draft {
        number: u64,
        draft: Box<dyn Draft>,
    },
    /// The end of a call, by what the softphone numbers it by: that is put into words by who keeps it.
    Ended {
        id: CallId,
        ended: Ended,
    },
}

impl From<Record> for Queued {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}

thread_local! {
    /// Where what a call is numbered by is put into words: most who need it do not keep it.
    static ROOM: Cell<String> = const { Cell::new(String::new()) };
}

/// Shows what the softphone numbers a call by in words.
pub(super) fn with_text<T>(id: CallId, see: impl FnOnce(&str) -> T) -> T {
    let mut text = ROOM.take();
    text.clear();
    id.push_to(&mut text);
    let seen = see(&text);
    ROOM.set(text);
    seen
}
