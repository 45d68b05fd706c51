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
//! A table of bounded size by keyed hashes, in parts with a lock each: no call waits for another one's decision. Room is
//! made when a call needs it, and what is over goes when its part is seen again, or all of it after a busy time; when a part is full
//! its oldest call goes.

mod part;

use std::hash::RandomState;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ringfence_policy::Caller;
use softphone::Invite;

use self::part::{Mark, Part, Place};
use super::seen::Seen;
use crate::keyed::Keyed;

/// What was decided of calls a moment ago.
#[derive(Debug)]
pub(super) struct Copies {
    seed: RandomState,
    began: Instant,
    parts: Box<[Mutex<Part>]>,
}

/// What was decided on one line: where the policy keeps the treatment.
#[derive(Debug, Clone, Copy)]
struct OnLine {
    on: On,
    treatment: usize,
}

/// Where a call is decided: a line under one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct On {
    pub(super) configuration: u64,
    pub(super) line: usize,
}

/// What was decided, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
/// So many lines of one call are told apart. On more it is known to be the same call, and each time decided.
const MOST_LINES: usize = 64;
/// More copies, beyond the first on each line, are a flood: each is a call of its own then.
const MOST_COPIES: u8 = 16;
const PARTS: usize = 16;

impl Default for Copies {
    fn default() -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self { seed: RandomState::new(), began: Instant::now(), parts }
    }
}

impl Copies {
    /// Returns what an INVITE is known by; `None` for one that cannot be told from others. A copy is of the same caller, by
    /// the word of somebody as far trusted: a stranger who has seen an INVITE has no part in its decision.
    pub(super) fn key(&self, invite: &Invite<'_>, caller: &Caller<'_>, seen: &Seen<'_>) -> Option<u64> {
        let (call_id, (tag, is_trusted)) = (seen.call_id(), seen.origin()?);
        let is_known = !call_id.is_empty() && !tag.is_empty();
        let texts = [call_id, tag, caller.user, caller.host, seen.meant()];
        let cseq = invite.cseq().filter(|_| is_known)?;
        Some(self.key_of(texts, cseq, [is_trusted, caller.withheld]))
    }

    fn key_of(&self, texts: [&str; 5], cseq: u32, flags: [bool; 2]) -> u64 {
        let mut key = Keyed::by(&self.seed);
        for text in texts {
            key.put_text(text);
        }
        key.put(&cseq.to_ne_bytes());
        key.put(&flags.map(u8::from));
        key.finish()
    }

    /// Finds what was decided of a call a moment ago, and counts a further copy on the same line.
    pub(super) fn find(&self, key: u64, on: On, now: Instant) -> Option<Earlier> {
        self.part(key, now, |part, now| {
            let mut found = part.find(key, now)?;
            if found.copies() >= MOST_COPIES {
                return None;
            }
            let at = found.place.at;
            Some(match found.treatment(on) {
                Some(treatment) => {
                    found.others().copies += 1;
                    Earlier::Here(Decided { at, treatment })
                }
                None => Earlier::Elsewhere(at),
            })
        })
    }

    /// Keeps a decision. Returns what counts instead, and keeps nothing, if another copy was decided meanwhile: on this
    /// line, or on another one at another time than this.
    pub(super) fn keep(&self, key: u64, on: On, decision: Decided, now: Instant) -> Option<Earlier> {
        let (here, at) = (OnLine { on, treatment: decision.treatment }, decision.at);
        self.part(key, now, |part, since| {
            let Some(mut found) = part.find(key, since) else {
                part.add(Mark { key, since }, Place { at, first: here });
                return None;
            };
            let (known, is_flood) = (found.treatment(on), found.copies() >= MOST_COPIES);
            let first_at = found.place.at;
            if known.is_none() && found.lines() < MOST_LINES {
                if at != first_at && !is_flood {
                    return Some(Earlier::Elsewhere(first_at));
                }
                found.others().lines.push(here);
                return None;
            }
            let others = found.others();
            others.copies = others.copies.saturating_add(1);
            known.filter(|_| !is_flood).map(|treatment| Earlier::Here(Decided { at: first_at, treatment }))
        })
    }

    /// Lets go of the room of calls that are over.
    pub(super) fn forget_what_is_over(&self, now: Instant) {
        let now = self.milliseconds(now);
        for part in &self.parts {
            let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
            part.drop_over(now);
            part.shrink();
        }
    }

    /// Shows a part with those calls that are not over, and what time it is.
    fn part<T>(&self, key: u64, now: Instant, see: impl FnOnce(&mut Part, u64) -> T) -> T {
        let (part, now) = ((key >> 48) as usize % PARTS, self.milliseconds(now));
        let mut part = self.parts[part].lock().unwrap_or_else(PoisonError::into_inner);
        part.drop_over(now);
        see(&mut part, now)
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::part::MOST_CALLS;
    use super::*;

    const HOME: On = On { configuration: 1, line: 1 };
    const WORK: On = On { configuration: 1, line: 2 };

    impl Copies {
        fn found(&self, key: u64, on: On) -> Option<Earlier> {
            self.find(key, on, self.began)
        }

        fn kept(&self, key: u64, on: On, decision: Decided) -> Option<Earlier> {
            self.keep(key, on, decision, self.began)
        }
    }

    fn decided(second: i64) -> Decided {
        Decided { at: Timestamp::from_second(second).unwrap(), treatment: 7 }
    }

    #[test]
    fn a_copy_on_the_same_line_has_the_same_decision_and_on_another_line_the_same_time() {
        let copies = Copies::default();
        let key = copies.key_of(["a", "b", "c", "d", "e"], 1, [true, false]);
        assert_eq!(copies.found(key, HOME), None);
        assert_eq!(copies.kept(key, HOME, decided(5)), None);
        assert_eq!(copies.found(key, HOME), Some(Earlier::Here(decided(5))));
        assert_eq!(copies.found(key, WORK), Some(Earlier::Elsewhere(decided(5).at)));
        assert_eq!(
            copies.found(key, On { configuration: 2, ..HOME }),
            Some(Earlier::Elsewhere(decided(5).at))
        );
        let first = Some(Earlier::Here(decided(5)));
        assert_eq!(copies.kept(key, HOME, decided(6)), first, "the first that is decided counts");
    }

    #[test]
    fn of_two_lines_that_decide_at_once_the_second_decides_again_at_the_time_of_the_first() {
        let copies = Copies::default();
        assert_eq!((copies.found(9, HOME), copies.found(9, WORK)), (None, None));
        assert_eq!(copies.kept(9, HOME, decided(5)), None);
        assert_eq!(copies.kept(9, WORK, decided(6)), Some(Earlier::Elsewhere(decided(5).at)));
        assert_eq!(copies.found(9, WORK), Some(Earlier::Elsewhere(decided(5).at)));
        assert_eq!(copies.kept(9, WORK, decided(5)), None);
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
        copies.kept(9, HOME, decided(5));
        let found = (0..1_000).filter(|_| copies.found(9, HOME).is_some()).count();
        assert_eq!(found, usize::from(MOST_COPIES));
        assert_eq!(copies.kept(9, HOME, decided(6)), None);
        assert_eq!(copies.found(9, HOME), None);
    }

    #[test]
    fn a_call_that_rings_a_group_of_64_lines_is_one_call() {
        let copies = Copies::default();
        copies.kept(9, HOME, decided(5));
        for line in 2..=MOST_LINES {
            let on = On { configuration: 1, line };
            assert_eq!(copies.found(9, on), Some(Earlier::Elsewhere(decided(5).at)), "{line}");
            assert_eq!(copies.kept(9, on, decided(5)), None);
        }
        for line in 1..=usize::from(MOST_COPIES) {
            let on = On { configuration: 1, line };
            assert_eq!(copies.found(9, on), Some(Earlier::Here(decided(5))), "{line}");
        }
    }

    #[test]
    fn the_lines_of_a_call_that_are_told_apart_are_bounded() {
        let copies = Copies::default();
        for line in 1..=1_000 {
            copies.kept(9, On { configuration: 1, line }, decided(5));
        }
        copies.part(9, copies.began, |part, _| {
            let others: Vec<_> = part.others.values().map(|others| others.lines.len()).collect();
            assert_eq!((part.places.len(), others), (1, vec![MOST_LINES - 1]));
        });
        assert_eq!(copies.found(9, HOME), None, "it is a flood");
    }

    #[test]
    fn a_call_is_over_after_its_life_whenever_it_was_decided() {
        let copies = Copies::default();
        let second = |second| copies.began + Duration::from_secs(second);
        // The second was decided late.
        let [early, late] = [1, 2];
        for (key, came) in [(early, 5), (late, 3)] {
            assert_eq!(copies.keep(key, HOME, decided(5), second(came)), None);
        }
        let known = |key, at| copies.find(key, HOME, second(at)).is_some();
        assert_eq!((known(late, 34), known(early, 34)), (true, true));
        assert_eq!((known(late, 35), known(early, 36)), (false, true));
        assert_eq!(copies.keep(late, HOME, decided(6), second(36)), None, "it is a call of its own");
        copies.part(late, second(36), |part, now| {
            let found = part.find(late, now).unwrap();
            assert_eq!((found.copies(), found.lines()), (0, 1), "its copies are none of those before");
        });
        assert_eq!(
            (known(early, 37), known(late, 37), known(late, 67), known(late, 68)),
            (false, true, true, false)
        );
    }

    #[test]
    fn the_oldest_goes_when_a_place_is_needed() {
        let copies = Copies::default();
        let most = MOST_CALLS as u64;
        for key in 1..=most + 3 {
            copies.kept(key, HOME, decided(5));
        }
        let gone: Vec<_> = (1..=most + 3).filter(|key| copies.found(*key, HOME).is_none()).collect();
        assert_eq!(gone, [1, 2, 3]);
        // More calls than numbers tell apart.
        let all = u64::from(u16::MAX) + 2 * most;
        for key in most + 4..=all {
            copies.kept(key, HOME, decided(5));
        }
        let left: Vec<_> = (1..=all).filter(|key| copies.found(*key, HOME).is_some()).collect();
        assert_eq!(left, (all - most + 1..=all).collect::<Vec<_>>());
        copies.part(1, copies.began, |part, _| {
            assert_eq!((part.places.len(), part.numbers.len()), (MOST_CALLS, MOST_CALLS));
            assert_eq!(part.others.len(), MOST_CALLS, "what is known of calls that went is gone");
        });
    }

    #[test]
    fn what_is_over_leaves_no_room_behind_and_what_is_not_is_known() {
        let copies = Copies::default();
        let room = || copies.parts.iter().map(|part| part.lock().unwrap().places.capacity()).sum::<usize>();
        copies.kept(9, HOME, decided(5));
        copies.kept(9 << 48, HOME, decided(5));
        copies.forget_what_is_over(copies.began + LIFE / 2);
        assert_eq!(room(), 2);
        assert!(copies.found(9, HOME).is_some());
        copies.forget_what_is_over(copies.began + LIFE);
        assert_eq!(room(), 0);
        assert!(copies.parts.iter().all(|part| {
            let part = part.lock().unwrap();
            part.numbers.capacity() == 0 && part.others.capacity() == 0
        }));
        assert_eq!(copies.found(9, HOME), None);
    }
}
