//! What a draft is written on: one piece of memory, used for one call after the other.
//!
//! ```text
//!  the shard ──takes a sheet, and writes a draft──▶ the journal's task makes the record
//!      ▲                                                     │
//!      └────────────── it is blank, and spare ◀──────────────┘
//! ```
//!
//! Memory that one thread makes and another lets go of costs the most there is to pay for it, and is long cold when it comes
//! around. What was put back last is taken first. Nobody waits for a sheet: where another thread is just taking one, or none
//! is spare, a new one is made.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, TryLockError};

use softphone::CallId;

use super::draft::{Draft, MOST_KEPT};
use crate::journal::{self, Kept};

/// A draft, and on what it is written.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// None while it is spare.
    draft: Option<Draft>,
    /// Room for the texts of the next draft.
    room: String,
}

/// Sheets that are blank.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a sheet is put down and taken up again where it is")]
struct Spare(Mutex<Vec<Box<Sheet>>>);

static SPARE: Spare = Spare(Mutex::new(Vec::new()));

/// So many are spare at most: those of the calls of a few milliseconds, for which one thread may have the core. Each is a kilobyte.
const MOST_SPARE: usize = 1_024;

impl Sheet {
    /// Takes a sheet, and has a draft written on it by somebody who is given room for its texts.
    pub(super) fn written(write: impl FnOnce(String) -> Draft) -> Box<Self> {
        let mut sheet = SPARE.take().unwrap_or_default();
        sheet.draft = Some(write(std::mem::take(&mut sheet.room)));
        sheet
    }

    /// Lets go of the sheets that are spare: those of a busy time are not needed behind it.
    pub(super) fn forget_spare() {
        SPARE.forget();
    }

    /// Lets go of the draft, and keeps the sheet.
    fn put_back(mut self: Box<Self>) {
        let room = self.draft.as_mut().map(Draft::take_room).unwrap_or_default();
        self.draft = None;
        if room.capacity() <= MOST_KEPT {
            self.room = room;
        }
        SPARE.put(self);
    }
}

impl Spare {
    fn take(&self) -> Option<Box<Sheet>> {
        self.with(Vec::pop).flatten()
    }

    fn put(&self, sheet: Box<Sheet>) {
        self.with(|sheets| {
            if sheets.len() < MOST_SPARE {
                sheets.push(sheet);
            }
        });
    }

    fn forget(&self) {
        // They are dropped when others may take again.
        drop(self.with(std::mem::take));
    }

    /// Does something with the sheets, unless somebody else does at this moment.
    fn with<T>(&self, see: impl FnOnce(&mut Vec<Box<Sheet>>) -> T) -> Option<T> {
        match self.0.try_lock() {
            Ok(mut sheets) => Some(see(&mut sheets)),
            Err(TryLockError::Poisoned(sheets)) => Some(see(&mut sheets.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Deref for Sheet {
    type Target = Draft;

    fn deref(&self) -> &Draft {
        self.draft.as_ref().expect("a sheet that is not spare has a draft")
    }
}

impl DerefMut for Sheet {
    fn deref_mut(&mut self) -> &mut Draft {
        self.draft.as_mut().expect("a sheet that is not spare has a draft")
    }
}

impl journal::Draft for Sheet {
    fn id(&self) -> CallId {
        (**self).id()
    }

    fn write(self: Box<Self>, number: u64) -> Arc<Kept> {
        let kept = Arc::new(self.record(number));
        self.put_back();
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_sheets_are_spare_at_most_and_none_after_a_busy_time() {
        let spare = Spare::default();
        for _ in 0..2 * MOST_SPARE {
            spare.put(Box::default());
        }
        assert_eq!(std::iter::from_fn(|| spare.take()).count(), MOST_SPARE);
        spare.put(Box::default());
        spare.forget();
        assert!(spare.take().is_none());
    }

    #[test]
    fn what_was_put_back_last_is_taken_first() {
        let spare = Spare::default();
        let sheet = |room| Box::new(Sheet { draft: None, room: String::with_capacity(room) });
        spare.put(sheet(1));
        spare.put(sheet(2));
        let taken = [spare.take(), spare.take()];
        assert_eq!(taken.map(|sheet| sheet.map(|sheet| sheet.room.capacity())), [Some(2), Some(1)]);
    }
}
