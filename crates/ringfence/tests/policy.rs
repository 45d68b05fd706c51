//! What a policy does on the wire of the running program: look-ups that answer, hang or talk nonsense,
//! positions, state across a kill, and what the program refuses to run.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use bench::{Bench, PATIENCE, Program};
use ringfence_testing::{Binding, CallPlan, Outcome};

/// A bench whose policy is this, and the program that has registered with it.
fn running(policy: &str) -> (Bench, Program) {
    let mut bench = Bench::new();
    configure(&bench, policy);
    let program = bench.registered();
    (bench, program)
}

fn configure(bench: &Bench, policy: &str) {
    let head = String::from(
        "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\n\n[defaults]\nregion = \"CH\"\n",
    );
    let account = bench.account("home", "858", "hunter2");
    bench.write(
        "ringfence.toml",
        &format!("{head}deadline = \"300ms\"\non_error = \"decline\"\n{account}\n{policy}"),
    );
}

/// A policy that asks a program about each caller.
fn asking(bench: &Bench, script: &str, on_miss: &str) -> String {
    bench.write("ask", &format!("#!/bin/sh\n{script}\n"));
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(bench.path("ask"), permissions).unwrap();
    format!(
        "[list.bad]\nsource = \"lookup:exec:ask\"\n{on_miss}\n\
         [[rule]]\nid = \"bad\"\nwhen = {{ score = {{ list = \"bad\", at_least = 5 }} }}\nthen = \"busy\"\n\
         [[rule]]\nid = \"rest\"\nthen = \"unavailable\"\n"
    )
}

/// Calls 858 patiently, and returns the status of the refusal.
fn refused(bench: &mut Bench, caller: &str) -> Option<u16> {
    let id = bench.pbx.call(Instant::now(), CallPlan::new(caller, "858"));
    assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
    assert_eq!(bench.pbx.get(id).faults(), [""; 0]);
    bench.pbx.get(id).outcome().and_then(status)
}

fn status(outcome: &Outcome) -> Option<u16> {
    if let Outcome::Rejected { status, .. } = outcome { Some(*status) } else { None }
}

/// Waits until the journal has so many calls, and returns what it says of the newest.
fn newest(bench: &mut Bench, calls: usize) -> serde_json::Value {
    let told = |bench: &Bench| String::from_utf8(bench.ask(&["calls", "--json"]).stdout).unwrap();
    assert!(bench.play_until(PATIENCE, |bench| told(bench).lines().count() == calls), "{}", bench.log());
    serde_json::from_str(told(bench).lines().last().unwrap()).unwrap()
}

/// Answers every question with a score of 9 for numbers that end in 7.
const ANSWERING: &str = r#"while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
  case $line in *7\"*) score=9;; *) score=0;; esac
  printf '{"id":%s,"score":%s}\n' "$id" "$score"
done"#;

fn screened(script: &str, on_miss: &str, caller: &str) -> (Option<u16>, serde_json::Value) {
    let mut bench = Bench::new();
    let policy = asking(&bench, script, on_miss);
    configure(&bench, &policy);
    let _program = bench.registered();
    let status = refused(&mut bench, caller);
    (status, newest(&mut bench, 1))
}

#[test]
fn a_program_that_is_asked_decides() {
    let (status, call) = screened(ANSWERING, "", "+41441234567");
    assert_eq!((status, call["rule"].as_str()), (Some(486), Some("bad")), "{call}");
    let (status, call) = screened(ANSWERING, "", "+41441234568");
    assert_eq!((status, call["rule"].as_str()), (Some(480), Some("rest")), "{call}");
}

/// Answers every question with the same.
fn answering_all(answer: &str) -> String {
    ANSWERING
        .replace(r#"{"id":%s,"score":%s}"#, &format!(r#"{{"id":%s,{answer}}}"#))
        .replace(" \"$score\"", "")
}

#[test]
fn a_score_and_being_listed_are_kept_apart_in_the_journal() {
    let listed = "[[rule]]\nid = \"on-it\"\nwhen = { caller_in = \"bad\" }\nthen = \"decline\"\n";
    let scored =
        "[[rule]]\nid = \"scored\"\nwhen = { score = { list = \"bad\", at_least = 1 } }\nthen = \"busy\"\n";
    for (answer, rules, decides) in [
        (r#""score":9,"listed":false"#, [listed, scored], "scored"),
        (r#""score":0,"listed":true"#, [scored, listed], "on-it"),
    ] {
        let mut bench = Bench::new();
        let policy = asking(&bench, &answering_all(answer), "");
        configure(&bench, &policy.replacen("[[rule]]", &format!("{}[[rule]]", rules.concat()), 1));
        let _program = bench.registered();
        refused(&mut bench, "+41441234567");
        assert_eq!(newest(&mut bench, 1)["rule"], decides);
        let again = bench.ask(&["replay", "--fail-on-change"]);
        assert!(again.status.success(), "{answer}: {}", String::from_utf8_lossy(&again.stdout));
    }
}

#[test]
fn a_program_that_hangs_dies_or_talks_nonsense_ends_in_on_error_and_the_journal_says_why() {
    for script in ["sleep 60", "exit 1", "while read -r line; do echo nonsense; done"] {
        let mut bench = Bench::new();
        let policy = asking(&bench, script, "");
        configure(&bench, &policy);
        let _program = bench.registered();
        let status = refused(&mut bench, "+41441234567");
        let call = newest(&mut bench, 1);
        assert_eq!((status, call["rule"].as_str()), (Some(603), Some("on_error")), "{script}: {call}");
        assert!(call["reason"].as_str().unwrap().contains("no answer of bad"), "{script}: {call}");
        assert_why_names_the_rule(&bench);
    }
}

/// Checks that the trace of the newest call marks the rule whose look-up did not answer, and no other as what decided.
fn assert_why_names_the_rule(bench: &Bench) {
    let told = String::from_utf8(bench.ask(&["why", "last"]).stdout).unwrap();
    assert!(told.contains(" rule 1  bad   -> ?      no answer of bad: on_error\n"), "{told}");
    assert!(told.contains(" rule 2  rest     (yes)  always\n"), "{told}");
    let json = bench.json(&["why", "last", "--json"]);
    assert_eq!(json["trace"]["rules"][0]["verdict"], "unanswered", "{json}");
}

/// Listens as what is no service does: it says this to whoever connects and hangs, or without words hangs up.
fn no_service(words: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for connection in listener.incoming().map_while(Result::ok) {
            if let Some(words) = words {
                let _ = (&connection).write_all(words.as_bytes());
                open.push(connection);
            }
        }
    });
    port
}

#[test]
fn a_service_that_hangs_or_is_none_ends_in_on_error_and_the_journal_says_why() {
    for (words, keys, expected) in [
        (Some(""), "private = true", "no whole answer within"),
        (Some("SSH-2.0-none\r\n"), "private = true", "no connection"),
        (None, "private = true", "no connection"),
        (Some(""), "", "is in a private network"),
    ] {
        let mut bench = Bench::new();
        let source = format!("lookup:https://127.0.0.1:{}/who\"\n{keys}\n", no_service(words));
        let policy = asking(&bench, "", "").replace("lookup:exec:ask\"", &source);
        configure(&bench, &policy);
        let _program = bench.registered();
        let began = Instant::now();
        assert_eq!(refused(&mut bench, "+41441234567"), Some(603), "{words:?}");
        assert!(began.elapsed() < PATIENCE / 2, "{words:?}");
        let call = newest(&mut bench, 1);
        assert_eq!(call["rule"].as_str(), Some("on_error"), "{call}");
        let reason = call["reason"].as_str().unwrap();
        assert!(reason.contains("no answer of bad") && reason.contains(expected), "{words:?}: {reason}");
        assert_why_names_the_rule(&bench);
    }
}

#[test]
fn a_list_may_say_what_counts_when_nobody_answers() {
    let (status, _) = screened("sleep 60", "on_miss = \"no_match\"", "+41441234567");
    assert_eq!(status, Some(480));
    let (status, _) = screened("sleep 60", "on_miss = \"match\"", "+41441234567");
    assert_eq!(status, Some(486));
}

#[test]
fn what_hangs_delays_a_call_by_the_deadline_and_no_more() {
    let mut bench = Bench::new();
    let policy = asking(&bench, "sleep 60", "");
    configure(&bench, &policy);
    let _program = bench.registered();
    let began = Instant::now();
    assert_eq!(refused(&mut bench, "+41441234567"), Some(603));
    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
}

#[test]
fn a_phone_among_others_stands_aside_or_captures() {
    let line = "[line.home]\nposition = \"parallel\"\ncapture = 603\n";
    let (mut bench, _program) = running(&format!("{line}[list.reject]\nentries = [\"+4179*\"]\n"));
    assert_eq!(refused(&mut bench, "0791234567"), Some(603));
    let began = Instant::now();
    assert_eq!(refused(&mut bench, "+41441234567"), Some(480));
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(newest(&mut bench, 2)["verdict"]["action"], "stand_aside");
}

#[test]
fn a_phone_before_the_others_sends_wanted_calls_to_them() {
    let line = "[line.home]\nposition = \"first\"\nring = \"sip:desk@127.0.0.1\"\n";
    let (mut bench, _program) = running(&format!("{line}[list.reject]\nentries = [\"+4179*\"]\n"));
    assert_eq!(refused(&mut bench, "0791234567"), Some(486));
    bench.call("+41441234567");
    assert_eq!(newest(&mut bench, 2)["verdict"]["to"], "sip:desk@127.0.0.1");
}

#[test]
fn the_third_call_within_minutes_is_known_across_a_kill() {
    let rules = "[[rule]]\nid = \"third\"\nwhen = { repeat = { count = 3, within = \"10m\" } }\nthen = \"unavailable\"\n\
                 [[rule]]\nid = \"rest\"\nthen = \"busy\"\n";
    let (mut bench, mut program) = running(rules);
    assert_eq!(refused(&mut bench, "+41441234567"), Some(486));
    assert_eq!(refused(&mut bench, "+41441234567"), Some(486));
    let is_written =
        |bench: &Bench| String::from_utf8_lossy(&bench.ask(&["calls", "--json"]).stdout).lines().count() == 2;
    assert!(bench.play_until(PATIENCE, is_written), "{}", bench.log());
    // The journal writes every quarter of a second.
    bench.play_until(Duration::from_secs(1), |_| false);
    program.0.kill().unwrap();
    program.0.wait().unwrap();
    let _again = bench.start();
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("registered line")), "{}", bench.log());
    assert_eq!(refused(&mut bench, "+41441234567"), Some(480), "{}", bench.log());
}

#[test]
fn the_reason_of_a_rule_that_adds_to_a_list_is_what_held_before_it_did() {
    let rules = "[list.cooldown]\n\
                 [[rule]]\nid = \"insists\"\nthen = \"decline\"\nadd_to = { list = \"cooldown\", ttl = \"1h\" }\n\
                 when = { repeat = { count = 3, within = \"1m\" }, caller_kind = \"number\", not = { caller_in = \"cooldown\" } }\n\
                 [[rule]]\nid = \"rest\"\nthen = \"busy\"\n";
    let (mut bench, _program) = running(rules);
    let statuses = [(); 4].map(|()| refused(&mut bench, "+41441234567"));
    assert_eq!(statuses, [Some(486), Some(486), Some(603), Some(486)]);
    newest(&mut bench, 4);
    let told = String::from_utf8(bench.ask(&["calls", "--json"]).stdout).unwrap();
    let call: serde_json::Value = serde_json::from_str(told.lines().nth(2).unwrap()).unwrap();
    let reason = call["reason"].as_str().unwrap();
    assert_eq!(call["rule"], "insists", "{call}");
    assert!(reason.contains("not caller_in cooldown") && !reason.contains("but "), "{reason}");
}

#[test]
fn a_treatment_that_needs_audio_is_not_run() {
    let bench = Bench::new();
    let rules = "[[rule]]\nid = \"all\"\nthen = { answer = { play = \"sorry.wav\", max_seconds = 9 } }\n";
    configure(&bench, rules);
    let output = bench.ask(&["run"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("the line `home` can reach") && told.contains("audio"), "{told}");
    assert!(bench.ask(&["check"]).status.success());
}

/// A policy under which the line `office` can reach an announcement, and `home` cannot.
const ANNOUNCING: &str = "[[rule]]\nid = \"sorry\"\nwhen = { line = \"office\" }\n\
     then = { answer = { play = \"sorry.wav\", max_seconds = 9 } }\n[[rule]]\nid = \"rest\"\nthen = \"busy\"\n";

#[test]
fn a_line_that_can_reach_a_treatment_that_needs_audio_is_refused_and_the_others_run() {
    let mut bench = Bench::new();
    configure(&bench, &(bench.account("office", "859", "hunter2") + ANNOUNCING));
    let _program = bench.registered();
    assert_eq!(refused(&mut bench, "+41441234567"), Some(486));
    let office = &bench.json(&["status", "--json"])["lines"][1];
    assert_eq!((&office["name"], &office["state"]), (&"office".into(), &"refused".into()));
    let cause = office["cause"].as_str().unwrap();
    assert!(cause.contains("by `sorry`") && cause.contains("audio"), "{cause}");
    assert_eq!(bench.ask(&["status"]).status.code(), Some(1));
    let log = bench.log();
    let line = log.lines().find(|line| line.contains("line refused")).unwrap();
    assert!(line.contains("ERROR") && line.contains("rule=\"sorry\"") && line.contains("hint="), "{line}");
    assert!(!bench.pbx.is_registered("859"));
}

#[test]
fn a_reload_refuses_the_line_that_can_reach_audio_and_starts_it_again_when_it_cannot() {
    let mut bench = Bench::new();
    let office = bench.account("office", "859", "hunter2");
    let harmless = "[[rule]]\nid = \"rest\"\nthen = \"busy\"\n";
    configure(&bench, &format!("{office}{harmless}"));
    let program = bench.registered();
    assert!(bench.play(|pbx| pbx.is_registered("859")), "{}", bench.log());
    configure(&bench, &format!("{office}{ANNOUNCING}"));
    program.signal("HUP");
    assert!(bench.play(|pbx| !pbx.is_registered("859")), "{}", bench.log());
    assert!(bench.pbx.is_registered("858"));
    configure(&bench, &format!("{office}{harmless}"));
    program.signal("HUP");
    assert!(bench.play(|pbx| pbx.is_registered("859")), "{}", bench.log());
}

#[test]
fn a_line_that_stays_refused_is_told_by_what_its_account_says_now() {
    let mut bench = Bench::new();
    configure(&bench, &(bench.account("office", "859", "hunter2") + ANNOUNCING));
    let program = bench.registered();
    configure(&bench, &(bench.account("office", "860", "hunter2") + ANNOUNCING));
    program.signal("HUP");
    let is_told = |bench: &Bench| {
        let office = &bench.json(&["status", "--json"])["lines"][1];
        office["state"] == "refused" && office["address"].as_str().unwrap().starts_with("sip:860@")
    };
    assert!(bench.play_until(PATIENCE, is_told), "{}", bench.log());
}

#[test]
fn a_reload_that_fails_logs_where_and_nobodys_number() {
    let (mut bench, program) = running("[list.reject]\nentries = [\"+4179*\"]\n");
    configure(&bench, "[list.reject]\nentries = [\"+4179*\", \"+41 79 123 45 67 x\"]\n");
    program.signal("HUP");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("reload failed")), "{}", bench.log());
    let log = bench.log();
    assert!(log.contains("ringfence.toml:") && log.contains("ringfence check"), "{log}");
    assert!(!log.contains("123 45 67") && !log.contains("1234567"), "{log}");
    let told = String::from_utf8(bench.ask(&["check"]).stderr).unwrap();
    assert!(told.contains("+41 79 123 45 67 x"), "{told}");
}

#[test]
fn a_policy_whose_test_fails_is_not_taken_up() {
    let test = "[[test]]\ncall = { caller = \"+41791234567\" }\nexpect = { rule = \"listed\" }\n";
    let (mut bench, program) = running(&format!("[list.reject]\nentries = [\"+4179*\"]\n{test}"));
    configure(&bench, &format!("[list.reject]\nentries = [\"+4178*\"]\n{test}"));
    program.signal("HUP");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("reload failed")), "{}", bench.log());
    assert!(bench.log().contains("test 1 fails"), "{}", bench.log());
    assert_eq!(refused(&mut bench, "0791234567"), Some(486));
}

#[test]
fn privacy_that_is_not_about_who_calls_hides_nobody() {
    let rules = "[[rule]]\nid = \"withheld\"\nwhen = { caller_kind = \"anonymous\" }\nthen = { reject = { code = 433 } }\n\
                 [[rule]]\nid = \"rest\"\nthen = \"busy\"\n";
    let (mut bench, _program) = running(rules);
    let mut asking = |privacy: &str| {
        let privacy = Some(privacy.to_owned());
        let plan = CallPlan { privacy, ..CallPlan::new("+41441234567", "858") };
        let id = bench.pbx.call(Instant::now(), plan);
        assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
        bench.pbx.get(id).outcome().and_then(status)
    };
    assert_eq!(["id", "user;critical"].map(&mut asking), [Some(433); 2]);
    assert_eq!(["history", "session", "header;critical", "none"].map(&mut asking), [Some(486); 4]);
}

#[test]
fn a_number_that_failed_to_be_verified_has_no_attestation() {
    let rules = "[[rule]]\nid = \"vouched\"\nwhen = { attestation = \"A\" }\nthen = \"decline\"\n\
                 [[rule]]\nid = \"rest\"\nthen = \"busy\"\n";
    let (mut bench, _program) = running(rules);
    let mut verified = |verstat: &str| {
        let asserted = Some(format!("sip:+41441234567;verstat={verstat}@127.0.0.1"));
        let headers = vec![("X-Attestation-Info".to_owned(), "A".to_owned())];
        let plan = CallPlan { asserted, headers, ..CallPlan::new("+41441234567", "858") };
        let id = bench.pbx.call(Instant::now(), plan);
        assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
        bench.pbx.get(id).outcome().and_then(status)
    };
    assert_eq!(verified("TN-Validation-Passed"), Some(603));
    assert_eq!(["TN-Validation-Failed", "No-TN-Validation"].map(&mut verified), [Some(486); 2]);
}

#[test]
fn what_was_verified_of_another_number_than_the_callers_says_nothing_of_the_caller() {
    let rules = "[[rule]]\nid = \"verified\"\nwhen = { verification = \"passed\" }\nthen = \"decline\"\n\
                 [[rule]]\nid = \"rest\"\nthen = \"busy\"\n";
    let (mut bench, _program) = running(rules);
    let mut asserted = |first: &str, other: &str| {
        let passed = format!("<tel:{other};verstat=TN-Validation-Passed-A>");
        let headers = vec![("P-Asserted-Identity".to_owned(), passed)];
        let asserted = Some(format!("sip:{first}@127.0.0.1"));
        let plan = CallPlan { asserted, headers, ..CallPlan::new("+41441234567", "858") };
        let id = bench.pbx.call(Instant::now(), plan);
        assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
        bench.pbx.get(id).outcome().and_then(status)
    };
    assert_eq!(asserted("+442079460123", "+442079460177"), Some(486));
    assert_eq!(asserted("+442079460123", "+44-20-7946-0123"), Some(603));
    assert_eq!(asserted("anna", "+442079460177"), Some(603));
}

#[test]
fn every_example_that_is_shipped_can_be_run() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/policies");
    let mut ran = 0;
    for example in std::fs::read_dir(examples).unwrap() {
        let text = std::fs::read_to_string(example.unwrap().path()).unwrap();
        // A peer is known by its address, which only its owner knows.
        let text = text.replace("sbc.internal.example", "127.0.0.1");
        let mut bench = Bench::new();
        let account = text.lines().find_map(|line| line.strip_prefix("account")).unwrap();
        let account = account.trim_start_matches([' ', '=']).split('"').nth(1).unwrap().to_owned();
        let head = "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\n";
        let account = bench.account(&account, "858", "hunter2");
        bench.write("ringfence.toml", &format!("{text}\n{head}{account}"));
        let _program = bench.registered();
        ran += 1;
    }
    assert_eq!(ran, 6);
}

#[test]
fn a_source_that_is_spoilt_leaves_the_last_good_rows_in_force() {
    for (source, rows, spoilt) in [
        ("csv:bad.csv", "number,name\n+41441234567,Pest\n", "nothing that is a list\n"),
        ("text:bad.txt", "044 123 45 67\n", "<html>not found, sorry</html>\n"),
    ] {
        spoil(source, "", rows, spoilt);
        // And beside a source on a server, which is not there.
        spoil(source, "\"https://127.0.0.1:1/numbers.txt\"", rows, spoilt);
    }
}

/// Runs with a source of one listed caller, and spoils it.
fn spoil(source: &str, beside: &str, rows: &str, spoilt: &str) {
    let mut bench = Bench::new();
    let (_, file) = source.split_once(':').unwrap();
    bench.write(file, rows);
    configure(&bench, &format!("[list.reject]\nsource = [\"{source}\", {beside}]\nprivate = true\n"));
    let _program = bench.registered();
    assert_eq!(refused(&mut bench, "+41441234567"), Some(486));
    bench.write(file, spoilt);
    assert!(
        bench.play_until(PATIENCE, |bench| bench.log().contains("list kept as it was")),
        "{}",
        bench.log()
    );
    assert_eq!(refused(&mut bench, "+41441234567"), Some(486));
    let status = String::from_utf8(bench.ask(&["status"]).stdout).unwrap();
    assert!(status.contains("kept as it was: reject ("), "{status}");
}

#[test]
fn whoever_looks_something_up_starts_no_program_that_is_asked() {
    let bench = Bench::new();
    let started = bench.path("started");
    let script = format!(": >'{}'\n{ANSWERING}", started.display());
    let fetched = "[list.fetched]\nsource = \"https://lists.example/numbers.txt\"\n";
    configure(&bench, &format!("{fetched}{}", asking(&bench, &script, "")));
    let told = bench.ask(&["why", "+41441234567"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(!started.exists());
}

#[test]
fn a_call_for_a_line_that_is_not_started_meets_no_other_lines_rules() {
    let mut bench = Bench::new();
    configure(&bench, &(bench.account("office", "859", "hunter2") + ANNOUNCING));
    let _program = bench.registered();
    // A trunk sends both lines' calls here, whatever is registered.
    let known = bench.pbx.bindings("858")[0].clone();
    let contact = format!("sip:859@{}", known.source);
    bench.pbx.add_binding("859", Binding { contact, ..known });
    let id = bench.pbx.call(Instant::now(), CallPlan::new("+41321112233", "859"));
    assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
    assert_eq!(bench.pbx.get(id).outcome().and_then(status), Some(480), "{}", bench.log());
    let call = newest(&mut bench, 1);
    assert_eq!((&call["line"], &call["rule"]), (&"office".into(), &"undecided".into()), "{call}");
    assert!(call["reason"].as_str().unwrap().starts_with("the line is not started: it can reach"), "{call}");
}
