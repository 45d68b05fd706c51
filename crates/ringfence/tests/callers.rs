//! Callers with names, as the verbs take and show them: a name means one caller, however it looks.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::time::Instant;

use bench::{Bench, PATIENCE};
use ringfence_testing::{CallPlan, Outcome};

const POLICY: &str = r#"
[line.home]
[list.allow]
[list.reject]
[[rule]]
id   = "allowed"
when = { caller_in = "allow" }
then = "ring"
[[rule]]
id   = "listed"
when = { caller_in = "reject" }
then = "busy"
[[rule]]
id   = "otherwise"
then = "unavailable"
"#;

/// Calls, and waits until so many calls are written down.
fn call(bench: &mut Bench, plan: CallPlan, written: usize) -> Outcome {
    let id = bench.pbx.call(Instant::now(), plan);
    assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
    let is_written = |bench: &Bench| bench.rows(&["calls", "--json"]).len() == written;
    assert!(bench.play_until(PATIENCE, is_written), "{}", bench.log());
    bench.pbx.get(id).outcome().unwrap().clone()
}

/// A caller as an address names it: escapes stand for a space, quotes and a bell.
const SMITH: &str = "al%22ice%20o'smith%07";
/// Another one, who looks like that.
const OTHER: &str = "al%22ice%20o'smith%08";

#[test]
fn a_wrong_decision_about_a_name_is_mended_for_that_name_alone() {
    let (mut bench, _program) = Bench::running(POLICY);
    assert!(matches!(call(&mut bench, CallPlan::new(SMITH, "858"), 1), Outcome::Rejected { .. }));
    let mended = bench.told(&["was-wrong", "last", "--yes"]);
    let entry = "sip:al%22ice%20o%27smith%07";
    assert!(mended.contains(&format!("\nput {entry} on the list allow\n")), "{mended}");
    assert!(mended.ends_with("exit 0\n"), "{mended}");
    assert!(bench.told(&["allow", entry]).contains("is allowed already"));
    assert!(bench.told(&["reload"]).ends_with("exit 0\n"));
    let decided = |name: &str| {
        bench.rows(&["why", name, "--json"])[0]["trace"]["decided_by"].as_str().unwrap().to_owned()
    };
    assert_eq!([SMITH, OTHER].map(|name| decided(&format!("sip:{name}"))), ["allowed", "otherwise"]);
    assert_eq!(decided("al\"ice o'smith\u{7}"), "allowed");
}

#[test]
fn the_calls_of_a_name_are_found_and_forgotten_without_those_of_its_double() {
    let (mut bench, _program) = Bench::running(POLICY);
    call(&mut bench, CallPlan::new(SMITH, "858"), 1);
    call(&mut bench, CallPlan::new(OTHER, "858"), 2);
    let entry = format!("sip:{SMITH}");
    for name in [&entry, "al\"ice o'smith\u{7}"] {
        let calls = bench.rows(&["calls", "--json", "--caller", name]);
        assert_eq!(calls.len(), 1, "{name}");
        assert_eq!(calls[0]["evidence"]["identity"], "al\"ice o'smith\u{7}");
    }
    let forgotten = bench.told(&["forget", &entry, "--yes"]);
    assert_eq!(forgotten, "forgot \"al\\\"ice o'smith·\": 1 call, 0 notes\nexit 0\n");
    assert_eq!(bench.rows(&["calls", "--json"]).len(), 1);
}

#[test]
fn an_asserted_caller_is_one_of_a_remote_party_id_too_with_what_was_verified() {
    let mut bench = Bench::configured(POLICY);
    let account = bench.account("home", "858", "hunter2") + "caller = [\"asserted\", \"from\"]\n";
    bench.configure(&account, POLICY);
    let _program = bench.registered();
    let remote = "<sip:+442079460123@pbx.example>;party=calling;screen=yes".to_owned();
    let headers = vec![("Remote-Party-ID".to_owned(), remote)];
    call(&mut bench, CallPlan { headers, ..CallPlan::new("1001", "858") }, 1);
    assert_eq!(bench.rows(&["calls", "--json"])[0]["caller"], "+442079460123");
    let asserted = "<tel:+442079460124;verstat=TN-Validation-Passed-A>".to_owned();
    let headers = vec![("P-Asserted-Identity".to_owned(), asserted)];
    call(&mut bench, CallPlan { headers, ..CallPlan::new("1001", "858") }, 2);
    let calls = bench.rows(&["calls", "--json"]);
    let newest = calls.iter().find(|call| call["caller"] == "+442079460124").unwrap();
    assert_eq!(newest["evidence"]["facts"]["verification"], "passed", "{newest}");
}
