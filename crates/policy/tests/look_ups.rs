//! When a list is asked that somebody else keeps: where nothing else decides, and whatever the order in a condition.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;

use jiff::Timestamp;
use ringfence_policy::{
    Answer, Caller, CallerId, Draft, Facts, File, History, ListSpec, Per, Policy, Region, decide,
};

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

/// Whom the list `bad` knows, and whether it was asked.
#[derive(Debug, Default)]
struct Bad {
    says: Option<Answer>,
    is_unanswered: bool,
    asked: RefCell<u32>,
    is_shadow: RefCell<bool>,
}

impl History for Bad {
    fn calls(&self, _: &CallerId<'_>, _: Timestamp) -> u32 {
        0
    }

    fn rate(&self, _: Per, _: &Facts<'_>, _: Timestamp) -> u32 {
        1
    }

    fn dialed(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        None
    }

    fn answered(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        None
    }

    fn is_known(&self, _: &CallerId<'_>) -> bool {
        false
    }

    fn added(&self, _: &str, _: &CallerId<'_>, _: Timestamp) -> bool {
        false
    }

    fn switch(&self, _: &str, _: Timestamp) -> Option<bool> {
        None
    }

    fn answer(&self, list: &str) -> Option<Answer> {
        if list == "bad" && !*self.is_shadow.borrow() {
            *self.asked.borrow_mut() += 1;
        }
        self.says.filter(|_| list == "bad")
    }

    fn is_unanswered(&self, list: &str) -> bool {
        self.is_unanswered && list == "bad"
    }

    fn in_shadow(&self, is_shadow: bool) {
        *self.is_shadow.borrow_mut() = is_shadow;
    }
}

/// Decides a call on the line `a`, and returns the rule and whether the list was asked.
fn decided(when: &str, caller: &str, bad: &Bad) -> (String, bool) {
    let policy = policy(when);
    let region = Region::parse("CH").unwrap();
    let facts =
        Facts { history: bad, ..Facts::new(&Caller::from_header(caller, "pbx.example"), "a", region) };
    let rule = decide(&policy, &facts, Timestamp::UNIX_EPOCH).rule_id().to_owned();
    let asked = *bad.asked.borrow() > 0;
    (rule, asked)
}

/// Returns what is told of the rule, and of the decision.
fn told(when: &str, caller: &str, bad: &Bad) -> [String; 2] {
    let policy = policy(when);
    let region = Region::parse("CH").unwrap();
    let facts =
        Facts { history: bad, ..Facts::new(&Caller::from_header(caller, "pbx.example"), "a", region) };
    let why = policy.trace(&facts, Timestamp::UNIX_EPOCH).rules[0].why.clone();
    let decision = decide(&policy, &facts, Timestamp::UNIX_EPOCH);
    [why, decision.explain(&policy, &facts, Timestamp::UNIX_EPOCH).to_string()]
}

fn unanswered() -> Bad {
    Bad { is_unanswered: true, ..Bad::default() }
}

fn listed() -> Bad {
    Bad { says: Some(Answer { score: 9, is_listed: true }), ..Bad::default() }
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
    let [rule, _] = told(r#"{ any = [{ caller_in = "bad" }, { line = "b" }] }"#, STRANGER, &Bad::default());
    assert_eq!(rule, "caller_in bad; line a, wanted b");
}

#[test]
fn what_is_told_to_decide_is_not_a_list_that_was_not_asked() {
    let [rule, _] = told(r#"{ caller_in = "bad", line = "b" }"#, STRANGER, &Bad::default());
    assert_eq!(rule, "line a, wanted b");
    let when = r#"{ any = [{ not = { caller_in = "bad" } }, { line = "a" }] }"#;
    assert_eq!(told(when, STRANGER, &Bad::default())[0], "line a, wanted a");
}

#[test]
fn the_list_that_is_told_is_the_last_that_is_written() {
    let both = "+41795555555";
    for (when, list) in [
        (r#"{ all = [{ caller_in = "bad" }, { caller_in = "family" }] }"#, "family"),
        (r#"{ all = [{ caller_in = "family" }, { caller_in = "bad" }] }"#, "bad"),
    ] {
        let [_, decision] = told(when, both, &Bad::default());
        let beginning = format!("rejected with 603: +41795555555 is on the {list} list");
        assert!(decision.starts_with(&beginning), "{when}: {decision}");
    }
    let when = r#"{ any = [{ caller_in = "bad" }, { caller_in = "family" }, { caller_in = "friends" }] }"#;
    let [_, decision] = told(when, FAMILY, &Bad::default());
    assert!(decision.starts_with("rejected with 603: +41791111111 is on the family list"), "{decision}");
    // As it is written, the first says nothing of a list that nobody asks, and the second was never needed.
    let when = r#"{ any = [{ not = { caller_in = "bad" } }, { caller_in = "family" }] }"#;
    let [_, decision] = told(when, FAMILY, &Bad::default());
    assert!(decision.starts_with("rejected with 603: +41791111111 is on the family list"), "{decision}");
}
