//! What goes by itself, because it is too old or too much, and the room on the disk that it leaves.

use rusqlite::Connection;

use super::super::file::{Bench, at, from};
use super::*;
use crate::journal::{compaction, forget, retention, rows};
use crate::store::Store;

/// Fills a file with calls, and returns what retention works on.
fn filled(bench: &Bench, calls: i64) -> Store {
    let mut store = Store::open(&bench.path(), Durability::Process).unwrap();
    let records: Vec<_> = (0..calls).map(|second| Record::Call(Arc::new(Kept::of(long(second))))).collect();
    rows::Rows::new().write(store.connection(), &records).unwrap();
    store
}

fn steps(store: &mut Store, settings: &Settings, now: Option<Timestamp>) -> Vec<usize> {
    let step = std::iter::from_fn(|| {
        let step = retention::step(store.connection(), settings, now).unwrap();
        step.has_more.then_some(step.removed)
    });
    step.take(1_000).filter(|removed| *removed > 0).collect()
}

#[test]
fn a_call_of_an_audited_rule_is_kept_four_times_as_long() {
    let bench = Bench::new();
    let mut store = Store::open(&bench.path(), Durability::Process).unwrap();
    let records = [false, true].map(|is_audited| {
        let call = from(ANNA, 0);
        let evidence = Evidence { is_audited, ..call.evidence.clone() };
        Record::Call(Arc::new(Kept::of(Call { evidence, ..call })))
    });
    rows::Rows::new().write(store.connection(), &records).unwrap();
    let settings = Settings { retention: jiff::SignedDuration::from_secs(500), ..bench.settings.clone() };
    for (second, left) in [(499, 2), (501, 1), (1_999, 1), (2_001, 0)] {
        steps(&mut store, &settings, Some(at(second)));
        assert_eq!(bench.count(), left, "{second}");
    }
}

#[test]
fn what_is_too_old_is_removed_in_steps() {
    let bench = Bench::new();
    let mut store = filled(&bench, 2_000);
    let settings = Settings { retention: jiff::SignedDuration::from_secs(500), ..bench.settings.clone() };
    assert!(steps(&mut store, &settings, None).is_empty());
    assert_eq!(steps(&mut store, &settings, Some(at(2_000))), [512, 512, 476]);
    let calls = bench.reader().search(&Query::default()).unwrap();
    assert_eq!((calls.len(), calls.last().unwrap().at), (500, at(1_500)));
}

/// Returns how many bytes a file holds on the disk.
fn on_disk(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[test]
fn the_oldest_are_removed_until_the_file_on_the_disk_is_as_small_as_it_has_to_be() {
    let bench = Bench::new();
    let mut store = filled(&bench, 3_000);
    compaction::truncate(store.connection()).unwrap();
    assert!(on_disk(&bench.path()) > 6_000_000);
    let settings = Settings { max_size: 3_000_000, ..bench.settings.clone() };
    steps(&mut store, &settings, None);
    compaction::truncate(store.connection()).unwrap();
    let after = on_disk(&bench.path());
    assert!((1_500_000..=3_000_000).contains(&after), "{after}");
    let calls = bench.reader().search(&Query::default()).unwrap();
    assert_eq!(calls.first().unwrap().at, at(2_999));
}

#[test]
fn what_was_too_old_leaves_its_room_to_the_disk() {
    let bench = Bench::new();
    let mut store = filled(&bench, 3_000);
    compaction::truncate(store.connection()).unwrap();
    let before = on_disk(&bench.path());
    let settings = Settings { retention: jiff::SignedDuration::from_secs(500), ..bench.settings.clone() };
    steps(&mut store, &settings, Some(at(3_000)));
    compaction::truncate(store.connection()).unwrap();
    let after = on_disk(&bench.path());
    assert!(after < before / 3, "{after} of {before}");
}

/// Returns how many bytes the file will hold when the log of changes is moved into it.
fn to_come(path: &std::path::Path) -> u64 {
    let reader = Connection::open(path).unwrap();
    let pages: i64 = reader.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    u64::try_from(pages).unwrap() * 4_096
}

#[test]
fn a_file_that_grows_beyond_its_bound_is_back_below_it_without_another_call() {
    let mut bench = Bench::new();
    bench.settings.max_size = 2_000_000;
    let mut running = bench.start();
    running.write((0..3_000).map(long));
    let is_small = || {
        let (now, to_come) = (on_disk(&bench.path()), to_come(&bench.path()));
        now == to_come && now <= bench.settings.max_size
    };
    let start = std::time::Instant::now();
    while !is_small() {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", on_disk(&bench.path()));
        assert!(running.journal.flush());
    }
    assert!(running.journal.flush());
    let calls = bench.reader().search(&Query::default()).unwrap();
    assert_eq!(calls.first().unwrap().at, at(2_999));
    assert_eq!(running.journal.health().removed, 3_000 - calls.len() as u64);
}

/// Makes a file with calls that cannot get smaller.
fn rigid(bench: &Bench) -> Connection {
    drop(filled(bench, 10));
    let file = Connection::open(bench.path()).unwrap();
    file.execute_batch("PRAGMA auto_vacuum = NONE; VACUUM").unwrap();
    assert_eq!(vacuum_of(&file), 0);
    file
}

/// Returns 2 of a file that can get smaller.
fn vacuum_of(file: &Connection) -> i64 {
    file.query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_file_that_cannot_get_smaller_is_made_one_that_can_when_it_is_opened() {
    let bench = Bench::new();
    drop(rigid(&bench));
    let mut store = Store::open(&bench.path(), Durability::Process).unwrap();
    assert_eq!((vacuum_of(store.connection()), bench.count()), (2, 10));
}

#[test]
fn a_file_that_cannot_get_smaller_is_made_one_that_can_when_it_is_written_anew() {
    let bench = Bench::new();
    let mut file = rigid(&bench);
    let somebody = Person::new("+442079460999", region());
    assert!(forget::forget(&mut file, somebody).unwrap().is_compacted);
    assert_eq!((vacuum_of(&file), bench.count()), (2, 10));
}

#[test]
fn switches_and_numbers_go_at_their_time_and_entries_with_the_calls_that_they_explain() {
    let bench = Bench::new();
    let mut store = Store::open(&bench.path(), Durability::Process).unwrap();
    let (list, identity) = ("cooldown".to_owned(), ANNA.to_owned());
    let added = Added { list, identity, at: at(0), until: Some(at(60)), rule: None, note: None };
    let flipped = Flipped { name: "on_call".to_owned(), is_on: true, at: at(0), until: Some(at(60)) };
    let records = [
        Record::Added(Arc::new(added)),
        Record::Flipped(Arc::new(flipped)),
        Record::Dialed { identity: ANNA.to_owned(), at: at(0) },
        Record::Answered { identity: ANNA.to_owned(), at: at(30) },
    ];
    rows::Rows::new().write(store.connection(), &records).unwrap();
    let count = |connection: &mut Connection| -> Vec<i64> {
        ["entries", "switches", "spoken"]
            .map(|table| {
                connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
            })
            .to_vec()
    };
    let settings = Settings { retention: jiff::SignedDuration::from_secs(3_600), ..bench.settings.clone() };
    let due = [(59, [1, 1, 1]), (60, [1, 0, 1]), (3_629, [1, 0, 1]), (3_659, [1, 0, 0]), (3_660, [0, 0, 0])];
    for (second, left) in due {
        retention::step(store.connection(), &settings, Some(at(second))).unwrap();
        assert_eq!(count(store.connection()), left, "{second}");
    }
}

#[test]
fn what_is_over_goes_also_while_the_file_is_larger_than_it_may_be() {
    let bench = Bench::new();
    let mut store = Store::open(&bench.path(), Durability::Process).unwrap();
    let entry = |number: u64| Added {
        list: "cooldown".to_owned(),
        identity: format!("+4179{number:07}"),
        at: at(0),
        until: Some(at(60)),
        rule: None,
        note: None,
    };
    let records: Vec<_> = (0..20_000).map(|number| Record::Added(Arc::new(entry(number)))).collect();
    rows::Rows::new().write(store.connection(), &records).unwrap();
    rows::Rows::new().write(store.connection(), &[Record::Call(Arc::new(Kept::of(long(50))))]).unwrap();
    let settings = Settings { max_size: 1_000_000, ..bench.settings.clone() };
    assert!(retention::is_too_large(store.connection(), &settings).unwrap());
    steps(&mut store, &settings, Some(at(61)));
    let left = store.connection().query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, i64>(0));
    assert_eq!(left, Ok(0));
    assert!(!retention::is_too_large(store.connection(), &settings).unwrap());
}

fn count(store: &mut Store, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    store.connection().query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_small_file_keeps_as_many_calls_as_it_has_room_for() {
    let bench = Bench::new();
    let mut store = filled(&bench, 500);
    let settings = Settings { max_size: 1_000_000, ..bench.settings.clone() };
    steps(&mut store, &settings, None);
    let calls = bench.count();
    assert!((150..250).contains(&calls), "{calls}");
    assert!(!retention::is_too_large(store.connection(), &settings).unwrap());
}

#[test]
fn numbers_that_are_remembered_take_no_more_than_half_of_the_room_from_the_calls() {
    let bench = Bench::new();
    let mut store = filled(&bench, 100);
    let dialed = |number: i64| Record::Dialed {
        identity: format!("+4179{:07}", number * 7_919 % 10_000_000),
        at: at(number),
    };
    let records: Vec<_> = (0..40_000).map(dialed).collect();
    rows::Rows::new().write(store.connection(), &records).unwrap();
    let settings = Settings { max_size: 1_000_000, ..bench.settings.clone() };
    assert!(retention::step(store.connection(), &settings, None).unwrap().is_crowded);
    assert!(steps(&mut store, &settings, None).is_empty(), "calls are not what is too much");
    assert!(!retention::is_too_large(store.connection(), &settings).unwrap());
    let numbers = count(&mut store, "spoken");
    assert!((5_000..30_000).contains(&numbers), "{numbers}");
    let oldest = "SELECT min(dialed) FROM spoken";
    let oldest: i64 = store.connection().query_row(oldest, [], |row| row.get(0)).unwrap();
    assert_eq!((bench.count(), oldest), (100, at(40_000 - numbers).as_microsecond()));
}

#[test]
fn entries_that_hold_neither_go_for_room_nor_take_that_of_the_last_calls() {
    let bench = Bench::new();
    let mut store = filled(&bench, 500);
    let entry = |number: i64| Added {
        list: "blocked".to_owned(),
        identity: format!("+4179{number:07}"),
        at: at(0),
        until: None,
        rule: None,
        note: None,
    };
    let records: Vec<_> = (0..30_000).map(|number| Record::Added(Arc::new(entry(number)))).collect();
    rows::Rows::new().write(store.connection(), &records).unwrap();
    let settings = Settings { max_size: 1_000_000, ..bench.settings.clone() };
    for _ in 0..3 {
        steps(&mut store, &settings, Some(at(1_000)));
    }
    assert_eq!(count(&mut store, "entries"), 30_000);
    assert!(!retention::step(store.connection(), &settings, Some(at(1_000))).unwrap().has_more);
    let calls = bench.count();
    assert!((50..150).contains(&calls), "{calls}");
}
