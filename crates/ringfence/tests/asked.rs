//! The running program and those who ask it over its control socket, through the real binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use bench::{Bench, PATIENCE, Program};
use serde_json::Value;

const POLICY: &str = "[list.reject]\n[[rule]]\nid = \"all\"\nthen = \"busy\"\n";

/// Returns how often the configuration was read again.
fn reloads(bench: &Bench) -> usize {
    bench.log().lines().filter(|line| line.contains("reloaded")).count()
}

#[test]
fn a_change_that_is_told_and_noticed_is_taken_up_once() {
    let policy = POLICY.replace("[list.reject]\n", "[list.reject]\nfiles = [\"long.txt\"]\n");
    let mut bench = Bench::configured(&policy);
    // So long that the change is noticed before it is told.
    let numbers = (0..100_000).map(|number| format!("+4178{number:07}\n"));
    bench.write("long.txt", &numbers.collect::<String>());
    let _program = bench.registered();
    let before = reloads(&bench);
    assert!(bench.told(&["block", "+41791234567"]).ends_with("exit 0\n"), "{}", bench.log());
    // It waits for its turn behind whatever has noticed the change by now.
    assert!(bench.told(&["reload"]).ends_with("exit 0\n"));
    // A thread of its own writes the log.
    assert!(bench.play_until(PATIENCE, |bench| reloads(bench) >= before + 2), "{}", bench.log());
    assert_eq!(reloads(&bench), before + 2, "{}", bench.log());
}

#[test]
fn a_configuration_that_is_put_back_as_it_was_is_told_to_be_right_again() {
    let (mut bench, _program) = Bench::running(POLICY);
    let has_failed = |bench: &Bench| bench.json(&["status", "--json"])["configuration"]["failed"].is_object();
    let [file, aside] = ["ringfence.toml", "aside.toml"].map(|name| bench.path(name));
    let wrong = std::fs::read_to_string(&file).unwrap() + "[nonsense]\n";
    std::fs::rename(&file, &aside).unwrap();
    bench.write("ringfence.toml", &wrong);
    assert!(bench.play_until(PATIENCE, has_failed), "{}", bench.log());
    std::fs::rename(&aside, &file).unwrap();
    assert!(bench.play_until(PATIENCE, |bench| !has_failed(bench)), "{}", bench.log());
}

/// Ends the program, and returns its exit code.
fn ended(bench: &mut Bench, mut program: Program) -> Option<i32> {
    program.signal("TERM");
    assert!(bench.play(|pbx| !pbx.is_registered("858")), "{}", bench.log());
    program.0.wait().unwrap().code()
}

#[test]
fn a_switch_that_could_not_be_written_until_the_program_ends_is_told_to_be_lost() {
    let (mut bench, program) = Bench::running(&format!("{POLICY}[switch.on_call]\n"));
    let journal = rusqlite::Connection::open(bench.path("ringfence.db")).unwrap();
    journal.busy_timeout(PATIENCE).unwrap();
    journal.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(bench.told(&["switch", "on_call", "on"]).ends_with("exit 1\n"));
    assert_eq!(ended(&mut bench, program), Some(1), "{}", bench.log());
    journal.execute_batch("ROLLBACK").unwrap();
    let log = bench.log();
    let line = log.lines().find(|line| line.contains("ended before the journal could be written"));
    assert!(line.is_some_and(|line| line.contains("ERROR") && line.contains("lost=1")), "{log}");
}

#[test]
fn a_program_that_has_written_all_ends_well() {
    let (mut bench, program) = Bench::running(&format!("{POLICY}[switch.on_call]\n"));
    assert!(bench.told(&["switch", "on_call", "on"]).ends_with("exit 0\n"));
    assert_eq!(ended(&mut bench, program), Some(0), "{}", bench.log());
}

/// Writes a call down that came at a time of a clock that stood ahead, as an earlier run would have.
fn from_the_future(bench: &Bench) {
    let journal = rusqlite::Connection::open(bench.path("ringfence.db")).unwrap();
    journal.busy_timeout(PATIENCE).unwrap();
    let insert = "INSERT INTO calls (at, id, call_id, line, caller, source, verdict, status, rule, policy, decided_in, \
                  reason, facts) VALUES (?1, '0.1', '1@pbx', 'home', '+41311112233', '192.0.2.1:5060', 'reject', \
                  486, 'all', 'another', 12, 'for a reason', '{}')";
    journal.execute(insert, [4_102_444_800_000_000_i64]).unwrap();
}

#[test]
fn calls_are_followed_also_after_the_clock_was_set_back() {
    let (mut bench, _program) = Bench::running(POLICY);
    from_the_future(&bench);
    let mut command = bench.command(&["calls", "--follow", "--json"]);
    let mut following = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(following.0.stdout.take().unwrap()).lines();
    let mut told = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(told.next().unwrap()["caller"], "+41311112233");
    bench.call("+41791234567");
    assert_eq!(told.next().unwrap()["caller"], "+41791234567");
}
