use ringfence_policy::Region;

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
fn a_whole_batch_is_taken_at_once_but_of_a_storm_when_its_calls_have_ended() {
    let batch = i64::try_from(BATCH).unwrap();
    let is_due = |(mut waiting, now): (Waiting, Instant), later| waiting.is_due(now + later);
    assert!(is_due(waiting(batch, batch), Duration::ZERO), "all have ended");
    assert!(is_due(waiting(batch + 1, batch), Duration::ZERO), "those of a batch have ended");
    assert!(!is_due(waiting(batch, 500), Duration::ZERO));
    assert!(is_due(waiting(batch, 500), ENDING), "it has waited for as long as it may");
    assert!(is_due(waiting(i64::try_from(MOST_HELD).unwrap(), 0), Duration::ZERO), "they are too many");

    let (mut storm, now) = waiting(4 * batch, 500);
    assert!(!storm.is_due(now));
    storm.records[500] = (now, Record::Call(call(500, true)));
    assert!(storm.is_due(now), "what was looked at before is not all that counts");
    for left in [3, 2, 1, 0] {
        assert_eq!((storm.take(now).records.len(), storm.records.len()), (BATCH, left * BATCH));
    }
    assert!(!storm.is_due(now));
}

#[test]
fn what_is_put_back_or_forgotten_is_looked_at_again() {
    let batch = i64::try_from(BATCH).unwrap();
    let (all_ended, now) = waiting(batch, batch);
    let inbox = Inbox { waiting: Mutex::new(all_ended), ..Inbox::default() };
    assert!(inbox.waiting().is_due(now));
    inbox.put_back(vec![Record::Call(call(-1, false))]);
    inbox.waiting().records[0].0 = now;
    assert!(!inbox.waiting().is_due(now));

    // Of the first batch one goes, so that the one behind it is not whole any more.
    let (mut first_ended, now) = waiting(2 * batch, batch);
    let dialed = Record::Dialed { identity: "+442079460123".to_owned(), at: Timestamp::UNIX_EPOCH };
    first_ended.records[7] = (now, dialed);
    assert!(first_ended.is_due(now));
    let inbox = Inbox { waiting: Mutex::new(first_ended), ..Inbox::default() };
    let gone = inbox.forget(Person::new("+442079460123", Region::parse("GB").unwrap()));
    assert_eq!(gone, (0, 1));
    assert!(!inbox.waiting().is_due(now));
    assert_eq!(inbox.waiting().take(now).records.len(), BATCH - 1);
}

#[test]
fn a_call_of_a_storm_is_found_however_many_are_newer() {
    let inbox = Inbox::default();
    let mut calls: Vec<_> = (0..5_000).map(|second| call(second, false)).collect();
    inbox.put(Instant::now(), calls.iter().map(|call| Record::Call(Arc::clone(call))));
    let newest = calls.len() - 1;
    for (place, off) in [(0, 0), (10, 0), (2_000, 200), (2_500, -200), (4_990, 0), (4_999, 0)] {
        let newer = (newest - place).saturating_add_signed(off);
        assert!(inbox.amend(&mut calls[place], newer, |call| call.ended = Some(end(call.at))), "{place}");
    }
    let far = newest - 3_000 + 2 * AMENDED;
    assert!(!inbox.amend(&mut calls[3_000], far, |_| unreachable!("who is so far off is not looked for")));
}

#[test]
fn who_writes_waits_for_a_batch_of_calls_that_have_ended_and_is_woken_by_what_comes_behind() {
    let inbox = Arc::new(Inbox::default());
    let mut calls: Vec<_> = (0..4_000).map(|second| call(second, false)).collect();
    let taken = {
        let inbox = Arc::clone(&inbox);
        std::thread::spawn(move || inbox.wait(Duration::from_secs(60)).records.len())
    };
    // However slow this test is, nothing has waited for as long as it may.
    let came = Instant::now() + Duration::from_secs(3_600);
    let put = |call: &Arc<Kept>| inbox.put(came, [Record::Call(Arc::clone(call))]);
    for (place, one) in calls.iter_mut().enumerate().take(2_000) {
        put(one);
        assert!(inbox.amend(one, 0, |call| call.ended = (place != 0).then(|| end(call.at))));
    }
    assert_eq!(inbox.len(), 2_000, "the first has not ended");
    let newer = inbox.len() - 1;
    assert!(inbox.amend(&mut calls[0], newer, |call| call.ended = Some(end(call.at))));
    for one in &calls[2_000..2_000 + STEP] {
        put(one);
    }
    assert_eq!(taken.join().unwrap(), BATCH);
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
