//! Rows and tables that somebody has changed by hand: told, and nothing else is hidden.

use std::ops::ControlFlow;

use rusqlite::Connection;

use super::file::{Bench, at, from};
use super::*;

const ANNA: &str = "+442079460123";
const BERT: &str = "+442079460999";
/// A text that is none.
const NO_TEXT: &str = "CAST(x'ff' AS TEXT)";

/// Writes five calls, and changes the file.
fn changed(sql: &str) -> Bench {
    let bench = Bench::new();
    bench.start().write((1..=5).map(|second| from(ANNA, second)));
    change(&bench, sql);
    bench
}

fn change(bench: &Bench, sql: &str) {
    Connection::open(bench.path()).unwrap().execute_batch(sql).unwrap();
}

fn numbers(calls: &[Call]) -> Vec<u64> {
    calls.iter().map(|call| call.number).collect()
}

#[test]
fn a_row_that_does_not_fit_is_named_and_hides_no_other() {
    let bench = changed(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'source TEXT NOT NULL', 'source ANY') WHERE name = 'calls'",
    );
    for (value, why) in [
        ("status = 99999", "`status` is 99999"),
        ("status = -1", "`status` is -1"),
        ("source = NULL", "`source` is Null"),
        ("source = x'00'", "`source` is Blob"),
        ("line = CAST(x'ff' AS TEXT)", "`line`: invalid utf-8 sequence of 1 bytes from index 0"),
        ("facts = '{'", "`facts`: no JSON of an object"),
        ("facts = '\"+442079460123\"'", "`facts`: no JSON of an object"),
        ("shadow = 'one'", "`shadow`: no JSON of an array of texts"),
        ("shadow = '[1]'", "`shadow`: no JSON of an array of texts"),
    ] {
        change(&bench, &format!("UPDATE calls SET {value} WHERE number = 4"));
        let reader = bench.reader();
        assert_eq!(numbers(&reader.search(&Query::default()).unwrap()), [5, 3, 2, 1], "{value}");
        let expected = (1, Some(format!("row 4 of calls: {why}")));
        assert_eq!((reader.unreadable().rows, reader.unreadable().first), expected);
        let newest = Query { limit: Some(2), ..Query::default() };
        assert_eq!(numbers(&reader.search(&newest).unwrap()), [5, 3]);
        let mut walked = Vec::new();
        let walk = reader.walk(None, |call| {
            walked.push(call.number);
            ControlFlow::Continue(())
        });
        assert_eq!((walk, walked), (Ok(()), vec![1, 2, 3, 5]));
        change(
            &bench,
            "UPDATE calls SET status = NULL, source = '', line = 'home', facts = NULL, shadow = NULL
             WHERE number = 4",
        );
    }
}

#[test]
fn a_shadow_that_is_no_json_hides_no_call_that_is_asked_for_by_its_shadow() {
    let bench = changed(
        r#"UPDATE calls SET shadow = '["idea"]' WHERE number = 2; UPDATE calls SET shadow = '[' WHERE number = 4"#,
    );
    let reader = bench.reader();
    let asked = Query { shadow: Some("idea".to_owned()), ..Query::default() };
    assert_eq!(numbers(&reader.search(&asked).unwrap()), [2]);
    assert_eq!(reader.unreadable().rows, 1);
}

#[test]
fn facts_that_are_no_json_are_told_as_a_text() {
    let mut call = from(ANNA, 1);
    call.evidence.facts = "{".to_owned();
    let told = serde_json::to_string(&call).unwrap();
    assert!(told.contains(r#""facts":"{""#), "{told}");
}

#[test]
fn a_page_of_rows_that_do_not_fit_does_not_end_a_walk() {
    let bench = Bench::new();
    let mut running = bench.start();
    // In batches that are not packed.
    for second in 0..700 {
        running.write([from(ANNA, second)]);
    }
    change(&bench, "UPDATE calls SET status = 99999 WHERE number <= 600");
    let reader = bench.reader();
    let mut walked = 0;
    let walk = reader.walk(None, |_| {
        walked += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((walk, walked, reader.unreadable().rows), (Ok(()), 100, 600));
}

#[test]
fn what_does_not_fit_is_left_out_of_all_that_is_asked_and_of_what_the_rules_remember() {
    let bench = Bench::new();
    let mut running = bench.start();
    let now = Timestamp::now();
    running.write((1..=5).map(|_| Call { at: now, ..from(ANNA, 1) }));
    for name in ["day", "night"] {
        running.journal.flip(Flipped { name: name.to_owned(), is_on: true, at: now, until: None });
    }
    running.journal.dialed(BERT.to_owned(), now);
    running.write([]);
    running.journal.close();
    change(
        &bench,
        &format!(
            "UPDATE calls SET line = {NO_TEXT}, caller = {NO_TEXT} WHERE number = 4;
             UPDATE switches SET name = {NO_TEXT} WHERE name = 'day';
             INSERT INTO spoken (identity) VALUES ({NO_TEXT})"
        ),
    );
    let reader = bench.reader();
    assert_eq!(reader.stats(None, &jiff::tz::TimeZone::UTC).unwrap().all.total(), 4);
    assert_eq!(reader.lines().unwrap(), ["home"]);
    assert_eq!(reader.switches(now).unwrap().len(), 1);
    assert_eq!(reader.unreadable().rows, 1);
    let running = bench.start();
    let caller = ringfence_policy::Caller::told(ANNA).identify(region());
    assert_eq!(running.journal.past().calls(&caller, Timestamp::MIN, now), 1, "copies have one time");
    let past = running.journal.past();
    assert_eq!(past.calls_on(past.line("home"), Timestamp::MIN, now), 4);
    assert_eq!(running.journal.switches(now).len(), 1);
}

#[test]
fn a_person_is_forgotten_also_where_a_row_that_names_them_is_no_text() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.write([from(ANNA, 1), from(ANNA, 2)]);
    let until = None;
    let (list, identity, note) = ("vip".to_owned(), ANNA.to_owned(), Some(format!("knows {BERT}")));
    running.journal.set(Added { list, identity, at: at(0), until, rule: None, note });
    running.write([]);
    running.journal.close();
    change(
        &bench,
        &format!(
            "UPDATE calls SET reason = CAST(CAST('for {BERT} ' AS BLOB) || x'ff' AS TEXT) WHERE number = 1;
             UPDATE entries SET note = CAST(CAST(note AS BLOB) || x'20ff' AS TEXT)"
        ),
    );
    assert_eq!(bench.start().journal.forget(BERT, region()).unwrap().calls, 1);
    assert_eq!(numbers(&bench.reader().search(&Query::default()).unwrap()), [2]);
    let bytes = std::fs::read(bench.path()).unwrap();
    assert!(!bytes.windows(BERT.len()).any(|window| window == BERT.as_bytes()));
}

#[test]
fn tables_that_do_not_fit_are_told_without_the_question_and_with_a_way_out() {
    for (sql, why) in [
        ("DROP TABLE calls", "no such table: calls"),
        ("ALTER TABLE calls DROP COLUMN reason", "no such column: reason"),
    ] {
        let bench = changed(sql);
        let error = bench.reader().search(&Query::default()).unwrap_err();
        let path = bench.path();
        assert_eq!(error.to_string(), format!("the journal {} is damaged: {why}", path.display()));
        assert!(error.hint().starts_with("stop the program, move"), "{}", error.hint());
    }
}

#[test]
fn calls_for_tables_that_do_not_fit_wait_and_the_status_says_why() {
    let bench = changed("ALTER TABLE calls DROP COLUMN reason");
    let mut running = bench.start();
    running.record([from(ANNA, 6)]);
    assert!(!running.journal.flush());
    let health = running.journal.health();
    let why = "is damaged: table calls has no column named reason";
    let failing = health.failing.as_ref().unwrap();
    assert!(failing.why.ends_with(why) && failing.hint.starts_with("stop the program, move"), "{health:?}");
    assert_eq!((health.waiting, health.lost), (1, 0));
}

#[test]
fn a_version_that_is_not_that_of_the_tables_is_told_in_a_sentence() {
    for (version, why) in [
        (0, "0, which its tables do not fit: table calls already exists"),
        (2, "2, which its tables do not fit: duplicate column name: late"),
        (-1, "-1"),
    ] {
        let bench = changed(&format!("PRAGMA user_version = {version}"));
        let told = open(bench.settings.clone()).map(drop).unwrap_err().to_string();
        let expected = format!("is damaged: its version (PRAGMA user_version) is {why}");
        assert!(told.ends_with(&expected), "{told}");
    }
}

#[test]
fn a_file_that_is_being_made_has_no_calls_yet() {
    let bench = changed("DROP TABLE calls; PRAGMA user_version = 0");
    assert!(matches!(Reader::open(&bench.path()).unwrap_err(), StoreError::Missing { .. }));
}

#[test]
fn a_number_that_no_call_can_have_is_a_damaged_journal_at_the_start_and_while_it_runs() {
    for sql in [
        "UPDATE numbering SET last = 9223372036854775800",
        "UPDATE calls SET number = 9223372036854775807 WHERE number = 5",
    ] {
        let bench = Bench::new();
        let mut running = bench.start();
        running.write((1..=5).map(|second| from(ANNA, second)));
        change(&bench, sql);
        running.record((6..=40).map(|second| from(ANNA, second)));
        assert!(!running.journal.flush());
        let health = running.journal.health();
        assert!(health.failing.is_some_and(|failing| failing.why.contains("which none can have")), "{sql}");
        assert_eq!((health.waiting, bench.count()), (35, 5));
        running.journal.close();
        let error = open(bench.settings.clone()).map(drop).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("which none can have"), "{error}");
    }
}
