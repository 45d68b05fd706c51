//! The running program and those who ask it over its control socket, through the real binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use bench::{Bench, PATIENCE, Program};
use serde_json::Value;

const POLICY: &str = "[list.reject]\n[[rule]]\nid = \"all\"\nthen = \"busy\"\n";

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
