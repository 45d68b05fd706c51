//! What waits for the journal's task.

use std::fmt::Debug;
use std::sync::Arc;

use super::call::Record;
use super::kept::Kept;

/// A call of which the record is still to be made: a shard answers the next one meanwhile.
pub(crate) trait Draft: Debug + Send {
    /// Makes the record; it has no number yet.
    fn write(self: Box<Self>) -> Kept;
}

/// What waits for the journal's task, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Queued {
    Record(Record),
    Draft { number: u64, draft: Box<dyn Draft> },
}

impl Queued {
    /// Makes the record, if that is still to be done.
    pub(super) fn written(self) -> Record {
        match self {
            Self::Record(record) => record,
            Self::Draft { number, draft } => Record::Call(Arc::new(Kept { number, ..draft.write() })),
        }
    }
}

impl From<Record> for Queued {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}
