//! When a list is asked that somebody else keeps: where nothing else decides, and whatever the order in a condition.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod remembered;

use jiff::Timestamp;
use ringfence_policy::{Answer, Caller, Draft, Facts, File, ListSpec, Policy, Region, decide};

use remembered::Remembered;

const BEGINNING: &str = r#"
[defaults]
region = "CH"
on_error = "busy"

[line.a]
[line.b]

[list.bad]
source = "lookup:https://ask.example/v1"
entries = ["+41795555555"]

[list.family]
entries = ["+41791111111", "+41795555555"]

[list.friends]
entries = ["+41791111111"]

[[rule]]
id = "it"
then = "decline"
"#;

const END: &str = "\n[[rule]]\nid = \"else\"\nthen = \"ring\"\n";

/// Makes the policy of one rule with a condition.
fn policy(when: &str) -> Policy {
    let mut open = |_: &str, _: &str| unreachable!("nothing is included");
    let text = format!("{BEGINNING}when = {when}{END}");
    let (draft, found) = Draft::read(File::new("policy.toml", text), &mut open, &[]);
    draft.compile(ListSpec::inline).unwrap_or_else(|_| panic!("{found:?}"))
}

/// Decides a call on the line `a`, and returns the rule and whether the list was asked.
fn decided(when: &str, caller: &str, history: &Remembered) -> (String, bool) {
    let policy = policy(when);
    let region = Region::parse("CH").unwrap();
    let facts = Facts { history, ..Facts::new(&Caller::from_header(caller, "pbx.example"), "a", region) };
    let rule = decide(&policy, &facts, Timestamp::UNIX_EPOCH).rule_id().to_owned();
    let asked = history.asked.borrow().iter().any(|list| list == "bad");
    (rule, asked)
}

/// Returns what is told of the rule, and of the decision.
fn told(when: &str, caller: &str, history: &Remembered) -> [String; 2] {
    let policy = policy(when);
    let region = Region::parse("CH").unwrap();
    let facts = Facts { history, ..Facts::new(&Caller::from_header(caller, "pbx.example"), "a", region) };
    let why = policy.trace(&facts, Timestamp::UNIX_EPOCH).rules[0].why.clone();
    let decision = decide(&policy, &facts, Timestamp::UNIX_EPOCH);
    [why, decision.explain(&policy, &facts, Timestamp::UNIX_EPOCH).to_string()]
}

fn unanswered() -> Remembered {
    Remembered { unanswered: Some("bad".to_owned()), ..Remembered::default() }
}

fn listed() -> Remembered {
    let answers = vec![("bad".to_owned(), Answer { score: 9, is_listed: true })];
    Remembered { answers, ..Remembered::default() }
}

const STRANGER: &str = "+41792222222";
const FAMILY: &str = "+41791111111";

#[test]
fn a_list_is_not_asked_about_a_call_that_the_rest_of_the_condition_leaves_out() {
    for when in [
        r#"{ caller_in = "bad", line = "b" }"#,
        r#"{ score = { list = "bad", at_least = 5 }, line = "b" }"#,
        r#"{ not = { caller_in = "bad" }, all = [{ line = "b" }] }"#,
        r#"{ all = [{ any = [{ caller_in = "bad" }, { caller = "+33*" }] }, { line = "b" }] }"#,
        r#"{ not = { any = [{ caller_in = "bad" }, { line = "a" }] } }"#,
    ] {
        assert_eq!(decided(when, STRANGER, &unanswered()), ("else".to_owned(), false), "{when}");
    }
}

#[test]
fn a_list_is_not_asked_about_a_caller_whom_an_alternative_has_found() {
    for when in [
        r#"{ any = [{ caller_in = "bad" }, { caller_in = "family" }] }"#,
        r#"{ caller_in = ["bad", "family"] }"#,
        r#"{ any = [{ all = [{ caller_in = "bad" }, { line = "a" }] }, { caller_in = "family" }] }"#,
        r#"{ not = { all = [{ caller_in = "bad" }, { line = "b" }] } }"#,
    ] {
        assert_eq!(decided(when, FAMILY, &unanswered()), ("it".to_owned(), false), "{when}");
    }
}

#[test]
fn a_list_is_asked_where_the_rest_leaves_it_open() {
    for when in [
        r#"{ caller_in = "bad", line = "a" }"#,
        r#"{ any = [{ caller_in = "bad" }, { caller_in = "family" }] }"#,
        r#"{ caller_in = ["bad", "family"] }"#,
    ] {
        assert_eq!(decided(when, STRANGER, &listed()), ("it".to_owned(), true), "{when}");
        assert_eq!(decided(when, STRANGER, &unanswered()), ("on_error".to_owned(), true), "{when}");
    }
}

#[test]
fn a_condition_is_told_in_the_order_in_which_it_is_written() {
    let when = r#"{ caller_in = "bad", line = "a", caller = "+4179*" }"#;
    let [rule, decision] = told(when, STRANGER, &listed());
    assert_eq!(rule, "caller is +4179*, caller_in bad, line a, wanted a");
    assert_eq!(decision, "rejected with 603: rule it: caller is +4179*, caller_in bad, line a, wanted a");
    let [rule, _] =
        told(r#"{ any = [{ caller_in = "bad" }, { line = "b" }] }"#, STRANGER, &Remembered::default());
    assert_eq!(rule, "caller_in bad; line a, wanted b");
}

#[test]
fn what_is_told_to_decide_is_not_a_list_that_was_not_asked() {
    let [rule, _] = told(r#"{ caller_in = "bad", line = "b" }"#, STRANGER, &Remembered::default());
    assert_eq!(rule, "line a, wanted b");
    let when = r#"{ any = [{ not = { caller_in = "bad" } }, { line = "a" }] }"#;
    assert_eq!(told(when, STRANGER, &Remembered::default())[0], "line a, wanted a");
}

#[test]
fn the_list_that_is_told_is_the_last_that_is_written() {
    let both = "+41795555555";
    for (when, list) in [
        (r#"{ all = [{ caller_in = "bad" }, { caller_in = "family" }] }"#, "family"),
        (r#"{ all = [{ caller_in = "family" }, { caller_in = "bad" }] }"#, "bad"),
    ] {
        let [_, decision] = told(when, both, &Remembered::default());
        let beginning = format!("rejected with 603: +41795555555 is on the {list} list");
        assert!(decision.starts_with(&beginning), "{when}: {decision}");
    }
    let when = r#"{ any = [{ caller_in = "bad" }, { caller_in = "family" }, { caller_in = "friends" }] }"#;
    let [_, decision] = told(when, FAMILY, &Remembered::default());
    assert!(decision.starts_with("rejected with 603: +41791111111 is on the family list"), "{decision}");
    // As it is written, the first says nothing of a list that nobody asks, and the second was never needed.
    let when = r#"{ any = [{ not = { caller_in = "bad" } }, { caller_in = "family" }] }"#;
    let [_, decision] = told(when, FAMILY, &Remembered::default());
    assert!(decision.starts_with("rejected with 603: +41791111111 is on the family list"), "{decision}");
}
