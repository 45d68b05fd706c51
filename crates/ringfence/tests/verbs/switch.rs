//! `ringfence switch`, and what is in force and not yet written.

use crate::home::Home;

#[test]
fn a_switch_is_flipped_without_a_running_program() {
    let home = Home::new();
    assert!(home.told(&["switch"]).contains("on_call  off     off"), "{}", home.told(&["switch"]));
    assert_eq!(home.decides("0791234567"), "listed");
    let told = home.told(&["switch", "on_call", "on"]);
    assert!(
        told.starts_with("on_call is on until ") && told.ends_with(", for 2 h 0 min\nexit 0\n"),
        "{told}"
    );
    assert_eq!(home.decides("0791234567"), "on-call");
    assert_eq!(home.told(&["switch", "on_call", "off"]), "on_call is off\nexit 0\n");
    assert_eq!(home.decides("0791234567"), "listed");
    let told = home.told(&["switch", "on_cal", "on"]);
    assert!(told.contains("hint: it has: on_call\n") && told.ends_with("exit 2\n"), "{told}");
    assert!(home.told(&["switch", "on_call", "for"]).ends_with("exit 2\n"));
}

#[test]
fn a_running_program_is_told_of_switches_and_of_numbers_that_were_dialled() {
    let home = Home::new();
    let program = home.running();
    assert!(home.told(&["switch", "on_call", "for", "3h"]).starts_with("on_call is on until "));
    assert_eq!(home.json(&["switch", "--json"])[0]["is_on"], true);
    assert_eq!(home.told(&["dialed", "0225556677", "1002"]), "noted 2 numbers as dialled\nexit 0\n");
    assert!(home.told(&["why", "0225556677"]).contains("we-called-them"));
    drop(program);
    assert_eq!(home.json(&["switch", "--json"])[0]["is_on"], true);
}

#[test]
fn what_the_journal_cannot_write_is_in_force_and_said_not_to_be_written() {
    let home = Home::new();
    let _program = home.running();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    journal.execute_batch("BEGIN IMMEDIATE").unwrap();
    let told = home.told(&["switch", "on_call", "on"]);
    assert!(told.starts_with("on_call is on until ") && told.ends_with("exit 1\n"), "{told}");
    assert!(told.contains("it is in force and not yet written: a restart would forget it"), "{told}");
    assert_eq!(home.json(&["switch", "--json"])[0]["is_on"], true);
    assert!(home.told(&["dialed", "0225556677"]).ends_with("exit 1\n"));
    let told = home.told(&["calls"]);
    assert!(told.contains("hint: 2 records wait to be written, and may be missing here"), "{told}");
    journal.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn what_waits_to_be_written_is_told_by_all_who_read_the_journal() {
    let home = Home::with_calls();
    let _program = home.running();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    journal.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(home.told(&["switch", "on_call", "on"]).ends_with("exit 1\n"));
    for verb in [["why", "last"].as_slice(), &["stats"], &["replay"]] {
        let told = home.told(verb);
        let hint =
            "hint: 1 record waits to be written, and may be missing here: `ringfence status` tells why\n";
        assert!(told.contains(hint) && told.ends_with("exit 0\n"), "{verb:?}: {told}");
    }
    let told = home.told(&["was-wrong", "last", "--yes"]);
    let expected = "error: which call was the last cannot be told: 1 record waits to be written\n";
    assert!(told.contains(expected) && told.ends_with("exit 2\n"), "{told}");
    let told = home.told(&["was-wrong", "c2", "--yes"]);
    assert_eq!(told.matches("waits to be written").count(), 1, "{told}");
    journal.execute_batch("ROLLBACK").unwrap();
}
