//! Calls of a busy moment, which the file has in one piece.

use std::ops::ControlFlow;

use jiff::SignedDuration;

use super::file::{Bench, Running, at, from};
use super::*;
use crate::journal::inbox::Job;
use crate::journal::{packs, retention};

const ANNA: &str = "+442079460123";
const BERT: &str = "+442079460999";

/// A call that has ended.
fn over(caller: &str, second: i64) -> Call {
    Call { ended: Some(acknowledged()), ..from(caller, second) }
}

/// Writes so many calls in one go, a second after the other, each by what is made of its second. However long it takes to
/// make them, they are one batch.
fn busy(running: &mut Running, seconds: std::ops::Range<i64>, make: impl Fn(i64) -> Call) {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (release, until) = std::sync::mpsc::channel();
    running.journal.writing.as_ref().unwrap().inbox.ask(Job::Hold { begun, until }).unwrap();
    has_begun.recv().unwrap();
    running.record(seconds.map(make));
    drop(release);
    assert!(running.journal.flush());
}

/// Returns a value of the file.
fn value(bench: &Bench, sql: &str) -> i64 {
    let file = rusqlite::Connection::open(bench.path()).unwrap();
    file.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn seconds(calls: &[Call]) -> Vec<i64> {
    calls.iter().map(|call| call.at.duration_since(at(0)).as_secs()).collect()
}

/// Returns the calls that a walk shows.
fn walk(reader: &Reader, since: Option<Timestamp>) -> Vec<Call> {
    let mut walked = Vec::new();
    let shown = reader.walk(since, |call| {
        walked.push(call.clone());
        ControlFlow::Continue(())
    });
    shown.unwrap();
    walked
}

/// Two of three callers are Anna.
fn mixed(second: i64) -> Call {
    over(if second % 3 == 0 { BERT } else { ANNA }, second)
}

#[test]
fn calls_of_a_busy_moment_are_in_one_piece_and_are_read_as_they_were_told() {
    let bench = Bench::new();
    busy(&mut bench.start(), 0..300, mixed);
    let kept = ["SELECT count(*) FROM calls", "SELECT sum(count) FROM packs", "SELECT last FROM numbering"];
    assert_eq!(kept.map(|sql| value(&bench, sql)), [0, 300, 300]);
    let mut calls = bench.reader().search(&Query::default()).unwrap();
    calls.reverse();
    let told = (0_i64..300).map(|second| Call { number: second.cast_unsigned() + 1, ..mixed(second) });
    assert_eq!(calls, told.collect::<Vec<_>>());
}

#[test]
fn calls_of_a_quiet_moment_are_rows() {
    let bench = Bench::new();
    busy(&mut bench.start(), 0..i64::try_from(packs::FEWEST).unwrap() - 1, mixed);
    assert_eq!(value(&bench, "SELECT count(*) FROM packs"), 0);
}

#[test]
fn a_call_that_has_not_ended_or_is_audited_is_a_row_among_packed_ones() {
    let bench = Bench::new();
    let mut running = bench.start();
    busy(&mut running, 0..300, |second| match second % 10 {
        0 => Call { ended: None, ..mixed(second) },
        1 => Call { evidence: Evidence { is_audited: true, ..mixed(second).evidence }, ..mixed(second) },
        _ => mixed(second),
    });
    running.recorder.ended_as(format!("0.{ANNA}-10"), acknowledged());
    running.write([]);
    assert_eq!(value(&bench, "SELECT count(*) FROM calls"), 60);
    let reader = bench.reader();
    let walked = walk(&reader, None);
    assert_eq!(seconds(&walked), (0..300).collect::<Vec<_>>());
    assert_eq!((walked[10].ended.clone(), walked[20].ended.clone()), (Some(acknowledged()), None));
    let last = reader.search(&Query { limit: Some(3), ..Query::default() }).unwrap();
    assert_eq!(seconds(&last), [299, 298, 297]);
}

#[test]
fn packed_calls_are_found_by_each_thing_that_is_known_of_them() {
    let bench = Bench::new();
    let evidence = |second| Evidence {
        list: Some("spam".to_owned()),
        shadow: vec!["idea".to_owned()],
        ..over(BERT, second).evidence
    };
    busy(&mut bench.start(), 0..300, |second| match second {
        20 => Call { evidence: evidence(20), verdict: Outcome::reject(486), ..over(BERT, 20) },
        30 => Call { line: "office".to_owned(), rule: "other".to_owned(), ..over(ANNA, 30) },
        _ => over(ANNA, second),
    });
    let reader = bench.reader();
    let found = |query: Query| seconds(&reader.search(&query).unwrap());
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(found(Query { caller: some(BERT), ..Query::default() }), [20]);
    assert_eq!(found(Query { caller: some("+4420794609*"), ..Query::default() }), [20]);
    assert_eq!(found(Query { identity: some(BERT), outcome: some("reject"), ..Query::default() }), [20]);
    assert_eq!(found(Query { line: some("office"), rule: some("other"), ..Query::default() }), [30]);
    assert_eq!(found(Query { list: some("spam"), shadow: some("idea"), ..Query::default() }), [20]);
    assert_eq!(found(Query { since: Some(at(20)), until: Some(at(23)), ..Query::default() }), [22, 21, 20]);
    assert_eq!(found(Query { number: Some(31), ..Query::default() }), [30]);
    assert_eq!(found(Query { call_id: some(&format!("{ANNA}-10")), ..Query::default() }), [10]);
    assert_eq!(reader.lines().unwrap(), ["home", "office"]);
    assert_eq!(reader.rules().unwrap(), ["other", "reject"]);
}

#[test]
fn rows_and_packs_by_turns_are_walked_in_their_order_and_counted() {
    let bench = Bench::new();
    let mut running = bench.start();
    busy(&mut running, 0..10, mixed);
    busy(&mut running, 10..2_200, mixed);
    busy(&mut running, 2_200..2_900, |second| Call { ended: None, ..mixed(second) });
    busy(&mut running, 2_900..3_200, mixed);
    let reader = bench.reader();
    assert_eq!(seconds(&walk(&reader, None)), (0..3_200).collect::<Vec<_>>());
    assert_eq!(seconds(&walk(&reader, Some(at(1_500)))), (1_500..3_200).collect::<Vec<_>>());
    let newest = reader.search(&Query { limit: Some(1_000), ..Query::default() }).unwrap();
    assert_eq!(seconds(&newest), (2_200..3_200).rev().collect::<Vec<_>>());
    let stats = |since| reader.stats(since, &jiff::tz::TimeZone::UTC).unwrap();
    assert_eq!((stats(None).all.total(), stats(Some(at(1_500))).all.total()), (3_200, 1_700));
}

#[test]
fn a_start_remembers_callers_lines_and_sources_of_packed_calls() {
    let bench = Bench::new();
    let now = Timestamp::now();
    let ago = |second| now - SignedDuration::from_secs(400 - second);
    busy(&mut bench.start(), 0..300, |second| Call { at: ago(second), ..mixed(second) });
    let running = bench.start();
    let past = running.journal.past();
    let caller = ringfence_policy::Caller::told(ANNA).identify(region());
    let since = Timestamp::MIN;
    assert_eq!((past.calls(&caller, since, now), past.calls_on(past.line("home"), since, now)), (200, 300));
    assert_eq!(past.calls_from("127.0.0.1".parse().unwrap(), since, now), 300);
}

#[test]
fn who_is_forgotten_is_in_no_pack_and_their_bytes_are_nowhere() {
    let bench = Bench::new();
    let mut running = bench.start();
    let naming = |second| {
        let facts = format!(r#"{{"diverted":"{BERT}"}}"#);
        Call { evidence: Evidence { facts, ..over(ANNA, second).evidence }, ..over(ANNA, second) }
    };
    busy(&mut running, 0..300, |second| if second == 7 { naming(second) } else { mixed(second) });
    let forgotten = running.journal.forget(BERT, region()).unwrap();
    assert_eq!((forgotten.calls, forgotten.is_compacted), (101, true));
    assert_eq!(value(&bench, "SELECT count FROM packs"), 199);
    let left = bench.reader().search(&Query::default()).unwrap();
    assert!(left.iter().all(|call| call.caller == ANNA), "{left:?}");
    assert_eq!((left.len(), left[0].number), (199, 300));
    let bytes = std::fs::read(bench.path()).unwrap();
    assert!(!bytes.windows(BERT.len()).any(|window| window == BERT.as_bytes()));
}

#[test]
fn a_pack_that_cannot_be_read_is_told_and_hides_nothing_else() {
    let bench = Bench::new();
    let mut running = bench.start();
    busy(&mut running, 0..300, mixed);
    busy(&mut running, 300..600, mixed);
    busy(&mut running, 600..610, mixed);
    running.journal.close();
    let file = rusqlite::Connection::open(bench.path()).unwrap();
    let cut = "UPDATE packs SET calls = substr(calls, 1, length(calls) / 2) WHERE first = 1";
    file.execute(cut, []).unwrap();
    let reader = bench.reader();
    let found = reader.search(&Query::default()).unwrap().len();
    assert!((310 + 140..310 + 160).contains(&found), "{found}");
    let unreadable = reader.unreadable();
    assert_eq!(unreadable.rows, 610 - found as u64);
    assert_eq!(
        unreadable.first.unwrap(),
        format!("row 1 of packs: {} of its calls can be read", found - 310)
    );
    file.execute("UPDATE packs SET calls = x'02' WHERE first = 1", []).unwrap();
    assert_eq!(bench.reader().search(&Query::default()).unwrap().len(), 310);
    bench.start().write([from(ANNA, 700)]);
    assert_eq!(bench.count(), 311);
}

#[test]
fn what_of_a_damaged_pack_names_somebody_goes_with_them() {
    let bench = Bench::new();
    let mut running = bench.start();
    busy(&mut running, 0..300, mixed);
    running.journal.close();
    let file = rusqlite::Connection::open(bench.path()).unwrap();
    let broken = "substr(calls, 1, 1000) || x'ffffffffffffffffffffff' || substr(calls, 1000)";
    file.execute(&format!("UPDATE packs SET calls = CAST({broken} AS BLOB)"), []).unwrap();
    drop(file);
    bench.start().journal.forget(BERT, region()).unwrap();
    let bytes = std::fs::read(bench.path()).unwrap();
    assert!(!bytes.windows(BERT.len()).any(|window| window == BERT.as_bytes()));
    assert!(bench.count() > 0);
}

#[test]
fn a_pack_that_counts_too_few_loses_none_when_somebody_in_it_is_forgotten() {
    let bench = Bench::new();
    let mut running = bench.start();
    busy(&mut running, 0..300, mixed);
    running.journal.close();
    let file = rusqlite::Connection::open(bench.path()).unwrap();
    file.execute("UPDATE packs SET count = 5, last = 5", []).unwrap();
    drop(file);
    assert_eq!((bench.count(), walk(&bench.reader(), None).len()), (300, 300));
    assert_eq!(bench.start().journal.forget(BERT, region()).unwrap().calls, 100);
    let kept = ["SELECT sum(count) FROM packs", "SELECT max(last) FROM packs"];
    assert_eq!(kept.map(|sql| value(&bench, sql)), [200, 300]);
    assert_eq!((bench.count(), bench.reader().unreadable().rows), (200, 0));
}

/// Changes the file.
fn change(bench: &Bench, sql: &str) {
    rusqlite::Connection::open(bench.path()).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_walk_shows_all_calls_of_packs_that_say_their_last_is_another() {
    let bench = Bench::new();
    let mut running = bench.start();
    // Every second call is a row, so that a pack is on several pages.
    busy(&mut running, 0..2_000, |second| Call {
        ended: (second % 2 == 0).then(acknowledged),
        ..from(ANNA, second)
    });
    busy(&mut running, 2_000..2_300, mixed);
    busy(&mut running, 2_300..2_600, mixed);
    for last in ["first + 4", "-1", "9223372036854775807"] {
        change(&bench, &format!("UPDATE packs SET last = {last}"));
        let reader = bench.reader();
        assert_eq!(seconds(&walk(&reader, None)), (0..2_600).collect::<Vec<_>>(), "{last}");
        assert_eq!(seconds(&walk(&reader, Some(at(2_100)))), (2_100..2_600).collect::<Vec<_>>(), "{last}");
        assert_eq!(reader.unreadable().rows, 0, "{last}");
    }
}

#[test]
fn a_walk_counts_once_what_it_cannot_read() {
    let bench = Bench::new();
    let mut running = bench.start();
    busy(&mut running, 0..2_000, |second| Call {
        ended: (second % 2 == 0).then(acknowledged),
        ..from(ANNA, second)
    });
    (2..5).for_each(|pack| busy(&mut running, pack * 1_000..pack * 1_000 + 300, mixed));
    running.write([from(ANNA, 9_000)]);
    change(&bench, "UPDATE calls SET status = 99999 WHERE number = 2901");
    let reader = bench.reader();
    assert_eq!((walk(&reader, None).len(), reader.unreadable().rows), (2_900, 1));
    assert_eq!(reader.unreadable().first.unwrap(), "row 2901 of calls: `status` is 99999");
    // The first is on several pages, and of the second nothing can be read.
    change(
        &bench,
        "UPDATE packs SET count = count + 5 WHERE first = 1; UPDATE packs SET calls = x'02ff' WHERE first = 2001",
    );
    let reader = bench.reader();
    assert_eq!((walk(&reader, None).len(), reader.unreadable().rows), (2_600, 306));
    let found = bench.reader();
    assert_eq!((found.search(&Query::default()).unwrap().len(), found.unreadable().rows), (2_600, 306));
}

#[test]
fn a_pack_that_does_not_fit_does_not_end_a_walk() {
    let bench = Bench::new();
    let mut running = bench.start();
    (0..3).for_each(|pack| busy(&mut running, pack * 300..pack * 300 + 300, mixed));
    change(
        &bench,
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'count INTEGER NOT NULL', 'count ANY') WHERE name = 'packs'",
    );
    change(&bench, "UPDATE packs SET count = 'many' WHERE first = 301");
    let reader = bench.reader();
    let expected: Vec<_> = (0..300).chain(600..900).collect();
    assert_eq!(seconds(&walk(&reader, None)), expected);
    assert_eq!(reader.unreadable().rows, 1);
    assert_eq!(reader.unreadable().first.unwrap(), "row 301 of packs: `count` is Text");
}

#[test]
fn packs_go_for_their_age_and_their_size_the_oldest_first() {
    let bench = Bench::new();
    let mut running = bench.start();
    for pack in 0..4 {
        busy(&mut running, pack * 1_000..pack * 1_000 + 300, mixed);
        running.write([from(ANNA, pack * 1_000 + 500)]);
    }
    running.journal.close();
    let mut store = crate::store::Store::open(&bench.path(), Durability::Process).unwrap();
    let mut step =
        |settings: &Settings, now| retention::step(store.connection(), settings, now).unwrap().removed;
    let age = Settings { retention: SignedDuration::from_secs(2_900), ..Settings::default() };
    let steps: Vec<_> = (0..4).map(|_| step(&age, Some(at(4_000)))).collect();
    assert_eq!(steps, [1, 300, 0, 0]);
    let small = Settings { max_size: 4_096, ..Settings::default() };
    let steps: Vec<_> = (0..7).map(|_| step(&small, None)).collect();
    assert_eq!(steps, [300, 1, 300, 1, 300, 1, 0]);
}

#[test]
fn a_damaged_file_has_no_more_calls_in_a_pack_than_are_written_and_no_more_bytes_than_a_pack_has() {
    let bench = Bench::new();
    busy(&mut bench.start(), 0..20, mixed);
    let damage = |sql: &str| {
        let file = rusqlite::Connection::open(bench.path()).unwrap();
        file.execute_batch(sql).unwrap();
    };
    let read = || {
        let file = rusqlite::Connection::open(bench.path()).unwrap();
        let mut read = Vec::new();
        let lost = packs::latest_first(&file, packs::ALL, |content| {
            read.push(content.calls.len());
            ControlFlow::Continue(())
        });
        (read, lost.unwrap().rows)
    };
    assert_eq!(read(), (vec![20], 0));
    damage("UPDATE packs SET count = 7");
    assert_eq!(read(), (vec![20], 0));
    damage("UPDATE packs SET count = 9223372036854775807");
    assert_eq!(read(), (vec![20], (1 << 16) - 20));
    damage("UPDATE packs SET count = 20, calls = CAST(calls || zeroblob(30000000) AS BLOB)");
    assert_eq!(read().0, [20]);
    damage("UPDATE packs SET calls = CAST(x'02' || zeroblob(300000000) AS BLOB)");
    let (calls, lost) = read();
    assert!(calls[0] <= 20 && lost >= 1, "{calls:?}, {lost}");
}
