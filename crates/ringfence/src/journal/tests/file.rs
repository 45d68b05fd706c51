//! What is in the file: after a restart, beside a program that writes, on a disk that refuses.

use std::ops::ControlFlow;
use std::path::PathBuf;

use jiff::SignedDuration;
use ringfence_policy::{Caller, Region};
use tempfile::TempDir;

use super::*;

/// A directory of our own, and a journal in it.
pub(super) struct Bench {
    _home: TempDir,
    pub(super) settings: Settings,
}

/// A journal that is running.
pub(super) struct Running {
    pub(super) recorder: Recorder,
    pub(super) journal: Arc<Journal>,
    records: Records,
}

impl Bench {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let settings =
            Settings { place: Place::File(home.path().join("state/ringfence.db")), ..Settings::default() };
        Self { _home: home, settings }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.settings.path().unwrap().to_owned()
    }

    pub(super) fn start(&self) -> Running {
        let (recorder, journal, records) = open(self.settings.clone()).unwrap();
        Running { recorder, journal, records }
    }

    /// Counts the calls in the file.
    pub(super) fn count(&self) -> usize {
        self.reader().search(&Query::default()).unwrap().len()
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::open(&self.path()).unwrap()
    }
}

impl Running {
    /// Does what the program's task does: empties the queue.
    pub(super) fn carry(&mut self) {
        while let Some(record) = self.records.take_one() {
            drop(self.journal.take(record));
        }
    }

    pub(super) fn record(&mut self, calls: impl IntoIterator<Item = Call>) {
        for call in calls {
            let source = address(&call.source);
            self.recorder.record(call, source);
            self.carry();
        }
        self.carry();
    }

    pub(super) fn write(&mut self, calls: impl IntoIterator<Item = Call>) {
        self.record(calls);
        assert!(self.journal.flush());
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(super) fn from(caller: &str, second: i64) -> Call {
    let identity = Some(caller.to_owned());
    Call {
        at: at(second),
        caller: caller.to_owned(),
        evidence: Evidence { identity, ..Evidence::default() },
        ..call(&format!("{caller}-{second}"), Outcome::Ring)
    }
}

/// Asks of a caller as the rules do.
pub(super) fn asks<T>(number: &str, ask: impl FnOnce(&ringfence_policy::CallerId<'_>) -> T) -> T {
    ask(&Caller::told(number).identify(Region::parse("GB").unwrap()))
}

pub(super) const ANNA: &str = "+442079460123";
pub(super) const BERT: &str = "+442079460999";

#[test]
fn a_call_is_read_back_as_it_was_written() {
    let bench = Bench::new();
    let mut running = bench.start();
    let evidence = Evidence {
        identity: Some(ANNA.to_owned()),
        list: Some("spam".to_owned()),
        shadow: vec!["new-idea".to_owned(), "other".to_owned()],
        facts: r#"{"caller":{"value":"+442079460123","source":"From"}}"#.to_owned(),
        policy: "f00d".into(),
        is_audited: true,
        is_late: true,
        is_sole: false,
        decided_in: Duration::from_micros(7),
    };
    let told =
        Call { caller: "anonymous".to_owned(), evidence, ended: Some(acknowledged()), ..from(ANNA, 5) };
    running.write([told.clone()]);
    let read = bench.reader().search(&Query::default()).unwrap().pop().unwrap();
    assert_eq!(read, Call { number: 1, ..told });
}

#[test]
fn a_file_that_nobody_has_brought_up_to_date_is_read_as_it_is() {
    let bench = Bench::new();
    bench.start().write([from(ANNA, 1)]);
    let earlier = rusqlite::Connection::open(bench.path()).unwrap();
    earlier
        .execute_batch("DROP TABLE packs; ALTER TABLE calls DROP COLUMN late; PRAGMA user_version = 2")
        .unwrap();
    let calls = bench.reader().search(&Query::default()).unwrap();
    assert_eq!((calls.len(), calls[0].evidence.is_late), (1, false));
    bench.start().write([from(ANNA, 2)]);
    assert_eq!(bench.count(), 2);
}

#[test]
fn a_call_has_its_end_whether_it_comes_with_it_or_later() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.record([from(ANNA, 1), from(ANNA, 2)]);
    running.recorder.ended_as(format!("0.{ANNA}-1"), acknowledged());
    running.write([]);
    running.recorder.ended_as(format!("0.{ANNA}-2"), acknowledged());
    running.write([]);
    let calls = bench.reader().search(&Query::default()).unwrap();
    assert_eq!(
        calls.iter().map(|call| call.ended.clone()).collect::<Vec<_>>(),
        vec![Some(acknowledged()); 2]
    );
}

#[test]
fn a_call_whose_caller_gave_up_before_it_was_decided_has_its_end_in_the_file() {
    let bench = Bench::new();
    let mut running = bench.start();
    let gave_up = Ended { at: at(1), status: Some(487), how: "the caller gave up".into() };
    running.recorder.ended_as(format!("0.{ANNA}-1"), gave_up.clone());
    running.recorder.ended_as(format!("0.{ANNA}-2"), gave_up.clone());
    running.record([from(ANNA, 1)]);
    running.write([]);
    running.write([from(ANNA, 2)]);
    let calls = bench.reader().search(&Query::default()).unwrap();
    let ends: Vec<_> = calls.into_iter().map(|call| call.ended).collect();
    assert_eq!(ends, vec![Some(gave_up); 2]);
}

#[test]
fn an_end_that_comes_before_its_call_is_judged_by_the_line_of_the_call() {
    let bench = Bench::new();
    let mut running = bench.start();
    let elsewhere = Ended { at: at(9), status: Some(487), how: Ended::ELSEWHERE.into() };
    running.recorder.ended_as(format!("0.{ANNA}-1"), elsewhere);
    let call = from(ANNA, 1);
    running.write([Call { evidence: Evidence { is_sole: true, ..call.evidence.clone() }, ..call }]);
    let read = bench.reader().search(&Query::default()).unwrap().pop().unwrap();
    assert_eq!(read.ended.unwrap().how, Ended::GAVE_UP);
}

#[test]
fn a_call_that_another_phone_answered_counts_as_answered() {
    let bench = Bench::new();
    let mut running = bench.start();
    let elsewhere = Ended { at: at(9), status: Some(487), how: Ended::ELSEWHERE.into() };
    running.recorder.ended_as(format!("0.{BERT}-2"), elsewhere.clone());
    running.record([from(ANNA, 1), from(BERT, 2)]);
    running.recorder.ended_as(format!("0.{ANNA}-1"), elsewhere);
    running.write([]);
    drop(running);
    let running = bench.start();
    for number in [ANNA, BERT] {
        let answered = asks(number, |caller| running.journal.past().last_answered(caller, at(9)));
        assert_eq!(answered, Some(at(9)), "{number}");
    }
}

#[test]
fn calls_are_found_by_each_thing_that_is_known_of_them() {
    let bench = Bench::new();
    let mut running = bench.start();
    let listed =
        Evidence { list: Some("spam".to_owned()), shadow: vec!["idea".to_owned()], ..Evidence::default() };
    let rejected = Call { verdict: Outcome::reject(486), evidence: listed, ..from(BERT, 20) };
    running.write([from(ANNA, 10), rejected, Call { line: "office".to_owned(), ..from(ANNA, 30) }]);
    let reader = bench.reader();
    let found = |query: Query| {
        let calls = reader.search(&query).unwrap();
        calls.iter().map(|call| call.at.duration_since(at(0)).as_secs()).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(found(Query::default()), [30, 20, 10]);
    assert_eq!(found(Query { caller: some(ANNA), ..Query::default() }), [30, 10]);
    assert_eq!(found(Query { caller: some("+4420794609*"), ..Query::default() }), [20]);
    assert_eq!(found(Query { outcome: some("reject"), ..Query::default() }), [20]);
    assert_eq!(found(Query { line: some("office"), ..Query::default() }), [30]);
    assert_eq!(found(Query { list: some("spam"), shadow: some("idea"), ..Query::default() }), [20]);
    assert_eq!(found(Query { since: Some(at(20)), until: Some(at(30)), ..Query::default() }), [20]);
    assert_eq!(found(Query { limit: Some(1), rule: some("reject"), ..Query::default() }), [30]);
    assert_eq!(found(Query { call_id: some(&format!("{ANNA}-10")), ..Query::default() }), [10]);
}

#[test]
fn a_question_with_quotes_in_it_is_only_a_question() {
    let bench = Bench::new();
    bench.start().write([from(ANNA, 1)]);
    let odd = Some("' OR 1=1 --".to_owned());
    let reader = bench.reader();
    for query in [
        Query { caller: odd.clone(), ..Query::default() },
        Query { rule: odd.clone(), ..Query::default() },
        Query { call_id: odd.clone(), ..Query::default() },
    ] {
        assert_eq!(reader.search(&query).unwrap(), []);
    }
}

#[test]
fn a_walk_shows_every_call_in_order_and_ends_when_told() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.write((0..1_500).map(|second| from(ANNA, second)));
    let reader = bench.reader();
    let mut seen = Vec::new();
    let mut walk = |since, most| {
        seen.clear();
        let walked = reader.walk(since, |call| {
            seen.push(call.at);
            if seen.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        walked.unwrap();
        (seen.len(), seen.is_sorted(), seen.first().copied())
    };
    assert_eq!(walk(None, usize::MAX), (1_500, true, Some(at(0))));
    assert_eq!(walk(Some(at(100)), usize::MAX), (1_400, true, Some(at(100))));
    assert_eq!(walk(None, 700), (700, true, Some(at(0))));
}

#[test]
fn stats_count_by_rule_list_line_day_and_shadow() {
    let bench = Bench::new();
    let evidence =
        Evidence { list: Some("spam".to_owned()), shadow: vec!["idea".to_owned()], ..Evidence::default() };
    let rejected = Call { verdict: Outcome::reject(486), evidence, ..from(BERT, 86_400) };
    bench.start().write([from(ANNA, 0), rejected]);
    let stats = bench.reader().stats(None, &jiff::tz::TimeZone::UTC).unwrap();
    assert_eq!((stats.all.total(), stats.all.of("reject"), stats.days.len()), (2, 1, 2));
    assert_eq!((stats.lists["spam"].total(), stats.rules["reject"].total()), (1, 2));
    assert_eq!((stats.lines["home"].of("ring"), stats.shadows["idea"]), (1, 1));
}

/// Has the rules remember one thing of each kind: calls, numbers, an entry, a switch.
fn remember(running: &mut Running, now: Timestamp) {
    let ago = |minutes| now - SignedDuration::from_mins(minutes);
    running
        .record([1, 4, 30].map(|minutes| Call { at: ago(minutes), ..from(ANNA, minutes) }).into_iter().rev());
    running.journal.dialed(BERT.to_owned(), ago(7));
    running.journal.answered(ANNA.to_owned(), ago(3));
    let until = Some(now + SignedDuration::from_hours(1));
    let (list, identity) = ("cooldown".to_owned(), BERT.to_owned());
    let rule = Some("flood".to_owned());
    running.recorder.add(Added { list, identity, at: now, until, rule, note: None });
    running.journal.flip(Flipped { name: "on_call".to_owned(), is_on: true, at: now, until });
}

/// Makes sure that all of it is remembered, and for how long.
fn expect_remembered(past: &Past, now: Timestamp) {
    let ago = |minutes| now - SignedDuration::from_mins(minutes);
    let later = now + SignedDuration::from_hours(2);
    assert_eq!(asks(ANNA, |anna| past.calls(anna, ago(5), now)), 2);
    assert_eq!(asks(ANNA, |anna| (past.is_known(anna), past.calls(anna, ago(60), now))), (true, 3));
    assert!(asks(BERT, |bert| !past.is_known(bert) && past.is_added("cooldown", bert, now)));
    assert!(asks(BERT, |bert| !past.is_added("cooldown", bert, later)));
    assert_eq!((past.switch("on_call", now), past.switch("on_call", later)), (Some(true), None));
    let dialed = asks(BERT, |bert| past.last_dialed(bert, now).map(Timestamp::as_second));
    assert_eq!(dialed, Some(ago(7).as_second()));
    let answered = asks(ANNA, |anna| past.last_answered(anna, now).map(Timestamp::as_second));
    assert_eq!(answered, Some(ago(3).as_second()));
    assert_eq!(past.calls_on(past.line("home"), ago(5), now), 2);
    assert_eq!(past.calls_from("127.0.0.1".parse().unwrap(), ago(60), now), 3);
}

#[test]
fn what_the_rules_remember_is_the_same_after_a_restart() {
    let bench = Bench::new();
    let now = Timestamp::now();
    let mut running = bench.start();
    remember(&mut running, now);
    for _ in 0..3 {
        expect_remembered(running.journal.past(), now);
        running.record([]);
        running.journal.close();
        drop(running);
        running = bench.start();
    }
}

#[test]
fn rates_reach_back_as_far_as_calls_are_kept_and_copies_count_once() {
    let bench = Bench::new();
    let now = Timestamp::now();
    let ago = |hours| now - SignedDuration::from_hours(hours);
    let call = |hours: i64, line: &str| Call { at: ago(hours), line: line.to_owned(), ..from(ANNA, hours) };
    bench.start().write([call(100, "home"), call(50, "home"), call(50, "work"), call(1, "home")]);
    let running = bench.start();
    let past = running.journal.past();
    assert_eq!(
        (past.calls_on(past.line("home"), ago(101), now), past.calls_on(past.line("work"), ago(101), now)),
        (3, 1)
    );
    assert_eq!(past.calls_from("127.0.0.1".parse().unwrap(), ago(101), now), 3);
    assert_eq!(asks(ANNA, |anna| past.calls(anna, ago(101), now)), 3);
}

#[test]
fn calls_of_a_time_to_come_are_left_out_and_counted() {
    let bench = Bench::new();
    let later = Timestamp::now() + SignedDuration::from_hours(48);
    bench.start().write([Call { at: later, ..from(ANNA, 0) }]);
    let running = bench.start();
    assert_eq!(running.journal.health().from_future, 1);
    assert!(asks(ANNA, |anna| !running.journal.past().is_known(anna)));
}

/// Writes calls of two people, and of the first whatever else a journal has of a person.
fn leave_traces(running: &mut Running) {
    let by_anna =
        |second: i64| Call { call_id: format!("call{second}"), id: second.to_string(), ..from(ANNA, second) };
    running.write((0..50).flat_map(|second| [by_anna(second), from(BERT, second)]));
    running.journal.dialed(ANNA.to_owned(), at(1));
    let (list, identity, note) = ("vip".to_owned(), ANNA.to_owned(), Some("her".to_owned()));
    running.recorder.add(Added { list, identity, at: at(1), until: None, rule: None, note });
    let mut diverted = from(BERT, 3);
    diverted.evidence.facts = format!(r#"{{"diverted":"{ANNA}"}}"#);
    running.write([diverted]);
}

#[test]
fn a_person_who_is_forgotten_leaves_no_byte() {
    let bench = Bench::new();
    let mut running = bench.start();
    leave_traces(&mut running);
    let forgotten = running.journal.forget(ANNA, region()).unwrap();
    assert_eq!(forgotten, Forgotten { calls: 51, remembered: 2, is_compacted: true });
    assert!(running.journal.newest(1_000).iter().all(|call| call.caller == BERT));
    assert!(asks(ANNA, |anna| !running.journal.past().is_added("vip", anna, at(2))));
    assert_eq!(bench.count(), 50);
    running.journal.close();
    for file in std::fs::read_dir(bench.path().parent().unwrap()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(10).any(|window| window == b"2079460123"), "{}", path.display());
    }
    assert!(bench.start().journal.forget(ANNA, region()).unwrap().is_nothing());
}

/// Returns the call of a name, as the screen writes it down.
fn by_name(name: &str, second: i64) -> Call {
    let shown = asks(name, |caller| caller.to_string());
    let identity = asks(name, identity);
    Call { evidence: Evidence { identity, ..Evidence::default() }, ..from(&shown, second) }
}

#[test]
fn a_name_that_is_forgotten_takes_none_along_that_looks_like_it() {
    let long = "a".repeat(60);
    let pairs = [[format!("{long}b"), long], ["anna\u{7}x".to_owned(), "anna\u{fffd}x".to_owned()]];
    for pair in pairs {
        for [gone, stays] in [[&pair[0], &pair[1]], [&pair[1], &pair[0]]] {
            let bench = Bench::new();
            let mut running = bench.start();
            running.write([by_name(gone, 1), by_name(stays, 2)]);
            let known = asks(gone, identity).unwrap();
            let forgotten = running.journal.forget(&known, region()).unwrap();
            assert_eq!((forgotten.calls, bench.count()), (1, 1), "{gone:?}");
            assert_eq!(running.journal.newest(9).len(), 1, "{gone:?}");
            running.journal.close();
            drop(running);
            let past = bench.reader().past(at(3)).unwrap();
            let is_known = |name: &str| asks(name, |caller| past.is_known(caller));
            assert_eq!((is_known(gone), is_known(stays)), (false, true), "{gone:?}");
        }
    }
}

#[test]
fn a_person_who_is_forgotten_does_not_come_back_out_of_the_queue() {
    let bench = Bench::new();
    let mut running = bench.start();
    let mut diverted = from(BERT, 3);
    diverted.evidence.facts = format!(r#"{{"diverted":"{ANNA}"}}"#);
    let now = Timestamp::now();
    let (list, identity) = ("cooldown".to_owned(), ANNA.to_owned());
    for call in [from(ANNA, 1), diverted, from(BERT, 2)] {
        running.recorder.record(call, None);
    }
    running.recorder.add(Added { list, identity, at: now, until: None, rule: None, note: None });
    running.journal.forget(ANNA, region()).unwrap();
    running.write([from(ANNA, 9)]);
    let calls = bench.reader().search(&Query::default()).unwrap();
    let seconds: Vec<_> = calls.iter().map(|call| call.at.duration_since(at(0)).as_secs()).collect();
    assert_eq!(seconds, [9, 2], "only what came later, and what is somebody else's");
    assert_eq!(running.journal.newest(9).len(), 2);
    assert!(bench.reader().entries(now).unwrap().is_empty());
}

#[test]
fn a_call_under_way_has_its_end_although_somebody_was_forgotten_meanwhile() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.write([from(BERT, 1)]);
    running.journal.forget(ANNA, region()).unwrap();
    running.recorder.ended_as(format!("0.{BERT}-1"), acknowledged());
    running.write([]);
    assert_eq!(bench.reader().search(&Query::default()).unwrap()[0].ended, Some(acknowledged()));
}

#[test]
fn the_number_of_a_call_that_was_removed_is_given_to_no_other() {
    let bench = Bench::new();
    bench.start().write([from(BERT, 1), from(ANNA, 2)]);
    bench.start().journal.forget(ANNA, region()).unwrap();
    bench.start().write([from(BERT, 3)]);
    let calls = bench.reader().search(&Query::default()).unwrap();
    assert_eq!(calls.iter().map(|call| call.number).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn a_verb_changes_the_journal_while_no_program_runs_and_is_refused_beside_one() {
    let bench = Bench::new();
    let running = bench.start();
    assert!(matches!(Offline::open(&bench.settings), Err(StoreError::InUse { .. })));
    drop(running);
    let mut offline = Offline::open(&bench.settings).unwrap().unwrap();
    offline.flip(Flipped { name: "on_call".to_owned(), is_on: true, at: at(0), until: None }).unwrap();
    drop(offline);
    let switches = bench.reader().switches(at(1)).unwrap();
    assert!(switches.iter().any(|switch| switch.name == "on_call" && switch.is_on));
    assert_eq!(bench.start().journal.past().switch("on_call", at(1)), Some(true));
}

#[test]
fn what_was_dialled_long_ago_does_not_hide_what_was_dialled_since() {
    let bench = Bench::new();
    let anna = Caller::told(ANNA).identify(region());
    let spoken = |running: &Running| {
        let past = running.journal.past();
        [past.last_dialed(&anna, Timestamp::now()), past.last_answered(&anna, Timestamp::now())]
    };
    let now = Timestamp::now();
    let ago = |minutes| now - SignedDuration::from_mins(minutes);
    let running = bench.start();
    for minutes in [-400, 1, 40] {
        running.journal.dialed(ANNA.to_owned(), ago(minutes));
        running.journal.answered(ANNA.to_owned(), ago(minutes));
    }
    assert!(running.journal.flush());
    let last = Some(Timestamp::from_millisecond(ago(1).as_millisecond()).unwrap());
    assert_eq!(spoken(&running), [last, last], "in memory");
    drop(running);
    assert_eq!(spoken(&bench.start()), [last, last], "in the file");
}
