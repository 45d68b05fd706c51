//! `ringfence calls`, with and without a running program.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::exchange::Exchange;
use crate::home::{CONFIGURATION, Home, Program};

#[test]
fn the_calls_of_the_journal_are_told_without_a_running_program() {
    let home = Home::with_calls();
    let callers = |arguments: &[&str]| -> Vec<String> {
        let calls = home.json(&[&["calls", "--json"], arguments].concat());
        calls.iter().map(|call| call["caller"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(callers(&[]), ["+41791234567", "+41441112233", "+41445556677", "+41445556677"]);
    assert_eq!(callers(&["-n", "1"]), ["+41445556677"]);
    assert_eq!(callers(&["--caller", "044 111 22 33"]), ["+41441112233"]);
    assert_eq!(callers(&["--caller", "079*"]), ["+41791234567"]);
    assert_eq!(callers(&["--outcome", "reject", "--since", "50h"]), ["+41441112233"]);
    assert_eq!(callers(&["--rule", "otherwise", "--until", "1439m"]), ["+41445556677"]);
    assert_eq!(callers(&["--line", "home", "--rule", "allowed"]), [""; 0]);
    assert_eq!(home.told(&["calls", "--rule", "allowed"]), "no such calls\nexit 0\n");
    let told = home.told(&["calls", "-n", "1"]);
    assert!(told.contains("  +41445556677 → home  rang\n      c4  for a reason\n"), "{told}");
    let csv = home.told(&["calls", "--csv", "-n", "1"]);
    assert!(csv.starts_with("at,number,id,call_id,line,caller,"), "{csv}");
    assert!(csv.contains(",4,0.23,23@pbx,home,+41445556677,,192.0.2.1:5060,ring,,,otherwise,"), "{csv}");
}

#[test]
fn before_the_first_call_there_are_none() {
    let home = Home::new();
    assert_eq!(home.told(&["calls"]), "no calls yet\nexit 0\n");
    assert_eq!(home.told(&["stats"]), "no calls\nexit 0\n");
    assert_eq!(home.told(&["replay"]), "there are no calls to decide again\nexit 0\n");
    for call in ["last", "c1"] {
        let told = home.told(&["why", call]);
        assert!(
            told.starts_with(&format!("error: there is no call {call}\n")) && told.ends_with("exit 2\n"),
            "{told}"
        );
    }
    assert!(!home.path("ringfence.db").exists());
}

#[test]
fn a_configuration_that_cannot_be_read_hides_neither_the_journal_nor_the_program() {
    let home = Home::with_calls();
    let _program = home.running();
    home.write("ringfence.toml", &CONFIGURATION.replace("[list.allow]", "[list.allow"));
    assert_eq!(home.json(&["calls", "--json"]).len(), 4);
    assert!(home.told(&["reload"]).contains("not reloaded: "), "{}", home.told(&["reload"]));
    home.write("ringfence.toml", "[journal\n");
    let told = home.told(&["calls"]);
    assert!(told.contains("error: where the journal is cannot be read in ringfence.toml\n"), "{told}");
    assert!(told.contains("hint: `ringfence check` tells why\nexit 2\n"), "{told}");
    let told = home.told(&["status"]);
    assert!(told.contains("hint: ringfence.toml cannot be read, and may say that"), "{told}");
    home.write("ringfence.toml", CONFIGURATION);
}

#[test]
fn a_journal_in_memory_cannot_be_asked_and_says_how_it_can() {
    let home = Home::new();
    home.write("ringfence.toml", &CONFIGURATION.replace("ringfence.db", "off"));
    for arguments in [&["stats"][..], &["replay"], &["why", "last"], &["was-wrong", "last", "--yes"]] {
        let told = home.told(arguments);
        assert!(told.contains("the journal is kept in memory"), "{told}");
        assert!(
            told.contains("hint: give it a file: [journal] path") && told.ends_with("exit 2\n"),
            "{told}"
        );
    }
    assert_eq!(home.decides("0791234567"), "listed");
}

#[test]
fn calls_are_followed_as_they_happen() {
    let (mut exchange, _program) = Exchange::new(CONFIGURATION);
    exchange.call("+41791234567");
    let mut command = exchange.home.command(&["calls", "--follow", "--json", "--outcome", "reject"]);
    let mut following = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(following.0.stdout.take().unwrap()).lines();
    let mut news = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let first = news.next().unwrap();
    assert_eq!((&first["caller"], &first["number"]), (&"+41791234567".into(), &1.into()));
    exchange.call("+41441112233");
    exchange.call("+41225556677");
    // How the first call ended may be told before.
    let second = news.find(|told| told["event"] == "call").unwrap();
    assert_eq!(second["caller"], "+41441112233");
    // The running program counts from its start: another call may have that number in the file.
    assert_eq!(second.get("number"), None);
    let time = second["at"].as_str().unwrap();
    assert_eq!(
        time.parse::<jiff::Timestamp>().unwrap().as_nanosecond() % 1_000,
        0,
        "{time} is what the file has"
    );
    assert_eq!(news.next().unwrap()["event"], "ended");
}

#[test]
fn a_program_that_keeps_its_journal_in_memory_tells_the_calls_of_its_run() {
    let (mut exchange, program) = Exchange::new(&CONFIGURATION.replace("ringfence.db", "off"));
    exchange.call("+41791234567");
    exchange.call("+41225556677");
    let home = &exchange.home;
    let told = home.told(&["calls", "--outcome", "reject"]);
    assert!(told.contains("+41791234567 → home  rejected 486") && !told.contains("+41225556677"), "{told}");
    assert_eq!(home.json(&["calls", "--json", "-n", "1"])[0]["caller"], "+41225556677");
    let id = home.json(&["calls", "--json"])[0]["id"].as_str().unwrap().to_owned();
    for handle in [&*id, "c1", "last"] {
        let told = home.told(&["why", handle]);
        assert!(
            told.contains("the journal is kept in memory") && told.ends_with("exit 2\n"),
            "{handle}: {told}"
        );
    }
    assert!(home.told(&["why", "044.123.45.67"]).ends_with("exit 0\n"));
    assert!(home.told(&["switch", "on_call", "on"]).starts_with("on_call is on until "));
    assert_eq!(
        home.told(&["forget", "+41791234567", "-y"]),
        "forgot +41791234567: 1 call, 0 notes\nexit 0\n"
    );
    drop(program);
    let told = home.told(&["switch", "on_call", "on"]);
    assert!(
        told.contains("its journal is kept in memory: there is nowhere to note it")
            && told.ends_with("exit 2\n"),
        "{told}"
    );
}

#[test]
fn a_row_that_was_changed_by_hand_is_named_and_the_rest_is_told() {
    let home = Home::with_calls();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    journal.execute_batch("UPDATE calls SET status = 99999 WHERE number = 4").unwrap();
    let damaged = "damaged: 1 record of the journal ringfence.db cannot be read, the first: row 4 of calls: `status` is 99999\n\
                   hint: what is told is told without them; a backup may have them\n";
    for (arguments, rest) in [
        (&["calls"][..], "+41445556677 → home  rang"),
        (&["calls", "-n", "1"], "+41445556677 → home  rang"),
        (&["why", "last"], "+41445556677"),
        (&["replay"], "your last 3 calls"),
    ] {
        let told = home.told(arguments);
        assert!(told.contains(damaged) && told.contains(rest), "{told}");
    }
    journal.execute_batch("ALTER TABLE calls DROP COLUMN reason").unwrap();
    for arguments in [&["calls"][..], &["why", "last"], &["replay"]] {
        let told = home.told(arguments);
        let expected = "error: the journal ringfence.db is damaged: no such column: reason\n";
        assert!(told.contains(expected), "{told}");
        assert!(told.contains("hint: stop the program, move "), "{told}");
    }
}

#[test]
fn whoever_follows_calls_as_text_is_told_which_of_them_ended() {
    let (mut exchange, _program) = Exchange::new(CONFIGURATION);
    let mut command = exchange.home.command(&["calls", "--follow"]);
    let mut following = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(following.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    // It follows from then on that it shows the first, which may have been over before it began.
    exchange.call("+41225556666");
    lines.find(|line| line.contains("+41225556666")).unwrap();
    for caller in ["+41225556677", "+41225556688"] {
        exchange.call(caller);
        lines.find(|line| line.contains(caller)).unwrap();
        let why = lines.next().unwrap();
        let (handle, _) = why.split_at_checked(8).unwrap();
        let is_end = |line: &String| line.contains('└') && line.starts_with(handle);
        let ended = lines.find(is_end).unwrap();
        assert_eq!(ended, format!("{handle}  └ the caller gave up with 487"));
    }
}
