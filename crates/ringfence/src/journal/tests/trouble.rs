//! A disk that is full, or takes nothing, or comes late; what is too old or too much.

mod replaced;
mod retained;
mod unread;

use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Condvar, MutexGuard};
use std::time::Instant;

use rusqlite::Connection;

use super::file::{Bench, Running, at, from};
use super::*;
use crate::journal::in_time::LATE;
use crate::journal::inbox::Job;

impl Running {
    fn spoil(&self, spoil: fn(&mut Connection)) {
        self.journal.writing.as_ref().unwrap().inbox.ask(Job::Spoil(spoil)).unwrap();
        let _ = self.journal.flush();
    }
}

fn set(connection: &Connection, pragma: &str) {
    let mut pragma = connection.prepare(&format!("PRAGMA {pragma}")).unwrap();
    let mut rows = pragma.query([]).unwrap();
    while rows.next().unwrap().is_some() {}
}

/// A disk that can be made to stop. Neither side waits for the other without end: a test that fails meanwhile fails.
struct Disk {
    state: Mutex<Turning>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq)]
enum Turning {
    Yes,
    Stopped,
    Again,
}

/// A disk that stands until this is dropped.
struct Standing(&'static Disk);

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

impl Disk {
    const fn new() -> Self {
        Self { state: Mutex::new(Turning::Yes), changed: Condvar::new() }
    }

    /// What the disk does: it stops until it is to turn again.
    fn stop(&self) {
        self.turn(Turning::Stopped);
        drop(self.wait_while(Turning::Stopped));
    }

    /// Waits until it has stopped.
    fn stopped(&'static self) -> Standing {
        assert!(*self.wait_while(Turning::Yes) == Turning::Stopped, "the disk has not stopped");
        Standing(self)
    }

    fn turn(&self, turning: Turning) {
        *self.state.lock().unwrap() = turning;
        self.changed.notify_all();
    }

    fn wait_while(&self, turning: Turning) -> MutexGuard<'_, Turning> {
        let state = self.state.lock().unwrap();
        self.changed.wait_timeout_while(state, PATIENCE, |state| *state == turning).unwrap().0
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.0.turn(Turning::Again);
    }
}

const ANNA: &str = "+442079460123";

fn long(second: i64) -> Call {
    let facts = format!(r#"{{"long":"{}"}}"#, "x".repeat(2_000));
    Call { evidence: Evidence { facts, ..from(ANNA, second).evidence }, ..from(ANNA, second) }
}

#[test]
fn a_full_disk_is_told_the_calls_wait_and_nothing_is_lost_when_there_is_room_again() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.write((0..10).map(long));
    running.spoil(|connection| set(connection, "max_page_count = 1"));
    running.record((10..500).map(long));
    assert!(!running.journal.flush());
    let health = running.journal.health();
    assert!(health.failing.unwrap().why.contains("full"));
    assert_eq!((health.waiting, health.lost), (490, 0));
    assert_eq!(running.journal.newest(1)[0].number, 500);
    assert_eq!(bench.count(), 10);
    running.spoil(|connection| set(connection, "max_page_count = 1000000"));
    assert!(running.journal.flush());
    assert_eq!(bench.count(), 500);
    assert_eq!(running.journal.health().failing, None);
}

#[test]
fn more_calls_than_memory_may_hold_are_lost_and_counted_while_a_file_is_read_only() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.spoil(|connection| set(connection, "query_only = ON"));
    running.record((0..70_000).map(|second| from(ANNA, second)));
    assert!(!running.journal.flush());
    let health = running.journal.health();
    assert!(health.failing.unwrap().why.contains("readonly"));
    assert_eq!(health.waiting + health.lost, 70_000);
    assert!(health.lost > 4_000, "{}", health.lost);
    assert_eq!(running.journal.tally().screened, 70_000);
}

#[test]
fn a_disk_that_is_slow_is_told_with_since_when_a_kill_would_lose_calls_and_so_is_its_end() {
    static DISK: Disk = Disk::new();
    let bench = Bench::new();
    let mut running = bench.start();
    running.journal.writing.as_ref().unwrap().inbox.ask(Job::Spoil(|_| DISK.stop())).unwrap();
    let standing = DISK.stopped();
    running.record((1..=3).map(|second| from("+442079460123", second)));
    let later = Instant::now() + 2 * LATE;
    running.journal.watch(later);
    running.journal.watch(later);
    let health = running.journal.health();
    assert_eq!((health.slow_since, health.slow), (Some(from("", 1).at), 1));
    drop(standing);
    assert!(running.journal.flush());
    running.journal.watch(later);
    let health = running.journal.health();
    assert_eq!((health.slow_since, health.slow, bench.count()), (None, 1, 3));
}

#[tokio::test]
async fn a_slow_disk_is_told_also_where_no_call_comes_but_a_person_notes_something() {
    static DISK: Disk = Disk::new();
    let bench = Bench::new();
    let running = bench.start();
    running.journal.writing.as_ref().unwrap().inbox.ask(Job::Spoil(|_| DISK.stop())).unwrap();
    let standing = DISK.stopped();
    running.journal.dialed(ANNA.to_owned(), at(1));
    let watching = running.journal.keep_watch();
    let watched = tokio::time::timeout(2 * LATE, watching).await;
    let since = running.journal.health().slow_since;
    drop(standing);
    assert_eq!((watched.is_err(), since), (true, Some(at(1))));
    assert!(running.journal.flush());
    assert!(!running.journal.watch(Instant::now()), "nothing waits");
    assert_eq!(running.journal.health().slow_since, None);
}

#[tokio::test]
async fn whoever_waits_is_told_when_the_file_has_been_looked_at_with_nothing_to_write() {
    let bench = Bench::new();
    let running = bench.start();
    let mut looked_at = std::pin::pin!(running.journal.looked_at());
    assert!(tokio::time::timeout(Duration::ZERO, &mut looked_at).await.is_err(), "nothing was due");
    assert!(running.journal.flush());
    assert!(tokio::time::timeout(PARTING, looked_at).await.is_ok());
}

#[test]
fn a_person_who_is_forgotten_is_not_written_when_the_disk_takes_calls_again() {
    let bench = Bench::new();
    let mut running = bench.start();
    let other = "+442079460999";
    running.spoil(|connection| set(connection, "max_page_count = 1"));
    running.record((0..500).map(long).chain([from(other, 1)]));
    assert!(!running.journal.flush());
    drop(running.journal.forget(ANNA, region()));
    running.spoil(|connection| set(connection, "max_page_count = 1000000"));
    assert!(running.journal.flush());
    let calls = bench.reader().search(&Query::default()).unwrap();
    assert_eq!(calls.iter().map(|call| call.caller.as_str()).collect::<Vec<_>>(), [other]);
}

#[test]
fn a_disk_that_comes_after_the_start_gets_what_waited_for_it() {
    let bench = Bench::new();
    let directory = bench.path().parent().unwrap().to_owned();
    std::fs::write(&directory, "no directory").unwrap();
    let mut running = bench.start();
    running.record([from(ANNA, 1)]);
    assert!(!running.journal.flush());
    assert!(running.journal.forget("somebody", region()).is_err());
    std::fs::remove_file(&directory).unwrap();
    assert!(running.journal.flush());
    assert_eq!(bench.count(), 1);
}

#[test]
fn what_is_left_when_the_program_ends_is_written() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.record((0..3_000).map(|second| from(ANNA, second)));
    running.journal.close();
    assert_eq!(bench.count(), 3_000);
    assert!(!running.journal.flush());
}

#[test]
fn whoever_waits_for_a_journal_that_ends_unwritten_waits_no_longer() {
    static DISK: Disk = Disk::new();
    let bench = Bench::new();
    let mut running = bench.start();
    let inbox = Arc::clone(&running.journal.writing.as_ref().unwrap().inbox);
    let stop = |connection: &mut Connection| {
        set(connection, "query_only = ON");
        DISK.stop();
    };
    inbox.ask(Job::Spoil(stop)).unwrap();
    let standing = DISK.stopped();
    running.record((0..3_000).map(|second| from(ANNA, second)));
    let (reply, answer) = std::sync::mpsc::channel();
    inbox.ask(Job::Flush(reply)).unwrap();
    inbox.close();
    drop(standing);
    assert_eq!(answer.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_caller_cannot_be_forgotten_by_a_journal_whose_thread_is_gone_and_that_is_said() {
    let bench = Bench::new();
    let running = bench.start();
    running.spoil(|_| panic!("as a bug would"));
    let (told, answer) = std::sync::mpsc::channel();
    let journal = Arc::clone(&running.journal);
    std::thread::spawn(move || told.send(journal.forget(ANNA, region()).map_err(|error| error.to_string())));
    let error = answer.recv_timeout(PATIENCE).expect("an answer in time").unwrap_err();
    assert!(error.contains("the journal is closed"), "{error}");
}

fn beside(path: &std::path::Path, end: &str) -> std::path::PathBuf {
    path.with_file_name(format!("ringfence.db{end}"))
}

fn remove(bench: &Bench) {
    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(beside(&bench.path(), end)));
    }
}

#[test]
fn a_file_that_was_moved_away_replaced_or_cut_off_costs_no_call_that_comes_after_it() {
    let bench = Bench::new();
    for spoil in [
        (|path, _| std::fs::write(path, b"").unwrap()) as fn(&std::path::Path, std::path::PathBuf),
        |path, _| std::fs::write(path, vec![7; 100_000]).unwrap(),
        |path, other| std::fs::rename(path, other).unwrap(),
    ] {
        let mut running = bench.start();
        running.write([from(ANNA, 0)]);
        spoil(&bench.path(), beside(&bench.path(), ".old"));
        running.record([from(ANNA, 1)]);
        if !running.journal.flush() {
            let health = running.journal.health();
            assert!(health.failing.is_some(), "what cannot be written is told");
            assert_eq!((health.waiting, health.lost), (1, 0));
            remove(&bench);
            assert!(running.journal.flush());
        }
        assert_eq!(running.journal.health().failing, None);
        assert!(bench.count() > 0);
        drop(running);
        remove(&bench);
    }
}

#[test]
fn a_thread_that_has_ended_by_a_fault_is_told_and_what_it_leaves_is_lost() {
    let bench = Bench::new();
    let mut running = bench.start();
    running.write([from("+442079460123", 1)]);
    running.spoil(|_| panic!("a test has the journal's thread end"));
    running.record([from("+442079460123", 2), from("+442079460123", 3)]);
    assert!(!running.journal.flush());
    let health = running.journal.health();
    assert!(health.failing.is_some_and(|failing| failing.why.contains("by a fault")));
    assert_eq!((health.waiting, health.lost), (2, 0));
    running.journal.close();
    assert_eq!(running.journal.health().lost, 2);
}
