//! What a call says of what its decision stood on: lists that did not answer, switches, times, an emergency call.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use jiff::Timestamp;
use ringfence_policy::{
    Answer, Call, CallerId, Decision, Draft, Facts, File, History, ListSpec, Per, Policy, Region, Verdict,
};

const POLICY: &str = r#"
[defaults]
region = "CH"
on_error = "busy"

[list.community]
source = "lookup:https://ask.example/v1"

[list.never_block]
entries = ["+41441234567"]

[switch.on_call]
default = true

[[rule]]
id = "first"
when = { caller = "+41791111111" }
then = "ring"

[[rule]]
id = "idea"
mode = "shadow"
when = { caller_in = "community" }
then = "decline"

[[rule]]
id = "away"
when = { not = { switch = "on_call" } }
then = "unavailable"

[[rule]]
id = "spam"
when = { any = [{ score = { list = "community", at_least = 5 } }, { caller_in = "community" }] }
then = "decline"

[[rule]]
id = "known"
when = { dialed_within = "30d" }
then = "ring"

[[rule]]
id = "else"
then = "unavailable"
"#;

fn policy() -> Policy {
    let mut open = |_: &str, _: &str| unreachable!("nothing is included");
    let (draft, found) = Draft::read(File::new("policy.toml", POLICY.to_owned()), &mut open, &[]);
    draft.compile(ListSpec::inline).unwrap_or_else(|_| panic!("{found:?}"))
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// Returns the rule that decides a call, written as the journal writes it.
fn rule(call: &str) -> String {
    let call: Call = serde_json::from_str(call).unwrap();
    call.decide(&policy(), now(), |decision, _| decision.rule_id().to_owned())
}

#[test]
fn a_list_that_does_not_answer_makes_the_decision_on_error() {
    assert_eq!(rule(r#"{"caller":"+41792222222","unanswered":["community"]}"#), "on_error");
    assert_eq!(rule(r#"{"caller":"+41792222222","scores":{"community":0}}"#), "else");
    assert_eq!(rule(r#"{"caller":"+41792222222","scores":{"community":7}}"#), "spam");
}

#[test]
fn a_list_that_does_not_answer_is_nothing_to_a_rule_above_it_or_in_shadow_mode() {
    assert_eq!(rule(r#"{"caller":"+41791111111","unanswered":["community"]}"#), "first");
    let off = r#"{"caller":"+41792222222","switches_off":["on_call"],"unanswered":["community"]}"#;
    assert_eq!(rule(off), "away");
}

#[test]
fn who_is_never_refused_rings_whatever_does_not_answer() {
    assert_eq!(rule(r#"{"caller":"+41441234567","unanswered":["community"]}"#), "never_block");
    assert_eq!(rule(r#"{"caller":"144","unanswered":["community"]}"#), "emergency");
    let callback = r#"{"caller":"+41792222222","psap_callback":true,"unanswered":["community"]}"#;
    assert_eq!(rule(callback), "emergency-callback");
}

#[test]
fn a_list_that_counts_as_something_when_it_does_not_answer_decides() {
    let counted = r#"{"caller":"+41792222222","scores":{"community":9},"unanswered":["community"]}"#;
    assert_eq!(rule(counted), "spam");
}

#[test]
fn a_score_and_whether_it_is_listed_are_two_things_where_they_differ() {
    assert_eq!(rule(r#"{"caller":"1001","scores":{"community":4}}"#), "spam");
    assert_eq!(rule(r#"{"caller":"1001","scores":{"community":4},"unlisted":["community"]}"#), "else");
    assert_eq!(rule(r#"{"caller":"1001","scores":{"community":0},"lists":["community"]}"#), "spam");
}

#[test]
fn a_switch_that_is_said_to_be_off_is_off_whatever_its_default() {
    assert_eq!(rule(r#"{"caller":"+41792222222","switches_off":["on_call"]}"#), "away");
    assert_eq!(rule(r#"{"caller":"+41792222222"}"#), "else");
}

//= https://www.rfc-editor.org/rfc/rfc7090#section-1
//= type=test
//# Any call from the same domain and directed to the
//# supplied Contact header or AOR after an emergency call should be
//# accepted as a callback from the PSAP if it occurs within a
//# reasonable time after an emergency call was placed.
#[test]
fn whoever_calls_within_an_hour_of_an_emergency_call_rings() {
    for (ago, expected) in
        [("-1m", "emergency-callback"), ("-60m", "emergency-callback"), ("-61m", "else"), ("never", "else")]
    {
        let call = format!(r#"{{"caller":"+41792222222","emergency_call":"{ago}"}}"#);
        assert_eq!(rule(&call), expected, "{ago}");
    }
    assert_eq!(rule(r#"{"caller":"+41792222222","emergency_call":"2026-03-01T13:00:01Z"}"#), "else");
}

/// A history in which everything has happened just now.
#[derive(Debug)]
struct Full;

impl History for Full {
    fn calls(&self, _: &CallerId<'_>, _: Timestamp) -> u32 {
        0
    }
    fn rate(&self, _: Per, _: &Facts<'_>, _: Timestamp) -> u32 {
        1
    }
    fn dialed(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        Some(now())
    }
    fn answered(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        Some(now())
    }
    fn is_known(&self, _: &CallerId<'_>) -> bool {
        false
    }
    fn added(&self, _: &str, _: &CallerId<'_>, _: Timestamp) -> bool {
        false
    }
    fn switch(&self, _: &str, _: Timestamp) -> Option<bool> {
        Some(true)
    }
    fn answer(&self, _: &str) -> Option<Answer> {
        Some(Answer { score: 9, is_listed: true })
    }
    fn emergency_call(&self, _: Region) -> Option<Timestamp> {
        Some(now())
    }
}

#[test]
fn what_a_call_says_was_not_so_is_not_asked_of_the_history() {
    let said = r#"{"caller":"+41792222222","dialed":"never","emergency_call":"never","switches_off":["on_call"],
                   "unanswered":["community"]}"#;
    let call: Call = serde_json::from_str(said).unwrap();
    call.with_facts(&policy(), now(), Some(&Full), |facts, _| {
        let history = facts.history;
        assert_eq!(history.dialed(&facts.caller), None);
        assert_eq!(history.emergency_call(policy().region()), None);
        assert_eq!(history.switch("on_call", now()), Some(false));
        assert_eq!(history.answer("community"), None);
        assert_eq!(history.answered(&facts.caller), Some(now()), "of that it says nothing");
    });
}

#[test]
fn in_doubt_the_prelude_decides_before_on_error() {
    let policy = policy();
    let decided = |call: &str| {
        let call: Call = serde_json::from_str(call).unwrap();
        call.with_facts(&policy, now(), None, |facts, now| {
            Decision::in_doubt(&policy, facts, now).rule_id().to_owned()
        })
    };
    assert_eq!(decided(r#"{"caller":"144"}"#), "emergency");
    assert_eq!(decided(r#"{"caller":"+41441234567"}"#), "never_block");
    assert_eq!(decided(r#"{"caller":"+41791111111"}"#), "on_error");
}

#[test]
fn a_trace_tells_which_lists_did_not_answer() {
    let call: Call = serde_json::from_str(r#"{"caller":"+41792222222","unanswered":["community"]}"#).unwrap();
    let trace = call.trace(&policy(), now());
    assert_eq!(trace.decided_by, "on_error");
    assert!(trace.to_string().contains(" missing      no answer of community\n"), "{trace}");
}

#[test]
fn a_trace_names_the_rule_whose_look_up_did_not_answer_and_no_later_one_as_what_decided() {
    let call: Call = serde_json::from_str(r#"{"caller":"+41792222222","unanswered":["community"]}"#).unwrap();
    let trace = call.trace(&policy(), now());
    let told = |id: &str| trace.rules.iter().find(|rule| rule.id == id).unwrap();
    let spam = told("spam");
    assert_eq!((spam.verdict, spam.why.as_str()), (Verdict::Unanswered, "no answer of community: on_error"));
    assert_eq!(told("else").verdict, Verdict::After);
    assert!(trace.to_string().contains("  -> ?      no answer of community: on_error\n"), "{trace}");
    let json = serde_json::to_value(&trace).unwrap();
    let of_spam = json["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "spam").unwrap();
    assert_eq!(of_spam["verdict"], "unanswered");
    assert!(trace.rules.iter().all(|rule| rule.verdict != Verdict::Yes), "{trace}");
}
