//! What waits for the journal's task.

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

impl Queued {
    /// Makes the record, if that is still to be done.
    pub(super) fn written(self) -> Record {
        match self {
            Self::Record(record) => record,
            Self::Draft { number, draft } => Record::Call(draft.write(number)),
            Self::Ended { id, ended } => Record::Ended { id: id.into(), ended },
        }
    }
}

impl From<Record> for Queued {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}
