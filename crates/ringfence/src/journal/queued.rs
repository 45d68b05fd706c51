//! What waits for the journal's task.
//!
//! ```text
//!  D1 D2 E1 D3 E3 E2 … ──▶ D1+E1 D2+E2 D3+E3 …     a call whose end waits beside it is kept, told and written in one go
//! ```

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::Arc;

use softphone::CallId;

use super::call::{Ended, Record};
use super::kept::Kept;

/// A call of which the record is still to be made: a shard answers the next one meanwhile.
pub(crate) trait Draft: Debug + Send {
    /// Returns what the softphone numbers the call by.
    fn id(&self) -> CallId;

    /// Makes the record of the call of this number.
    fn write(self: Box<Self>, number: u64) -> Arc<Kept>;
}

/// What waits for the journal's task, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Queued {
    Record(Record),
    Draft {
        number: u64,
        id: CallId,
        draft: Box<dyn Draft>,
        /// How it ended, if that waited with it.
        ended: Option<Ended>,
    },
    /// The end of a call, by what the softphone numbers it by: that is put into words by who keeps it.
    Ended {
        id: CallId,
        ended: Ended,
    },
    /// An end that is told with its call.
    Joined,
}

impl From<Record> for Queued {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}

/// The call of an end is looked for among so many on either side of the call that ended before: calls end about as they come.
const NEAR: usize = 128;

/// Joins each end to its call, where that waits before it and is near.
pub(crate) fn join_ends(queued: &mut [Queued]) {
    let (mut next, mut lowest) = (0, None::<CallId>);
    for place in 0..queued.len() {
        let (before, behind) = queued.split_at_mut(place);
        let Some(end) = behind.first_mut() else { return };
        let id = match end {
            Queued::Ended { id, .. } => *id,
            Queued::Draft { id, .. } => {
                lowest = Some(lowest.map_or(*id, |lowest| lowest.min(*id)));
                continue;
            }
            Queued::Record(_) | Queued::Joined => continue,
        };
        // A shard numbers its calls as they come: that of this end was taken before.
        if lowest.is_none_or(|lowest| id < lowest) {
            continue;
        }
        let near = (next..place.min(next + NEAR)).chain((next.saturating_sub(NEAR)..next).rev());
        for place in near {
            if let Queued::Draft { id: known, ended: joined @ None, .. } = &mut before[place]
                && *known == id
                && let Queued::Ended { ended, .. } = std::mem::replace(end, Queued::Joined)
            {
                *joined = Some(ended);
                next = place + 1;
                break;
            }
        }
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

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use ringfence_testing::{CallPlan, Network, Pbx, PbxConfig, Phone};
    use softphone::{Reject, simulated};

    use super::*;

    /// Returns what a softphone numbers its first calls by.
    pub(in crate::journal) fn ids(count: usize) -> Vec<CallId> {
        let mut network = Network::new(7);
        let (at, phone_at) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.7:5060".parse().unwrap());
        let mut pbx = Pbx::new(PbxConfig::new(at), 7);
        pbx.add_user("858", "secret");
        let pbx = network.add(at, pbx);
        let busy = simulated::screen(|_| Reject::busy().into());
        let phone = network.add(phone_at, Phone::new(phone_at, 7).with_screen(busy));
        network.with(phone, |phone, now| phone.register(now, "858", "secret", at)).unwrap();
        network.run_for(Duration::from_secs(5));
        for _ in 0..count {
            network.with(pbx, |pbx, now| pbx.call(now, CallPlan::new("+442079460123", "858")));
            network.run_for(Duration::from_secs(5));
        }
        let events = network.node(phone).events().iter();
        events.filter_map(|(_, event)| simulated::ended(event)).map(|ended| ended.call).collect()
    }

    /// A record that is never asked for.
    #[derive(Debug)]
    struct Blank(CallId);

    impl Draft for Blank {
        fn id(&self) -> CallId {
            self.0
        }

        fn write(self: Box<Self>, _: u64) -> Arc<Kept> {
            unreachable!("nobody takes it")
        }
    }

    fn began(id: CallId) -> Queued {
        Queued::Draft { number: 1, id, draft: Box::new(Blank(id)), ended: None }
    }

    /// An end that tells apart what it is of.
    fn ended(id: CallId) -> Queued {
        let ended = Ended { at: Timestamp::UNIX_EPOCH, status: None, how: id.to_string().into() };
        Queued::Ended { id, ended }
    }

    #[test]
    fn an_end_is_joined_to_its_call_in_whichever_order_calls_end() {
        let ids = ids(5);
        let began = |call: usize| began(ids[call]);
        let ended = |call: usize| ended(ids[call]);
        let mut queued = [
            ended(0),
            began(1),
            began(2),
            ended(2),
            began(0),
            began(3),
            ended(3),
            ended(1),
            ended(4),
            ended(3),
        ];
        join_ends(&mut queued);
        let told = queued.iter().map(|queued| match queued {
            Queued::Draft { id, ended: Some(ended), .. } if ended.how == id.to_string() => "joined",
            Queued::Draft { ended: None, .. } => "under way",
            Queued::Ended { .. } => "an end",
            Queued::Joined => "",
            Queued::Draft { .. } | Queued::Record(_) => "wrong",
        });
        let expected = ["an end", "joined", "joined", "", "under way", "joined", "", "", "an end", "an end"];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
