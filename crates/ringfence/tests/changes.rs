//! Changes of the lists and what becomes of them: those that a test of the policy forbids, entries that the
//! journal keeps, a decision that was wrong under an earlier policy, a number on several lines.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::time::Instant;

use bench::{Bench, PATIENCE, Program};
use ringfence_testing::{CallPlan, Outcome};
use serde_json::Value;

/// Nobody but Anna rings, whom a test protects; whoever calls at the desk is a robot for an hour.
const POLICY: &str = r#"
[line.home]
[list.reject]
entries = ["+4179*", "+41441112233"]
[list.allow]
entries = ["+41441234567"]
[list.robots]

[[rule]]
id   = "robot"
when = { caller_in = "robots" }
then = "decline"
[[rule]]
id   = "allowed"
when = { caller_in = "allow" }
then = "ring"
[[rule]]
id     = "trap"
when   = { caller = ["+41225556677"] }
then   = "busy"
add_to = { list = "robots", ttl = "1h" }
[[rule]]
id   = "listed"
when = { caller_in = "reject" }
then = "busy"
[[rule]]
id   = "otherwise"
then = "unavailable"

[[test]]
call   = { caller = "0791234567" }
expect = { rule = "listed", then = "busy" }
[[test]]
call   = { caller = "0441234567" }
expect = { rule = "allowed" }
[[test]]
call   = { caller = "0319998877" }
expect = { rule = "otherwise" }
"#;

const REST: &str = "[[rule]]\nid = \"rest\"\nthen = \"ring\"\n";

fn refused(bench: &mut Bench, caller: &str) {
    let recorded = |bench: &Bench| bench.rows(&["calls", "--json"]).len();
    let before = recorded(bench);
    let id = bench.pbx.call(Instant::now(), CallPlan::new(caller, "858"));
    assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
    assert!(bench.play_until(PATIENCE, |bench| recorded(bench) > before), "{}", bench.log());
}

/// Ends the program when its journal is written.
fn end(bench: &Bench, program: Program) {
    assert!(bench.told(&["calls"]).contains("  c1  "));
    drop(program);
}

fn written(bench: &Bench) -> String {
    std::fs::read_to_string(bench.path("ringfence.toml")).unwrap()
}

#[test]
fn a_change_that_breaks_a_test_of_the_policy_says_which_and_changes_nothing() {
    let bench = Bench::configured(POLICY);
    bench.write("more.txt", "+4131*\n");
    let before = written(&bench);
    for (arguments, expected) in [
        (&["block", "0319998877"][..], "test 3 fails: expected otherwise, got listed"),
        (&["block", "0319998877", "--for", "2h"], "test 3 fails: expected otherwise, got listed"),
        (&["allow", "0791234567"], "test 1 fails: expected listed → busy, got allowed → ring"),
        (&["remove", "0441234567"], "test 2 fails: expected allowed, got otherwise"),
        (&["list", "import", "more.txt", "--to", "reject"], "test 3 fails: expected otherwise, got listed"),
    ] {
        let told = bench.told(arguments);
        assert!(told.contains("ringfence.toml:") && told.contains(expected), "{arguments:?}: {told}");
        assert!(told.contains("not changed: ") && told.ends_with("exit 1\n"), "{arguments:?}: {told}");
        assert_eq!(written(&bench), before, "{arguments:?}");
    }
}

#[test]
fn a_file_that_a_refused_change_made_is_gone_again() {
    let policy = POLICY.replace("[list.allow]\n", "[list.allow]\nfiles = [\"people.txt\"]\n");
    let bench = Bench::configured(&policy);
    bench.write("people.txt", "+41441234567\n");
    let told = bench.told(&["remove", "0441234567"]);
    assert!(told.ends_with("exit 1\n"), "{told}");
    assert_eq!(std::fs::read_to_string(bench.path("people.txt")).unwrap(), "+41441234567\n");
}

#[test]
fn a_change_that_the_running_program_does_not_take_up_says_why() {
    let (bench, _program) = Bench::running(POLICY);
    bench
        .write("ringfence.toml", &written(&bench).replace("[line.home]", "[line.home]\nringtone = \"soft\""));
    let told = bench.told(&["block", "0781112233"]);
    assert!(told.starts_with("blocked +41781112233 in ringfence.toml\n"), "{told}");
    let why = "not in force: the running program decides by the lists it had: ringfence.toml:";
    assert!(told.contains(why) && told.contains("unknown key `ringtone`"), "{told}");
    assert!(told.ends_with("hint: `ringfence check` shows all errors\nexit 1\n"), "{told}");
}

#[test]
fn a_change_of_a_list_whose_source_is_gone_is_in_force_beside_the_last_good_rows() {
    let policy = POLICY.replace("[list.reject]\n", "[list.reject]\nsource = \"spam.csv\"\n");
    let mut bench = Bench::configured(&policy);
    bench.write("spam.csv", "number\n0781112200\n0781112201\n");
    let _program = bench.registered();
    std::fs::remove_file(bench.path("spam.csv")).unwrap();
    // As many as the file had, and more.
    for number in ["0781112233", "0781112234", "0781112235"] {
        let blocked = bench.told(&["block", number]);
        assert!(blocked.ends_with("exit 0\n"), "{blocked}");
        let status = bench.told(&["status"]);
        assert!(status.contains("kept as it was: reject ("), "{status}");
    }
    for number in ["+41781112200", "+41781112201", "+41781112233", "+41781112235"] {
        let id = bench.pbx.call(Instant::now(), CallPlan::new(number, "858"));
        assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
        let outcome = bench.pbx.get(id).outcome();
        assert!(matches!(outcome, Some(Outcome::Rejected { .. })), "{number}: {outcome:?}");
    }
    bench.write("spam.csv", "number\n0781112200\n");
    let reloaded = bench.told(&["reload"]);
    assert!(!reloaded.contains("kept as it was"), "{reloaded}");
}

#[test]
fn a_change_of_another_configuration_than_that_of_the_running_program_is_told_to_leave_it_alone() {
    let (bench, _program) = Bench::running(POLICY);
    bench.write("other.toml", &written(&bench));
    let told = bench.told(&["block", "0781112233", "--config", "other.toml"]);
    assert!(told.starts_with("blocked +41781112233 in other.toml\n"), "{told}");
    assert!(
        told.ends_with("hint: the running program has another configuration: ringfence status\nexit 0\n"),
        "{told}"
    );
}

#[test]
fn what_a_rule_put_on_a_list_is_shown_with_its_end_and_removed_under_a_running_program() {
    let (mut bench, _program) = Bench::running(POLICY);
    refused(&mut bench, "+41225556677");
    let listed = bench.told(&["list", "robots"]);
    let header = listed.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(header, ["LIST", "ENTRY", "WRITTEN", "AS", "WHERE", "UNTIL", "COMMENT"]);
    assert!(listed.contains("robots  +41225556677") && listed.contains("by rule trap"), "{listed}");
    let row = &bench.rows(&["list", "robots", "--json"])[0];
    assert_eq!((&row["pattern"], &row["rule"]), (&"+41225556677".into(), &"trap".into()));
    assert!(row["until"].is_string() && row["added"].is_string() && row["file"].is_null(), "{row}");
    let removed = bench.told(&["remove", "022 555 66 77"]);
    let expected = "removed +41225556677 from the robots list (journal, put there by rule trap)\nexit 0\n";
    assert_eq!(removed, expected);
    assert_eq!(bench.told(&["list", "robots"]), "no entries\nexit 0\n");
    refused(&mut bench, "+41225556677");
    assert_eq!(bench.rows(&["calls", "--json", "-n", "1"])[0]["rule"], "trap");
}

#[test]
fn what_a_rule_put_on_a_list_is_removed_without_a_running_program_and_was_there_until_then() {
    let (mut bench, program) = Bench::running(POLICY);
    refused(&mut bench, "+41225556677");
    refused(&mut bench, "+41225556677");
    assert_eq!(bench.rows(&["calls", "--json", "-n", "1"])[0]["rule"], "robot");
    end(&bench, program);
    assert!(bench.told(&["remove", "+41225556677"]).ends_with("exit 0\n"));
    assert_eq!(bench.told(&["list", "robots"]), "no entries\nexit 0\n");
    let told = bench.told(&["replay", "--fail-on-change"]);
    assert!(told.ends_with("exit 0\n"), "{told}");
}

#[test]
fn a_call_that_the_policy_of_now_decides_otherwise_has_nothing_to_mend() {
    let (mut bench, program) = Bench::running(POLICY);
    refused(&mut bench, "+41441112233");
    end(&bench, program);
    assert!(bench.told(&["remove", "+41441112233"]).ends_with("exit 0\n"));
    let rung = written(&bench).replace("then = \"unavailable\"", "then = \"ring\"");
    bench.write("ringfence.toml", &rung);
    let mended = bench.told(&["was-wrong", "last", "--yes"]);
    let expected =
        "the policy has changed since c1, and the one in force would let it through: nothing to mend\n";
    assert!(mended.starts_with(expected) && mended.ends_with("exit 1\n"), "{mended}");
    assert_eq!(written(&bench), rung);
    let row = &bench.rows(&["was-wrong", "last", "--json"])[0];
    assert_eq!((&row["policy_has_changed"], &row["remedy"]), (&true.into(), &Value::Null));
}

#[test]
fn a_remedy_under_another_policy_than_that_of_then_is_told_to_be_one() {
    let (mut bench, program) = Bench::running(POLICY);
    refused(&mut bench, "+41441112233");
    end(&bench, program);
    let told_now = bench.told(&["was-wrong", "last", "--json"]);
    assert!(told_now.contains("\"policy_has_changed\":false"), "{told_now}");
    let moved = written(&bench)
        .replace(", \"+41441112233\"]", "]\n[list.pests]\nentries = [\"+41441112233\"]")
        .replace("caller_in = \"reject\"", "caller_in = [\"reject\", \"pests\"]");
    bench.write("ringfence.toml", &moved.replace("then = \"unavailable\"", "then = \"ring\""));
    let mended = bench.told(&["was-wrong", "last", "--yes"]);
    assert!(mended.contains("the policy has changed since then: the proposal is about"), "{mended}");
    assert!(mended.contains("take +41441112233 off the list pests (ringfence.toml:"), "{mended}");
    assert!(!written(&bench).contains("+41441112233"), "{mended}");
}

#[test]
fn a_remedy_is_tried_with_the_compiled_part_of_its_list() {
    let policy = POLICY.replace("[list.reject]\n", "[list.reject]\nsource = \"set:spam.set\"\n");
    let policy = policy.replace("then = \"unavailable\"", "then = \"ring\"").replace("\"+4179*\", ", "");
    let policy = policy.split("[[test]]").next().unwrap();
    let mut bench = Bench::configured(policy);
    let compile = ["list", "compile", "spam.txt", "-o", "spam.set", "--region", "CH"];
    bench.write("spam.txt", "+41791234567\n+41791234568\n");
    assert!(bench.told(&compile).ends_with("exit 0\n"), "{}", bench.told(&compile));
    let _program = bench.registered();
    for caller in ["+41791234567", "+41791234568", "+41441112233"] {
        refused(&mut bench, caller);
    }
    assert!(bench.play_until(PATIENCE, |bench| bench.rows(&["calls", "--json"]).len() == 3));
    let proposed = bench.told(&["was-wrong", "last", "--json"]);
    assert!(proposed.contains("\"different\":1"), "{proposed}");
}

#[test]
fn what_a_rule_writes_itself_counts_for_no_list() {
    let (mut bench, _program) = Bench::running(POLICY);
    refused(&mut bench, "+41225556677");
    assert_eq!(bench.rows(&["calls", "--json"])[0]["entry"], "+41225556677");
    let stats = &bench.rows(&["stats", "--json"])[0];
    assert_eq!((&stats["lists"], &stats["rules"]["trap"]["reject"]), (&serde_json::json!({}), &1.into()));
    assert!(!bench.told(&["stats"]).contains("LIST"));
}

#[test]
fn a_number_is_asked_about_on_the_lines_of_the_configuration() {
    let bench = Bench::new();
    let accounts = bench.account("home", "858", "hunter2") + &bench.account("office", "859", "hunter2");
    let rule = |line: &str, then: &str| {
        format!("[[rule]]\nid = \"{line}\"\nwhen = {{ line = \"{line}\" }}\nthen = \"{then}\"\n")
    };
    bench.configure(&accounts, &(rule("home", "busy") + &rule("office", "decline") + REST));
    let decides = |arguments: &[&str]| {
        let told = bench.rows(&[&["why", "0791234567", "--json"], arguments].concat());
        told[0]["trace"]["decided_by"].as_str().unwrap().to_owned()
    };
    assert_eq!([decides(&[]), decides(&["--line", "office"])], ["home", "office"]);
    let first = bench.told(&["why", "0791234567"]);
    assert!(first.contains("it may be otherwise on office: --line NAME tells"), "{first}");
    let wrong = bench.told(&["why", "0791234567", "--line", "ofice"]);
    assert!(
        wrong.contains("expected a line, found \"ofice\"\nhint: the lines are: home, office\n"),
        "{wrong}"
    );
    assert!(wrong.ends_with("exit 2\n"), "{wrong}");
}

#[test]
fn a_rule_puts_a_withheld_number_on_a_list_that_does_not_show_it() {
    let (mut bench, _program) = Bench::running(POLICY);
    let plan = CallPlan {
        asserted: Some("+41225556677".to_owned()),
        privacy: Some("id".to_owned()),
        ..CallPlan::new("anonymous", "858")
    };
    let id = bench.pbx.call(Instant::now(), plan);
    assert!(bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", bench.log());
    // It is written down a moment after it is answered.
    let is_written = |bench: &Bench| !bench.rows(&["calls", "--json"]).is_empty();
    assert!(bench.play_until(bench::PATIENCE, is_written), "{}", bench.log());
    let call = &bench.rows(&["calls", "--json"])[0];
    assert_eq!((&call["caller"], &call["rule"]), (&"anonymous".into(), &"trap".into()));
    assert!(!call.to_string().contains("5556677"), "{call}");
    let listed = bench.told(&["list", "robots"]);
    assert!(listed.contains("robots  withheld") && !listed.contains("5556677"), "{listed}");
    assert!(bench.told(&["list", "robots", "--withheld"]).contains("+41225556677"));
}

/// As long as no name is shown whole, and different at their ends only.
fn namesakes() -> [String; 2] {
    ["one", "other"].map(|end| format!("{}{end}", "survey-".repeat(10)))
}

fn rules(bench: &Bench) -> Vec<Value> {
    bench.rows(&["calls", "--json"]).iter().map(|call| call["rule"].clone()).collect()
}

#[test]
fn names_that_differ_where_none_is_shown_are_two_callers() {
    let [one, other] = namesakes();
    let (mut bench, _program) = Bench::running(&POLICY.replace("+41225556677", &format!("sip:{one}")));
    for caller in [&one, &other, &one] {
        refused(&mut bench, caller);
    }
    // What was put on the list is the one alone.
    assert_eq!(rules(&bench), ["trap", "otherwise", "robot"]);
    let forgotten = bench.told(&["forget", &other, "--yes"]);
    assert!(forgotten.contains("1 call, 0 notes") && !forgotten.contains(&other), "{forgotten}");
    assert_eq!(rules(&bench), ["trap", "robot"]);
}

#[test]
fn what_is_put_on_a_list_for_a_wrong_decision_is_the_whole_name() {
    let [one, other] = namesakes();
    let (mut bench, _program) = Bench::running(POLICY);
    refused(&mut bench, &other);
    let mended = bench.told(&["was-wrong", "last", "--yes"]);
    assert!(mended.ends_with("exit 0\n"), "{mended}");
    assert!(written(&bench).contains(&format!("\"sip:{other}\"")), "{}", written(&bench));
    assert!(!written(&bench).contains(&one));
}

#[test]
fn a_name_that_no_entry_can_have_is_said_to_be_one() {
    let (mut bench, _program) = Bench::running(POLICY);
    refused(&mut bench, &"survey".repeat(50));
    let told = bench.told(&["was-wrong", "last", "--yes"]);
    let is_told = told.contains("\"surveysurvey") && told.contains("…\" cannot stand on a list");
    assert!(is_told && told.ends_with("exit 2\n"), "{told}");
}

#[test]
fn a_policy_that_only_writes_down_has_let_every_call_through() {
    let mut bench = Bench::configured(POLICY);
    let shadow = written(&bench).replace("[defaults]\n", "[defaults]\nmode = \"shadow\"\n");
    bench.write("ringfence.toml", &shadow);
    let _program = bench.registered();
    let id = bench.pbx.call(Instant::now(), CallPlan::new("+41790000000", "858"));
    assert!(bench.play(|pbx| pbx.get(id).statuses().contains(&180)), "{}", bench.log());
    assert!(bench.play_until(PATIENCE, |bench| !rules(bench).is_empty()), "{}", bench.log());
    let told = bench.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("shadow mode") && told.ends_with("exit 2\n"), "{told}");
}

#[test]
fn what_means_nearly_everybody_goes_on_no_list_without_a_yes() {
    let bench = Bench::configured(POLICY.split("[[test]]").next().unwrap());
    bench.write("all.txt", "+41212345678\n/./\n");
    let before = written(&bench);
    let refused = "hint: there is no terminal to ask on: --yes says it\nexit 2\n";
    for (arguments, what) in [
        (&["block", "+4*"][..], "+4* means most numbers behind 12 calling codes of 215: +41 (yours), +40"),
        (&["block", "/./", "--for", "2h"], "/./ means most numbers behind all 215 calling codes"),
        (&["allow", "+41*"], "+41* means most numbers behind 1 calling code of 215: +41 (yours)\n"),
        (&["list", "import", "all.txt", "--to", "reject"], "/./ means most numbers behind all 215"),
    ] {
        let told = bench.told(arguments);
        assert!(told.starts_with(what) && told.ends_with(refused), "{arguments:?}: {told}");
        assert_eq!(written(&bench), before, "{arguments:?}");
        let yes = bench.told(&[arguments, &["--yes"]].concat());
        assert!(yes.contains(what) && yes.ends_with("exit 0\n"), "{arguments:?}: {yes}");
        bench.write("ringfence.toml", &before);
    }
}

#[test]
fn what_means_everybody_and_is_no_pattern_says_how_to_refuse_everyone() {
    let bench = Bench::configured(POLICY);
    for everybody in ["*", "+*"] {
        let told = bench.told(&["block", everybody, "--yes"]);
        assert!(told.contains("hint: to refuse everyone, ") && told.ends_with("exit 2\n"), "{told}");
    }
}

#[test]
fn a_list_whose_file_is_gone_is_not_made_anew_with_one_entry() {
    let from_file =
        POLICY.replacen("entries = [\"+4179*\", \"+41441112233\"]", "files = [\"reject.txt\"]", 1);
    let bench = Bench::configured(&from_file);
    let told = bench.told(&["block", "044 555 66 77", "--yes"]);
    assert!(
        told.contains("reject.txt: it is gone: put it back, or make an empty one\n")
            && told.ends_with("exit 2\n"),
        "{told}"
    );
    assert!(!bench.path("reject.txt").exists());
}
