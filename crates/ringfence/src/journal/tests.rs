//! The journal in memory and in its file.

use super::*;

mod file;
mod hostile;
mod killed;
mod trouble;

fn call(call_id: &str, verdict: Outcome) -> Call {
    Call {
        number: 0,
        at: Timestamp::UNIX_EPOCH,
        id: format!("0.{call_id}"),
        call_id: call_id.to_owned(),
        line: "home".to_owned(),
        caller: "+442079460123".to_owned(),
        display_name: None,
        source: "127.0.0.1:5060".to_owned(),
        verdict,
        rule: "reject".to_owned(),
        entry: None,
        reason: "on the reject list".to_owned(),
        evidence: Evidence { identity: Some("+442079460123".to_owned()), ..Evidence::default() },
        ended: None,
    }
}

fn in_memory() -> (Recorder, Arc<Journal>, mpsc::Receiver<Record>) {
    open(Settings::in_memory()).unwrap()
}

fn acknowledged() -> Ended {
    Ended { at: Timestamp::UNIX_EPOCH, status: Some(486), how: "acknowledged".into() }
}

#[test]
fn the_ring_forgets_the_oldest_and_counts_it() {
    let (recorder, journal, mut records) = in_memory();
    for number in 0..MOST_CALLS + 3 {
        recorder.record(call(&number.to_string(), Outcome::Ring), None);
        journal.take(records.try_recv().unwrap());
    }
    let newest = journal.newest(2);
    assert_eq!(newest.iter().map(|call| call.number).collect::<Vec<_>>(), [1_002, 1_003]);
    assert_eq!(journal.newest(usize::MAX).len(), MOST_CALLS);
    assert_eq!(journal.tally().forgotten, 3);
}

#[test]
fn a_full_queue_loses_the_record_but_not_the_count() {
    let (recorder, journal, records) = in_memory();
    for _ in 0..QUEUE + 5 {
        recorder.record(call("x", Outcome::Reject { status: 486 }), None);
    }
    let tally = journal.tally();
    assert_eq!((tally.screened, tally.rejected, tally.lost), (QUEUE as u64 + 5, QUEUE as u64 + 5, 5));
    drop(records);
}

#[test]
fn a_call_that_cannot_ring_has_not_rung() {
    let (recorder, journal, _records) = in_memory();
    recorder.record(call("a", Outcome::Ring), None);
    recorder.record(call("b", Outcome::Refuse { status: 420 }), None);
    let tally = journal.tally();
    assert_eq!((tally.screened, tally.rung, tally.refused), (2, 1, 1));
}

#[test]
fn a_call_is_told_when_it_is_decided_and_when_it_ends() {
    let (_, journal, _records) = in_memory();
    let mut follower = journal.follow();
    journal.keep(Arc::new(call("a", Outcome::Ignore)));
    assert!(journal.end("0.b", acknowledged()).is_none());
    let ended = journal.end("0.a", acknowledged()).unwrap();
    assert_eq!(follower.try_recv().unwrap(), News::Call(Arc::new(call("a", Outcome::Ignore))));
    assert_eq!(follower.try_recv().unwrap(), News::Ended(ended));
    assert_eq!(journal.newest(1)[0].ended, Some(acknowledged()));
}

#[test]
fn a_call_is_one_line_of_json() {
    let json =
        serde_json::to_string(&News::Call(Arc::new(call("a", Outcome::Reject { status: 486 })))).unwrap();
    assert!(json.starts_with(r#"{"event":"call","number":0,"#), "{json}");
    assert!(json.contains(r#""verdict":{"action":"reject","status":486}"#), "{json}");
    let back: News = serde_json::from_str(&json).unwrap();
    assert_eq!(back, News::Call(Arc::new(call("a", Outcome::Reject { status: 486 }))));
}
