//! One decision for each INVITE, however many copies of it come: forked by a proxy to several lines or shards, spiralled,
//! sent again. They have the Call-ID, the tag of From and the `CSeq` in common. A caller who tries again, for instance without
//! what was refused, has a greater `CSeq` (RFC 3261 section 8.1.3.5): that is another INVITE, and decided anew.
//!
//! ```text
//!  a copy on the same line      ──▶ gets the same answer; it is counted, and no call of its own
//!  a copy on another line       ──▶ is decided by that line's rules, at the same time and without its first copy
//!                                   in what happened before
//! ```
//!
//! A table of fixed size by keyed hashes, in parts with a lock each: nothing is allocated and no call waits for another
//! one's decision. When a place is needed the oldest of eight goes.

use std::hash::{BuildHasher, Hasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ringfence_policy::Caller;
use softphone::Invite;

use super::seen::Seen;

/// What was decided of calls a moment ago.
#[derive(Debug)]
pub(super) struct Copies {
    seed: RandomState,
    began: Instant,
    parts: Box<[Mutex<[Place; PLACES]>]>,
}

/// A decision as it is kept.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Which call; 0 for none.
    key: u64,
    on: On,
    decision: Decided,
    /// In milliseconds since the start.
    since: u64,
    copies: u8,
}

/// Where a call is decided: a line under one configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct On {
    pub(super) configuration: u64,
    pub(super) line: usize,
}

/// What was decided, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) at: Timestamp,
    /// Where the policy keeps the treatment.
    pub(super) treatment: usize,
}

/// What is known of a call whose copy came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    /// It was decided on this line.
    Here(Decided),
    /// It was decided on another line, or under another configuration, at this time.
    Elsewhere(Timestamp),
}

/// Copies come within the life of one transaction: 64*T1 (RFC 3261 section 17.1.1.2).
const LIFE: Duration = Duration::from_secs(32);
/// More of one call are a flood: each is a call of its own then.
const MOST_COPIES: u8 = 16;
const PARTS: usize = 512;
const PLACES: usize = 64;
const WAYS: usize = 8;

impl Default for Copies {
    fn default() -> Self {
        let part = || Mutex::new([Place::default(); PLACES]);
        Self { seed: RandomState::new(), began: Instant::now(), parts: (0..PARTS).map(|_| part()).collect() }
    }
}

impl Copies {
    /// Returns what an INVITE is known by; `None` for one that cannot be told from others. A copy is of the same caller, by
    /// the word of somebody as far trusted: a stranger who has seen an INVITE has no part in its decision.
    pub(super) fn key(&self, invite: &Invite<'_>, caller: &Caller<'_>, seen: &Seen<'_>) -> Option<u64> {
        let (call_id, (tag, is_trusted)) = (invite.call_id(), seen.origin()?);
        let is_known = !call_id.is_empty() && !tag.is_empty();
        // Of the numbers that are called To alone is the same on all branches of a fork.
        let called = invite.called().map(|called| called.user()).unwrap_or_default();
        let texts = [&call_id, tag, caller.user, caller.host, &called];
        let cseq = invite.cseq().filter(|_| is_known)?;
        Some(self.key_of(texts, cseq, [is_trusted, caller.withheld]))
    }

    fn key_of(&self, texts: [&str; 5], cseq: u32, flags: [bool; 2]) -> u64 {
        let mut hasher = self.seed.build_hasher();
        for text in texts {
            hasher.write(text.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.write_u32(cseq);
        hasher.write(&flags.map(u8::from));
        hasher.finish().max(1)
    }

    /// Finds what was decided of a call a moment ago, and counts this copy of it.
    pub(super) fn find(&self, key: u64, on: On) -> Option<Earlier> {
        let now = self.now();
        self.places(key, |places| {
            let mut earlier = None;
            for place in places.iter_mut().filter(|place| place.key == key && place.is_fresh(now)) {
                if place.copies >= MOST_COPIES {
                    return None;
                }
                place.copies += 1;
                if place.on == on {
                    return Some(Earlier::Here(place.decision));
                }
                earlier = Some(Earlier::Elsewhere(place.decision.at));
            }
            earlier
        })
    }

    /// Keeps a decision. Returns the one that counts instead, if another copy was decided meanwhile.
    pub(super) fn keep(&self, key: u64, on: On, decision: Decided) -> Option<Decided> {
        let now = self.now();
        self.places(key, |places| {
            let known =
                places.iter_mut().find(|place| place.key == key && place.on == on && place.is_fresh(now));
            if let Some(known) = known {
                let is_flood = known.copies >= MOST_COPIES;
                known.copies = known.copies.saturating_add(1);
                return (!is_flood).then_some(known.decision);
            }
            if let Some(oldest) = places.iter_mut().min_by_key(|place| (place.key != 0, place.since)) {
                *oldest = Place { key, on, decision, since: now, copies: 0 };
            }
            None
        })
    }

    /// Shows the places where a call may be.
    fn places<T>(&self, key: u64, see: impl FnOnce(&mut [Place]) -> T) -> T {
        let part = (key >> 48) as usize % PARTS;
        let first = (key >> 32) as usize % (PLACES / WAYS) * WAYS;
        let mut places = self.parts[part].lock().unwrap_or_else(PoisonError::into_inner);
        see(&mut places[first..first + WAYS])
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Place {
    fn is_fresh(&self, now: u64) -> bool {
        Duration::from_millis(now.saturating_sub(self.since)) < LIFE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: On = On { configuration: 1, line: 1 };
    const WORK: On = On { configuration: 1, line: 2 };

    fn decided(second: i64) -> Decided {
        Decided { at: Timestamp::from_second(second).unwrap(), treatment: 7 }
    }

    #[test]
    fn a_copy_on_the_same_line_has_the_same_decision_and_on_another_line_the_same_time() {
        let copies = Copies::default();
        let key = copies.key_of(["a", "b", "c", "d", "e"], 1, [true, false]);
        assert_eq!(copies.find(key, HOME), None);
        assert_eq!(copies.keep(key, HOME, decided(5)), None);
        assert_eq!(copies.find(key, HOME), Some(Earlier::Here(decided(5))));
        assert_eq!(copies.find(key, WORK), Some(Earlier::Elsewhere(decided(5).at)));
        assert_eq!(
            copies.find(key, On { configuration: 2, ..HOME }),
            Some(Earlier::Elsewhere(decided(5).at))
        );
        assert_eq!(copies.keep(key, HOME, decided(6)), Some(decided(5)), "the first that is decided counts");
    }

    #[test]
    fn the_invite_the_caller_the_called_and_the_trust_make_a_copy() {
        let copies = Copies::default();
        let keys = [
            copies.key_of(["a", "b", "c", "d", "e"], 1, [true, false]),
            copies.key_of(["a", "b", "c", "d", "e"], 1, [false, false]),
            copies.key_of(["a", "b", "c", "d", "e"], 1, [true, true]),
            copies.key_of(["a", "b", "c", "d", "e"], 2, [true, false]),
            copies.key_of(["ab", "", "c", "d", "e"], 1, [true, false]),
            copies.key_of(["a", "b", "x", "d", "e"], 1, [true, false]),
            copies.key_of(["a", "b", "c", "d", "x"], 1, [true, false]),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(keys[..index].iter().all(|other| other != key), "{keys:?}");
        }
    }

    #[test]
    fn a_flood_of_copies_is_a_flood_of_calls() {
        let copies = Copies::default();
        copies.keep(9, HOME, decided(5));
        let found = (0..1_000).filter(|_| copies.find(9, HOME).is_some()).count();
        assert_eq!(found, usize::from(MOST_COPIES));
        assert_eq!(copies.keep(9, HOME, decided(6)), None);
        assert_eq!(copies.find(9, HOME), None);
    }

    #[test]
    fn the_oldest_of_eight_goes_when_a_place_is_needed() {
        let copies = Copies::default();
        for key in 1..=9 {
            copies.keep(key, HOME, decided(5));
        }
        let known = (1..=9).filter(|key| copies.find(*key, HOME).is_some()).count();
        assert_eq!(known, 8);
        assert!(copies.find(9, HOME).is_some());
    }
}
