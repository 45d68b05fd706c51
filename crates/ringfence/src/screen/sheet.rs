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

/// So many are spare at most: those of the calls of the 10 ms for which records gather at most, where a shard is saturated at
/// once. Each is a kilobyte.
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

    /// Lets go of the draft and its texts, and keeps the sheet.
    fn put_back(mut self: Box<Self>) {
        let mut room = self.draft.as_mut().map(Draft::take_room).unwrap_or_default();
        self.draft = None;
        room.clear();
        if room.capacity() <= MOST_KEPT {
            self.room = room;
        }
        drop(SPARE.put(self));
    }
}

impl Spare {
    fn take(&self) -> Option<Box<Sheet>> {
        self.with(Vec::pop).flatten()
    }

    /// Returns the sheet where there is no room for it: it is dropped when others may take again.
    fn put(&self, sheet: Box<Sheet>) -> Option<Box<Sheet>> {
        let mut sheet = Some(sheet);
        self.with(|sheets| {
            if sheets.len() < MOST_SPARE {
                sheets.extend(sheet.take());
            }
        });
        sheet
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
    use std::net::SocketAddr;
    use std::time::Duration;

    use ringfence_testing::{CallPlan, Network, NodeId, Pbx, PbxConfig, Phone};

    use super::super::program::Deciding;
    use super::*;
    use crate::journal::{Call, Journal, Records, Settings};

    const RULES: &str = r#"
[[rule]]
id = "all"
then = "busy"
"#;

    /// A phone with a screen, behind a PBX in a simulated network.
    struct World {
        network: Network,
        pbx: NodeId<Pbx>,
        journal: Arc<Journal>,
        records: Records,
    }

    impl World {
        fn new() -> Self {
            let deciding = Deciding::by(RULES, Settings::in_memory());
            let [pbx_at, phone_at] = [1, 7].map(|host| SocketAddr::from(([192, 0, 2, host], 5060)));
            let (mut network, mut pbx) = (Network::new(7), Pbx::new(PbxConfig::new(pbx_at), 7));
            pbx.add_user("858", "secret");
            let pbx = network.add(pbx_at, pbx);
            let phone = network.add(phone_at, deciding.of(Phone::new(phone_at, 7)));
            network.with(phone, |phone, now| phone.register(now, "858", "secret", pbx_at)).unwrap();
            network.run_for(Duration::from_secs(5));
            let Deciding { journal, records, .. } = deciding;
            Self { network, pbx, journal, records }
        }

        /// Returns the record of a call, and where the sheet that was put back last is.
        fn call(&mut self, plan: CallPlan) -> (Arc<Call>, Option<*const Sheet>) {
            self.network.with(self.pbx, |pbx, now| pbx.call(now, plan));
            self.network.run_for(Duration::from_secs(5));
            while let Some(record) = self.records.take_one() {
                drop(self.journal.take(record));
            }
            let place = SPARE.take().map(|sheet| {
                assert!(sheet.draft.is_none() && sheet.room.is_empty(), "{sheet:?}");
                assert!(sheet.room.capacity() <= MOST_KEPT, "{}", sheet.room.capacity());
                let place = std::ptr::from_ref(&*sheet);
                drop(SPARE.put(sheet));
                place
            });
            (self.journal.newest(1).remove(0), place)
        }
    }

    #[test]
    fn nothing_of_a_long_caller_is_told_of_a_short_one_on_the_same_sheet() {
        let mut world = World::new();
        let name = "the first one of them, and by far the one with the most to say";
        // Others who use sheets at this moment may take the first one's.
        let is_the_same = (0..100).any(|_| {
            let long = CallPlan {
                display_name: Some(name.to_owned()),
                ..CallPlan::new("sip:the-first-one-of-them@first.example", "858")
            };
            let (long, first) = world.call(long);
            assert_eq!(long.display_name.as_deref(), Some(name));
            let (short, second) = world.call(CallPlan::new("+41791234567", "858"));
            assert_eq!((short.caller.as_str(), short.display_name.as_deref()), ("+41791234567", None));
            assert!(!format!("{short:?}").contains("first"), "{short:?}");
            first.is_some() && first == second
        });
        assert!(is_the_same);
    }

    #[test]
    fn a_sheet_keeps_no_room_of_texts_that_are_longer_than_nearly_all() {
        let mut world = World::new();
        let name = "n".repeat(2 * MOST_KEPT);
        let plan = CallPlan { display_name: Some(name.clone()), ..CallPlan::new("+41791234567", "858") };
        let (call, _) = world.call(plan);
        assert_eq!(call.display_name.as_deref(), Some(name.as_str()));
    }

    #[test]
    fn so_many_sheets_are_spare_at_most_and_none_after_a_busy_time() {
        let spare = Spare::default();
        let left: Vec<_> = (0..2 * MOST_SPARE).filter_map(|_| spare.put(Box::default())).collect();
        assert_eq!((left.len(), std::iter::from_fn(|| spare.take()).count()), (MOST_SPARE, MOST_SPARE));
        assert!(spare.put(Box::default()).is_none());
        spare.forget();
        assert!(spare.take().is_none());
    }

    #[test]
    fn what_was_put_back_last_is_taken_first() {
        let spare = Spare::default();
        let sheet = |room| Box::new(Sheet { draft: None, room: String::with_capacity(room) });
        assert!(spare.put(sheet(1)).is_none() && spare.put(sheet(2)).is_none());
        let taken = [spare.take(), spare.take()];
        assert_eq!(taken.map(|sheet| sheet.map(|sheet| sheet.room.capacity())), [Some(2), Some(1)]);
    }
}
