//! Who was forgotten a moment ago: records of them may still be in the queue, and are not to come back with it.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use ringfence_policy::Region;

use super::Journal;
use super::call::Added;
use super::forget::{Forget, Forgotten, Person};
use super::inbox::Job;
use super::kept::Kept;
use crate::store::StoreError;

/// Who was forgotten a moment ago.
#[derive(Debug, Default)]
pub(super) struct Forgetting(Mutex<Vec<Gone>>);

#[derive(Debug)]
struct Gone {
    identity: String,
    region: Region,
    /// The newest call there was then.
    newest: u64,
    at: Timestamp,
}

/// So many are known at once, the newest: there is a person behind each.
const MOST: usize = 256;
/// When so many calls have come, the queue has held all before them more than once.
const PASSED: u64 = 1 << 17;

impl Forgetting {
    /// Notes that a caller was forgotten, with all calls up to a number.
    pub(super) fn begin(&self, identity: &str, region: Region, newest: u64, at: Timestamp) {
        let mut gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gone.len() == MOST {
            gone.remove(0);
        }
        gone.push(Gone { identity: identity.to_owned(), region, newest, at });
    }

    /// Tells whether a call that comes out of the queue is of, or names, somebody who was forgotten since, and whom.
    pub(super) fn is_gone(&self, call: &Kept) -> Option<String> {
        let mut gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|gone| call.number < gone.newest.saturating_add(PASSED));
        let is_of =
            |gone: &&Gone| call.number <= gone.newest && Person::new(&gone.identity, gone.region).is_in(call);
        let gone = gone.iter().find(is_of);
        gone.map(|gone| gone.identity.clone())
    }

    /// Tells whether an entry that comes out of the queue is of somebody who was forgotten since.
    pub(super) fn has_gone(&self, added: &Added) -> bool {
        let gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.iter().any(|gone| added.at <= gone.at && gone.identity == added.identity)
    }
}

impl Journal {
    /// Removes every trace of a caller, as [`super::identity()`] has it and as the region writes the number, from memory and from the file. It waits for
    /// the disk: a second for every 100 MB, more or less.
    pub(crate) fn forget(&self, identity: &str, region: Region) -> Result<Forgotten, StoreError> {
        self.forgetting.begin(identity, region, self.counts.newest(), Timestamp::now());
        let gone = self.past.forget(identity);
        let person = Person::new(identity, region);
        let in_memory = self.calls().forget(|call| person.is_in(call));
        let Some(writing) = &self.writing else {
            self.listed.forget(person);
            // Who called longer ago than calls are remembered was known to the rules all the same.
            let remembered = gone.notes + usize::from(gone.has_called && in_memory == 0);
            return Ok(Forgotten { calls: in_memory, remembered, is_compacted: true });
        };
        let (reply, answer) = std::sync::mpsc::channel();
        let gone = || StoreError::Unavailable {
            path: self.settings.path().unwrap_or("".as_ref()).to_owned(),
            detail: "the journal is closed".to_owned(),
        };
        let job = Job::Forget(Forget { identity: identity.to_owned(), region, reply });
        writing.inbox.ask(job).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }

    /// Tells whether a call is of somebody who was forgotten while it waited in the queue.
    pub(super) fn is_gone(&self, call: &Kept) -> bool {
        let Some(identity) = self.forgetting.is_gone(call) else { return false };
        // Whoever recorded it may have noted them after they were forgotten.
        self.past.forget(&identity);
        true
    }
}
