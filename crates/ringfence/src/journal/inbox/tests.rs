use super::*;
use crate::journal::{Call, Ended, Evidence, Outcome};

fn call(second: i64, has_ended: bool) -> Arc<Kept> {
    let at = Timestamp::from_second(second).unwrap();
    Arc::new(Kept::of(Call {
        number: second.cast_unsigned(),
        at,
        id: second.to_string(),
        call_id: String::new(),
        line: String::new(),
        caller: String::new(),
        display_name: None,
        source: String::new(),
        verdict: Outcome::Ring,
        rule: String::new(),
        entry: None,
        reason: String::new(),
        evidence: Evidence::default(),
        ended: has_ended.then(|| end(at)),
    }))
}

fn end(at: Timestamp) -> Ended {
    Ended { at, status: Some(486), how: "acknowledged".into() }
}

/// What waits after as many calls, of which one has not ended.
fn waiting(calls: i64, open: i64) -> (Waiting, Instant) {
    let now = Instant::now();
    let records = (0..calls).map(|second| (now, Record::Call(call(second, second != open))));
    (Waiting { records: records.collect(), since: Some(now), ..Waiting::default() }, now)
}

#[test]
fn in_a_busy_moment_a_call_waits_for_its_end_and_what_comes_after_it_waits_behind() {
    let (mut waiting, now) = waiting(100, 90);
    assert_eq!((waiting.take(now).records.len(), waiting.records.len()), (90, 10));
    assert_eq!(waiting.since, Some(now), "it is written in time");
    assert_eq!(waiting.take(now + ENDING).records.len(), 10);
    assert_eq!(waiting.since, None);
}

#[test]
fn no_call_waits_in_a_quiet_moment_in_a_flood_or_when_somebody_asks_or_the_program_ends() {
    let taken = |(mut waiting, now): (Waiting, Instant)| waiting.take(now).records.len();
    assert_eq!([taken(waiting(15, 14)), taken(waiting(100, 10)), taken(waiting(2_000, 0))], [15, 100, BATCH]);
    let (mut asked, now) = waiting(100, 0);
    asked.jobs.push(Job::Flush(std::sync::mpsc::channel().0));
    assert_eq!(taken((asked, now)), 100);
    let (mut closed, now) = waiting(100, 0);
    closed.is_closed = true;
    assert_eq!(taken((closed, now)), 100);
}

#[test]
fn a_call_that_ends_while_it_waits_is_one_record_and_is_not_copied() {
    let inbox = Inbox::default();
    let mut under_way = call(1, false);
    let address = Arc::as_ptr(&under_way);
    inbox.put(Instant::now(), [Record::Call(Arc::clone(&under_way)), Record::Call(call(2, true))]);
    assert!(inbox.amend(&mut under_way, 0, |call| call.ended = Some(end(call.at))));
    assert_eq!(Arc::as_ptr(&under_way), address);
    let records = inbox.wait(Duration::ZERO).records;
    assert!(matches!(&records[..], [Record::Call(call), _] if call.ended.is_some()), "{records:?}");
}

#[test]
fn a_call_that_is_written_or_known_to_others_is_left_as_they_have_it() {
    let inbox = Inbox::default();
    let mut told = call(1, false);
    let follower = Arc::clone(&told);
    inbox.put(Instant::now(), [Record::Call(Arc::clone(&told))]);
    assert!(inbox.amend(&mut told, 1_000, |call| call.ended = Some(end(call.at))));
    assert_eq!((follower.ended.is_some(), told.ended.is_some()), (false, true));
    drop(inbox.wait(Duration::ZERO));
    assert!(!inbox.amend(&mut told, 0, |_| unreachable!("it is written")));
}
