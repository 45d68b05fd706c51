//! How calls end, and of which of them the journal is told.
//!
//! ```text
//!  a shard decides ──record──▶ journal ◀──how it ended──┐
//!                └──none────▶ this thread's calls ◀─────┴── a shard sees the end
//! ```
//!
//! A call has no record where its rule has it counted only, and where a copy of it was decided before. A shard sees the end of a
//! call on the thread on which it decided it, so each thread has its own of them, and none waits for another. One that was
//! decided late, on whatever thread, is not among them: its end is told, and the journal forgets what belongs to no call.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;
use softphone::{CallId, Ended, EndedBy, How};

use super::conclusion::Asked;
use super::{Moment, Screen};
use crate::journal;
use crate::keyed::Numbered;

/// A screen, by its number among all of this run, and a call.
type Key = (u64, CallId);

thread_local! {
    /// Calls without a record that have not ended.
    static CALLS: RefCell<HashSet<Key, Numbered>> = RefCell::default();
}

/// As many are under way in nearly all hours: the room that more of them took is given back when most have ended.
const USUAL: usize = 1_024;
/// As many as a shard has transactions. Of more the journal is told, which forgets it.
const MOST: usize = 1 << 20;

impl Screen {
    /// Takes note of how a call has ended, and tells the journal, unless it has no record.
    pub(crate) fn note_end(&self, ended: &Ended) {
        if self.has_no_record(ended.call) {
            return;
        }
        self.no_longer_undecided(ended);
        self.recorder.ended(ended.call, ending(ended.status, ended.by, ended.how));
    }

    /// Notes that a call has no record, if it is decided on the thread of its shard.
    pub(super) fn keep_no_record(&self, asked: &Asked<'_>) {
        if asked.moment == Moment::Late {
            return;
        }
        CALLS.with_borrow_mut(|calls| {
            if calls.len() < MOST {
                calls.insert(self.key(asked.invite.id()));
            }
        });
    }

    /// Tells whether a call that has ended is one of those. It can be asked once.
    fn has_no_record(&self, id: CallId) -> bool {
        CALLS.with_borrow_mut(|calls| {
            let is_one = !calls.is_empty() && calls.remove(&self.key(id));
            if is_one && calls.capacity() > (8 * calls.len()).max(2 * USUAL) {
                calls.shrink_to(USUAL.max(2 * calls.len()));
            }
            is_one
        })
    }

    fn key(&self, id: CallId) -> Key {
        (self.number, id)
    }
}

/// Returns the number of the next screen of this run.
pub(super) fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

/// Returns what the record of a call says of its end.
fn ending(status: Option<u16>, by: EndedBy, how: How) -> journal::Ended {
    let how = match (by, how) {
        (EndedBy::Caller, _) => journal::Ended::GAVE_UP,
        (EndedBy::Elsewhere, _) => journal::Ended::ELSEWHERE,
        (EndedBy::Shutdown, _) => "the program ended",
        (EndedBy::Overload, _) | (_, How::Stateless) => "answered at a bound",
        (EndedBy::Expires, How::Acknowledged) => "the invitation expired",
        (EndedBy::Limit, How::Acknowledged) => "nobody answered, acknowledged",
        (_, How::Acknowledged) => journal::Ended::ACKNOWLEDGED,
        (_, How::Unacknowledged) => "never acknowledged",
        (_, How::Ignored) => "left unanswered",
        (_, _) => "ended",
    };
    journal::Ended { at: Timestamp::now(), status, how: how.into() }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::program::{Program, ack, invite};
    use super::*;
    use crate::journal::{Call, Evidence, Outcome, Place, Query, Queued, Reader, Settings};

    const RULES: &str = r#"
[[rule]]
id = "listed"
when = { caller_in = "reject" }
then = "busy"
log = "counter"

[[rule]]
id = "otherwise"
then = "busy"
"#;
    const LISTED: u64 = 7_700_900_123;
    const OTHER: u64 = 2_079_460_123;

    /// Returns how many calls of this thread are under way without a record.
    fn without_a_record() -> usize {
        CALLS.with_borrow(HashSet::len)
    }

    #[test]
    fn the_journal_is_told_of_no_end_of_a_call_that_is_counted_only() {
        let now = Instant::now();
        let mut program = Program::start(now, RULES);
        program.take_together(now, &[0, 1, 2, 3].map(|call| invite(call, LISTED, 0)));
        program.take(now, &[invite(4, OTHER, 0)]);
        assert_eq!((without_a_record(), program.journal.tally().rejected), (4, 5));
        program.take(now, &[3, 0, 1].map(|call| ack(call, LISTED, 0)));
        program.take(now, &[ack(4, OTHER, 0)]);
        assert_eq!(without_a_record(), 1);
        // RFC 3261 timer H: nobody acknowledges it, and that is its end as well.
        let later = now + Duration::from_secs(33);
        program.phone.act(later, |endpoint| endpoint.handle_timeout(later));
        program.take(later, &[]);
        assert_eq!(without_a_record(), 0);
        let queued = program.queued();
        assert!(matches!(queued[..], [Queued::Draft { .. }, Queued::Ended { .. }]), "{queued:?}");
    }

    #[test]
    fn the_journal_is_told_of_no_end_of_a_copy() {
        let now = Instant::now();
        let mut program = Program::start(now, RULES);
        // As a proxy forks it to both lines, for which the same rules are in force.
        program.take(now, &[0, 1].map(|line| invite(1, OTHER, line)));
        assert_eq!((without_a_record(), program.journal.tally().copies), (1, 1));
        program.take(now, &[1, 0].map(|line| ack(1, OTHER, line)));
        assert_eq!(without_a_record(), 0);
        let calls = program.calls();
        assert_eq!(calls.len(), 1);
        let how = calls[0].ended.as_ref().map(|ended| &*ended.how);
        assert_eq!(how, Some(journal::Ended::ACKNOWLEDGED));
    }

    #[test]
    fn calls_of_two_screens_on_one_thread_are_told_apart() {
        let now = Instant::now();
        let mut programs = [0; 2].map(|_| Program::start(now, RULES));
        // Each numbers its calls from the first.
        programs[0].take(now, &[invite(1, LISTED, 0)]);
        programs[1].take(now, &[invite(1, OTHER, 0)]);
        programs[1].take(now, &[ack(1, OTHER, 0)]);
        assert!(programs[1].calls()[0].ended.is_some());
        programs[0].take(now, &[ack(1, LISTED, 0)]);
        assert_eq!((programs[0].queued().len(), without_a_record()), (0, 0));
    }

    #[test]
    fn what_many_have_taken_is_not_kept_behind_them() {
        let now = Instant::now();
        let mut program = Program::start(now, RULES);
        let calls = 0..4 * USUAL as u64;
        let requests = |request: fn(u64, u64, u64) -> Vec<u8>| {
            calls.clone().map(|call| request(call, LISTED, 0)).collect::<Vec<_>>()
        };
        program.take(now, &requests(invite));
        assert_eq!(without_a_record(), 4 * USUAL);
        // One of them is under way for longer.
        program.take(now, &requests(ack)[1..]);
        let room = CALLS.with_borrow(HashSet::capacity);
        assert!(without_a_record() == 1 && (USUAL..=2 * USUAL).contains(&room), "{room}");
    }

    #[test]
    fn what_a_screen_has_left_is_nothing_to_the_next() {
        let now = Instant::now();
        for _ in 0..8 {
            // Memory that one has given back another may have.
            let mut left = Program::start(now, RULES);
            left.take(now, &[invite(1, LISTED, 0)]);
            drop(left);
            let mut program = Program::start(now, RULES);
            program.take(now, &[invite(1, OTHER, 0), ack(1, OTHER, 0)]);
            assert!(program.calls()[0].ended.is_some());
        }
    }

    fn rejected(id: &str) -> Call {
        Call {
            number: 0,
            at: Timestamp::now(),
            id: id.to_owned(),
            call_id: id.to_owned(),
            line: "home".to_owned(),
            caller: "+442079460123".to_owned(),
            display_name: None,
            source: "127.0.0.1:5060".to_owned(),
            verdict: Outcome::reject(486),
            rule: "listed".to_owned(),
            entry: None,
            reason: String::new(),
            evidence: Evidence::default(),
            ended: None,
        }
    }

    #[test]
    fn a_call_that_was_answered_without_keeping_anything_has_a_record_that_says_so() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ringfence.db");
        let settings = Settings { place: Place::File(path.clone()), ..Settings::default() };
        let (recorder, journal, mut records) = journal::open(settings).unwrap();
        for (id, status, by) in [
            ("0.1", 486, EndedBy::Decision),
            ("0.2", 420, EndedBy::Objection),
            ("0.3", 503, EndedBy::Overload),
        ] {
            recorder.record(rejected(id), None);
            recorder.ended_as(id.to_owned(), ending(Some(status), by, How::Stateless));
        }
        while let Some(record) = records.take_one() {
            drop(journal.take(record));
        }
        assert!(journal.flush());
        let calls = Reader::open(&path).unwrap().search(&Query::default()).unwrap();
        let told = |ended: &journal::Ended| (ended.status, ended.how.clone().into_owned());
        let ends: Vec<_> = calls.iter().map(|call| call.ended.as_ref().map(told)).collect();
        let at_a_bound = |status| Some((Some(status), "answered at a bound".to_owned()));
        assert_eq!(ends, [503, 420, 486].map(at_a_bound));
    }
}
