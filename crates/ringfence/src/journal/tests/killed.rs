//! A program that is killed at any instant: no call whose response was sent more than a second before is
//! missing, unless it was said that the disk is slow since before that call, and the file is whole.
//!
//! The child is this test's own binary; it says each call before it records it, as a response goes out
//! before its record. Another child removes calls meanwhile, and says whom it has forgotten.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc as channel;
use std::time::Instant;

use super::file::{Bench, at, from};
use super::*;
use crate::journal::inbox::Job;
use crate::journal::retention;

/// Where the child writes; it is a child if this is set.
const CHILD: &str = "RINGFENCE_TEST_JOURNAL";
const RECORDS: &str = "journal::tests::killed::a_kill_at_any_instant_loses_no_call_of_more_than_a_second_ago";
const REMOVES: &str = "journal::tests::killed::a_kill_while_calls_are_removed_brings_nobody_back";
/// What may be lost.
const SECOND: Duration = Duration::from_secs(1);
/// Programs at once, and how often each is killed: each time it goes on with the file it left.
const LANES: u64 = 5;
const KILLS: u64 = 7;
/// Says when they are killed; each program at once has the next one.
const SEED: u64 = 20_793;

#[test]
fn a_kill_at_any_instant_loses_no_call_of_more_than_a_second_ago() {
    if let Some(path) = std::env::var_os(CHILD) {
        child(path.into());
    }
    let lanes: Vec<_> = (0..LANES).map(|lane| std::thread::spawn(move || killed(SEED + lane))).collect();
    let counts: Vec<_> = lanes.into_iter().map(|lane| lane.join().unwrap()).collect();
    let (due, told) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!("{due} calls of more than a second before {} kills, and {told} on a slow disk", LANES * KILLS);
    assert!(due + told > 50, "{due} {told} with seed {SEED}");
}

/// Starts a program and kills it, again and again. Returns how many calls had to be there, and how many more would have if it
/// had not said that the disk was slow.
fn killed(seed: u64) -> (usize, usize) {
    let bench = Bench::new();
    let mut dice = seed;
    let (mut due, mut told) = (HashSet::new(), 0);
    for _ in 0..KILLS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // At least one call is said before: the first of it and the rest of it are torn as well.
        let lifetime = Duration::from_micros((dice >> 33) % 1_700_000);
        let (mut child, said) = start(&bench, RECORDS);
        let mut calls = vec![said.recv_timeout(20 * SECOND).unwrap()];
        let end = Instant::now() + lifetime;
        while let Ok(call) = said.recv_timeout(end.saturating_duration_since(Instant::now())) {
            calls.push(call);
        }
        let killed_at = Instant::now();
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before the kill is under way.
        calls.extend(said.iter());
        let slow_since = calls.iter().rev().find(|(line, _)| line.starts_with("slow"));
        let slow_since = slow_since.and_then(|(line, _)| number(line));
        for (call, at) in calls.iter().filter(|(line, _)| !line.starts_with("slow")) {
            let is_old = killed_at.saturating_duration_since(*at) > SECOND;
            let is_told = slow_since.is_some_and(|since| number(call) >= Some(since));
            told += usize::from(is_old && is_told);
            if is_old && !is_told {
                due.insert(call.clone());
            }
        }
        check(&bench, &due, seed);
    }
    (due.len(), told)
}

/// Returns the number of a call, which is its second as well, or since which call the disk is slow.
fn number(said: &str) -> Option<i64> {
    said.rsplit('-').next()?.parse().ok()
}

#[test]
fn a_kill_while_calls_are_removed_brings_nobody_back() {
    if let Some(path) = std::env::var_os(CHILD) {
        removing(path.into());
    }
    let bench = Bench::new();
    let mut dice = SEED;
    let mut forgotten = HashSet::new();
    for _ in 0..2 * KILLS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (mut child, said) = start(&bench, REMOVES);
        // It has begun; then anything may be half done: a step of the retention, a person, the copy of the file.
        forgotten.insert(said.recv_timeout(20 * SECOND).unwrap().0);
        std::thread::park_timeout(Duration::from_micros((dice >> 33) % 150_000));
        child.kill().unwrap();
        child.wait().unwrap();
        forgotten.extend(said.iter().map(|(caller, _)| caller));
        let (there, _) = whole(&bench, SEED);
        let back: Vec<_> = there.iter().filter(|call| forgotten.contains(&call.caller)).collect();
        let count = back.len();
        assert!(back.is_empty(), "{count} calls of people who were forgotten, with seed {SEED}: {back:?}");
        // The next program would call them again.
        forgotten.clear();
    }
}

fn start(bench: &Bench, test: &str) -> (Child, channel::Receiver<(String, Instant)>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, bench.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (say, said) = channel::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let said = line.strip_prefix("call ").or_else(|| line.starts_with("slow").then_some(&line));
            if let Some(said) = said {
                let _ = say.send((said.to_owned(), Instant::now()));
            }
        }
    });
    (child, said)
}

/// Checks that the file is whole, and that it has what it must have.
fn check(bench: &Bench, due: &HashSet<String>, seed: u64) {
    let (_, there) = whole(bench, seed);
    let missing: Vec<_> = due.difference(&there).collect();
    let (count, of) = (missing.len(), due.len());
    assert!(missing.is_empty(), "{count} of {of} are missing with seed {seed}: {missing:?}");
}

/// Checks that the file is whole, and returns the calls it has, and their ids.
fn whole(bench: &Bench, seed: u64) -> (Vec<Call>, HashSet<String>) {
    let connection = rusqlite::Connection::open(bench.path()).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok", "seed {seed}");
    drop(connection);
    let (mut calls, mut ids) = (Vec::new(), HashSet::new());
    let walked = bench.reader().walk(None, |call| {
        assert!(ids.insert(call.call_id.clone()), "twice with seed {seed}: {}", call.call_id);
        calls.push(call.clone());
        std::ops::ControlFlow::Continue(())
    });
    walked.unwrap();
    (calls, ids)
}

/// Records calls until it is killed, and removes the oldest of them, and one person after the other.
fn removing(path: std::path::PathBuf) -> ! {
    let settings = Settings { place: Place::File(path), ..Settings::default() };
    let (recorder, journal, mut records) = open(settings).unwrap();
    let mut out = std::io::stdout();
    for person in 0_u64.. {
        let caller = format!("+4420{:08}", (u64::from(std::process::id()) * 1_000 + person) % 100_000_000);
        // Every other time enough of them have ended to be packed.
        for second in 0..180 {
            let call_id = format!("{}-{person}-{second}", std::process::id());
            let caller = if second % 20 == 0 { &caller } else { "+442079460123" };
            let ended = (person % 2 == 0).then(acknowledged);
            recorder.record(Call { call_id, ended, ..from(caller, second) }, None);
            while let Some(record) = records.take_one() {
                drop(journal.take(record));
            }
        }
        journal.writing.as_ref().unwrap().inbox.ask(Job::Spoil(remove_the_oldest)).unwrap();
        if person % 3 == 0 {
            journal.forget(&caller, region()).unwrap();
            writeln!(out, "call {caller}").unwrap();
            out.flush().unwrap();
        }
    }
    unreachable!("it is killed")
}

fn remove_the_oldest(connection: &mut rusqlite::Connection) {
    let settings = Settings { max_size: 300_000, ..Settings::default() };
    retention::step(connection, &settings, None).unwrap();
}

/// Records calls until it is killed: bursts, each as long as a batch and a half at most.
fn child(path: std::path::PathBuf) -> ! {
    let settings = Settings { place: Place::File(path), ..Settings::default() };
    let (recorder, journal, mut records) = open(settings).unwrap();
    let (mut out, mut slow_since) = (std::io::stdout(), None);
    for number in 0_u64.. {
        let call_id = format!("{}-{number}", std::process::id());
        writeln!(out, "call {call_id}").unwrap();
        out.flush().unwrap();
        let second = i64::try_from(number).unwrap();
        recorder.record(Call { call_id, id: number.to_string(), ..from("+442079460123", second) }, None);
        // Some end at once, as most do, and some when their row is written.
        let ends = if number % 3 == 0 { number / 2 } else { number };
        let how = "acknowledged".into();
        recorder.ended_as(ends.to_string(), Ended { at: Timestamp::now(), status: Some(486), how });
        while let Some(record) = records.take_one() {
            drop(journal.take(record));
        }
        journal.watch(Instant::now());
        let health = journal.health();
        if health.slow_since != slow_since {
            slow_since = health.slow_since;
            // Behind the dash the number of the call.
            let since = slow_since.map_or_else(
                || "over".to_owned(),
                |since| (since.as_second() - at(0).as_second()).to_string(),
            );
            writeln!(out, "slow-{since}").unwrap();
            out.flush().unwrap();
        }
        if number % 1_500 == number % 40 {
            std::thread::park_timeout(Duration::from_millis(number % 30));
        }
        if number % 7 == 0 {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    unreachable!("it is killed")
}
