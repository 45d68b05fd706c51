//! Entries that rules add to lists.

use super::file::{ANNA, BERT, Bench, Running, asks, at};
use super::*;

fn add(running: &Running, second: i64, ttl: Option<i64>) {
    let (list, identity) = ("blocked".to_owned(), ANNA.to_owned());
    let until = ttl.map(|ttl| at(second + ttl));
    running.recorder.add(Added { list, identity, at: at(second), until, rule: None, note: None });
}

/// Tells whether the entry holds at a time.
fn holds(running: &Running, second: i64) -> bool {
    asks(ANNA, |anna| running.journal.past().is_added("blocked", anna, at(second)))
}

/// Starts it anew, with what the file has.
fn restarted(bench: &Bench, mut running: Running) -> Running {
    running.carry();
    running.journal.close();
    drop(running);
    bench.start()
}

/// Thirty years: the entries are of 2026, and what is over is not read at a start.
const LONG: i64 = 30 * 365 * 86_400;

#[test]
fn a_rule_that_adds_for_a_time_does_not_end_what_holds_longer() {
    for longer in [None, Some(2 * LONG)] {
        let bench = Bench::new();
        let mut running = bench.start();
        add(&running, 0, longer);
        add(&running, 1, Some(LONG));
        for _ in 0..2 {
            assert!(holds(&running, LONG + 2), "{longer:?}");
            running = restarted(&bench, running);
        }
    }
}

#[test]
fn a_rule_that_adds_for_longer_makes_an_entry_last_longer() {
    for longer in [None, Some(2 * LONG)] {
        let bench = Bench::new();
        let mut running = bench.start();
        add(&running, 0, Some(LONG));
        add(&running, 1, longer);
        for _ in 0..2 {
            assert!(holds(&running, LONG + 2), "{longer:?}");
            running = restarted(&bench, running);
        }
    }
}

#[test]
fn what_is_taken_off_a_list_ends_at_once_and_a_rule_may_add_it_again() {
    let bench = Bench::new();
    let mut running = bench.start();
    add(&running, 0, None);
    running.carry();
    let (list, identity, until) = ("blocked".to_owned(), ANNA.to_owned(), Some(at(5)));
    running.journal.set(Added { list, identity, at: at(0), until, rule: None, note: None });
    for _ in 0..2 {
        assert!(!holds(&running, 5));
        running = restarted(&bench, running);
    }
    add(&running, 6, Some(LONG));
    for _ in 0..2 {
        assert!(holds(&running, LONG) && !holds(&running, LONG + 6));
        running = restarted(&bench, running);
    }
}

#[test]
fn an_entry_that_is_made_longer_has_been_there_since_it_was_added_first_also_in_the_file() {
    let bench = Bench::new();
    let mut running = bench.start();
    let of_the_file = || {
        let entries = bench.reader().entries(Timestamp::UNIX_EPOCH).unwrap();
        entries.iter().map(|entry| (entry.at, entry.until)).collect::<Vec<_>>()
    };
    for (second, since) in [(0, 0), (60, 0), (700, 700)] {
        add(&running, second, Some(600));
        running.write([]);
        assert_eq!(of_the_file(), [(at(since), Some(at(second + 600)))], "{second}");
    }
}

#[test]
fn a_journal_in_memory_tells_its_entries_by_name_and_what_of_a_person_it_forgot() {
    let (recorder, journal, mut records) = in_memory();
    let added = |second: i64, until: i64, note: Option<&str>| Added {
        list: "blocked".to_owned(),
        identity: ANNA.to_owned(),
        at: at(second),
        until: Some(at(until)),
        rule: Some("trap".to_owned()),
        note: note.map(str::to_owned),
    };
    for (second, until) in [(0, 60), (30, 90)] {
        recorder.add(added(second, until, None));
        drop(journal.take(records.take_one().unwrap()));
    }
    assert_eq!(journal.entries(at(80)), [added(0, 90, None)]);
    assert!(journal.entries(at(90)).is_empty());
    journal.set(Added { identity: BERT.to_owned(), ..added(1, 95, Some("beside 020 7946 0123")) });
    journal.dialed(ANNA.to_owned(), at(2));
    let forgotten = journal.forget(ANNA, Region::parse("GB").unwrap()).unwrap();
    assert_eq!((forgotten.calls, forgotten.remembered), (0, 2));
    assert_eq!(journal.entries(at(80)), [Added { identity: BERT.to_owned(), ..added(1, 95, None) }]);
    assert!(journal.forget(ANNA, Region::parse("GB").unwrap()).unwrap().is_nothing());
    recorder.past().called(Some(recorder.past().caller(ANNA)), recorder.past().line("home"), None, at(3));
    assert_eq!(journal.forget(ANNA, region()).unwrap().remembered, 1, "to the rules it was known");
}
