//! A disk on which there is no room: what is there is read all the same.

use std::process::Stdio;

use crate::home::Home;

#[test]
fn a_journal_that_was_left_whole_is_read_on_a_full_disk() {
    let home = Home::with_calls();
    assert!(!home.path("ringfence.db-wal").exists());
    let output = home.on_full_disk(&["calls", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 4, "{output:?}");
}

#[test]
fn a_start_on_a_full_disk_remembers_what_the_rules_knew() {
    let home = Home::with_calls();
    assert!(home.told(&["switch", "on_call", "on"]).ends_with("exit 0\n"));
    let program = home.started(home.on_full_disk(&["run"]).stderr(Stdio::null()));
    let switches = home.told(&["switch"]);
    assert!(switches.contains("on_call") && switches.contains(" on"), "{switches}");
    let status = &home.json(&["status", "--json"])[0]["journal"];
    assert!(status["failing"]["why"].is_string() && status["unread"].is_null(), "{status}");
    drop(program);
}

#[test]
fn a_start_that_cannot_read_the_journal_says_so() {
    let home = Home::with_calls();
    // What a kill has left, of which the index is gone.
    std::fs::write(home.path("ringfence.db-wal"), [7; 64]).unwrap();
    let program = home.started(home.on_full_disk(&["run"]).stderr(Stdio::null()));
    assert_eq!(home.json(&["status", "--json"])[0]["journal"]["unread"], true);
    let told = home.told(&["status"]);
    assert!(told.contains("not read at the start: the rules do without"), "{told}");
    drop(program);
}

#[test]
fn a_first_start_on_a_full_disk_goes_on_without_a_journal() {
    let home = Home::new();
    let program = home.started(home.on_full_disk(&["run"]).stderr(Stdio::null()));
    // All that there was room for.
    assert_eq!(std::fs::metadata(home.path("ringfence.db")).unwrap().len(), 0);
    let status = &home.json(&["status", "--json"])[0]["journal"];
    assert!(status["failing"]["why"].is_string() && status["unread"].is_null(), "{status}");
    drop(program);
    let program = home.started(home.on_full_disk(&["run"]).stderr(Stdio::null()));
    drop(program);
}
