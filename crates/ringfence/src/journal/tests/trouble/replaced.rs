//! Files of the journal that somebody replaces, removes or changes while the program runs.

use std::fs;

use rusqlite::Connection;

use super::*;

const ANNA: &str = "+442079460123";

/// Writes so many times ten calls, as rows.
fn write(running: &mut Running, times: i64) {
    for _ in 0..times {
        running.write((0..10).map(|second| from(ANNA, second)));
    }
}

fn change(bench: &Bench, sql: &str) -> String {
    let connection = Connection::open(bench.path()).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    rows.next().unwrap().and_then(|row| row.get(0).ok()).unwrap_or_default()
}

#[test]
fn a_backup_that_is_put_in_place_while_it_runs_is_the_journal_from_then_on() {
    let bench = Bench::new();
    let mut running = bench.start();
    write(&mut running, 10);
    let backup = beside(&bench.path(), ".backup");
    change(&bench, &format!("VACUUM INTO '{}'", backup.display()));
    write(&mut running, 30);
    fs::rename(&backup, bench.path()).unwrap();
    write(&mut running, 1);
    assert_eq!(running.journal.health().failing, None);
    assert_eq!((bench.count(), change(&bench, "PRAGMA integrity_check").as_str()), (110, "ok"));
    drop(running);
    write(&mut bench.start(), 1);
    assert_eq!(bench.count(), 120);
}

#[test]
fn a_journal_that_is_moved_away_while_it_runs_has_all_its_calls() {
    let bench = Bench::new();
    let mut running = bench.start();
    write(&mut running, 10);
    let moved = beside(&bench.path(), ".moved");
    fs::rename(bench.path(), &moved).unwrap();
    write(&mut running, 1);
    assert_eq!(bench.count(), 10);
    assert_eq!(Reader::open(&moved).unwrap().search(&Query::default()).unwrap().len(), 100);
}

#[test]
fn a_file_that_is_no_journal_is_left_as_it_is_where_it_is_put_in_place_while_it_runs() {
    let bench = Bench::new();
    let mut running = bench.start();
    write(&mut running, 10);
    let other = beside(&bench.path(), ".other");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (7)").unwrap();
    let before = fs::read(&other).unwrap();
    fs::rename(&other, bench.path()).unwrap();
    running.record([from(ANNA, 1)]);
    assert!(!running.journal.flush());
    assert!(running.journal.health().failing.unwrap().why.contains("got another file"));
    assert!(fs::read(bench.path()).unwrap() == before);
    assert_eq!(change(&bench, "PRAGMA integrity_check"), "ok");
}

#[test]
fn a_log_of_changes_that_is_removed_while_it_runs_hides_and_costs_no_call() {
    for ends in [&["-wal", "-shm"] as &[_], &["-wal"], &["-shm"]] {
        let bench = Bench::new();
        let mut running = bench.start();
        write(&mut running, 10);
        for end in ends {
            fs::remove_file(beside(&bench.path(), end)).unwrap();
        }
        // As a verb does before it reads.
        assert!(running.journal.flush());
        assert_eq!(bench.count(), 100, "{ends:?}");
        write(&mut running, 1);
        // What a kill would leave.
        let copy = tempfile::tempdir().unwrap();
        for end in ["", "-wal"] {
            fs::copy(beside(&bench.path(), end), copy.path().join(format!("a.db{end}"))).unwrap();
        }
        let left = Reader::open(&copy.path().join("a.db")).unwrap().search(&Query::default()).unwrap();
        assert_eq!(left.len(), 110, "{ends:?}");
    }
}

#[test]
fn a_version_that_is_changed_while_it_runs_is_told_and_nothing_is_written_until_it_is_changed_back() {
    let bench = Bench::new();
    let mut running = bench.start();
    write(&mut running, 1);
    for version in [99, 2] {
        change(&bench, &format!("PRAGMA user_version = {version}"));
        assert!(!running.journal.flush(), "also where nothing is to be written");
        let Failing { why, hint, .. } = running.journal.health().failing.unwrap();
        assert!(
            why.ends_with(&format!("is damaged: its version (PRAGMA user_version) is {version}")),
            "{why}"
        );
        assert!(hint.starts_with("stop the program, move"), "{hint}");
        running.record([from(ANNA, 1)]);
        assert!(!running.journal.flush());
        change(&bench, "PRAGMA user_version = 5");
        assert!(running.journal.flush());
    }
    assert_eq!((running.journal.health().failing, bench.count()), (None, 12));
}
