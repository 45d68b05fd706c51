//! The journal in memory and in its file.

use ringfence_policy::Region;
use softphone::CallId;

use super::forget::Person;
use super::queued::tests::ids;
use super::*;

mod added;
mod file;
mod hostile;
mod killed;
mod misfit;
mod packs;
mod reach;
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

fn region() -> Region {
    Region::parse("CH").unwrap()
}

fn in_memory() -> (Recorder, Arc<Journal>, Records) {
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
        drop(journal.take(records.take_one().unwrap()));
    }
    let newest = journal.newest(2);
    assert_eq!(newest.iter().map(|call| call.number).collect::<Vec<_>>(), [1_002, 1_003]);
    assert_eq!(journal.newest(usize::MAX).len(), MOST_CALLS);
    assert_eq!(journal.tally().forgotten, 3);
}

/// A record that is made when it is asked for, of a call that was counted before.
#[derive(Debug)]
struct Sketch(&'static str, CallId);

impl Draft for Sketch {
    fn id(&self) -> CallId {
        self.1
    }

    fn write(self: Box<Self>, number: u64) -> Arc<Kept> {
        Arc::new(Kept { number, ..Kept::of(call(self.0, Outcome::Ring)) })
    }
}

#[test]
fn a_record_that_is_made_late_has_its_number_and_its_place() {
    let (recorder, journal, mut records) = in_memory();
    let counted = Counted {
        verdict: &Outcome::Ring,
        caller: None,
        line: recorder.past().line("home"),
        source: None,
        at: Timestamp::UNIX_EPOCH,
    };
    let number = recorder.count(counted);
    recorder.record(call("second", Outcome::Ring), None);
    recorder.draft(number, Box::new(Sketch("first", ids(1)[0])));
    while let Some(record) = records.take_one() {
        drop(journal.take(record));
    }
    let newest = journal.newest(usize::MAX);
    let told: Vec<_> = newest.iter().map(|call| (call.call_id.as_str(), call.number)).collect();
    assert_eq!(told, [("second", 2), ("first", 1)]);
    assert_eq!(journal.tally().rung, 2);
}

#[test]
fn a_full_queue_loses_the_record_but_not_the_count() {
    let (recorder, journal, records) = in_memory();
    for _ in 0..QUEUE + 5 {
        recorder.record(call("x", Outcome::reject(486)), None);
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
    let (recorder, journal, mut records) = in_memory();
    let (_, mut follower) = journal.follow(0);
    recorder.record(call("a", Outcome::Ignore), None);
    recorder.ended_as("0.a".to_owned(), acknowledged());
    let told: Vec<_> = std::iter::from_fn(|| records.take_one())
        .flat_map(|r| journal.take(r))
        .map(|news| news.readable())
        .collect();
    let began = Call { number: 1, ..call("a", Outcome::Ignore) };
    let ended = Call { ended: Some(acknowledged()), ..began.clone() };
    let expected = [News::Call(Arc::new(began)), News::Ended(Arc::new(ended.clone()))];
    assert_eq!(told, expected);
    assert_eq!([follower.try_recv().unwrap(), follower.try_recv().unwrap()], expected);
    assert_eq!(*journal.newest(1)[0], ended);
}

#[test]
fn a_call_whose_end_waits_with_it_is_told_as_if_each_came_by_itself() {
    let (recorder, journal, mut records) = in_memory();
    let (_, mut follower) = journal.follow(0);
    let id = ids(1)[0];
    recorder.draft(1, Box::new(Sketch("a", id)));
    recorder.ended(id, acknowledged());
    let mut queued = Vec::new();
    assert!(records.take(&mut queued));
    join_ends(&mut queued);
    let told: Vec<_> = queued.into_iter().flat_map(|queued| journal.take(queued)).collect();
    let told: Vec<_> = told.iter().map(News::readable).collect();
    let began = Call { number: 1, ..call("a", Outcome::Ring) };
    let ended = Call { ended: Some(acknowledged()), ..began.clone() };
    let expected = [News::Call(Arc::new(began)), News::Ended(Arc::new(ended.clone()))];
    assert_eq!(told, expected);
    assert_eq!([follower.try_recv().unwrap(), follower.try_recv().unwrap()], expected);
    assert_eq!(*journal.newest(1)[0], ended);
}

#[test]
fn an_end_that_comes_before_its_call_is_told_after_it() {
    let (recorder, journal, mut records) = in_memory();
    let (_, mut follower) = journal.follow(0);
    recorder.ended_as("0.a".to_owned(), acknowledged());
    recorder.record(call("a", Outcome::reject(486)), None);
    let told: Vec<_> = std::iter::from_fn(|| records.take_one())
        .flat_map(|r| journal.take(r))
        .map(|news| news.readable())
        .collect();
    let began = Call { number: 1, ..call("a", Outcome::reject(486)) };
    let ended = Call { ended: Some(acknowledged()), ..began.clone() };
    let expected = [News::Call(Arc::new(began)), News::Ended(Arc::new(ended.clone()))];
    assert_eq!(told, expected);
    assert_eq!([follower.try_recv().unwrap(), follower.try_recv().unwrap()], expected);
    assert_eq!(journal.newest(1)[0].ended, Some(acknowledged()));
}

#[test]
fn a_call_that_newer_ones_pushed_out_of_memory_is_told_to_have_ended() {
    let (recorder, journal, mut records) = in_memory();
    let (_, mut follower) = journal.follow(0);
    for number in 0..=MOST_CALLS {
        recorder.record(call(&number.to_string(), Outcome::Ring), None);
        drop(journal.take(records.take_one().unwrap()));
    }
    recorder.ended_as("0.0".to_owned(), acknowledged());
    let told: Vec<_> = journal.take(records.take_one().unwrap()).map(|news| news.readable()).collect();
    assert!(matches!(&told[..], [News::Ended(call)] if call.number == 1 && call.ended.is_some()), "{told:?}");
    assert_eq!(std::iter::from_fn(|| follower.try_recv().ok()).last().as_ref(), told.last());
}

#[test]
fn ends_without_a_call_have_a_bound() {
    let (_, journal, _records) = in_memory();
    for number in 0..100_000 {
        drop(journal.take(Record::Ended { id: format!("0.{number}"), ended: acknowledged() }));
    }
    let kept = (0..100_000).filter(|number| journal.calls().early(&format!("0.{number}")).is_some()).count();
    assert!((8_000..=16_384).contains(&kept), "{kept}");
}

#[test]
fn a_call_is_one_line_of_json() {
    let news = |number| News::Call(Arc::new(Call { number, ..call("a", Outcome::reject(486)) }));
    let json = serde_json::to_string(&news(7)).unwrap();
    assert!(json.starts_with(r#"{"event":"call","number":7,"#), "{json}");
    assert!(json.contains(r#""verdict":{"action":"reject","status":486}"#), "{json}");
    assert_eq!(serde_json::from_str::<News>(&json).unwrap(), news(7));
    let json = serde_json::to_string(&news(0)).unwrap();
    assert!(!json.contains("number"), "{json}");
    assert_eq!(serde_json::from_str::<News>(&json).unwrap(), news(0));
}

#[test]
fn a_call_that_is_left_to_other_phones_has_not_rung() {
    let (recorder, journal, _records) = in_memory();
    recorder.record(call("a", Outcome::Ring), None);
    recorder.record(call("b", Outcome::StandAside), None);
    let tally = journal.tally();
    assert_eq!((tally.screened, tally.rung, tally.stood_aside), (2, 1, 1));
}
