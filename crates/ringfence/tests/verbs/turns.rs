//! Those who write the journal take turns: verbs beside each other, and a program that starts beside one.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::home::{Home, Program};

#[test]
fn what_verbs_note_at_the_same_time_is_all_noted() {
    let home = Home::new();
    let numbers: Vec<String> = (10..30).map(|number| format!("+4179123{number}{number}")).collect();
    let verbs: Vec<_> = numbers
        .iter()
        .map(|number| {
            home.command(&["dialed", number]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for verb in verbs {
        let output = verb.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let noted: i64 = journal.query_row("SELECT count(*) FROM spoken", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(noted).unwrap(), numbers.len());
}

/// Waits until something holds.
fn wait(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come");
        std::thread::yield_now();
    }
}

#[test]
fn a_program_that_starts_waits_for_a_verb_and_answers_nobody_before() {
    // The second as on a full disk.
    ["123 verb", ""].into_iter().for_each(starts_beside);
}

/// Starts a program beside a verb that holds the lock with a mark.
fn starts_beside(mark: &str) {
    let home = Home::with_calls();
    std::fs::write(home.path("ringfence.db.lock"), mark).unwrap();
    let lock = std::fs::File::open(home.path("ringfence.db.lock")).unwrap();
    lock.lock().unwrap();
    let mut program =
        Program(home.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait(|| home.path("control/s.lock").exists());
    assert!(home.told(&["status"]).contains("ringfence is not running"));
    assert_eq!(program.0.try_wait().unwrap(), None, "it waits");
    lock.unlock().unwrap();
    wait(|| home.run(&["status"]).status.success());
    let verb = home.told(&["dialed", "+41791234599"]);
    assert_eq!(verb, "noted 1 number as dialled\nexit 0\n");
}

#[test]
fn a_verb_waits_for_a_program_that_starts_and_has_it_note() {
    let home = Home::with_calls();
    let lock = std::fs::File::open(home.path("ringfence.db.lock")).unwrap();
    // As a program holds it that has not read its journal yet.
    std::fs::write(home.path("ringfence.db.lock"), "123").unwrap();
    lock.lock().unwrap();
    let verb =
        home.command(&["switch", "on_call", "on"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut verb = verb.unwrap();
    assert!(home.told(&["status"]).contains("ringfence is not running"));
    assert_eq!(verb.try_wait().unwrap(), None, "it waits");
    lock.unlock().unwrap();
    let output = verb.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(home.told(&["switch"]).contains("on_call"));
}
